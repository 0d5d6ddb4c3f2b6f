"""The page of one ticket: its state, its dialogue, its people, why it is here, what happened."""
