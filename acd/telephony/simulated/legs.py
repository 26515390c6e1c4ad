"""An agent's leg: from the order to ring, over the place where it waits, to the conversation."""

from typing import Literal

from acd.model import OfferId, QueueId
from acd.router.inputs import LegAnswered, LegBridged, LegEnd, LegEnded, LegState, SeenLeg
from acd.telephony.simulated.calls import SimulatedCall
from acd.telephony.simulated.direct import Side
from acd.telephony.simulated.phones import SimulatedPhone
from acd.telephony.simulated.site import Site
from acd.telephony.simulated.timing import Alarm


class Leg:
    """A channel whose id is the offer's."""

    def __init__(self, site: Site, offer: OfferId, phone: SimulatedPhone, shown: str, timeout_ms: int) -> None:
        self.site = site
        self.offer = offer
        self.phone = phone
        self.state: LegState | Literal["gone"] = "ringing"
        self._shown = shown
        self._call: SimulatedCall | None = None
        self._far_end: Side | None = None
        self._alarm = site.after(site.lag(site.steps.ring_ms), self._invite)
        self._timeout: Alarm = site.after(timeout_ms, lambda: self.put_down("no-answer"))
        site.channels[offer] = self

    @property
    def id(self) -> str:
        return self.offer

    @property
    def is_conversation(self) -> bool:
        return self.state == "talking"

    def _invite(self) -> None:
        if not self.phone.roams and self.phone.home is not self.site:
            self._far_end = Side(self.phone.home, self.phone, "in", lambda: self.put_down("failed"))
        self.phone.invited(self, self._shown)

    def picked_up(self) -> None:
        """The agent answered: the leg waits in its own place, but not for long."""
        self.state = "answered"
        self._timeout.cancel()
        self._alarm = self.site.after(self.site.rules.hold_ms, lambda: self.put_down("hung-up"))
        if self._far_end is not None:
            self._far_end.answered()
        self.site.tell(LegAnswered(self.offer))

    def talk_with(self, call: SimulatedCall) -> None:
        """The caller's own thread makes the bridge."""
        assert self.state == "answered", f"leg {self.offer} is bridged while {self.state}"
        self.state, self._call = "talking", call
        self._alarm.cancel()
        call.talk(lambda: self.put_down("hung-up"))
        self.site.tell(LegBridged(self.offer))

    def put_down(self, end: LegEnd) -> None:
        """The leg is over, whoever ended it."""
        if self.state == "gone":
            return
        call = self._call
        self._forget()
        self.site.tell(LegEnded(self.offer, end))
        if call is not None:
            call.agent_left(self.offer)

    def transfer(self, queue: QueueId) -> None:
        """The phone passes the caller on to a queue (blind), and is out of it."""
        call = self._call
        assert call is not None, f"leg {self.offer} is {self.state} and has nobody to pass on"
        self._forget()
        self.site.tell(LegEnded(self.offer, "hung-up"))
        call.transfer(queue)

    def seen(self) -> SeenLeg:
        assert self.state != "gone", f"leg {self.offer} is gone and still among the channels"
        return SeenLeg(self.offer, self.state)

    def engine_lost(self) -> None:
        """A leg has its own, shorter limits."""

    def vanish(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self.state, self._call = "gone", None
        self._alarm.cancel()
        self._timeout.cancel()
        del self.site.channels[self.offer]
        self.phone.let_go(self)
        if self._far_end is not None:
            self._far_end.end()
