"""For people who try the engine: the lab's Asterisk servers, the demo, later the scenario runner.

Drives sip-lab/ and starts engines as processes; nothing here is part of the daemon.
"""
