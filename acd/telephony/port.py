"""What the daemon asks of a phone system. Every one passes the contract suite in tests/contracts.

What a phone system owes:

- It reports with `CallArrived`, `CallerLeft`, `LegAnswered`, `LegBridged`, `LegEnded`, `PhoneInUse`,
  `PhoneAnswered`, `PhoneReleased`, `LinkLost` and, after each connection of a server, `ServerReported`.
- It acts on `CallQueued` (claims the call), `OfferMade` (rings the phone, once, ever), `OfferAccepted` (makes the
  bridge), `OfferEnded` and `StrayLegFound` (hangs up the leg), `CallRefused`, `CallTimedOut` and `CallReturned`
  (gives the call back to the dialplan with the reason, or sends it to the destination that they name), `CallMoved`
  (notes at the caller's channel in which queue it waits and how it came there, as it does for a `CallQueued` that was
  passed on), `AnnouncementMade` (tells the caller, who can be connected at any moment of it), `CallAbandoned`,
  `CallLost` and `CallEnded` (hangs up what is left of the agent's side).
- A caller may be handed over more than once, each time by `CallArrived` on the same line: by the next report, when
  the engine let the call go and the caller still waits; when the bridge fell before a word was said; and when a phone
  transferred the caller into a queue, after `LegEnded` and `CallerLeft`. What is said of an older call then moves
  nobody. But for the last of these, `CallArrived` brings what was noted at the channel, whoever noted it.
- An action that cannot be carried out ends in a report, not in an exception.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, Protocol

import msgspec

from acd.core import Fact, Input
from acd.model import Line, Phone

Submit = Callable[[Input], None]
"""Given to a phone system to report with. Raises `NotTaken` where the engine cannot take it."""


CodeRequest = Literal["login", "logout", "ready", "pause", "end-wrap-up", "extend-wrap-up", "disposition"]


class FeatureCode(msgspec.Struct, frozen=True):
    """What somebody asked for from a phone: agent number and PIN as they were keyed in, not checked yet."""

    line: Line
    request: CodeRequest
    agent_number: str
    pin: str
    reason_number: int | None
    phone: Phone
    disposition_number: int | None = None
    caller_number: str = ""
    """Who calls, as far as the phone system says: of a phone that came in by a trunk, more than `phone`."""

    def __repr__(self) -> str:
        """Without the PIN and the caller's number: this may end in a log."""
        return f"FeatureCode({self.request!r}, line={self.line!r}, phone={self.phone!r})"


CodeAnswer = Literal[
    "logged-in",
    "logged-out",
    "logged-out-later",
    "ready",
    "paused",
    "paused-later",
    "wrap-up-ended",
    "wrap-up-extended",
    "disposition-set",
    "wrong",
    "locked",
    "refused",
    "unavailable",
]
"""What is spoken to somebody who keyed in a feature code. `wrong` never says whether number or PIN was; `-later` says
that it will be so when the work in hand ends."""

AnswerCode = Callable[[FeatureCode], Awaitable[CodeAnswer]]
"""Given to a phone system: checks a feature code, has it done, and says what to speak."""


class Telephony(Protocol):
    """A phone system."""

    async def start(self) -> None:
        """Connect and begin to report; returns without waiting for a connection."""

    def act(self, facts: Sequence[Fact]) -> None:
        """Act on committed facts, in their order. Must not block."""

    async def stop(self) -> None:
        """Ring nobody any more; leave callers who wait and pairs who talk as they are; close every connection."""
