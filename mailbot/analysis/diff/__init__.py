"""What a change of policy means for people: promises, teams, and who is mailed outside office hours."""
