"""The small language in which tests tell the core what happens: one sentence, one input.

`parse` understands the sentences of `SENTENCES` and nothing else; what it does not understand it refuses with all
that is allowed. In their shapes `<word>` is filled in and `[ part ]` may be left out. Times are `15 s` or `500 ms`.
A channel is on server `a`, unless it was first mentioned with `, on <server>`.
"""

import re
from collections.abc import Callable
from typing import NamedTuple, TypeVar, get_args

from acd.core import Input
from acd.model import (
    AgentId,
    Caller,
    ChannelId,
    Direction,
    Kind,
    Line,
    OfferId,
    Phone,
    QueueId,
    RequestId,
    ServerId,
    SupervisorId,
)
from acd.router import inputs as i
from acd.router.settings import (
    AgentSettings,
    Announcements,
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
from acd.telephony.wishes import wishes_of
from acd.testing.names import Names

T = TypeVar("T", bound=str)


class NotUnderstood(ValueError):
    """A sentence that says nothing; the text says what is allowed."""


class Said:
    """What was filled in."""

    def __init__(self, words: dict[str, str | None], names: Names) -> None:
        self._words = words
        self.names = names

    def word(self, place: str) -> str:
        """The word there; empty if it was left out."""
        return self._words.get(place) or ""

    def words(self, place: str) -> tuple[str, ...]:
        return tuple(self.word(place).split())

    def line(self) -> Line:
        return self.names.line(self.word("channel"), self.word("server") or None)

    def offer(self) -> OfferId:
        agent, call = self.word("agent"), self.word("call") or None
        try:
            return self.names.offer(agent, call)
        except KeyError:
            raise NotUnderstood(f"{agent} was offered nothing{f' for {call}' if call else ''} yet") from None

    def options(self, *allowed: str) -> dict[str, str]:
        """`ring 15 s, wrap-up 10 s` by the first words of each part, which must be allowed."""
        found: dict[str, str] = {}
        for part in re.split(r",\s*", self.word("options")) if self.word("options") else ():
            name = next((name for name in allowed if part == name or part.startswith(f"{name} ")), None)
            if name is None:
                raise NotUnderstood(f"{part!r} is not one of: {', '.join(allowed)}")
            found[name] = part[len(name) :].strip()
        return found


class Sentence(NamedTuple):
    """One kind of sentence."""

    shape: str
    pattern: re.Pattern[str]
    read: Callable[[Said], Input]


def parse(sentence: str, names: Names) -> Input:
    """The input that the sentence stands for. Raises `NotUnderstood`."""
    for kind in SENTENCES:
        match = kind.pattern.fullmatch(sentence.strip())
        if match is None:
            continue
        try:
            return kind.read(Said(match.groupdict(), names))
        except NotUnderstood as error:
            raise NotUnderstood(f"{sentence!r}: {error}; the shape is\n  {kind.shape}") from None
    allowed = "\n".join(f"  {kind.shape}" for kind in SENTENCES)
    raise NotUnderstood(f"{sentence!r} is not understood; allowed are\n{allowed}")


def _time_ms(text: str) -> int:
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) (s|ms)", text)
    if match is None:
        raise NotUnderstood(f"{text!r} is no time: write `15 s` or `500 ms`")
    return round(float(match[1]) * (1000 if match[2] == "s" else 1))


def _number(text: str) -> int:
    if not re.fullmatch(r"-?[0-9]+", text):
        raise NotUnderstood(f"{text!r} is no number")
    return int(text)


def _one_of(text: str, allowed: tuple[T, ...], what: str) -> T:
    for value in allowed:
        if value == text:
            return value
    raise NotUnderstood(f"{text!r} is no {what}: write one of {', '.join(allowed)}")


# --- Configuration --------------------------------------------------------------------------------------------


QUEUE_OPTIONS = (
    "ring", "wrap-up", "longest wait", "at most", "strategy", "weight", "grows", "a point every", "open to", "rung at",
    "chats", "named", "last agent", "own wrap-ups", "extension", "timeout", "full", "closed", "no-agents", "all-paused",
    "also for who waits", "dispositions required", "may be joined", "announces",
)  # fmt: skip
AGENT_OPTIONS = (
    "phone", "queues", "hot-desking", "skills", "tier", "rank", "weight", "takes", "order", "chats", "own wrap-up",
)  # fmt: skip


