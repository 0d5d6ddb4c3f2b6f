"""SPF, DKIM and DMARC: verify inbound mail, sign outbound mail."""
