"""The loops that serve webhooks."""
