"""Web forms that customers fill in: what an admin defined, and what a customer may answer."""
