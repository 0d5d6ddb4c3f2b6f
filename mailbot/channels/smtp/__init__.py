"""The SMTP and LMTP server: listener, session, limits, and the commit before the 250."""
