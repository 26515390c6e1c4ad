"""What every phone system owes, as conversations. The tests play the engine; see acd/testing/worlds.py."""
