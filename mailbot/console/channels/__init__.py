"""The web addresses that providers of channels call."""
