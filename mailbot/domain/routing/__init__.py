"""Conditions of rules: fields, operators, and what they mean for one mail."""
