"""What is known of one server's channels: callers handed over to us, agents' legs, direct calls on phones.

They are no second truth beside the core's: they hold what actions need, and what they miss the next report settles.
Every entry ends with its channel: after the last call the books are empty, whatever went wrong on the way.
"""

import asyncio
from dataclasses import dataclass, field
from typing import NamedTuple

from acd.model import CallId, ChannelId, OfferId, QueueId
from acd.router.inputs import PassedOn
from acd.telephony.ami.messages import AmiAction


@dataclass(slots=True)
class Caller:
    """A call that the dialplan handed over. What must not be done before the claim is confirmed waits in `then`."""

    queue: QueueId
    """For which it was handed over."""
    announced: bool = True
    """Whether the dialplan's own word of it has come. A report may have shown the caller before."""
    call: CallId | None = None
    """The engine's name for the call; None before it took the call, and again once it is to be given back."""
    claimed: bool = False
    leaving: bool = False
    """Whether this connection was used to send the caller back: nothing else may move it then, until it is known
    where it stands."""
    offers: dict[OfferId, None] = field(default_factory=dict)
    """Whose legs may exist: several may ring, and several be picked up in the same moment."""
    accepted: OfferId | None = None
    """With whose leg the caller is to be connected, or is."""
    then: list[AmiAction] = field(default_factory=list)
    moved_to: QueueId | None = None
    """Where it waits, if another queue than that one has taken it ..."""
    passed_on: PassedOn | None = None
    """... and how it came there."""

    @property
    def now_in(self) -> QueueId:
        """The queue in which it waits."""
        return self.moved_to or self.queue

    def wait_in(self, queue: QueueId, passed_on: PassedOn | None) -> None:
        """It waits in this queue now."""
        self.moved_to, self.passed_on = queue, passed_on


@dataclass(slots=True)
class Leg:
    """An agent's leg that may exist."""

    caller: ChannelId
    seen: bool = False
    """Whether its channel was heard of: then a hang-up will tell how it ended."""
    answered: bool = False
    ordered: bool = False
    """Whether this connection was used to order the bridge: a second order would tear the first one's bridge down."""
    bridged: bool = False


class Pair(NamedTuple):
    """An offer and its leg."""

    offer: OfferId
    leg: Leg


