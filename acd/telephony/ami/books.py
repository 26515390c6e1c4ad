"""What is known of one server's channels: callers handed over to us, agents' legs, direct calls on phones.

They are no second truth beside the core's: they hold what actions need, and what they miss the next report settles.
"""

import asyncio
from dataclasses import dataclass, field

from acd.model import ChannelId, OfferId
from acd.telephony.ami.messages import AmiAction


@dataclass(slots=True)
class Caller:
    """A call that the dialplan handed over. What must not be done before the claim is confirmed waits in `then`."""

    claimed: bool = False
    offer: OfferId | None = None
    then: list[AmiAction] = field(default_factory=list)


@dataclass(slots=True)
class Leg:
    """An agent's leg that may exist."""

    caller: ChannelId
    seen: bool = False
    answered: bool = False
    bridged: bool = False


class Books:
    """The books of one server, over all its connections."""

    def __init__(self) -> None:
        self.callers: dict[ChannelId, Caller] = {}
        self.legs: dict[OfferId, Leg] = {}
        self.direct: dict[ChannelId, None] = {}
        self.ending: dict[ChannelId, asyncio.TimerHandle] = {}
        """Channels that are to be gone soon, with the timer that sees to it."""
        self.gone: set[ChannelId] | None = None
        """Channels that hung up while a report is being made; None while none is."""
        self._before: tuple[set[ChannelId], set[OfferId], set[ChannelId]] = (set(), set(), set())

    def pair_of(self, channel: ChannelId) -> tuple[OfferId, Leg] | None:
        """The offer and leg to which a channel belongs, as the caller's side or as the leg itself."""
        leg = self.legs.get(OfferId(channel))
        if leg is not None:
            return OfferId(channel), leg
        caller = self.callers.get(channel)
        if caller is None or caller.offer is None or caller.offer not in self.legs:
            return None
        return caller.offer, self.legs[caller.offer]

    def forget_leg(self, offer: OfferId) -> Leg | None:
        """The leg is over, for us."""
        leg = self.legs.pop(offer, None)
        if leg is not None:
            caller = self.callers.get(leg.caller)
            if caller is not None and caller.offer == offer:
                caller.offer = None
        return leg

    def has_ended(self, channel: ChannelId) -> None:
        """The channel is gone from the server."""
        timer = self.ending.pop(channel, None)
        if timer is not None:
            timer.cancel()
        if self.gone is not None:
            self.gone.add(channel)

    def begin_report(self) -> None:
        """From now on note what hangs up: the report may still show it."""
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
            self.callers.pop(channel, None)
        for offer in legs_before - legs:
            self.forget_leg(offer)
        for channel in direct_before - direct:
            self.direct.pop(channel, None)
        self.direct.update(dict.fromkeys(sorted(direct)))

    def link_is_down(self) -> None:
        """No claim that is under way will be answered; no timer of ours may act any more."""
        for timer in self.ending.values():
            timer.cancel()
        self.ending.clear()
        self.gone = None
        for caller in self.callers.values():
            caller.claimed = False
            caller.then.clear()
