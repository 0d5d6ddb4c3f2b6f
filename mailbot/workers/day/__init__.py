"""What follows the day of agents: snoozed tickets come back, mornings are planned, absences handed over."""
