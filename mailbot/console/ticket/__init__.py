"""The page of one ticket: how it stands, its dialogue, its people, why it is here, what happened."""
