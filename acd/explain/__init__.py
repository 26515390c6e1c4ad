"""`acd explain`: why this agent, why not that one, for any decision, at the time or later (docs/explain.md).

`source` is where the facts come from, `refold` goes to the moment that is asked about, `acd.router.explanation` says
what there is to say, `words` and `tables` say it to people. Nothing is stored for it and nothing here is loaded by the
engine.
"""
