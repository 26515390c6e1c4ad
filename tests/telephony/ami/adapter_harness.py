"""The adapter between a scripted Asterisk and a test that plays the engine.

async with connected() as site:
    call = await site.queued("c1")                 # the dialplan hands over, the engine takes
    offer = site.offer(call)                       # the engine offers
    await site.ami.received("Originate")
    site.says("AcdUp", offer.offer)
    await site.reported(LegAnswered)
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from acd.config import ServerSettings
from acd.core import Fact, Input
from acd.model import AgentId, Caller, CallId, ChannelId, Line, OfferId, Phone, QueueId, ServerId
from acd.router import facts as f
from acd.router import inputs as i
from acd.telephony.ami.adapter import Asterisk
from acd.telephony.ami.books import Books
from acd.telephony.ami.protocol import LinkLimits
from acd.telephony.ami.server import AsteriskServer, ServerOptions
from acd.telephony.port import CodeAnswer, FeatureCode
from acd.testing.ami_server import AmiServer, Pairs, ReceivedAction, Reply, listing
from acd.testing.watching import Watching
from tests.turns import until

K = TypeVar("K")

A, B = ServerId("a"), ServerId("b")
"""The first two servers."""
TAG = "acd0123456789"
PHONES = frozenset({Phone("1001"), Phone("1002")})
CALM = LinkLimits(ping_every_s=30.0, retry_first_s=0.005, retry_most_s=0.02, retry_refused_s=0.02, close_s=0.1)
EPOCH = "1700000000"


def line(channel: str, server: ServerId = A) -> Line:
    return Line(server, ChannelId(channel))


AnswerCode = Callable[[FeatureCode], CodeAnswer]


class Scene:
    """One engine's side of one or more scripted servers."""

    def __init__(
        self,
        *servers: AmiServer,
        limits: LinkLimits = CALM,
        answer: AnswerCode | None = None,
        heartbeat_s: float = 30.0,
    ) -> None:
        self.servers = servers
        self.ami = servers[0]
        self.inputs: Watching[Input] = Watching()
        self.codes: list[FeatureCode] = []
        self.failures: list[tuple[str, BaseException]] = []
        self.refuse: type[Exception] | None = None
        """What `submit` raises from now on."""
        self._answer = answer or (lambda _: "ready")
        self._numbers = 0
        options = ServerOptions(link=limits, heartbeat_s=heartbeat_s, settle_s=0)
        self.adapter = Asterisk(
            [settings(ami, name) for ami, name in zip(servers, "abcd", strict=False)],
            PHONES,
            self._submit,
            self._answer_code,
            options,
            lambda name, error: self.failures.append((name, error)),
        )

    def _submit(self, asked: Input) -> None:
        if self.refuse is not None:
            raise self.refuse
        self.inputs.saw(asked)

    async def _answer_code(self, code: FeatureCode) -> CodeAnswer:
        self.codes.append(code)
        return self._answer(code)

    # --- Inside -----------------------------------------------------------------------------------------------

    def server(self, name: str = "a") -> AsteriskServer:
        return self.adapter._servers[ServerId(name)]

    @property
    def books(self) -> Books:
        return self.server().books

    def is_empty(self) -> bool:
        """Whether nothing is kept of any call."""
        books = [server.books for server in self.adapter._servers.values()]
        kept = [(b.callers, b.calls, b.legs, b.direct, b.ending) for b in books]
        return not any(any(parts) for parts in kept) and not self.adapter._server_of

    # --- What Asterisk says -----------------------------------------------------------------------------------

    def says(self, user_event: str, channel: str, /, server: int = 0, **more: Any) -> None:
        """A user event of the dialplan."""
        self.servers[server].push("UserEvent", Uniqueid=channel, UserEvent=user_event, **more)

    def event(self, name: str, channel: str, /, **more: str) -> None:
        self.ami.push(name, Uniqueid=channel, **more)

    def hands_over(self, channel: str, /, server: int = 0, **more: Any) -> None:
        given: dict[str, Any] = {"Queue": "sales", "CallerIDNum": "555", "CallerIDName": "Ada"} | more
        self.says("AcdCall", channel, server, **given)

    def hangs_up(self, channel: str, cause: str = "16") -> None:
        """The far end of the channel hangs up."""
        self.event("HangupRequest", channel)
        self.event("Hangup", channel, Cause=cause)

    def bridged(self, offer: str, channel: str) -> None:
        """Caller and leg enter one bridge."""
        self.event("BridgeEnter", offer, BridgeNumChannels="1", BridgeTechnology="simple_bridge")
        self.event("BridgeEnter", channel, BridgeNumChannels="2", BridgeTechnology="simple_bridge")

    async def heard(self) -> None:
        """Return once all that Asterisk said before is heard: it is in order with the answer to a question."""
        for server in self.adapter._servers.values():
            if server.link.connected:
                await server.link.send("Ping")

    async def reported(self, kind: type[K], count: int = 1, **values: Any) -> K:
        return await self.inputs.sees(kind, count, **values)

    def all(self, kind: type[K], **values: object) -> list[K]:
        return self.inputs.all(kind, **values)

    # --- What the engine says ---------------------------------------------------------------------------------

    def act(self, *facts: Fact) -> None:
        self.adapter.act(facts)

    def new_id(self) -> str:
        self._numbers += 1
        return f"{TAG}-{self._numbers}"

    async def arrived(self, channel: str, **more: Any) -> i.CallArrived:
        before = len(self.all(i.CallArrived, line=line(channel)))
        self.hands_over(channel, **more)
        return await self.reported(i.CallArrived, before + 1, line=line(channel))

    def queue_fact(self, channel: str, server: str = "a") -> f.CallQueued:
        where = line(channel, ServerId(server))
        return f.CallQueued(0, CallId(self.new_id()), where, QueueId("sales"), Caller("555", "Ada"), 0, 0, None)

    async def queued(self, channel: str = "c1", **more: Any) -> f.CallQueued:
        """A caller who was handed over, taken, and whose claim is confirmed."""
        await self.arrived(channel, **more)
        fact = self.queue_fact(channel)
        self.act(fact)
        await until(lambda: self.books.callers[fact.line.channel].claimed)
        return fact

    def offer_fact(self, call: f.CallQueued, phone: str = "1001") -> f.OfferMade:
        return f.OfferMade(
            at_ms=1_000,
            offer=OfferId(self.new_id()),
            call=call.call,
            agent=AgentId("ana"),
            queue=call.queue,
            queue_name="Sales",
            line=call.line,
            phone=Phone(phone),
            caller=call.caller,
            ring_until_ms=16_000,
        )

    def offer(self, call: f.CallQueued, phone: str = "1001") -> f.OfferMade:
        fact = self.offer_fact(call, phone)
        self.act(fact)
        return fact

    def accept_fact(self, offer: f.OfferMade) -> f.OfferAccepted:
        return f.OfferAccepted(0, offer.offer, offer.call, offer.agent, offer.line, 10_000)

    def accept(self, offer: f.OfferMade) -> None:
        self.act(self.accept_fact(offer))

    def end_fact(self, offer: f.OfferMade, outcome: f.OfferOutcome = "withdrawn") -> f.OfferEnded:
        return f.OfferEnded(0, offer.offer, offer.call, offer.agent, offer.line.server, outcome, None, None)

    def ended_fact(self, offer: f.OfferMade) -> f.CallEnded:
        return f.CallEnded(0, offer.call, offer.offer, offer.agent, offer.queue, "system", 1)

    def timed_out_fact(self, call: f.CallQueued) -> f.CallTimedOut:
        return f.CallTimedOut(0, call.call, call.line, call.queue, 1)

    def lost_fact(self, call: f.CallQueued) -> f.CallLost:
        return f.CallLost(0, call.call, call.queue, "server", 1)

    def abandoned_fact(self, call: f.CallQueued) -> f.CallAbandoned:
        return f.CallAbandoned(0, call.call, call.queue, 1)

    async def ringing(self, channel: str = "c1", phone: str = "1001") -> f.OfferMade:
        """A caller for whom a phone rings."""
        offer = self.offer(await self.queued(channel), phone)
        self.event("Newchannel", offer.offer, Channel=f"PJSIP/{phone}-00000001", ChannelState="0")
        await until(lambda: self.books.legs[offer.offer].seen)
        return offer

    async def answered(self, channel: str = "c1", phone: str = "1001") -> f.OfferMade:
        """An agent who picked up."""
        offer = await self.ringing(channel, phone)
        self.says("AcdUp", offer.offer, Offer=offer.offer)
        await self.reported(i.LegAnswered, offer=offer.offer)
        return offer

    async def talking(self, channel: str = "c1", phone: str = "1001") -> f.OfferMade:
        """A caller and an agent who hear each other."""
        offer = await self.answered(channel, phone)
        self.accept(offer)
        self.bridged(offer.offer, channel)
        await self.reported(i.LegBridged, offer=offer.offer)
        return offer

    # --- Connections ------------------------------------------------------------------------------------------

    async def cut(self) -> None:
        """The link breaks, and comes back when `restored`."""
        lost = len(self.all(i.LinkLost))
        await self.ami.stop_listening()
        self.ami.cut()
        await self.reported(i.LinkLost, lost + 1)

    async def restored(self, *channels: Pairs) -> list[i.ServerReported]:
        """The link comes back, and Status shows these channels: what is reported then."""
        if channels:
            self.ami.once("Status", status(*channels))
        before = len(self.inputs.seen)
        await self.ami.listen()
        return await self.next_report(before)

    async def asks_for_its_report(self) -> tuple[ReceivedAction, int]:
        """The link comes back, and nobody answers yet: the second question, and how many inputs there were before."""
        self.ami.once("Status", None)
        before = len(self.inputs.seen)
        await self.ami.listen()
        await self.ami.received("Status")
        return await self.ami.received("Status"), before

    async def next_report(self, before: int, server: str = "a") -> list[i.ServerReported]:
        """The parts of the first complete report after so many inputs."""

        def parts() -> list[i.ServerReported]:
            seen = self.inputs.seen[before:]
            return [one for one in seen if isinstance(one, i.ServerReported) and one.server == server]

        await until(lambda: any(part.last for part in parts()))
        await self.heard()
        return parts()