class Books:
    """The books of one server, over all its connections."""

    def __init__(self) -> None:
        self.callers: dict[ChannelId, Caller] = {}
        self.calls: dict[CallId, ChannelId] = {}
        """Where the calls are that the engine holds; only of callers above."""
        self.legs: dict[OfferId, Leg] = {}
        self.direct: dict[ChannelId, None] = {}
        self.ending: dict[ChannelId, asyncio.TimerHandle] = {}
        """Channels that are to be gone soon, with the timer that sees to it."""
        self.gone: set[ChannelId] | None = None
        """Channels that hung up while a report is being made; None while none is."""
        self._before: tuple[set[ChannelId], set[OfferId], set[ChannelId]] = (set(), set(), set())
        self._last_offer: dict[str, int] = {}
        """The highest number of an offer, for each journal's tag."""

    # --- Callers ----------------------------------------------------------------------------------------------

    def hand_over(self, channel: ChannelId, caller: Caller) -> None:
        """A caller is ours from now on, or will be."""
        self.forget_caller(channel)
        self.callers[channel] = caller

    def take(self, channel: ChannelId, call: CallId) -> Caller | None:
        """The engine took the call: the caller, unless gone meanwhile."""
        caller = self.callers.get(channel)
        if caller is not None:
            self._let_go(caller)
            caller.call = call
            self.calls[call] = channel
        return caller

    def let_go(self, call: CallId) -> None:
        """The engine holds the call no more; the caller may still stand in our place of the dialplan."""
        channel = self.calls.get(call)
        if channel is not None:
            self._let_go(self.callers[channel])

    def _let_go(self, caller: Caller) -> None:
        if caller.call is not None:
            del self.calls[caller.call]
            caller.call = None

    def forget_caller(self, channel: ChannelId) -> Caller | None:
        """The caller is not ours any more."""
        caller = self.callers.pop(channel, None)
        if caller is not None:
            self._let_go(caller)
        return caller

    # --- Legs -------------------------------------------------------------------------------------------------

    def is_new(self, offer: OfferId) -> bool:
        """Whether the offer was never rung for: numbers of one journal only grow, so the highest tells."""
        tag, _, number = offer.rpartition("-")
        if not (number.isascii() and number.isdigit()):
            return offer not in self.legs
        if int(number) <= self._last_offer.get(tag, -1):
            return False
        self._last_offer = {tag: int(number)}  # a new journal's; of the one before nothing comes any more
        return True

    def made_here(self, offer: OfferId) -> bool:
        """Whether this engine made the offer, or may have inherited it: before its own first, nobody can tell."""
        return not self._last_offer or offer.rpartition("-")[0] in self._last_offer

    def ring(self, offer: OfferId, channel: ChannelId, call: CallId) -> None:
        """A leg may exist from now on, for the caller of this call."""
        self.legs[offer] = Leg(channel)
        caller = self.callers.get(channel)
        if caller is not None and caller.call == call:
            caller.offers[offer] = None

    def pair_of(self, channel: ChannelId) -> Pair | None:
        """The offer and leg of a conversation to which a channel belongs, as the leg itself or as the caller's side:
        then the leg that was accepted, or else the first one that was picked up."""
        leg = self.legs.get(OfferId(channel))
        if leg is not None:
            return Pair(OfferId(channel), leg)
        caller = self.callers.get(channel)
        if caller is None:
            return None
        if caller.accepted is not None:
            return Pair(caller.accepted, self.legs[caller.accepted])
        pairs = (Pair(offer, self.legs[offer]) for offer in caller.offers)
        return next((pair for pair in pairs if pair.leg.answered), None)

    def forget_leg(self, offer: OfferId) -> Leg | None:
        """The leg is over, for us."""
        leg = self.legs.pop(offer, None)
        if leg is not None:
            caller = self.callers.get(leg.caller)
            if caller is not None:
                caller.offers.pop(offer, None)
                if caller.accepted == offer:
                    caller.accepted = None
        return leg

    # --- The end of a channel ---------------------------------------------------------------------------------

    def has_ended(self, channel: ChannelId) -> None:
        """The channel is gone from the server."""
        timer = self.ending.pop(channel, None)
        if timer is not None:
            timer.cancel()
        if self.gone is not None:
            self.gone.add(channel)

    # --- Reports ----------------------------------------------------------------------------------------------

    def begin_report(self) -> None:
        """The link is up. From now on note what hangs up: the report may still show it."""
        self._forget_orders()
        self.gone = set()
        self._before = (set(self.callers), set(self.legs), set(self.direct))

    def end_report(self) -> set[ChannelId]:
        """What hung up since the report was begun."""
        gone, self.gone = self.gone or set(), None
        return gone

    def keep_only(self, callers: set[ChannelId], legs: set[OfferId], direct: set[ChannelId]) -> None:
        """Let go of what we held before the report and it does not show; what came since stays."""
        callers_before, legs_before, direct_before = self._before
        for channel in callers_before - callers:
            self.forget_caller(channel)
        for offer in legs_before - legs:
            self.forget_leg(offer)
        for channel in direct_before - direct:
            self.direct.pop(channel, None)
        self.direct.update(dict.fromkeys(sorted(direct)))

    def link_is_down(self) -> None:
        """No timer of ours may act any more, and no report is being made."""
        for timer in self.ending.values():
            timer.cancel()
        self.ending.clear()
        self.gone = None

    def _forget_orders(self) -> None:
        """What was ordered over another link, or over none, is ordered anew once the report shows who stands where."""
        for caller in self.callers.values():
            caller.claimed = caller.leaving = False
            caller.then.clear()
        for leg in self.legs.values():
            leg.ordered = False
