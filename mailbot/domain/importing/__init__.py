"""What other desks wrote: their ticket numbers."""
