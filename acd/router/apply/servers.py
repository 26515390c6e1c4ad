"""Direct calls on phones, and servers that come and go."""

from acd.model import AgentId, Line, Phone
from acd.router import facts as f
from acd.router.apply import channels
from acd.router.apply.table import Table
from acd.router.state import DirectCall, State


def _direct_call_started(state: State, fact: f.DirectCallStarted) -> None:
    state.direct_calls[fact.line] = DirectCall(fact.phone, fact.agent, fact.direction, fact.counted)
    state.lines_of.setdefault(fact.phone, {})[fact.line] = None
    channels.hear_of(state, fact.line)
    _relist_at(state, fact.phone)


def _direct_call_answered(state: State, fact: f.DirectCallAnswered) -> None:
    state.direct_calls[fact.line].answered_at_ms = fact.at_ms
    channels.hear_of(state, fact.line)


def _direct_call_excluded(state: State, fact: f.DirectCallExcluded) -> None:
    state.direct_calls[fact.line].counted = False


def _direct_call_ended(state: State, fact: f.DirectCallEnded) -> None:
    del state.direct_calls[fact.line]
    lines = state.lines_of[fact.phone]
    del lines[fact.line]
    if not lines:
        del state.lines_of[fact.phone]
    channels.forget_channel(state, fact.line)
    _relist_at(state, fact.phone)


def _relist_at(state: State, phone: Phone) -> None:
    agent: AgentId | None = state.agent_at.get(phone)
    if agent is not None:
        state.relist(state.agents[agent])


def _server_went_quiet(state: State, fact: f.ServerWentQuiet) -> None:
    server = state.server(fact.server)
    server.up = server.settling = server.given_up = False
    server.channels.call()
    server.legs.call()
    state.deadlines.drop("settle", fact.server)
    state.deadlines.set(fact.lost_at_ms, "server-lost", fact.server)


def _server_roll_called(state: State, fact: f.ServerRollCalled) -> None:
    server = state.server(fact.server)
    for channel in fact.channels:
        channels.hear_of(state, Line(fact.server, channel))
    for offer in fact.offers:
        server.legs.enter(offer)
    if fact.last:
        server.settling, server.given_up = True, False
        state.deadlines.drop("server-lost", fact.server)
        state.deadlines.set(fact.at_ms, "settle", fact.server)


def _server_given_up(state: State, fact: f.ServerGivenUp) -> None:
    server = state.server(fact.server)
    server.settling = server.given_up = True
    server.channels.call()  # also what was heard of live: the server never said so in full
    server.legs.call()
    state.deadlines.drop("server-lost", fact.server)
    state.deadlines.set(fact.at_ms, "settle", fact.server)


def _server_settled(state: State, fact: f.ServerSettled) -> None:
    server = state.server(fact.server)
    server.up = fact.up
    server.settling = server.given_up = False
    state.deadlines.drop("settle", fact.server)
    if fact.up:
        state.news.look_at_all_queues()


APPLY: Table = {
    f.DirectCallStarted: _direct_call_started,
    f.DirectCallAnswered: _direct_call_answered,
    f.DirectCallExcluded: _direct_call_excluded,
    f.DirectCallEnded: _direct_call_ended,
    f.ServerWentQuiet: _server_went_quiet,
    f.ServerRollCalled: _server_roll_called,
    f.ServerGivenUp: _server_given_up,
    f.ServerSettled: _server_settled,
}
