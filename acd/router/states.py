"""The agent's two state machines, as tables. A move that is not in its table is illegal and changes nothing.

Membership is kept for each of the agent's queues; work is one for the whole agent, because an agent has one
voice: an offer or a wrap-up in one queue holds the agent for the calls of all. An agent is offered a call when
the membership in its queue is ready, the work is idle, the phone is known and on no other call, and the agent
does not rest after an unreachable phone.
"""

from enum import Enum


class Membership(Enum):
    """What the agent is in one queue."""

    LOGGED_OUT = "logged out"
    READY = "ready"
    PAUSED = "paused"


class Work(Enum):
    """What the agent does."""

    IDLE = "idle"
    RINGING = "ringing"
    CONNECTING = "connecting"
    TALKING = "talking"
    WRAP_UP = "wrap-up"

    moves: dict[str, "Work"]
    """From here: what may become of it -> new work. The row of the table below."""


MEMBERSHIP_MOVES: dict[tuple[Membership, str], Membership] = {
    (Membership.LOGGED_OUT, "log in"): Membership.READY,
    (Membership.READY, "log in"): Membership.READY,
    (Membership.PAUSED, "log in"): Membership.PAUSED,
    (Membership.LOGGED_OUT, "get ready"): Membership.READY,
    (Membership.READY, "get ready"): Membership.READY,
    (Membership.PAUSED, "get ready"): Membership.READY,
    (Membership.READY, "pause"): Membership.PAUSED,
    (Membership.PAUSED, "pause"): Membership.PAUSED,
    (Membership.READY, "log out"): Membership.LOGGED_OUT,
    (Membership.PAUSED, "log out"): Membership.LOGGED_OUT,
}
"""State in the queue and request -> new state."""

WORK_MOVES: dict[tuple[Work, str], Work] = {
    (Work.IDLE, "offer made"): Work.RINGING,
    (Work.RINGING, "offer accepted"): Work.CONNECTING,
    (Work.CONNECTING, "offer accepted"): Work.CONNECTING,
    (Work.RINGING, "offer ended"): Work.IDLE,
    (Work.CONNECTING, "offer ended"): Work.IDLE,
    (Work.RINGING, "call connected"): Work.TALKING,
    (Work.CONNECTING, "call connected"): Work.TALKING,
    (Work.TALKING, "call ended"): Work.IDLE,
    (Work.IDLE, "wrap-up started"): Work.WRAP_UP,
    (Work.WRAP_UP, "wrap-up ended"): Work.IDLE,
}
"""Work and what became of it -> new work. An offer may be accepted again, where a server's report shows that the
bridge was not made; a ringing agent talks at once where the word of the acceptance was missed. The wrap-up starts
in the same breath in which the call ends."""


for _work in Work:
    _work.moves = {event: after for (before, event), after in WORK_MOVES.items() if before is _work}


def may_move(state: Membership, request: str) -> bool:
    """Whether the request is legal for a queue in this state."""
    return (state, request) in MEMBERSHIP_MOVES