def _queue(said: Said) -> Input:
    options = said.options(*QUEUE_OPTIONS)
    name = said.word("queue")
    return i.ConfigureQueue(
        QueueSettings(
            QueueId(name),
            name.title(),
            ring_timeout_ms=_time_ms(options.get("ring", "15 s")),
            wrap_up_ms=_time_ms(options.get("wrap-up", "10 s")),
            wrap_up_by_agent="own wrap-ups" in options,
            wrap_up_extension_ms=_time_ms(options.get("extension", "0 s")),
            max_wait_ms=_time_ms(options["longest wait"]) if "longest wait" in options else None,
            max_length=_number(options["at most"]) if "at most" in options else None,
            strategy=_one_of(options.get("strategy", "longest-idle"), get_args(Strategy), "strategy"),
            weight=_number(options.get("weight", "0")),
            growth=_growth(options),
            rings=tuple(_ring(part) for part in options["open to"].split(" then ")) if "open to" in options else (),
            ring_at_most=_number(options.get("rung at", "1")),
            channel="chat" if "chats" in options else "voice",
            named_agent_ms=_time_ms(options.get("named", "30 s")),
            last_agent_ms=_time_ms(options.get("last agent", "0 s")),
            announcements=_announcements(options["announces"]) if "announces" in options else None,
            may_join="may be joined" in options,
            disposition_required="dispositions required" in options,
            ends=Ends(
                _end(options.get("timeout", "goes back")),
                _end(options.get("full", "goes back")),
                _end(options.get("closed", "goes back")),
                _end(options["no-agents"]) if "no-agents" in options else None,
                _end(options["all-paused"]) if "all-paused" in options else None,
                tuple(_lasting(limit) for limit in options.get("also for who waits", "").split()),
            ),
        )
    )


def _growth(options: dict[str, str]) -> Growth:
    steps = [part.split(" after ") for part in options.get("grows", "").split(" then ") if part]
    every = options.get("a point every")
    return Growth(
        tuple(Step(_time_ms(after), _number(points)) for points, after in steps),
        None if every is None else _time_ms(every),
    )


def _ring(text: str) -> Ring:
    match = re.fullmatch(r"(?:tier (?P<tier>\d+)|all)(?: less (?P<slack>\d+))?(?: after (?P<after>.+))?", text)
    if match is None:
        raise NotUnderstood(f"{text!r} is no ring: write `tier 1` or `all`, then maybe `less 2`, `after 20 s`")
    tier = None if match["tier"] is None else _number(match["tier"])
    return Ring(_time_ms(match["after"] or "0 s"), tier, _number(match["slack"] or "0"))


def _announcements(text: str) -> Announcements:
    pattern = r"(?P<what>\S+(?: and \S+)*) after (?P<first>[0-9.]+ m?s)(?: and every (?P<every>[0-9.]+ m?s))?"
    match = re.fullmatch(pattern, text)
    if match is None:
        raise NotUnderstood(
            f"{text!r} is no announcement: write `position and wait and <sound> after 5 s and every 20 s`"
        )
    what = match["what"].split(" and ")
    sounds = [word for word in what if word not in {"position", "wait"}]
    every_ms = None if match["every"] is None else _time_ms(match["every"])
    first_ms = _time_ms(match["first"])
    return Announcements(first_ms, every_ms, "position" in what, "wait" in what, "".join(sounds))


def _lasting(text: str) -> Lasting:
    return _one_of(text, get_args(Lasting), "limit for who waits already")


ENDS = re.compile(
    r"goes back|to queue (?P<queue>\S+)(?P<anew> anew)?|to (?P<context>\S+) (?P<extension>\S+) (?P<priority>[0-9]+)"
    r"|is called back"
)


def _end(text: str) -> End:
    found = ENDS.fullmatch(text)
    if found is None:
        allowed = "`goes back`, `to queue <queue>[ anew]`, `to <context> <extension> <priority>` or `is called back`"
        raise NotUnderstood(f"{text!r} is no end: write {allowed}")
    if found["queue"] is not None:
        return NextQueue(QueueId(found["queue"]), keeps_age=found["anew"] is None)
    if found["context"] is not None:
        return Destination(found["context"], found["extension"], int(found["priority"]))
    return CallbackOffer() if text == "is called back" else GoBack()


