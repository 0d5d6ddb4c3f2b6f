"""`mailbot webhooks`: programs elsewhere that hear of events."""
