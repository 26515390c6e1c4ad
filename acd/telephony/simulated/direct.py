"""Calls on phones that are no offers: placed by hand, received by hand, and feature codes."""

from collections.abc import Callable

from acd.model import Direction, Phone
from acd.router.inputs import LegEnd, PhoneAnswered, PhoneInUse, PhoneReleased, PhoneServes, SeenPhone
from acd.telephony.port import CodeAnswer, CodeRequest, FeatureCode
from acd.telephony.simulated.phones import SimulatedPhone
from acd.telephony.simulated.site import Site


class Side:
    """One phone's channel, at that phone's own server."""

    def __init__(self, site: Site, phone: SimulatedPhone, direction: Direction, cut: Callable[[], None]) -> None:
        self.line = site.new_line()
        self._site = site
        self._phone = phone
        self._direction = direction
        self._cut = cut
        self._answered = False
        if phone.watched:
            site.channels[self.line.channel] = self
            site.tell(PhoneInUse(phone.number, self.line, direction))

    @property
    def _open(self) -> bool:
        return self.line.channel in self._site.channels

    def answered(self) -> None:
        """There is a conversation."""
        self._answered = True
        if self._open:
            self._site.tell(PhoneAnswered(self.line))

    def serves(self) -> None:
        """It is a feature code."""
        if self._open:
            self._site.tell(PhoneServes(self.line))

    def end(self) -> None:
        """Over."""
        if self._open:
            del self._site.channels[self.line.channel]
            self._site.tell(PhoneReleased(self.line))

    def seen(self) -> SeenPhone:
        return SeenPhone(self._phone.number, self.line.channel, self._direction, self._answered)

    def engine_lost(self) -> None:
        """Nothing to a direct call."""

    def vanish(self) -> None:
        del self._site.channels[self.line.channel]
        self._cut()


class DirectCall:
    """One phone calls another."""

    def __init__(self, dialler: SimulatedPhone, callee: SimulatedPhone) -> None:
        self._dialler = dialler
        self._callee = callee
        self._talks = False
        self._over = False
        dialler.take(self)
        site = dialler.home
        self._sides = [Side(site, dialler, "out", self._cut)]
        self.id = f"direct-{self._sides[0].line.channel}"
        site.after(site.lag(site.steps.ring_ms), self._invite)

    @property
    def is_conversation(self) -> bool:
        return self._talks

    def _invite(self) -> None:
        if not self._over:
            self._sides.append(Side(self._callee.home, self._callee, "in", self._cut))
            self._callee.invited(self, f"call from {self._dialler.number}")
            self._callee.home.after(self._callee.home.rules.direct_ring_ms, self._give_up)

    def _give_up(self) -> None:
        if not self._talks:
            self.put_down("no-answer")

    def picked_up(self) -> None:
        self._talks = True
        self._dialler.connected(self)
        for side in self._sides:
            side.answered()

    def put_down(self, end: LegEnd) -> None:  # noqa: ARG002  (a direct call tells nobody why)
        if self._over:
            return
        self._over, self._talks = True, False
        for phone in (self._dialler, self._callee):
            phone.let_go(self)
        for side in self._sides:
            side.end()

    def _cut(self) -> None:
        self.put_down("failed")


class CodeCall:
    """A phone dials a feature code, hears the answer, and is put down."""

    def __init__(self, phone: SimulatedPhone, request: CodeRequest, agent: str, pin: str, number: int | None) -> None:
        """`number`: what is keyed in behind the code: of a pause reason, or of a disposition."""
        self._phone = phone
        self._over = False
        phone.take(self)
        self._side = Side(phone.home, phone, "out", lambda: self.put_down("failed"))
        self.id = f"code-{self._side.line.channel}"
        self._side.serves()
        reason, disposition = (None, number) if request == "disposition" else (number, None)
        code = FeatureCode(self._side.line, request, agent, pin, reason, Phone(phone.number), disposition, phone.number)
        phone.home.ask(code, self._speak)

    @property
    def is_conversation(self) -> bool:
        return False

    def picked_up(self) -> None:
        """It was dialled from here."""

    def _speak(self, answer: CodeAnswer) -> None:
        if not self._over:
            self._phone.spoken.append(answer)
            self.put_down("hung-up")

    def put_down(self, end: LegEnd) -> None:  # noqa: ARG002
        if self._over:
            return
        self._over = True
        self._phone.let_go(self)
        self._side.end()
