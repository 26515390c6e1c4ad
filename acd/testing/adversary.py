"""Inputs by chance, kind and unkind: a phone system that repeats itself, is late, reports what never was and loses
its links, people who ask for anything, and a configuration that changes under them.

Everything is chosen through `choose`, so that a seeded generator or Hypothesis can lead.
"""

from collections.abc import Callable, Sequence
from typing import TypedDict, TypeVar, get_args

from msgspec import structs

from acd.core import Fact, Input
from acd.model import (
    AgentId,
    Caller,
    CallId,
    ChannelId,
    Direction,
    Line,
    OfferId,
    Phone,
    QueueId,
    RequestId,
    ServerId,
    Skill,
    SupervisorId,
)
from acd.router import facts as f
from acd.router import inputs as i
from acd.router.settings import (
    AgentSettings,
    Announcements,
    AtLimit,
    CallbackOffer,
    Destination,
    Disposition,
    End,
    Ends,
    GoBack,
    Growth,
    Lasting,
    NextQueue,
    PauseReason,
    QueueSettings,
    Ring,
    RouterSettings,
    Standing,
    Step,
    Strategy,
    SupervisorSettings,
    Takes,
)
from acd.router.state import Offer, State
from acd.router.states import Work

T = TypeVar("T")


class Chooser:
    """How the adversary chooses."""

    def __init__(self, choose: Callable[[Sequence[object]], object]) -> None:
        self._choose = choose

    def of(self, options: Sequence[T]) -> T:
        """One of the options."""
        return self._choose(options)  # type: ignore[return-value]

    def some(self, options: Sequence[T], most: int) -> tuple[T, ...]:
        """None to `most` of the options, perhaps one of them twice."""
        return tuple(self.of(options) for _ in range(self.of(range(most + 1)))) if options else ()

    def yes(self) -> bool:
        return self.of((False, True))

    def likely(self) -> bool:
        """Three times of four."""
        return self.of((True, True, True, False))


SERVERS = tuple(ServerId(name) for name in "ab")
QUEUES = tuple(QueueId(name) for name in ("sales", "support", "billing", "night"))
AGENTS = tuple(AgentId(name) for name in ("ana", "ben", "cleo", "dora", "emil", "fay"))
PHONES = tuple(Phone(str(number)) for number in range(1001, 1008))
REASONS = ("lunch", "training", "no-such-reason")
STEPS_MS = (0, 0, 0, 1, 50, 50, 300, 300, 1_000, 1_000, 3_000, 3_000, 6_000, 15_000)
CHATS = QueueId("chats")
SUPERVISORS = tuple(SupervisorId(name) for name in ("bea", "cem"))
ASKED = ((), (), (Skill("german", 1),), (Skill("german", 3),), (Skill("german", 2), Skill("sales", 1)))
SKILLS = ((), (Skill("german", 1),), (Skill("german", 3),), (Skill("german", 2), Skill("sales", 5)), (Skill("sales"),))
RINGS = (
    (),
    (),
    (Ring(0, 1), Ring(3_000, 2), Ring(6_000)),
    (Ring(0), Ring(1_000, None, 1), Ring(20_000, None, 100)),
    (Ring(0, 1), Ring(6_000, None, 2)),
)
GROWTHS = (Growth(), Growth((Step(1_000, 1), Step(6_000, 4))), Growth(point_every_ms=3_000))
NUMBERS = ("0305550001", "030-5550002", "0305550003", "030 5550001", "555", "")
LAST_AGENT_MS = {1_000: 15_000, 15_000: 0}
"""By the time for a named agent."""
VOICEMAIL = Destination("voicemail", "600")
ENDS: tuple[End, ...] = (
    GoBack(),
    VOICEMAIL,
    CallbackOffer(),
    CallbackOffer(VOICEMAIL),
    *(NextQueue(queue, keeps_age) for queue in (*QUEUES, QueueId("unknown")) for keeps_age in (True, False)),
    NextQueue(CHATS),
)
"""Loops included, which the configuration would refuse."""
ANNOUNCEMENTS = (Announcements(1_000, 6_000, position=True, estimated_wait=True), Announcements(0, None, sound="hello"))
LONG_STEPS_MS = (20_000, 70_000, 300_000)
CHANNELS_KEPT = 24
OFFERS_KEPT = 12


class Asked(TypedDict):
    """For whom something is asked, and who asks."""

    agent: AgentId
    by: str


