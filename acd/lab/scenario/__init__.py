"""Scenarios for people who test a contact centre: scripts of plain sentences, played with real phones on the lab.

`script` reads a script, `shapes` knows how a sentence looks, `acts` what each one does on the `stage`; `run` plays
scenarios, and `page` draws what happened.
"""
