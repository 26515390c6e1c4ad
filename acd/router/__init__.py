"""PURE. Agents and their states, waiting lines, matching, offers, wrap-up.

Inputs come in (`inputs`), decisions leave as facts (`facts`); the state changes only where a fact is applied
(`apply`). No module here may do I/O, read a clock, draw a random number, log or wait.
"""
