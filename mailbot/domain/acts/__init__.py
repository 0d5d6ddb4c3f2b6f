"""What agents did, as long as it can be taken back or sent after all."""
