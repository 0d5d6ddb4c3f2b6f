"""Storms as a node knows them, and the loop that opens, reports and resolves incidents."""