def _agent(said: Said) -> Input:
    options = said.options(*AGENT_OPTIONS)
    name = said.word("agent")
    return i.ConfigureAgent(
        AgentSettings(
            AgentId(name),
            name.title(),
            Phone(options["phone"]) if "phone" in options else None,
            tuple(QueueId(queue) for queue in options.get("queues", "").split()),
            "hot-desking" in options,
            wishes_of(options.get("skills", "").split()).required,
            _standings(options),
            _one_of(options.get("takes", "order"), get_args(Takes), "order of work"),
            _number(options.get("order", "0")),
            _number(options.get("chats", "0")),
            wrap_up_ms=_time_ms(options["own wrap-up"]) if "own wrap-up" in options else None,
        )
    )


def _standings(options: dict[str, str]) -> tuple[Standing, ...]:
    """`tier 2 in sales`, `rank 1 in sales then 2 in support`."""
    standings: dict[QueueId, dict[str, int]] = {}
    for name in ("tier", "rank", "weight"):
        for part in options.get(name, "").split(" then ") if name in options else ():
            number, queue = part.split(" in ")
            standings.setdefault(QueueId(queue), {})[name] = _number(number)
    return tuple(Standing(queue, **values) for queue, values in standings.items())


def _supervisor(said: Said) -> Input:
    queues, name = said.options("queues").get("queues", ""), said.word("supervisor")
    return i.ConfigureSupervisor(
        SupervisorSettings(SupervisorId(name), name.title(), tuple(QueueId(queue) for queue in queues.split()))
    )


ROUTER_OPTIONS = (
    "refusals last", "unreachable rests", "servers lost after", "reasons", "profiles", "limits", "productive",
    "dispositions", "misses", "callers remembered", "remembered for",
)  # fmt: skip


def _router(said: Said) -> Input:
    options = said.options(*ROUTER_OPTIONS)
    reasons = options.get("reasons", "").split()
    return i.ConfigureRouter(
        RouterSettings(
            refusal_rest_ms=_time_ms(options.get("refusals last", "5 s")),
            unreachable_rest_ms=_time_ms(options.get("unreachable rests", "10 s")),
            server_lost_after_ms=_time_ms(options.get("servers lost after", "60 s")),
            pause_reasons=tuple(_reason(options, reason, at + 1) for at, reason in enumerate(reasons)),
            dispositions=tuple(
                Disposition(name, name.title(), at + 1)
                for at, name in enumerate(options.get("dispositions", "").split())
            ),
            misses_before_pause=_number(options.get("misses", "3")) or None,
            max_profiles=_number(options.get("profiles", "32")),
            last_agent_remembered_ms=_time_ms(options.get("remembered for", "600000 s")),
            callers_remembered=_number(options.get("callers remembered", "1000")),
        )
    )


def _reason(options: dict[str, str], reason: str, number: int) -> PauseReason:
    """`limits lunch 30 s then training 60 s warn`, `productive training`."""
    limits = [part.split() for part in options.get("limits", "").split(" then ") if part]
    own = next((part for part in limits if part[0] == reason), None)
    return PauseReason(
        reason,
        reason.title(),
        number,
        None if own is None else _time_ms(" ".join(own[1:3])),
        "warn" if own is not None and own[3:] == ["warn"] else "ready",
        reason in options.get("productive", "").split(),
    )


# --- Reports from telephony -----------------------------------------------------------------------------------


def _call(said: Said) -> Input:
    wishes = wishes_of(said.words("wishes"))
    return i.CallArrived(
        said.line(),
        QueueId(said.word("queue")),
        Caller(said.word("number"), said.word("caller")),
        _number(said.word("priority") or "0"),
        wishes.required,
        wishes.wanted,
        _time_ms(said.word("waited") or "0 s"),
        _one_of(said.word("kind") or "inbound", get_args(Kind), "kind of work"),
        wishes.named,
        _passed_on(said),
        not wishes.readable,
    )


def _passed_on(said: Said) -> i.PassedOn | None:
    if not said.word("hops"):
        return None
    return i.PassedOn(_time_ms(said.word("then")), _time_ms(said.word("age")), _number(said.word("hops")))


def _leg_ended(said: Said) -> Input:
    return i.LegEnded(said.offer(), _one_of(said.word("end"), get_args(i.LegEnd), "end of a leg"))


def _phone_in_use(said: Said) -> Input:
    directions: dict[str, Direction] = {"rings": "in", "dials": "out"}
    return i.PhoneInUse(Phone(said.word("phone")), said.line(), directions[said.word("verb")])


