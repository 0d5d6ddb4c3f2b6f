"""Read YAML with positions: source, scalars, types, conditions, calendars, lists."""
