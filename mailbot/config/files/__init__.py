"""The shapes of the four YAML files as pydantic models; the JSON Schemas for editors come from them."""
