"""What SQLite and PostgreSQL each need from us: their errors, their limits."""
