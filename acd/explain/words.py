"""Explanations in words."""

from collections.abc import Callable
from typing import Any, Final, get_args

from acd.model import Caller, CallId, Channel
from acd.router import facts as f
from acd.router import objections as o
from acd.router.explanation import AgentExplanation, InHand, InOneQueue, OwnOrder, Part, Place, Queued
from acd.router.reasons import Pending, Reason
from acd.router.settings import Strategy

Clock = Callable[[int], str]
"""A moment as people read it."""


def duration(ms: int) -> str:
    """`4 s`, `0.3 s`, `3 min 20 s`, `2 h 5 min`."""
    if ms < 10_000:
        return f"{ms / 1000:g} s"
    minutes, seconds = divmod(ms // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "h"), (minutes, "min")] if hours else [(minutes, "min"), (seconds, "s")]
    return " ".join(f"{value} {unit}" for value, unit in parts if value) or "0 s"


def caller(who: Caller) -> str:
    """`Bob <555>`."""
    return f"{who.name} <{who.number}>" if who.name and who.number else who.name or who.number or "unknown"


def priority(work: Queued) -> str:
    """The priority, and where it comes from."""
    parts = [
        f"{points} {whence}"
        for points, whence in (
            (work.brought, "of its own"),
            (work.weight, "by its queue's weight"),
            (work.gained, "by waiting"),
        )
        if points
    ]
    return f"priority {work.priority}" + (f" ({', '.join(parts)})" if parts else "")


# --- Reasons ----------------------------------------------------------------------------------------------------

Say = Callable[[Any, "Times"], str]


class Times:
    """The times of a reason, ready to be put behind a word."""

    def __init__(self, reason: Reason, now_ms: int, clock: Clock) -> None:
        self.reason = reason
        self.since = _with(" since ", reason.since_ms, clock)
        self.at = _with(" at ", reason.since_ms, clock)
        self.until = _with(", until ", reason.until_ms, clock)
        self.from_ = _with(" from ", reason.until_ms, clock)
        self.ago = "" if reason.since_ms is None else f" {duration(now_ms - reason.since_ms)} ago"


def _with(word: str, moment_ms: int | None, clock: Clock) -> str:
    return "" if moment_ms is None else word + clock(moment_ms)


def reasons(found: tuple[Reason, ...], call: CallId, now_ms: int, clock: Clock) -> str:
    """Why not, without what goes without saying: who is offered the call is at work with it, and who is logged out has
    no phone."""
    kinds = {type(one.objection) for one in found}
    told = [
        one
        for one in found
        if not (isinstance(one.objection, o.Busy) and one.objection.call == call)
        and not (isinstance(one.objection, o.NoPhone) and o.LoggedOut in kinds)
    ]
    return "; ".join(reason(one, now_ms, clock) for one in told)


def reason(found: Reason, now_ms: int, clock: Clock) -> str:
    """One of them."""
    return SAY[type(found.objection)](found.objection, Times(found, now_ms, clock))


REFUSED: Final[dict[f.OfferOutcome, str]] = {
    "declined": "declined this call",
    "busy": "was busy when this call rang",
    "no-answer": "did not answer this call",
    "unreachable": "could not be reached for this call",
    "failed": "could not be connected with this call",
    "agent-left": "hung up before this call was connected",
    "lost": "lost this call",
}


def _refused(_: o.RefusedIt, at: Times) -> str:
    outcome = at.reason.outcome
    what = "refused this call" if outcome is None else REFUSED.get(outcome, f"refused this call ({outcome})")
    return f"{what}{at.ago}, rests for it{at.until.removeprefix(',')}"


def _busy(found: o.Busy, at: Times) -> str:
    of = "" if found.call is None else f" ({found.call}, {found.queue})"
    return f"{found.work.value}{of}{at.since}{at.until}" + _then(at.reason.pending)


def _then(pending: Pending | None) -> str:
    if pending is None:
        return ""
    return ", then logged out" if pending.change == "log out" else f", then paused ({pending.reason})"


def _paused(found: o.Paused, at: Times) -> str:
    owed = at.reason.owed
    till = f", till it is said what came of {', '.join(owed)}" if owed else at.until
    return f"paused ({found.reason}){at.since}{till}"


def _chats(found: o.ChatsFull, _: Times) -> str:
    return f"has {_many(found.chats, 'chat')} of at most {found.most}" if found.most else "takes no chats"


def _tier(found: o.TierNotOpen, at: Times) -> str:
    opens = f"to tier {found.tier}{at.from_} on" if at.from_ else f"never to tier {found.tier}"
    return f"tier {found.tier}: the call is open up to tier {found.open_to}, {opens}"


def _skill(found: o.SkillMissing, at: Times) -> str:
    later = f"{found.level} will do{at.from_} on" if at.from_ else "never enough"
    return f"{found.skill} {found.level} < {found.needed}; {later}"


def _another(found: o.AnotherIsNamed, at: Times) -> str:
    if found.last_agent:
        return f"the call waits for {found.named}, who spoke with this caller last{at.until}"
    return f"the call asks for {found.named}{at.until}"


SAY: Final[dict[type[o.Objection], Say]] = {
    o.Connected: lambda found, at: f"the caller speaks with {found.agent}{at.since}",
    o.PickedUp: lambda found, at: f"{found.agent} picked up{at.at}",
    o.RingsEnough: lambda found, at: f"it rings at {', '.join(found.agents)}{at.since}{at.until}",
    o.QueueRetired: lambda _, at: f"its queue takes no calls any more{at.since}",
    o.QueueInDisorder: lambda _found, _: "its queue's agents are being put in order anew",
    o.QueueLetsGo: lambda _found, _: "its queue lets go of who waits",
    o.ServerUnheard: lambda found, at: f"its server {found.server} cannot be heard{at.since}",
    o.Leaving: lambda _, at: f"is gone from the configuration{at.since}",
    o.NotAssigned: lambda _found, _: "is not assigned to the queue",
    o.LoggedOut: lambda _, at: f"logged out of the queue{at.since}" if at.since else "never logged in to the queue",
    o.Paused: _paused,
    o.Busy: _busy,
    o.NoPhone: lambda _found, _: "has no phone",
    o.OnDirectCall: lambda _, at: f"on a direct call{at.since}",
    o.Resting: lambda _, at: f"the phone could not be reached{at.at}, rests{at.until.removeprefix(',')}",
    o.ChatsFull: _chats,
    o.OfferedAlready: lambda _, at: f"is offered it already{at.since}{at.until}",
    o.RefusedIt: _refused,
    o.RefusedMany: lambda found, at: f"refused {found.calls} calls of late{at.until}",
    o.AnotherIsNamed: _another,
    o.TierNotOpen: _tier,
    o.SkillMissing: _skill,
}
assert SAY.keys() == set(get_args(o.Objection)), "every objection has its words"


# --- Places -----------------------------------------------------------------------------------------------------

DECIDED: Final[dict[Part, str]] = {
    "tier": "is of a lower tier",
    "wishes": "meets more wishes",
    "chance": "was drawn",
    "idle": "has been idle for longer",
    "name": "comes first by name",
}
DECIDED_BY: Final[dict[Strategy, str]] = {
    "longest-idle": "has fewer chats in hand",
    "round-robin": "was offered one longer ago",
    "linear": "stands before in the configuration",
    "fewest-calls-today": "has had fewer",
    "least-talk-today": "has talked less",
    "most-skilled": "has more levels",
    "least-skilled": "has fewer levels",
}
"""Not of `weighted-random`, where chance decides."""


def place(place: Place, first: str, clock: Clock) -> str:
    """Where the agent stands, and what made the first one come before."""
    parts = [f"tier {place.tier}"] if place.tier != 1 else []
    parts += [f"{_many(place.unmet, 'wish', 'wishes')} unmet"] if place.unmet else []
    parts += [measure(place, clock)]
    if place.strategy not in ("longest-idle", "linear", "weighted-random"):
        parts += [f"idle since {clock(place.idle_since_ms)}"]
    by = place.after_first_by
    return ", ".join(parts) + (
        "" if by is None else f"; {first} {DECIDED_BY[place.strategy] if by == 'strategy' else DECIDED[by]}"
    )


WORK: Final[dict[Channel, str]] = {"voice": "call", "chat": "chat"}
TALK: Final[dict[Channel, str]] = {"voice": "talk", "chat": "chats"}


def measure(place: Place, clock: Clock) -> str:
    """What the strategy goes by."""
    value = place.measure
    match place.strategy:
        case "longest-idle":
            chats = f"{_many(value, 'chat')} in hand, " if value else ""
            return f"{chats}idle since {clock(place.idle_since_ms)}"
        case "round-robin":
            offered_at_ms = place.offered_at_ms
            return "not offered one yet" if offered_at_ms is None else f"last offered one at {clock(offered_at_ms)}"
        case "linear":
            return f"place {value + 1} in the configuration"
        case "fewest-calls-today":
            return f"{_many(value, WORK[place.channel])} today"
        case "least-talk-today":
            return f"{duration(value)} of {TALK[place.channel]} today"
        case "weighted-random":
            if place.weights is None:
                return f"weight {value}"
            drawn = "drawn by chance, " if place.after_first_by is None else ""
            return f"{drawn}weight {value} of {place.weights}"
        case "most-skilled":
            return f"{_many(-value, 'level')} in what is asked for"
        case "least-skilled":
            return f"{_many(value, 'level')} in all"


def _many(count: int, one: str, many: str | None = None) -> str:
    return f"{count} {one}" if count == 1 else f"{count} {many or one + 's'}"


def own_order(own: OwnOrder, taken: Queued, clock: Clock) -> str:
    """How the agent came to other work than the one that led there."""
    led = own.led_by
    came = f"who came first for {led.call} ({led.queue_name}, {priority(led)})"
    if own.takes == "rank":
        return (
            f"{came}, and takes work by rank: {taken.queue_name} has rank {own.rank}, {led.queue_name} {own.led_rank}"
        )
    since = f"this one waits since {clock(taken.since_ms)}, that one since {clock(led.since_ms)}"
    return f"{came}, and takes who has waited longest: {since}"


def in_queue(queue: InOneQueue, clock: Clock) -> str:
    """`paused (lunch) since 10:00:00`."""
    why = f" ({queue.reason})" if queue.reason else ""
    times = _with(" since ", queue.since_ms, clock) + _with(", until ", queue.until_ms, clock)
    return f"{queue.state}{why}{times}{_then(queue.pending)}"


def doing(found: AgentExplanation, clock: Clock) -> str:
    """What the agent does over all queues: `ringing with call C2 (Sales, 555) since 10:00:00.000`, and the chats."""
    at, chats = found.voice, found.chats
    times = _with(" since ", found.doing_since_ms, clock) + _with(
        ", until ", None if at is None else at.until_ms, clock
    )
    held = f", {_many(len(chats), 'chat')} in hand: {', '.join(chats)}" if chats else ""
    return f"{found.doing.value}{'' if at is None else _in_hand(at)}{times}{held}"


def _in_hand(work: InHand) -> str:
    if work.caller is None:
        return f" after call {work.call} ({work.queue_name})"
    return f" with call {work.call} ({work.queue_name}, {caller(work.caller)})"


NOT_KEPT: Final[dict[f.Reason, str]] = {
    "timeout": "the longest wait was over",
    "unknown-queue": "there is no such queue",
    "queue-closed": "it was closed",
    "wrong-channel": "it takes no such work",
    "bad-skills": "what it asked for could not be read",
    "queue-full": "as many waited there as may",
    "too-many-profiles": "too many different requirements waited there",
    "no-agents": "nobody was logged in",
    "all-paused": "everybody was paused",
    "too-many-hops": "too many queues had passed it on",
}
"""Why a queue passed a call on."""
assert NOT_KEPT.keys() == {"timeout", *get_args(f.RefusalReason)}, "every reason has its words"
