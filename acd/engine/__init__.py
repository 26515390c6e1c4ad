"""The loop that owns the core: inputs in, facts committed, then handed on. Nothing acts on a fact before that."""