class Adversary:
    """Makes inputs. It knows what was said and what was answered, and prefers it to pure invention."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._lines: list[Line] = [Line(server, ChannelId(f"{server}-0")) for server in SERVERS]
        self._offers: list[OfferId] = [OfferId("never-made")]
        self._count = 0

    def hear(self, facts: Sequence[Fact]) -> None:
        """Remember the offers: reports name them, also when they are long over."""
        self._offers = [*self._offers, *(fact.offer for fact in facts if isinstance(fact, f.OfferMade))]
        self._offers = self._offers[-OFFERS_KEPT:]

    # --- Calls ------------------------------------------------------------------------------------------------

    def call_arrives(self, choice: Chooser) -> Input:
        queue = choice.of((*QUEUES, *QUEUES, CHATS, QueueId("unknown")))
        priority, waited_ms = choice.of((0, 0, 0, 1, 5)), choice.of((0, 0, 0, 3_000, 90_000))
        return i.CallArrived(
            self._line(choice),
            queue,
            Caller(NUMBERS[self._count % len(NUMBERS)], "Bob"),
            priority,
            choice.of(ASKED),
            choice.of(ASKED),
            waited_ms,
            "chat" if queue == CHATS else choice.of(("inbound", "inbound", "callback", "campaign")),
            choice.of((None, None, None, *AGENTS)),
        )

    def caller_leaves(self, choice: Chooser) -> Input:
        return i.CallerLeft(self._known_line(choice), choice.yes())

    # --- Legs -------------------------------------------------------------------------------------------------

    def leg_answers(self, choice: Chooser) -> Input:
        return i.LegAnswered(self._offer(choice, Work.RINGING))

    def leg_is_bridged(self, choice: Chooser) -> Input:
        return i.LegBridged(self._offer(choice, Work.CONNECTING))

    def leg_ends(self, choice: Chooser) -> Input:
        return i.LegEnded(self._offer(choice, Work.TALKING), choice.of(get_args(i.LegEnd)))

    def any_leg_ends(self, choice: Chooser) -> Input:
        return i.LegEnded(choice.of(self._offers), choice.of(get_args(i.LegEnd)))

    # --- Direct calls -----------------------------------------------------------------------------------------

    def phone_is_used(self, choice: Chooser) -> Input:
        return i.PhoneInUse(choice.of(PHONES), self._line(choice), choice.of(get_args(Direction)))

    def direct_call_changes(self, choice: Chooser) -> Input:
        line = choice.of(tuple(self._state.direct_calls) or (self._known_line(choice),))
        changes: tuple[Input, ...] = (i.PhoneAnswered(line), i.PhoneServes(line), i.PhoneReleased(line))
        return choice.of((*changes, i.PhoneReleased(line)))

    # --- Servers ----------------------------------------------------------------------------------------------

    def link_is_lost(self, choice: Chooser) -> Input:
        return i.LinkLost(choice.of((*SERVERS, *SERVERS, ServerId("never-heard-of"))))

    def server_reports_all(self, choice: Chooser) -> Input:
        """An honest report, as far as the core's own beliefs go."""
        server = choice.of(SERVERS)
        callers = tuple(
            i.SeenCaller(call.line.channel, "talking" if call.connected_at_ms is not None else "waiting")
            for call in self._state.calls.values()
            if call.line.server == server
        )
        legs = tuple(
            i.SeenLeg(offer.id, self._believed(offer))
            for offer in self._state.offers.values()
            if offer.line.server == server
        )
        phones = tuple(
            i.SeenPhone(direct.phone, line.channel, direct.direction, direct.answered_at_ms is not None)
            for line, direct in self._state.direct_calls.items()
            if line.server == server
        )
        return i.ServerReported(server, callers, legs, phones)

    def _believed(self, offer: Offer) -> i.LegState:
        states: dict[Work, i.LegState] = {Work.RINGING: "ringing", Work.CONNECTING: "answered"}
        return states.get(self._state.work_at(offer), "talking")

    def server_reports_anything(self, choice: Chooser) -> Input:
        """Whatever subset, in whatever state, also of what never was or is on the other server."""
        lines = choice.some(self._lines, 4)
        callers = tuple(i.SeenCaller(line.channel, choice.of(get_args(i.CallerPlace))) for line in lines)
        legs = tuple(i.SeenLeg(offer, choice.of(get_args(i.LegState))) for offer in choice.some(self._offers, 4))
        phones = tuple(
            i.SeenPhone(choice.of(PHONES), line.channel, choice.of(get_args(Direction)), choice.yes())
            for line in choice.some(self._lines, 2)
        )
        return i.ServerReported(choice.of(SERVERS), callers, legs, phones, first=choice.yes(), last=choice.yes())

    # --- People -----------------------------------------------------------------------------------------------

    def log_in(self, choice: Chooser) -> Input:
        phone = None if choice.likely() else choice.of(PHONES)
        return i.LogIn(request=self._request(), **self._who(choice), queues=self._some(choice), phone=phone)

    def log_out(self, choice: Chooser) -> Input:
        return i.LogOut(request=self._request(), **self._who(choice, at_work=True), queues=self._some(choice))

    def pause(self, choice: Chooser) -> Input:
        queues, reason = self._some(choice), choice.of(REASONS)
        return i.Pause(request=self._request(), **self._who(choice, at_work=True), reason=reason, queues=queues)

    def get_ready(self, choice: Chooser) -> Input:
        return i.GetReady(request=self._request(), **self._who(choice), queues=self._some(choice))

    def end_wrap_up(self, choice: Chooser) -> Input:
        return i.EndWrapUp(request=self._request(), **self._who(choice, at_work=True))

    def extend_wrap_up(self, choice: Chooser) -> Input:
        for_ms = choice.of((None, 0, 1, 3_000, 60_000))
        return i.ExtendWrapUp(request=self._request(), **self._who(choice, at_work=True), for_ms=for_ms)

    def set_disposition(self, choice: Chooser) -> Input:
        disposition = choice.of(("sold", "refused", "no-such-disposition"))
        request, who = self._request(), self._who(choice, at_work=True)
        return i.SetDisposition(request=request, **who, disposition=disposition, call=self._call_of(who["agent"]))

    # --- Configuration ----------------------------------------------------------------------------------------

    def router_is_configured(self, choice: Chooser) -> Input:
        reasons = (
            PauseReason("lunch", "Lunch", 1, choice.of((None, 1, 3_000, 20_000)), choice.of(get_args(AtLimit))),
            PauseReason("training", "Training", 2, productive=True),
        )
        dispositions = choice.of(((), (Disposition("sold", "Sold", 1), Disposition("refused", "Refused", 2))))
        refusal_ms, rest_ms, lost_ms = (
            choice.of((1_000, 5_000)),
            choice.of((1_000, 10_000)),
            choice.of((20_000, 60_000)),
        )
        return i.ConfigureRouter(
            RouterSettings(
                refusal_ms,
                rest_ms,
                lost_ms,
                reasons,
                choice.of((2, 32)),
                dispositions,
                choice.of((None, None, None, 1, 3)),
                last_agent_remembered_ms=100 * refusal_ms,
                callers_remembered=2 if rest_ms == 1_000 else 100,
            )
        )

    def queue_is_configured(self, choice: Chooser) -> Input:
        queue = choice.of((*QUEUES, CHATS))
        return i.ConfigureQueue(
            QueueSettings(
                queue,
                queue.title(),
                strategy=choice.of(("longest-idle", *get_args(Strategy))),
                weight=choice.of((0, 0, 2)),
                growth=choice.of(GROWTHS),
                rings=choice.of(RINGS),
                ring_at_most=choice.of((1, 1, 1, 2, 10)),
                channel="chat" if queue == CHATS else "voice",
                named_agent_ms=(named_ms := choice.of((1_000, 15_000))),
                last_agent_ms=LAST_AGENT_MS[named_ms],
                ring_timeout_ms=choice.of((3_000, 15_000)),
                wrap_up_ms=choice.of((0, 1, 10_000)),
                wrap_up_by_agent=choice.yes(),
                wrap_up_extension_ms=choice.of((0, 5_000, 20_000)),
                may_join=choice.of((False, False, True)),
                disposition_required=choice.of((False, False, False, True)),
                max_wait_ms=choice.of((None, None, None, 1, 20_000, 60_000)),
                max_length=choice.of((None, None, None, 1, 8)),
                announcements=choice.of((None, None, *ANNOUNCEMENTS)),
                ends=self._ends(choice) if choice.yes() else Ends(),
            )
        )

    def _ends(self, choice: Chooser) -> Ends:
        maybe: tuple[End | None, ...] = (None, *ENDS)
        leaving = tuple(dict.fromkeys(choice.some(get_args(Lasting), 3)))
        ends = (choice.of(ENDS), choice.of(ENDS), choice.of(ENDS))
        return Ends(*ends, choice.of(maybe), choice.of(maybe), leaving)

    def queue_opens_or_closes(self, choice: Chooser) -> Input:
        queue = choice.of((*QUEUES, CHATS, QueueId("unknown")))
        return i.CloseQueue(queue) if choice.of((False, False, True)) else i.OpenQueue(queue)

    def queue_is_retired(self, choice: Chooser) -> Input:
        return i.RetireQueue(choice.of(QUEUES))

    def agent_is_configured(self, choice: Chooser) -> Input:
        agent = choice.of(AGENTS)
        phone = choice.of((PHONES[AGENTS.index(agent)], PHONES[AGENTS.index(agent)], None))
        queues = choice.of(
            (QUEUES, QUEUES[:2], QUEUES[1:], QUEUES[:1], (*QUEUES, CHATS), (*QUEUES, QueueId("unknown")))
        )
        standings = tuple(
            Standing(queue, choice.of((1, 1, 2, 3)), choice.of((1, 2)), choice.of((1, 5)))
            for queue in choice.some(QUEUES, 2)
        )
        return i.ConfigureAgent(
            AgentSettings(
                agent,
                agent.title(),
                phone,
                queues,
                choice.yes(),
                skills=choice.of(SKILLS),
                standings=standings,
                takes=choice.of(("order", *get_args(Takes))),
                order=AGENTS.index(agent),
                chats=choice.of((0, 1, 3, 12)),
                wrap_up_ms=choice.of((None, None, 0, 3_000)),
            )
        )

    def supervisor_is_configured(self, choice: Chooser) -> Input:
        supervisor = choice.of(SUPERVISORS)
        return i.ConfigureSupervisor(
            SupervisorSettings(supervisor, supervisor.title(), choice.of((QUEUES, QUEUES[:1], (*QUEUES, CHATS), ())))
        )

    def supervisor_is_retired(self, choice: Chooser) -> Input:
        return i.RetireSupervisor(choice.of(SUPERVISORS))

    def day_begins(self, _choice: Chooser) -> Input:
        return i.BeginDay()

    def agent_is_retired(self, choice: Chooser) -> Input:
        return i.RetireAgent(choice.of(AGENTS))

    # --- What is there ----------------------------------------------------------------------------------------

    def _line(self, choice: Chooser) -> Line:
        """Mostly a new channel; sometimes one that was used before, or is in use."""
        if not choice.likely():
            return choice.of(self._lines)
        self._count += 1
        server = choice.of(SERVERS)
        self._lines = [*self._lines, Line(server, ChannelId(f"{server}-{self._count}"))][-CHANNELS_KEPT:]
        return self._lines[-1]

    def _known_line(self, choice: Chooser) -> Line:
        live = tuple(call.line for call in self._state.calls.values())
        return choice.of(live) if live and choice.likely() else choice.of(self._lines)

    def _offer(self, choice: Chooser, work: Work) -> OfferId:
        """Mostly one for which the report makes sense."""
        fit = [offer.id for offer in self._state.offers.values() if self._state.work_at(offer) is work]
        return choice.of(fit) if fit and choice.likely() else choice.of(self._offers)

    def _agent(self, choice: Chooser) -> AgentId:
        return choice.of((*AGENTS, *AGENTS, AgentId("nobody")))

    def _who(self, choice: Chooser, *, at_work: bool = False) -> Asked:
        """Mostly the agent asks for herself; about work, mostly somebody who has some."""
        busy = [id_ for id_, agent in self._state.agents.items() if agent.offer or agent.wrap_up or agent.owes]
        agent = choice.of(busy) if at_work and busy and choice.likely() else self._agent(choice)
        others = (*SUPERVISORS, "configuration", "x")
        return {"agent": agent, "by": agent if choice.likely() else choice.of(others)}

    def _call_of(self, id_: AgentId) -> CallId | None:
        """Every other time none is named; else one of the chats that the agent holds or owes, or of the last."""
        agent = self._state.agents.get(id_)
        if agent is None or self._count % 2:
            return None
        calls = [*agent.owes, *(self._state.offers[offer].call for offer in agent.chats), CallId("never-heard-of")]
        return calls[self._count // 2 % len(calls)]

    def _some(self, choice: Chooser) -> tuple[QueueId, ...]:
        return () if choice.likely() else choice.some((*QUEUES, CHATS, QueueId("unknown")), 3)

    def _request(self) -> RequestId:
        self._count += 1
        return RequestId(f"r{self._count}")


class Chatty(Adversary):
    """The same, where nearly all work is chats that ask for the same: few agents have room for many, and the links
    come and go, so that many that wait meet them at once."""

    def call_arrives(self, choice: Chooser) -> Input:
        if choice.of(range(8)) == 0:
            return super().call_arrives(choice)
        waited_ms = choice.of((0, 0, 0, 3_000))
        return i.CallArrived(self._line(choice), CHATS, Caller("555", "Bob"), waited_ms=waited_ms, kind="chat")

    def queue_is_configured(self, choice: Chooser) -> Input:
        asked = super().queue_is_configured(choice)
        assert isinstance(asked, i.ConfigureQueue), f"{asked} configures no queue"
        at_most, max_wait_ms = choice.of((1, 2, 2, 10)), choice.of((None, None, 60_000))
        settings = structs.replace(asked.settings, ring_at_most=at_most, max_wait_ms=max_wait_ms, max_length=None)
        if choice.likely():
            settings = structs.replace(settings, id=CHATS, name=CHATS, channel="chat", ends=Ends(), rings=())
        return i.ConfigureQueue(settings)

    def agent_is_configured(self, choice: Chooser) -> Input:
        asked = super().agent_is_configured(choice)
        assert isinstance(asked, i.ConfigureAgent), f"{asked} configures no agent"
        chats = choice.of((2, 3, 12)) if asked.settings.id in AGENTS[:2] else 0
        return i.ConfigureAgent(structs.replace(asked.settings, queues=(CHATS, QUEUES[0]), chats=chats))

    def queue_opens_or_closes(self, choice: Chooser) -> Input:
        return i.OpenQueue(choice.of((CHATS, QUEUES[0])))


class Finding(Adversary):
    """Most callers have been there before: they were passed on, as often and for as long as the channel says,
    which may contradict itself. What some of them ask for cannot be read."""

    def call_arrives(self, choice: Chooser) -> Input:
        asked = super().call_arrives(choice)
        assert isinstance(asked, i.CallArrived), f"{asked} is no call"
        waits = (-1, 0, 1_000, 60_000, 90_000, 1 << 40)
        passed_on = i.PassedOn(choice.of(waits), choice.of(waits), choice.of((-1, 0, 1, 7, 8, 1 << 40)))
        found = choice.likely()
        return structs.replace(
            asked,
            waited_ms=choice.of((1, 3_000, 90_000)) if found else asked.waited_ms,
            passed_on=passed_on if choice.likely() else None,
            unreadable=choice.of(range(8)) == 0,
        )

    def queue_is_configured(self, choice: Chooser) -> Input:
        """Priority may grow in steps and evenly at once."""
        asked = super().queue_is_configured(choice)
        assert isinstance(asked, i.ConfigureQueue), f"{asked} configures no queue"
        growth = choice.of((asked.settings.growth, Growth((Step(1_000, 1), Step(6_000, 4)), point_every_ms=3_000)))
        return i.ConfigureQueue(structs.replace(asked.settings, growth=growth))


class Closing(Adversary):
    """The same, where queues open and close all day, and some do not keep their callers then: nor do they where nobody
    is on duty."""

    def call_arrives(self, choice: Chooser) -> Input:
        if choice.of(range(8)) == 0:
            return super().call_arrives(choice)
        queue = choice.of(QUEUES[:2])
        return i.CallArrived(self._line(choice), queue, Caller("555", "Bob"), waited_ms=choice.of((0, 0, 0, 3_000)))

    def queue_is_configured(self, choice: Chooser) -> Input:
        asked = super().queue_is_configured(choice)
        assert isinstance(asked, i.ConfigureQueue), f"{asked} configures no queue"
        leaving = tuple(limit for limit in get_args(Lasting) if choice.likely())
        ends = structs.replace(self._ends(choice), leaving=leaving)
        lasts = {"ring_timeout_ms": 3_000, "wrap_up_ms": choice.of((0, 1)), "max_wait_ms": None}
        return i.ConfigureQueue(structs.replace(asked.settings, ends=ends, rings=(), max_length=None, **lasts))

    def queue_opens_or_closes(self, choice: Chooser) -> Input:
        """Mostly one closes in which somebody waits or a phone rings, and one opens that is closed."""
        closes = choice.yes()
        fit = [id_ for id_, queue in self._state.queues.items() if not queue.closed and queue.length]
        if not closes:
            fit = [id_ for id_, queue in self._state.queues.items() if queue.closed]
        queue = choice.of(fit) if fit and choice.likely() else choice.of(QUEUES)
        return i.CloseQueue(queue) if closes else i.OpenQueue(queue)
