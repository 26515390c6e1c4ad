"""What a server does when it is asked: one method for each action that the adapter has."""

from collections.abc import Callable

from acd.model import ChannelId, Line, OfferId, Phone, QueueId
from acd.router.inputs import (
    CallArrived,
    CallerLeft,
    LegEnded,
    PassedOn,
    SeenCaller,
    SeenLeg,
    SeenPhone,
    ServerReported,
)
from acd.router.settings import Destination
from acd.telephony.simulated.calls import SimulatedCall
from acd.telephony.simulated.legs import Leg
from acd.telephony.simulated.phones import SimulatedPhone
from acd.telephony.simulated.site import Site

FindPhone = Callable[[Phone], SimulatedPhone | None]


class Server:
    """Actions on the channels of one server. An action that comes too late ends in a report."""

    def __init__(self, site: Site, find_phone: FindPhone) -> None:
        self.site = site
        self._find_phone = find_phone
        self.refused: list[OfferId] = []
        """Orders to ring under an id that was alive."""

    # --- Callers ----------------------------------------------------------------------------------------------

    def claim(self, channel: ChannelId) -> None:
        """The engine wants the call: it stays when its time of grace is over."""
        call = self._in_our_place(channel)
        if call is not None:
            call.claimed = True

    def give_back(self, channel: ChannelId, result: str, reason: str, destination: Destination | None) -> None:
        """The caller goes on in the operator's dialplan."""
        call = self._in_our_place(channel)
        if call is not None and call.waits:
            call.leave(result, reason, destination)

    def announce(self, channel: ChannelId) -> None:
        """The caller is told something, and waits on: it takes no time here."""
        call = self._in_our_place(channel)
        if call is not None and call.waits:
            call.told += 1

    def move(self, channel: ChannelId, queue: QueueId, passed_on: PassedOn) -> None:
        """The caller waits in another queue."""
        call = self._in_our_place(channel)
        if call is not None:
            call.queue, call.passed_on = queue, passed_on

    def connect(self, channel: ChannelId, offer: OfferId) -> None:
        """The caller's own thread is to make the bridge with the leg."""
        call = self._in_our_place(channel)
        if call is not None:
            self.site.after(self.site.lag(self.site.steps.bridge_ms), lambda: self._bridge(call, offer))

    def _bridge(self, call: SimulatedCall, offer: OfferId) -> None:
        leg = self.site.channels.get(offer)
        if leg is None:  # the agent left in that moment: the caller goes on waiting, and says so
            self.site.tell(LegEnded(offer, "hung-up"))
            if call.waits:
                call.back(offer)
        elif isinstance(leg, Leg) and leg.state == "answered" and call.waits:
            leg.talk_with(call)

    def _in_our_place(self, channel: ChannelId) -> SimulatedCall | None:
        """The caller, unless gone: then that is said (again)."""
        call = self.site.channels.get(channel)
        if isinstance(call, SimulatedCall) and call.place != "elsewhere":
            return call
        self.site.tell(CallerLeft(Line(self.site.name, channel), hung_up=call is None))
        return None

    # --- Legs -------------------------------------------------------------------------------------------------

    def ring(self, channel: ChannelId, offer: OfferId, number: Phone, shown: str, timeout_ms: int) -> None:
        """Call a phone, under the offer's id; refused while that id lives, and for a caller who is gone."""
        phone = self._find_phone(number)
        if self._in_our_place(channel) is None:
            return
        if offer in self.site.channels:
            self.refused.append(offer)
        elif phone is None:
            self.site.tell(LegEnded(offer, "unreachable"))
        else:
            Leg(self.site, offer, phone, shown, timeout_ms)

    def hang_up(self, offer: OfferId) -> None:
        """End a leg, whatever it does; one that is gone is no error."""
        leg = self.site.channels.get(offer)
        if isinstance(leg, Leg):
            leg.put_down("hung-up")

    def hang_up_unbridged(self) -> None:
        """Ring nobody any more."""
        for channel in list(self.site.channels.values()):
            if isinstance(channel, Leg) and channel.state != "talking":
                channel.put_down("hung-up")

    # --- The whole server -------------------------------------------------------------------------------------

    def part_of_report(self, channels: list[str], *, first: bool, last: bool) -> ServerReported:
        """What is to be said now of these channels."""
        seen = [self.site.channels[channel].seen() for channel in channels if channel in self.site.channels]
        return ServerReported(
            self.site.name,
            tuple(item for item in seen if isinstance(item, SeenCaller)),
            tuple(item for item in seen if isinstance(item, SeenLeg)),
            tuple(item for item in seen if isinstance(item, SeenPhone)),
            first,
            last,
        )

    def waiting(self) -> list[CallArrived]:
        """Those in our place of the dialplan, as if they arrived now."""
        calls = [call for call in self.site.channels.values() if isinstance(call, SimulatedCall)]
        return [call.still_waits() for call in calls if call.waits]

    def restart(self) -> None:
        """Every channel is gone, and nobody is told."""
        self.site.forget_engine()
        for name in list(self.site.channels):
            channel = self.site.channels.get(name)
            if channel is not None:
                channel.vanish()
