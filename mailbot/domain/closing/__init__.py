"""The end of a ticket: its cause, the closing word to the customer, the survey."""
