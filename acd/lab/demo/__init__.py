"""`acd demo`: Asterisk, the engine, agents and callers at work, to watch.

`command` is its life; a stage (`asterisk`, `simulated`) puts on what the `cast` says; the `screen` shows it.
"""
