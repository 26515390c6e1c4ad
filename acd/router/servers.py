"""Phone servers: what becomes of calls when a link is lost, and how its return is settled.

The truth about live channels is the server's. While a server is quiet nothing is concluded about its calls;
after each connection it reports what exists, and what is missing once the report is complete is gone
(docs/routing.md R21 to R24).
"""

from typing import Final, assert_never

from acd.model import ChannelId, Line, OfferId, QueueId, ServerId
from acd.router import calls, configuration, conversations, links, offers, phones
from acd.router import facts as f
from acd.router import inputs as i
from acd.router.state import Server
from acd.router.states import Work
from acd.router.turn import SLICE, Turn

QUEUES_SLICE: Final = 500
"""At how many queues it is looked in one turn who waits there on a server that can be heard again."""


def reported(turn: Turn, report: i.ServerReported) -> None:
    """Note who is still there; settle what the report shows to have happened meanwhile.

    A report is a picture, and what was heard live since the link came back is newer than it. So that something
    ended is concluded only of what has not been heard of since.
    """
    server = turn.state.servers.get(report.server) or Server()
    if report.first and (server.up or server.settling) and not server.given_up:
        links.lost(turn, i.LinkLost(report.server))
    unheard = [seen for seen in report.callers if server.channels.misses(seen.channel)]
    legs = [seen for seen in report.legs if links.is_ours(turn.state, report.server, seen.offer)]
    silent = [seen.offer for seen in legs if server.legs.misses(seen.offer)]
    named = [*(seen.channel for seen in unheard), *(seen.channel for seen in report.phones)]
    channels = tuple(channel for channel in dict.fromkeys(named) if server.channels.misses(channel))
    turn.say(f.ServerRollCalled(turn.now_ms, report.server, channels, tuple(silent), report.last))
    for caller in unheard:
        _settle_caller(turn, Line(report.server, caller.channel), caller)
    for leg in report.legs:
        _settle_leg(turn, report.server, leg, leg.offer in silent)
    for phone in report.phones:
        _settle_phone(turn, Line(report.server, phone.channel), phone)


def _settle_caller(turn: Turn, line: Line, seen: i.SeenCaller) -> None:
    """A caller who is no more in our place of the dialplan has left it; one whom we took to be talking and who
    stands there is back."""
    known = turn.state.call_on.get(line)
    if known is None:
        return
    call = turn.state.calls[known]
    if seen.place == "elsewhere":
        calls.caller_left(turn, i.CallerLeft(line, hung_up=False))
    elif seen.place == "waiting" and call.connected_at_ms is not None:
        conversations.end(turn, call, "system")
        calls.again(turn, call)


def _settle_leg(turn: Turn, server: ServerId, seen: i.SeenLeg, was_silent: bool) -> None:
    if not links.is_ours(turn.state, server, seen.offer):
        if seen.state != "talking":
            turn.say(f.StrayLegFound(turn.now_ms, server, seen.offer))
        return
    offer = turn.state.offers[seen.offer]
    match seen.state:
        case "ringing":
            if offer.overdue:
                offers.time_is_over(turn, offer.id)
        case "answered":
            if was_silent and turn.state.work_at(offer) is Work.CONNECTING:
                offers.accept(turn, offer)  # the bridge was ordered, but not made
            else:
                offers.leg_answered(turn, i.LegAnswered(offer.id))
        case "talking":
            offers.leg_bridged(turn, i.LegBridged(offer.id))
        case _:
            assert_never(seen.state)


def _settle_phone(turn: Turn, line: Line, seen: i.SeenPhone) -> None:
    phones.in_use(turn, i.PhoneInUse(seen.phone, line, seen.direction))
    if seen.answered:
        phones.answered(turn, i.PhoneAnswered(line))


def is_lost(turn: Turn, server: ServerId) -> None:
    """Not heard of for too long."""
    turn.say(f.ServerGivenUp(turn.now_ms, server))


def settle(turn: Turn, server_id: ServerId) -> None:
    """Let go of what was not seen, a slice at a time; then the server's calls may be offered again."""
    server = turn.state.servers[server_id]
    for offer in server.legs.missing(SLICE):
        _leg_is_gone(turn, OfferId(offer))
    for channel in server.channels.missing(SLICE):
        _channel_is_gone(turn, server, Line(server_id, ChannelId(channel)))
    if not (server.legs.is_complete and server.channels.is_complete):
        return
    turn.say(f.ServerSettled(turn.now_ms, server_id, up=not server.given_up))
    if server.channels.present:
        links.expect(turn, server_id)  # something new was heard of while the server was given up


def look_at_queues(turn: Turn) -> None:
    """A server can be heard again: of each queue in turn it is news that who waits in it may be offered, or has to
    leave. A slice of them all, for nobody keeps which of them have callers on which server."""
    news = turn.state.news
    for name in news.seen.missing(QUEUES_SLICE):
        if turn.is_full:
            return
        news.seen.enter(name)
        queue_id = QueueId(name)
        queue = turn.state.queues[queue_id]
        if queue.waiting and queue.retired:
            configuration.empty_retired_queue(turn, queue_id)
        elif queue.waiting:
            news.limits[queue_id] = None
            if queue.ready:  # who becomes ready looks by himself
                news.queues[queue_id] = None
    news.unseen = not news.seen.is_complete


def _leg_is_gone(turn: Turn, offer_id: OfferId) -> None:
    offer = turn.state.offers[offer_id]
    call = turn.state.calls[offer.call]
    if call.connected_at_ms is not None:
        conversations.end(turn, call, "system")
    elif turn.state.work_at(offer) is Work.CONNECTING:
        offers.end(turn, offer, "agent-left")
    else:
        offers.end(turn, offer, "lost")


def _channel_is_gone(turn: Turn, server: Server, line: Line) -> None:
    """A channel may be both: an agent's phone that calls a queue."""
    phones.released(turn, line)
    known = turn.state.call_on.get(line)
    if known is not None:
        calls.lose(turn, turn.state.calls[known], "server" if server.given_up else "gone")
