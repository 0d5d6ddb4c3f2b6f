"""`mailbot ticket`, `explain` and `prove`: show tickets and act on them."""
