"""The managers' board: how all tickets stand, what waits for a decision, and the report's figures."""
