"""Commands as transactions: load, decide, record. Mail, shell and console act through here."""