def _report(said: Said) -> Input:
    callers: list[i.SeenCaller] = []
    legs: list[i.SeenLeg] = []
    phones: list[i.SeenPhone] = []
    items = re.split(r";\s*", said.word("items"))
    for item in items if items != ["nothing"] else ():
        match _seen(item, said):
            case i.SeenCaller() as caller:
                callers.append(caller)
            case i.SeenLeg() as leg:
                legs.append(leg)
            case i.SeenPhone() as phone:
                phones.append(phone)
    part, parts = _number(said.word("part") or "1"), _number(said.word("parts") or "1")
    server = ServerId(said.word("server"))
    return i.ServerReported(server, tuple(callers), tuple(legs), tuple(phones), first=part == 1, last=part == parts)


SEEN = {
    "caller": re.compile(r"caller (?P<channel>\S+) (?P<state>\S+)"),
    "leg": re.compile(r"(?P<agent>\S+)'s leg(?: for (?P<call>\S+))? (?P<state>\S+)"),
    "stray": re.compile(r"leg (?P<offer>\S+) (?P<state>\S+)"),
    "phone": re.compile(r"phone (?P<phone>\S+) (?P<verb>rings|dials) on (?P<channel>\S+)(?P<answered>, answered)?"),
}
SEEN_SHAPES = (
    "write `nothing`, or parted by `;` any of: caller <channel> waiting|talking|elsewhere, "
    "<agent>'s leg[ for <call>] ringing|answered|talking, leg <id> ringing|answered|talking, "
    "phone <phone> rings|dials on <channel>[, answered]"
)


def _seen(item: str, said: Said) -> i.SeenCaller | i.SeenLeg | i.SeenPhone:
    kind, match = next(((kind, match) for kind, shape in SEEN.items() if (match := shape.fullmatch(item))), ("", None))
    if match is None:
        raise NotUnderstood(f"{item!r} is nothing that a server reports: {SEEN_SHAPES}")
    seen = Said({**match.groupdict(), "server": said.word("server")}, said.names)
    if kind == "caller":
        place = _one_of(seen.word("state"), get_args(i.CallerPlace), "place of a caller")
        return i.SeenCaller(seen.line().channel, place)
    if kind == "phone":
        answered = bool(seen.word("answered"))
        direction: Direction = "in" if seen.word("verb") == "rings" else "out"
        return i.SeenPhone(Phone(seen.word("phone")), ChannelId(seen.line().channel), direction, answered)
    offer = OfferId(seen.word("offer")) if kind == "stray" else seen.offer()
    return i.SeenLeg(offer, _one_of(seen.word("state"), get_args(i.LegState), "state of a leg"))


# --- Requests from people -------------------------------------------------------------------------------------


def _log_in(said: Said) -> Input:
    phone = Phone(said.word("phone")) if said.word("phone") else None
    return i.LogIn(request=REQUEST, agent=_who(said), by=_by(said), queues=_queues(said), phone=phone)


def _pause(said: Said) -> Input:
    reason = said.word("reason")
    return i.Pause(request=REQUEST, agent=_who(said), by=_by(said), queues=_queues(said), reason=reason)


def _extend(said: Said) -> Input:
    more_ms = _time_ms(said.word("more")) if said.word("more") else None
    return i.ExtendWrapUp(request=REQUEST, agent=_who(said), by=_by(said), for_ms=more_ms)


def _dispose(said: Said) -> Input:
    disposition, named = said.word("disposition"), said.word("channel")
    call = said.names.call(named) if named else None
    return i.SetDisposition(request=REQUEST, agent=_who(said), by=_by(said), disposition=disposition, call=call)


REQUEST = RequestId("r")


def _who(said: Said) -> AgentId:
    return AgentId(said.word("agent"))


def _by(said: Said) -> str:
    return said.word("by") or said.word("agent")


def _queues(said: Said) -> tuple[QueueId, ...]:
    return tuple(QueueId(queue) for queue in said.words("queues"))


PLACES = {
    "options": r".+",
    "items": r".+",
    "caller": r'[^"]*',
    "queues": r"[^\s,]+(?: [^\s,]+)*",
    "waited": r"[0-9.]+ m?s",
    "then": r"[0-9.]+ m?s",
    "age": r"[0-9.]+ m?s",
    "more": r"[0-9.]+ m?s",
    "wishes": r"[^,]+",
    "end": r"[a-z-]+",
    "verb": r"rings|dials",
}
"""What may be filled in; anywhere else it is one word."""
ONE_WORD = r"[^\s,:;]+"


