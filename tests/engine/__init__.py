"""The loop that owns the core, its clocks, the facts file, and whole days on the simulated phones."""
