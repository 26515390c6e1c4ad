"""What the daemon asks of a phone system. Every one passes the contract suite in tests/contracts.

What a phone system owes:

- It reports with `CallArrived`, `CallerLeft`, `LegAnswered`, `LegBridged`, `LegEnded`, `PhoneInUse`,
  `PhoneAnswered`, `PhoneReleased`, `LinkLost` and, after each connection of a server, `ServerReported`.
- It acts on `CallQueued` (claims the call), `OfferMade` (rings the phone, once, ever), `OfferAccepted` (makes the
  bridge), `OfferEnded` and `StrayLegFound` (hangs up the leg), `CallRefused`, `CallTimedOut` and `CallReturned`
  (gives the call back to the dialplan with the reason), `CallAbandoned`, `CallLost` and `CallEnded` (hangs up what
  is left of the agent's side).
- An action that cannot be carried out ends in a report, not in an exception.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from acd.core import Fact, Input

Submit = Callable[[Input], None]
"""Given to a phone system to report with. It may raise: then the report was not taken."""


class Telephony(Protocol):
    """A phone system."""

    async def start(self) -> None:
        """Connect and begin to report; returns without waiting for a connection."""

    def act(self, facts: Sequence[Fact]) -> None:
        """Act on committed facts, in their order. Must not block."""

    async def stop(self) -> None:
        """Ring nobody any more; leave callers who wait and pairs who talk as they are; close every connection."""
