"""Whether mail can flow on this node, why not, and how the outside reads it."""
