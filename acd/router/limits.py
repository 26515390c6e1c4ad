"""Why a queue does not keep a call, and where the call goes then (docs/routing.md R50 to R53).

Nothing here changes anything: `calls` asks, and says what follows. A way from queue to queue is bounded: the
configuration refuses loops, and a core that is given one all the same lets the call go back.
"""

from typing import Final, NamedTuple, assert_never

from acd.model import Channel, QueueId, Skill
from acd.router import facts as f
from acd.router.settings import CallbackOffer, Destination, End, GoBack, Lasting, NextQueue
from acd.router.state import Queue, State

MOST_HOPS: Final = 8
"""So many queues may pass one call on, over its whole life."""

AS_TOLD: Final[dict[Lasting, f.RefusalReason]] = {
    "no-agents": "no-agents",
    "all-paused": "all-paused",
    "closed": "queue-closed",
}


class Way(NamedTuple):
    """Where a call goes: to a queue that takes it, or out of all queues."""

    via: tuple[f.Hop, ...]
    """The queues that passed it on, and why."""
    reason: f.Reason
    """Of the last of them."""
    queue: QueueId | None = None
    keeps_age: bool = True
    destination: Destination | None = None
    """Where to out of all queues; None: back, to where it came from."""
    callback: bool = False


STRAIGHT: Final = Way((), "queue-full")
"""Of a call that the first queue takes."""


def barred(
    state: State,
    queue_id: QueueId,
    channel: Channel,
    required: tuple[Skill, ...],
    wanted: tuple[Skill, ...],
    *,
    has_place: bool,
) -> f.RefusalReason | None:
    """Why the queue does not take a call. One that has a place already loses it only for what makes those leave who
    wait."""
    queue = state.queues.get(queue_id)
    if queue is None:
        return "unknown-queue"
    if queue.retired:
        return "queue-closed"
    if queue.settings.channel != channel:
        return "wrong-channel"
    limit = must_leave(queue) if has_place else next(iter(_lasting(queue)), None)
    if limit is not None:
        return AS_TOLD[limit]
    longest = queue.settings.max_length
    if longest is not None and queue.length >= longest and not has_place:
        return "queue-full"
    if len(queue.waiting.profiles) >= state.settings.max_profiles and not has_place:
        asked = {(profile.required, profile.wanted) for profile in queue.waiting.profiles}
        if len(asked) >= state.settings.max_profiles and (required, wanted) not in asked:
            return "too-many-profiles"
    return None


def _lasting(queue: Queue) -> tuple[Lasting, ...]:
    """What keeps newcomers out, whoever waits already. Where the hours are over, nobody may be there besides."""
    closed: tuple[Lasting, ...] = ("closed",) if queue.closed else ()
    if queue.on_duty:
        return closed
    ends = queue.settings.ends
    if queue.on_break:
        return closed if ends.all_paused is None else (*closed, "all-paused")
    return closed if ends.no_agents is None else (*closed, "no-agents")


def must_leave(queue: Queue) -> Lasting | None:
    """What makes those leave who wait in the queue, too. A retired queue is emptied anyway."""
    if queue.retired:
        return None
    return next((limit for limit in _lasting(queue) if limit in queue.settings.ends.leaving), None)


def way_from(
    state: State,
    queue_id: QueueId,
    reason: f.Reason,
    required: tuple[Skill, ...],
    wanted: tuple[Skill, ...],
    hops: int = 0,
) -> Way:
    """Where a call goes that the queue does not keep for this reason; `hops`: how many queues passed it on before."""
    way = Way((f.Hop(queue_id, reason),), reason)
    while True:
        end = _end(state, queue_id, way.reason)
        match end:
            case GoBack():
                return way
            case Destination():
                return way._replace(destination=end)
            case CallbackOffer():
                return way._replace(callback=True, destination=end.destination)
            case NextQueue():
                if hops + len(way.via) > MOST_HOPS:
                    return way._replace(reason="too-many-hops")
                way = way._replace(keeps_age=way.keeps_age and end.keeps_age)
                refusal = _refusal(state, queue_id, end.queue, required, wanted)
                queue_id = end.queue
                if refusal is None:
                    return way._replace(queue=queue_id)
                way = way._replace(via=(*way.via, f.Hop(queue_id, refusal)), reason=refusal)
            case _:
                assert_never(end)


def _refusal(
    state: State, from_id: QueueId, to_id: QueueId, required: tuple[Skill, ...], wanted: tuple[Skill, ...]
) -> f.RefusalReason | None:
    """Why the next queue does not take the call, which stands behind all who are there."""
    return barred(state, to_id, state.queues[from_id].settings.channel, required, wanted, has_place=False)


def _end(state: State, queue_id: QueueId, reason: f.Reason) -> End:
    """What the queue does with a call that it does not keep; a queue that is unknown or retired has no word in it."""
    queue = state.queues.get(queue_id)
    if queue is None or queue.retired:
        return GoBack()
    ends = queue.settings.ends
    match reason:
        case "timeout":
            return ends.timeout
        case "queue-full":
            return ends.full
        case "queue-closed":
            return ends.closed
        case "no-agents":
            return ends.no_agents or GoBack()
        case "all-paused":
            return ends.all_paused or GoBack()
        case "unknown-queue" | "wrong-channel" | "bad-skills" | "too-many-profiles" | "too-many-hops":
            return GoBack()
        case _:
            assert_never(reason)
