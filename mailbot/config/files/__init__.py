"""The four YAML files as pydantic models, a module each: which keys there are, what may stand under each.

The JSON Schemas for editors come from here. What names mean across files is checked in `references`.
"""