def settings(ami: AmiServer, name: str = "a", **changes: object) -> ServerSettings:
    given = {"id": ServerId(name), "host": ami.host, "port": ami.port, "username": "acd", "secret": "lab"} | changes
    return ServerSettings(**given)  # type: ignore[arg-type]


def status(*channels: Pairs) -> Reply:
    """The answer to `Status`."""
    return listing("StatusComplete", *(("Status", channel) for channel in channels))


def waiting(channel: str, exten: str = "wait", queue: str = "sales", since: str = EPOCH, **more: str) -> Pairs:
    """A caller in our place of the dialplan, as `Status` shows it."""
    variables = [f"ACD_QUEUE={queue}", f"ACD_SINCE={since}", "ACD_CLAIM=1", "ACD_PRIORITY=", "ACD_LEFT=(null)"]
    return {
        "Channel": "PJSIP/trunk-00000009",
        "ChannelState": "6",
        "Uniqueid": channel,
        "Context": "acd",
        "Exten": exten,
        "Application": "MusicOnHold",
        "BridgeID": "",
        "CallerIDNum": "555",
        "Variable": variables,
        **more,
    }


def leg(offer: str, state: str = "5", bridge: str = "", phone: str = "1001") -> Pairs:
    """An agent's leg, as `Status` shows it."""
    return {
        "Channel": f"PJSIP/{phone}-00000007",
        "ChannelState": state,
        "Uniqueid": offer,
        "Context": "acd-agent",
        "Exten": "s",
        "Application": "AppDial2" if state != "6" else "BridgeWait",
        "BridgeID": bridge,
    }


