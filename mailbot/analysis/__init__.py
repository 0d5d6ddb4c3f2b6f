"""Tools that judge a policy: lint, simulation, replay of stored mail."""
