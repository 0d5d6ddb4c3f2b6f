"""Messages to webhooks: signed, and sent to no address that must not get them."""
