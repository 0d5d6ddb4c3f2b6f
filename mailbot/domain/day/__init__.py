"""The day of agents: worklists, snooze, the plan of the day, days off."""
