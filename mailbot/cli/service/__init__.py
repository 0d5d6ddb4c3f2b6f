"""Commands for operators: run, check, status, inbox, outbox, database."""
