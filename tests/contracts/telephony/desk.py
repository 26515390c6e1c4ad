"""The engine's part, played by hand: it takes reports and answers with facts."""

from typing import NamedTuple

from acd.model import AgentId, CallId, OfferId, QueueId, ServerId
from acd.router import facts as f
from acd.router.inputs import CallArrived, LegAnswered, LegBridged, ServerReported
from acd.router.settings import Destination
from acd.testing.worlds import AgentPhone, CallingParty, World

QUEUE = QueueId("sales")
OTHER = QueueId("everybody")
AGENT = AgentId("anna")


class Conversation(NamedTuple):
    """A caller and an agent, as far as they have come."""

    caller: CallingParty
    call: f.CallQueued
    phone: AgentPhone
    offer: f.OfferMade


class Desk:
    """Facts with ids of its world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._numbers = 0

    def _id(self) -> str:
        self._numbers += 1
        return f"{self.world.tag}-{self._numbers}"

    async def arrival(self, caller: CallingParty, since: int = 0) -> CallArrived:
        """The caller is handed over."""
        return await self.world.reported(CallArrived, lambda report: report.caller.number == caller.number, since=since)

    def queue(self, arrived: CallArrived, *via: f.Hop) -> f.CallQueued:
        """The call is taken: by the queue `OTHER`, where others have passed it on at once."""
        fact = f.CallQueued(
            at_ms=self.world.now_ms(),
            call=CallId(self._id()),
            line=arrived.line,
            queue=OTHER if via else arrived.queue,
            caller=arrived.caller,
            priority=arrived.priority,
            required=arrived.required,
            wanted=arrived.wanted,
            since_ms=self.world.now_ms(),
            give_up_at_ms=None,
            via=via,
            hops=len(via),
        )
        self.world.act(fact)
        return fact

    def refuse(self, arrived: CallArrived, reason: f.RefusalReason, to: Destination | None = None) -> None:
        """The call is not taken."""
        self.world.act(f.CallRefused(self.world.now_ms(), arrived.line, arrived.queue, reason, to))

    def time_out(self, call: f.CallQueued, to: Destination | None = None) -> None:
        """The longest wait is over."""
        self.world.act(f.CallTimedOut(self.world.now_ms(), call.call, call.line, call.queue, 1_000, to))

    def announce(self, call: f.CallQueued, position: int | None, wait_ms: int | None, sound: str) -> None:
        """The caller is told something."""
        now_ms = self.world.now_ms()
        self.world.act(f.AnnouncementMade(now_ms, call.call, call.line, call.queue, position, wait_ms, sound, None))

    def move(self, call: f.CallQueued, to: QueueId, age_ms: int = 300, hops: int = 1) -> None:
        """The call waits in another queue now, after a second."""
        now_ms = self.world.now_ms()
        via = (f.Hop(call.queue, "timeout"),)
        self.world.act(
            f.CallMoved(now_ms, call.call, call.line, call.queue, to, via, 1_000, now_ms - age_ms, None, hops)
        )

    def give_back(self, call: f.CallQueued, reason: f.RefusalReason) -> None:
        """The queue closed."""
        self.world.act(f.CallReturned(self.world.now_ms(), call.call, call.line, call.queue, reason, 1_000))

    def offer(self, call: f.CallQueued, phone: AgentPhone, ring_ms: int = 20_000) -> f.OfferMade:
        """A phone is to ring."""
        fact = self._offer(call, phone, ring_ms)
        self.world.act(fact)
        return fact

    def _offer(self, call: f.CallQueued, phone: AgentPhone, ring_ms: int = 20_000) -> f.OfferMade:
        now_ms = self.world.now_ms()
        return f.OfferMade(
            at_ms=now_ms,
            offer=OfferId(self._id()),
            call=call.call,
            agent=AGENT,
            queue=call.queue,
            queue_name="Sales",
            line=call.line,
            phone=phone.number,
            caller=call.caller,
            ring_until_ms=now_ms + ring_ms,
        )

    def accept(self, offer: f.OfferMade, *others: f.OfferMade) -> None:
        """The bridge is to be made. The others at whose phones the call rang too were not quick enough."""
        self.world.act(self._accepted(offer), *(self._ended(other, "taken") for other in others))

    def _accepted(self, offer: f.OfferMade) -> f.OfferAccepted:
        now_ms = self.world.now_ms()
        return f.OfferAccepted(now_ms, offer.offer, offer.call, offer.agent, offer.line, now_ms + 10_000)

    def end(self, *offers: f.OfferMade, outcome: f.OfferOutcome) -> None:
        """The offers came to nothing."""
        self.world.act(*(self._ended(offer, outcome) for offer in offers))

    def _ended(self, offer: f.OfferMade, outcome: f.OfferOutcome) -> f.OfferEnded:
        server = offer.line.server
        return f.OfferEnded(self.world.now_ms(), offer.offer, offer.call, offer.agent, server, outcome, None, None)

    def lose(self, call: f.CallQueued) -> None:
        """The server was given up, and its calls with it."""
        self.world.act(f.CallLost(self.world.now_ms(), call.call, call.queue, "server", 1_000))

    def call_ended(self, offer: f.OfferMade) -> None:
        """The conversation is over."""
        self.world.act(
            f.CallEnded(self.world.now_ms(), offer.call, offer.offer, offer.agent, offer.queue, "system", 1_000)
        )

    # --- The usual ways ---------------------------------------------------------------------------------------

    async def waiting(self, server: ServerId | None = None) -> tuple[CallingParty, f.CallQueued]:
        """A caller who was taken and waits."""
        caller = await self.world.caller(QUEUE, server=server)
        call = self.queue(await self.arrival(caller))
        await caller.hears_music()
        return caller, call

    async def ringing(self) -> Conversation:
        """A caller for whom a phone rings."""
        caller, call = await self.waiting()
        phone = await self.world.phone()
        offer = self.offer(call, phone)
        await phone.rings()
        return Conversation(caller, call, phone, offer)

    async def ringing_at(self, count: int, server: ServerId | None = None) -> list[Conversation]:
        """A caller for whom several phones ring at once."""
        caller, call = await self.waiting(server)
        phones = [await self.world.phone() for _ in range(count)]
        offers = [self._offer(call, phone) for phone in phones]
        self.world.act(*offers)
        for phone in phones:
            await phone.rings()
        return [Conversation(caller, call, phone, offer) for phone, offer in zip(phones, offers, strict=True)]

    async def answered(self, *pairs: Conversation) -> None:
        """The agents have picked up, and that was reported."""
        for pair in pairs:
            await pair.phone.answer()
        for pair in pairs:
            await self.world.reported(LegAnswered, lambda report, pair=pair: report.offer == pair.offer.offer)  # type: ignore[misc]

    async def talking(self) -> Conversation:
        """A caller and an agent who hear each other."""
        return await self.connect(await self.ringing())

    async def connect(self, pair: Conversation) -> Conversation:
        """The agent picks up, and both hear each other."""
        await self.answered(pair)
        self.accept(pair.offer)
        await self.together(pair)
        return pair

    async def together(self, pair: Conversation) -> None:
        """The bridge is reported, and the two hear each other."""
        await self.world.reported(LegBridged, lambda report: report.offer == pair.offer.offer)
        await pair.caller.hears_voice()
        await pair.phone.hears_voice()

    async def serve(self, caller: CallingParty, call: f.CallQueued) -> Conversation:
        """The caller gets an agent, and both hear each other."""
        phone = await self.world.phone()
        offer = self.offer(call, phone)
        await phone.rings()
        return await self.connect(Conversation(caller, call, phone, offer))

    async def full_report(self, since: int) -> ServerReported:
        """The report after a connection, its parts put together."""
        last = await self.world.reported(ServerReported, lambda report: report.last, since=since)
        parts = [report for report in self.world.reports[since:] if isinstance(report, ServerReported)]
        parts = parts[: parts.index(last) + 1]
        assert parts[0].first, "the first part says that the link is new"
        assert [part.last for part in parts] == [False] * (len(parts) - 1) + [True]
        return ServerReported(
            last.server,
            tuple(seen for part in parts for seen in part.callers),
            tuple(seen for part in parts for seen in part.legs),
            tuple(seen for part in parts for seen in part.phones),
        )
