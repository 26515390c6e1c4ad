"""The simulated phones on a bench: a virtual clock, the reports in a list, and facts by hand."""

from typing import TypeVar

from acd.core import Input, NotTaken
from acd.engine.clock import VirtualClock
from acd.model import AgentId, Caller, CallId, Line, OfferId, Phone, QueueId
from acd.router import facts as f
from acd.telephony.port import AnswerCode
from acd.telephony.simulated import Exchange, Faults, Rules, SimulatedCall, SimulatedPhones, Steps

SALES = QueueId("sales")
T = TypeVar("T")


class Bench:
    """One adapter on one exchange, both within reach."""

    def __init__(
        self,
        *servers: str,
        seed: int = 0,
        steps: Steps | None = None,
        rules: Rules | None = None,
        faults: Faults | None = None,
        answer_code: AnswerCode | None = None,
        before: "Bench | None" = None,
    ) -> None:
        """`before`: whose exchange this is, the engine being a new one."""
        names = servers or ("sim",)
        self.clock: VirtualClock = before.clock if before else VirtualClock()
        self.began_ms = self.clock.now_ms()
        self.reports: list[tuple[int, Input]] = []
        self.deaf = False
        """Whether the engine takes nothing."""
        own = Exchange(self.clock, names, seed=seed, steps=steps, rules=rules)
        self.exchange: Exchange = before.exchange if before else own
        self.exchange.faults = faults or Faults()
        self.phones = SimulatedPhones(self._take, self.clock, names, exchange=self.exchange, answer_code=answer_code)
        self._numbers = 0

    def _take(self, report: Input) -> None:
        if self.deaf:
            raise NotTaken
        self.reports.append((self.clock.now_ms() - self.began_ms, report))

    async def start(self) -> "Bench":
        """Connected and reported; time begins."""
        await self.phones.start()
        self.clock.advance(100)
        self.reports.clear()
        self.began_ms = self.clock.now_ms()
        return self

    def told(self, kind: type[T]) -> list[T]:
        """The reports of one kind, in order."""
        return [report for _, report in self.reports if isinstance(report, kind)]

    def when(self, kind: type[Input]) -> list[int]:
        """When they came, from the start on."""
        return [at_ms for at_ms, report in self.reports if isinstance(report, kind)]

    def clear(self) -> None:
        self.reports.clear()

    # --- Facts ------------------------------------------------------------------------------------------------

    def _id(self) -> str:
        self._numbers += 1
        return f"acdbench-{self._numbers}"

    def take(self, line: Line) -> CallId:
        """The engine queues a call."""
        call = CallId(self._id())
        now_ms = self.clock.now_ms()
        self.phones.act([f.CallQueued(now_ms, call, line, SALES, Caller(), 0, now_ms, None)])
        return call

    def waiting(self, **asked: int) -> SimulatedCall:
        """A caller who was taken."""
        call = self.phones.place_call("sales", **asked)  # type: ignore[arg-type]
        self.take(call.line)
        self.clock.advance(20)
        return call

    def ring(self, line: Line, number: str, ring_ms: int = 20_000, offer: str | None = None) -> OfferId:
        """The engine offers the call to a phone."""
        id_ = OfferId(offer or self._id())
        now_ms = self.clock.now_ms()
        made = f.OfferMade(
            now_ms,
            id_,
            CallId("c"),
            AgentId("a"),
            SALES,
            "Sales",
            line,
            Phone(number),
            Caller("555", "Ada"),
            now_ms + ring_ms,
        )
        self.phones.act([made])
        return id_

    def accept(self, line: Line, offer: OfferId) -> None:
        """The engine lets the bridge be made."""
        now_ms = self.clock.now_ms()
        self.phones.act([f.OfferAccepted(now_ms, offer, CallId("c"), AgentId("a"), line, now_ms + 10_000)])

    def end(self, line: Line, offer: OfferId) -> None:
        """The engine ends the offer."""
        ended = f.OfferEnded(
            self.clock.now_ms(), offer, CallId("c"), AgentId("a"), line.server, "withdrawn", None, None
        )
        self.phones.act([ended])
