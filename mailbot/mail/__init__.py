"""Parse inbound mail, verify senders, recognise replies and reports, compose outbound mail."""
