"""The feed of events for webhooks, and how far each webhook is."""
