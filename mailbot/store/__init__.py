"""What must survive: SQLAlchemy Core over SQLite or PostgreSQL, one file per family of tables."""