def answer_getvar(action: ReceivedAction) -> Pairs:
    """Nobody is leaving, and the clock is right."""
    return {"Value": EPOCH if action.get("Variable") == "EPOCH" else ""}


def hung_up(scene: Scene) -> list[str]:
    """The channels that the server was told to hang up."""
    return [action.get("Channel") for action in scene.ami.actions if action.name == "Hangup"]


@asynccontextmanager
async def running(
    *servers: AmiServer, limits: LinkLimits = CALM, answer: AnswerCode | None = None, heartbeat_s: float = 30.0
) -> AsyncIterator[Scene]:
    """An adapter that was started; at the end it is stopped, and no task is left and none has failed."""
    for ami in servers:
        ami.on("Getvar", answer_getvar)
    scene = Scene(*servers, limits=limits, answer=answer, heartbeat_s=heartbeat_s)
    await scene.adapter.start()
    try:
        yield scene
    finally:
        await scene.adapter.stop()
    assert scene.adapter.tasks == ()
    assert scene.failures == []


@asynccontextmanager
async def connected(
    limits: LinkLimits = CALM, answer: AnswerCode | None = None, status_shows: Sequence[Pairs] = ()
) -> AsyncIterator[Scene]:
    """One server, connected and reported."""
    async with AmiServer() as ami:
        if status_shows:
            ami.once("Status", status(*status_shows))
        async with running(ami, limits=limits, answer=answer) as scene:
            await scene.reported(i.ServerReported, last=True)
            yield scene
