"""Phones, and how they behave when they are called."""

from collections import Counter
from collections.abc import Callable
from typing import Literal, Protocol

import msgspec

from acd.model import Phone
from acd.router.inputs import LegEnd
from acd.telephony.simulated.site import Site


class Answer(msgspec.Struct, frozen=True):
    """Picks up, and hangs up again if told so: both counted from the moment before."""

    after_ms: int = 0
    hang_up_after_ms: int | None = None


class Decline(msgspec.Struct, frozen=True):
    after_ms: int = 0


class Ring(msgspec.Struct, frozen=True):
    """Nobody is there: it rings until it is told to stop, or until somebody picks up by hand."""


class Busy(msgspec.Struct, frozen=True):
    """Refuses by itself."""


class Fail(msgspec.Struct, frozen=True):
    """The way to it is broken."""


class Unregistered(msgspec.Struct, frozen=True):
    """There is no way to it; it is not even tried."""


Behaviour = Answer | Decline | Ring | Busy | Fail | Unregistered
INVITES_KEPT = 500
"""Invitations of a phone that are remembered at least; twice as many at most, and any that came twice."""
AT_ONCE: dict[type[Behaviour], LegEnd] = {Busy: "busy", Fail: "failed"}

PhoneState = Literal["idle", "dialling", "ringing", "talking"]


class AtPhone(Protocol):
    """A call as the phone has it."""

    @property
    def id(self) -> str:
        """Of the invitation: for an offer, the offer's."""

    @property
    def is_conversation(self) -> bool:
        """Whether there is somebody to hear."""

    def picked_up(self) -> None:
        """The phone answered."""

    def put_down(self, end: LegEnd) -> None:
        """The phone ended it, or never took it."""


class SimulatedPhone:
    """One phone. It takes one call at a time and is busy for all others.

    `home` is the server at which it is registered. A phone that `roams` is reached from every server alike; any
    other is reached from elsewhere over its home. Calls on a phone that is not `watched` are told to nobody.
    """

    def __init__(self, number: Phone, home: Site, *, roams: bool, watched: bool) -> None:
        self.number = number
        self.home = home
        self.roams = roams
        self.watched = watched
        self.state: PhoneState = "idle"
        self.plan: Callable[[], Behaviour] = Ring
        """Asked anew at each call."""
        self.invites: Counter[str] = Counter()
        """How often the phone was called, for each call's id: of the last calls, and of any that came twice."""
        self.shown = ""
        """What the display said at the last call."""
        self.spoken: list[str] = []
        """The answers to feature codes."""
        self._call: AtPhone | None = None

    def behave(self, behaviour: Behaviour) -> None:
        """From the next call on."""
        self.plan = lambda: behaviour

    @property
    def hears_voice(self) -> bool:
        """Whether there is somebody on the line."""
        return self._call is not None and self._call.is_conversation

    # --- What comes over the wire -----------------------------------------------------------------------------

    def invited(self, call: AtPhone, shown: str) -> None:
        """Called. What becomes of it is the plan's."""
        behaviour: Behaviour = Busy() if self._call is not None else self.plan()
        if isinstance(behaviour, Unregistered):
            call.put_down("unreachable")
            return
        self._count(call.id)
        refusal = AT_ONCE.get(type(behaviour))
        if refusal is not None:
            call.put_down(refusal)
            return
        self.shown = shown
        self._begin(call, "ringing")
        self._go_on(call, behaviour)

    def _count(self, id_: str) -> None:
        self.invites[id_] += 1
        if len(self.invites) > 2 * INVITES_KEPT:
            old = list(self.invites)[:-INVITES_KEPT]
            for id_ in [id_ for id_ in old if self.invites[id_] == 1]:
                del self.invites[id_]

    def _begin(self, call: AtPhone, state: PhoneState) -> None:
        self._call, self.state = call, state
        self.home.changed()

    def _go_on(self, call: AtPhone, behaviour: Behaviour) -> None:
        match behaviour:
            case Answer():
                self.home.after(behaviour.after_ms, lambda: self._answer(call, behaviour.hang_up_after_ms))
            case Decline():
                self.home.after(behaviour.after_ms, lambda: self._decline(call))

    def _answer(self, call: AtPhone, hang_up_after_ms: int | None) -> None:
        if self._call is not call or self.state != "ringing":
            return
        if hang_up_after_ms is not None:
            self.home.after(hang_up_after_ms, lambda: self._put_down(call))
        self.answer()

    def _decline(self, call: AtPhone) -> None:
        if self._call is call and self.state == "ringing":
            self.decline()

    def _put_down(self, call: AtPhone) -> None:
        if self._call is call:
            self.hang_up()

    def connected(self, call: AtPhone) -> None:
        """The other side of what this phone dialled has answered."""
        if self._call is call:
            self.state = "talking"

    def let_go(self, call: AtPhone) -> None:
        """The call is over."""
        if self._call is call:
            self._call, self.state = None, "idle"
            self.home.changed()

    # --- What the agent does ----------------------------------------------------------------------------------

    def take(self, call: AtPhone) -> None:
        """Dial."""
        assert self._call is None, f"phone {self.number} is in use"
        self._begin(call, "dialling")

    def answer(self) -> None:
        """Pick up."""
        assert self.state == "ringing", f"phone {self.number} is {self.state}"
        assert self._call is not None, "it rings"
        self.state = "talking"
        self._call.picked_up()

    def decline(self) -> None:
        """Refuse the call that rings."""
        assert self.state == "ringing", f"phone {self.number} is {self.state}"
        assert self._call is not None, "it rings"
        self._call.put_down("declined")

    def hang_up(self) -> None:
        """End what is going on. Harmless when it is over already."""
        if self._call is not None:
            self._call.put_down("hung-up")
