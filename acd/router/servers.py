"""Phone servers: what becomes of calls when a link is lost, and how its return is settled.

The truth about live channels is the server's. While a server is quiet nothing is concluded about its calls;
after each connection it reports what exists, and what is missing once the report is complete is gone.
"""

from acd.model import CallId, ChannelId, Line, OfferId, ServerId
from acd.router import calls, conversations, offers, phones
from acd.router import facts as f
from acd.router import inputs as i
from acd.router.state import Server
from acd.router.states import Work
from acd.router.turn import SLICE, Turn


def link_lost(turn: Turn, report: i.LinkLost) -> None:
    """From now on the server's silence says nothing about its calls."""
    server = turn.state.server(report.server)
    if server.up or server.settling:
        lost_at_ms = turn.now_ms + turn.state.settings.server_lost_after_ms
        turn.say(f.ServerWentQuiet(turn.now_ms, report.server, lost_at_ms))


def reported(turn: Turn, report: i.ServerReported) -> None:
    """Note who is still there; settle what the report shows to have happened meanwhile."""
    known = tuple(seen.channel for seen in report.callers if _is_call(turn, report, seen.channel)) + tuple(
        seen.channel for seen in report.phones if Line(report.server, seen.channel) in turn.state.direct_calls
    )
    legs = tuple(seen.offer for seen in report.legs if seen.offer in turn.state.offers)
    turn.say(f.ServerRollCalled(turn.now_ms, report.server, known, legs, report.last))
    for caller in report.callers:
        _settle_caller(turn, Line(report.server, caller.channel), caller)
    for leg in report.legs:
        _settle_leg(turn, report.server, leg)
    for phone in report.phones:
        _settle_phone(turn, Line(report.server, phone.channel), phone)


def _is_call(turn: Turn, report: i.ServerReported, channel: ChannelId) -> bool:
    return Line(report.server, channel) in turn.state.call_on


def _settle_caller(turn: Turn, line: Line, seen: i.SeenCaller) -> None:
    """A caller who is no more in our place of the dialplan has left it."""
    known = turn.state.call_on.get(line)
    if known is not None and seen.place == "elsewhere":
        calls.caller_left(turn, i.CallerLeft(line, hung_up=False))
    elif known is not None and seen.place == "waiting":
        _back_in_line(turn, known)


def _back_in_line(turn: Turn, known: CallId) -> None:
    """The conversation that we knew of ended without us hearing it, and the caller came back to wait."""
    call = turn.state.calls[known]
    if call.connected_at_ms is not None:
        conversations.end(turn, call, "system")


def _settle_leg(turn: Turn, server: ServerId, seen: i.SeenLeg) -> None:
    offer = turn.state.offers.get(seen.offer)
    if offer is None:
        if seen.state != "talking":
            turn.say(f.StrayLegFound(turn.now_ms, server, seen.offer))
        return
    match seen.state:
        case "ringing":
            if offer.overdue:
                offers.end(turn, offer, "no-answer")
        case "answered":
            offers.leg_answered(turn, i.LegAnswered(seen.offer))
        case "talking":
            conversations.leg_bridged(turn, i.LegBridged(seen.offer))


def _settle_phone(turn: Turn, line: Line, seen: i.SeenPhone) -> None:
    phones.in_use(turn, i.PhoneInUse(seen.phone, line, seen.direction))
    if seen.answered:
        phones.answered(turn, i.PhoneAnswered(line))


def is_lost(turn: Turn, server: ServerId) -> None:
    """Not heard of for too long."""
    turn.say(f.ServerGivenUp(turn.now_ms, server))


def settle(turn: Turn, server_id: ServerId) -> None:
    """Let go of what was not seen, a slice at a time; then the server's calls may be offered again."""
    server = turn.state.server(server_id)
    for offer in list(server.legs.unseen)[:SLICE]:
        _leg_is_gone(turn, OfferId(offer))
    for channel in list(server.channels.unseen)[:SLICE]:
        _channel_is_gone(turn, server, Line(server_id, ChannelId(channel)))
    if not server.legs.unseen and not server.channels.unseen:
        turn.say(f.ServerSettled(turn.now_ms, server_id, up=not server.given_up))


def _leg_is_gone(turn: Turn, offer_id: OfferId) -> None:
    offer = turn.state.offers[offer_id]
    call = turn.state.calls[offer.call]
    if call.connected_at_ms is not None:
        conversations.end(turn, call, "system")
    elif turn.state.agents[offer.agent].work is Work.CONNECTING:
        offers.end(turn, offer, "agent-left")
    else:
        offers.end(turn, offer, "lost")


def _channel_is_gone(turn: Turn, server: Server, line: Line) -> None:
    known = turn.state.call_on.get(line)
    if known is None:
        phones.released(turn, line)
    else:
        calls.lose(turn, turn.state.calls[known], "server" if server.given_up else "gone")
