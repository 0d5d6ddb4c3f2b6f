"""Requests for compensation, authority limits and the ledger's sums."""
