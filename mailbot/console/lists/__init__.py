"""Lists of tickets: an agent's own, the teams', search, and the stream that keeps them current."""
