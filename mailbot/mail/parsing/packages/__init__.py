"""Open what programs pack around the text and files of a mail."""
