"""`mailbot demo`: a daemon, a mail sink and sample complaints on this machine."""
