"""Replies that machines send or caused: auto-reply limits and undeliverable mail."""
