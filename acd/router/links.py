"""The links to the phone servers: who can be heard, and how long a silent server is waited for."""

from acd.model import Line, OfferId, ServerId
from acd.router import facts as f
from acd.router import inputs as i
from acd.router.state import Offer, State
from acd.router.turn import Turn


def hears_caller(state: State, line: Line) -> bool:
    """Whether the caller's channel has been heard of since the link came up: its silence means something."""
    server = state.servers[line.server]
    return server.up or server.channels.hears(line.channel)


def hears_leg(state: State, offer: Offer) -> bool:
    """The same of an agent's leg."""
    server = state.servers[offer.line.server]
    return server.up or server.legs.hears(offer.id)


def is_ours(state: State, server: ServerId, offer_id: OfferId) -> bool:
    """Whether a leg on this server is that of an offer that is not over."""
    offer = state.offers.get(offer_id)
    return offer is not None and offer.line.server == server


def lost(turn: Turn, report: i.LinkLost) -> None:
    """From now on the server's silence says nothing about its calls. A link that is lost again before the server
    has reported in full does not put off the hour at which it is given up."""
    server = turn.state.servers.get(report.server)
    if server is not None and (server.up or server.settling or server.channels.present or server.legs.present):
        _go_quiet(turn, report.server)


def expect(turn: Turn, server_id: ServerId) -> None:
    """Something lives on the server: it is up, or it must report in time, so that nothing waits on it for ever."""
    server = turn.state.servers.get(server_id)
    known = server is not None and (server.up or server.settling)
    if not known and turn.state.deadlines.find("server-lost", server_id) is None:
        _go_quiet(turn, server_id)


def _go_quiet(turn: Turn, server_id: ServerId) -> None:
    running = turn.state.deadlines.find("server-lost", server_id)
    lost_at_ms = turn.now_ms + turn.state.settings.server_lost_after_ms if running is None else running.due_ms
    turn.say(f.ServerWentQuiet(turn.now_ms, server_id, lost_at_ms))
