"""What programs elsewhere hear of."""
