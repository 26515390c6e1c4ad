"""What every journal owes the engine: see acd/journal/port.py."""
