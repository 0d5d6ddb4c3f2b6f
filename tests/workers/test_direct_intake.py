"""Mails that are decided in the transaction that keeps them."""
