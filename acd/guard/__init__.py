"""What must hold of the core, looked at from outside. The tests, `acd simulate` and the benchmarks watch their runs so.

    guard = Guard()
    simulate(scenario, seed, observers=[guard])
    guard.finish()

The books (`ledger`, `tally`, `line`) are kept from the facts alone; `invariants`, `passing` and `description` read
the state; `watch` does all of it, commit after commit. What does not hold is an `AssertionError`. Nothing here
changes anything, and what runs the engine never loads it.
"""

from acd.guard.watch import Guard

__all__ = ["Guard"]
