"""Phones and phone systems. `port` speaks the domain; `ami` is Asterisk, `simulated` a phone system in memory.

What telephony causes it causes by submitting an input; it acts on committed facts only.
"""
