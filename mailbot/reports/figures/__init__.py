"""Events to figures: pure functions, each definition in the docstring of what holds the figure."""
