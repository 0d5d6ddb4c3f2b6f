"""Read delivery reports, bounces and complaints (RFC 3464, RFC 5965)."""
