"""The loops of the daemon: intake, ticketing, deadlines, cleanup and the rest."""