def _pattern(shape: str) -> re.Pattern[str]:
    """`[` and `]` make a part optional, `<name>` is filled in, all else stands for itself."""
    text = ""
    for piece in re.findall(r"\[|\]|<[a-z]+>|[^\[\]<]+", shape):
        if piece in "[]":
            text += "(?:" if piece == "[" else ")?"
        elif piece.startswith("<"):
            place = piece[1:-1]
            text += f"(?P<{place}>{PLACES.get(place, ONE_WORD)})"
        else:
            text += re.escape(piece)
    return re.compile(text)


def _sentence(shape: str, read: Callable[[Said], Input]) -> Sentence:
    return Sentence(shape, _pattern(shape), read)


SENTENCES = (
    _sentence("time passes", lambda _: i.PassTime()),
    _sentence("the day begins", lambda _: i.BeginDay()),
    _sentence("the router is configured: <options>", _router),
    _sentence("queue <queue> is configured[: <options>]", _queue),
    _sentence("queue <queue> is retired", lambda said: i.RetireQueue(QueueId(said.word("queue")))),
    _sentence("queue <queue> opens", lambda said: i.OpenQueue(QueueId(said.word("queue")))),
    _sentence("queue <queue> closes", lambda said: i.CloseQueue(QueueId(said.word("queue")))),
    _sentence("agent <agent> is configured: <options>", _agent),
    _sentence("supervisor <supervisor> is configured: <options>", _supervisor),
    _sentence(
        "supervisor <supervisor> is retired", lambda said: i.RetireSupervisor(SupervisorId(said.word("supervisor")))
    ),
    _sentence("agent <agent> is retired", lambda said: i.RetireAgent(_who(said))),
    _sentence(
        'call <channel> arrives in <queue>[ from <number>][ "<caller>"][, priority <priority>]'
        "[, asking for <wishes>][, having waited <waited>]"
        "[, passed on after <then> aged <age> as hop <hops>][, as a <kind>][, on <server>]",
        _call,
    ),
    _sentence("caller <channel> hangs up", lambda said: i.CallerLeft(said.line(), hung_up=True)),
    _sentence("caller <channel> goes back to the dialplan", lambda said: i.CallerLeft(said.line(), hung_up=False)),
    _sentence("<agent>'s leg[ for <call>] answers", lambda said: i.LegAnswered(said.offer())),
    _sentence("<agent>'s leg[ for <call>] is bridged", lambda said: i.LegBridged(said.offer())),
    _sentence("<agent>'s leg[ for <call>] ends: <end>", _leg_ended),
    _sentence("phone <phone> <verb> on <channel>[, on <server>]", _phone_in_use),
    _sentence("direct call <channel> is answered", lambda said: i.PhoneAnswered(said.line())),
    _sentence("direct call <channel> serves a feature code", lambda said: i.PhoneServes(said.line())),
    _sentence("direct call <channel> ends", lambda said: i.PhoneReleased(said.line())),
    _sentence("the link to <server> is lost", lambda said: i.LinkLost(ServerId(said.word("server")))),
    _sentence("server <server> reports[ part <part> of <parts>]: <items>", _report),
    _sentence("<agent> logs in[ at phone <phone>][ to <queues>][, asked by <by>]", _log_in),
    _sentence(
        "<agent> logs out[ of <queues>][, asked by <by>]",
        lambda said: i.LogOut(request=REQUEST, agent=_who(said), by=_by(said), queues=_queues(said)),
    ),
    _sentence("<agent> pauses for <reason>[ in <queues>][, asked by <by>]", _pause),
    _sentence(
        "<agent> gets ready[ in <queues>][, asked by <by>]",
        lambda said: i.GetReady(request=REQUEST, agent=_who(said), by=_by(said), queues=_queues(said)),
    ),
    _sentence(
        "<agent> ends the wrap-up[, asked by <by>]",
        lambda said: i.EndWrapUp(request=REQUEST, agent=_who(said), by=_by(said)),
    ),
    _sentence("<agent> extends the wrap-up[ by <more>][, asked by <by>]", _extend),
    _sentence("<agent> says what came of the call[ <channel>]: <disposition>[, asked by <by>]", _dispose),
)
