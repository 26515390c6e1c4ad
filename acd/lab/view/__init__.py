"""What people see of an engine: a fold of its facts, and its drawing. Pure: no terminal, no clock of its own."""
