"""Rows of the pages and the API: sessions, log-ins, tokens, drafts, presence, forms that were carried out."""
