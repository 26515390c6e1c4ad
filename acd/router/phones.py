"""Direct calls: an agent whose phone is on any other call is not offered work; such calls are counted apart
(docs/routing.md R16)."""

from acd.model import Line, OfferId, Phone
from acd.router import facts as f
from acd.router import inputs as i
from acd.router import links
from acd.router.state import State
from acd.router.turn import Turn


def in_use(turn: Turn, report: i.PhoneInUse) -> None:
    """A phone rings or dials without us. Our own leg may be told for that by a phone system that does not know it."""
    if report.line in turn.state.direct_calls or _is_our_leg(turn.state, report.line):
        return
    links.expect(turn, report.line.server)
    agent = turn.state.agent_at.get(report.phone)
    counted = not _is_far_end(turn.state, report.phone, report.line)
    turn.say(f.DirectCallStarted(turn.now_ms, report.line, report.phone, agent, report.direction, counted))


def _is_our_leg(state: State, line: Line) -> bool:
    return links.is_ours(state, line.server, OfferId(line.channel))


def _is_far_end(state: State, phone: Phone, line: Line) -> bool:
    """Whether this is our own leg, that left another server over a trunk and arrives at the phone's server."""
    agent = state.agent_at.get(phone)
    offer = None if agent is None else state.agents[agent].offer
    return offer is not None and state.offers[offer].line.server != line.server


def answered(turn: Turn, report: i.PhoneAnswered) -> None:
    """The direct call is a conversation now."""
    call = turn.state.direct_calls.get(report.line)
    if call is not None and call.answered_at_ms is None:
        turn.say(f.DirectCallAnswered(turn.now_ms, report.line))


def serves(turn: Turn, report: i.PhoneServes) -> None:
    """It is a feature code, not a conversation."""
    call = turn.state.direct_calls.get(report.line)
    if call is not None and call.counted:
        turn.say(f.DirectCallExcluded(turn.now_ms, report.line))


def released(turn: Turn, line: Line) -> None:
    """The direct call is over."""
    call = turn.state.direct_calls.get(line)
    if call is None:
        return
    talked_ms = None if call.answered_at_ms is None else turn.now_ms - call.answered_at_ms
    turn.say(f.DirectCallEnded(turn.now_ms, line, call.phone, call.agent, call.direction, call.counted, talked_ms))
