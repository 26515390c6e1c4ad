"""What is true of a core's state after every input, whatever came before.

Each check looks at the logical state and compares with it what the core keeps beside it: lists, counts, indexes,
deadlines. `check` raises `AssertionError` and names what is broken.
"""

from collections import Counter
from collections.abc import Callable

from acd.model import AgentId, CallId, Phone, ServerId
from acd.router.deadlines import Kind
from acd.router.state import REFUSALS_KEPT, Agent, Call, Queue, Server, State
from acd.router.states import Membership, Work
from acd.testing import oracle

ON_AN_OFFER = (Work.RINGING, Work.CONNECTING, Work.TALKING)

Key = tuple[Kind, str, str]


def check(state: State, *, settled: bool = True) -> None:
    """Raise if anything does not hold. Between the slices of a large effect (not `settled`) G4 is not asked for."""
    for invariant in INVARIANTS:
        invariant(state)
    if settled:
        _nobody_idle_while_somebody_waits(state)


def _agents_have_one_work(state: State) -> None:
    """G1: no agent has two offers, or an offer and a wrap-up; agent, offer and call name each other."""
    holders = Counter(offer.agent for offer in state.offers.values())
    for id_, agent in state.agents.items():
        assert holders[id_] == (agent.work in ON_AN_OFFER), f"{id_}: {holders[id_]} offers while {agent.work.value}"
        assert (agent.offer is not None) == (agent.work in ON_AN_OFFER), f"{id_}: {agent.offer}, {agent.work.value}"
        assert (agent.wrap_up is not None) == (agent.work is Work.WRAP_UP), f"{id_}: {agent.wrap_up}"
    assert set(holders) <= set(state.agents), f"offers of agents who are gone: {set(holders) - set(state.agents)}"


def _calls_have_one_place(state: State) -> None:
    """G2: a call is in a line, or at one offer, or in one conversation."""
    offers_of = Counter(offer.call for offer in state.offers.values())
    lined_up = Counter(
        place.call for queue in state.queues.values() for line in queue.waiting.values() for place in line
    )
    for id_, call in state.calls.items():
        assert offers_of[id_] + lined_up[id_] == 1, f"call {id_}: {offers_of[id_]} offers, {lined_up[id_]} in line"
        if call.offer is None:
            assert lined_up[id_], f"call {id_} is nowhere"
            continue
        offer = state.offers[call.offer]
        work = state.agents[offer.agent].work
        assert (offer.call, offer.queue, offer.line) == (id_, call.queue, call.line), f"call {id_}: {offer}"
        assert state.agents[offer.agent].offer == offer.id, f"call {id_}: {offer.agent} has another offer"
        assert (call.connected_at_ms is not None) == (work is Work.TALKING), f"call {id_}: {work.value}"
    assert set(offers_of) | set(lined_up) <= set(state.calls), "offers or places of calls that are gone"


def _lines_hold_their_calls(state: State) -> None:
    """A waiting call stands in its queue, in the line of its server, at its own place; no line is kept empty."""
    for queue_id, queue in state.queues.items():
        for server, line in queue.waiting.items():
            assert line, f"queue {queue_id} keeps an empty line for {server}"
            assert list(line) == sorted(line), f"queue {queue_id} is out of order"
            for place in line:
                call = state.calls[place.call]
                assert (call.queue, call.line.server, call.place) == (queue_id, server, place), f"{place} is misplaced"


def _counts_are_right(state: State) -> None:
    calls = Counter(call.queue for call in state.calls.values())
    queued = Counter(call.queue for call in state.calls.values() if call.connected_at_ms is None)
    for id_, queue in state.queues.items():
        assert (queue.calls, queue.length) == (calls[id_], queued[id_]), f"queue {id_} counts {queue.calls} calls"
    assert set(calls) <= set(state.queues), "calls of queues that are gone"


def _nobody_idle_while_somebody_waits(state: State) -> None:
    """G4: no eligible call together with an eligible agent."""
    choice = oracle.best_choice(state)
    assert choice is None, f"{choice} was not made"
    assert not state.touched, f"not looked at: {list(state.touched)}"


def _ready_lists_are_right(state: State) -> None:
    for id_, queue in state.queues.items():
        ready = sorted(
            agent.free
            for agent in state.agents.values()
            if oracle.is_available(state, agent) and _state_in(agent, queue) is Membership.READY
        )
        assert list(queue.ready) == ready, f"queue {id_} lists {list(queue.ready)}, ready are {ready}"
        members = {
            agent_id for agent_id, agent in state.agents.items() if _state_in(agent, queue) is not Membership.LOGGED_OUT
        }
        assert set(queue.members) == members, f"queue {id_} has members {set(queue.members)}, not {members}"


def _state_in(agent: Agent, queue: Queue) -> Membership:
    entry = agent.queues.get(queue.settings.id)
    return Membership.LOGGED_OUT if entry is None else entry.state


def _agents_are_kept_while_needed(state: State) -> None:
    """A phone is held while logged in, or an offer or a call is on it; a retired agent goes with the last work."""
    for id_, agent in state.agents.items():
        logged_in = [queue for queue, entry in agent.queues.items() if entry.state is not Membership.LOGGED_OUT]
        assert set(logged_in) <= set(state.queues), f"{id_} is logged in to a queue that is gone"
        assert set(agent.queues) <= set(agent.settings.queues), f"{id_} is in a queue without assignment"
        assert not logged_in or agent.phone is not None, f"{id_} is logged in without a phone"
        assert not agent.retired or agent.work is not Work.IDLE, f"{id_} is retired and without work"
        on_the_phone = agent.work in ON_AN_OFFER
        assert logged_in or on_the_phone or agent.phone is None, f"{id_} is logged out and holds {agent.phone}"
        for entry in agent.queues.values():
            assert (entry.reason is not None) == (entry.state is Membership.PAUSED), f"{id_}: {entry}"


def _indexes_are_right(state: State) -> None:
    at: dict[Phone, AgentId] = {agent.phone: id_ for id_, agent in state.agents.items() if agent.phone is not None}
    assert state.agent_at == at, f"agents by phone: {state.agent_at}, not {at}"
    assert sum(agent.phone is not None for agent in state.agents.values()) == len(at), "two agents at one phone"
    on = {call.line: id_ for id_, call in state.calls.items()}
    assert state.call_on == on, f"calls by line: {state.call_on}, not {on}"
    lines: dict[Phone, list[object]] = {}
    for line, direct in state.direct_calls.items():
        lines.setdefault(direct.phone, []).append(line)
    kept = {phone: list(of_phone) for phone, of_phone in state.lines_of.items()}
    assert kept == lines, f"lines by phone: {kept}, not {lines}"


def _refusals_agree(state: State) -> None:
    by_agent = {(id_, call) for id_, agent in state.agents.items() for call in agent.refusals}
    by_call = {(agent, id_) for id_, call in state.calls.items() for agent in call.refusers}
    assert by_agent == by_call, f"refusals differ: {by_agent ^ by_call}"
    most = max((len(agent.refusals) for agent in state.agents.values()), default=0)
    assert most <= REFUSALS_KEPT, f"an agent keeps {most} refusals"


def _servers_know_who_is_there(state: State) -> None:
    for id_, server in state.servers.items():
        channels = {call.line.channel for call in state.calls.values() if call.line.server == id_}
        channels |= {line.channel for line in state.direct_calls if line.server == id_}
        legs = {offer.id for offer in state.offers.values() if offer.line.server == id_}
        for roll, there in ((server.channels, channels), (server.legs, legs)):
            assert set(roll.present) | set(roll.unseen) == there, f"server {id_}: {roll}, there are {there}"
            assert not set(roll.present) & set(roll.unseen), f"server {id_}: {roll}"
        assert not server.up or not (server.channels.unseen or server.legs.unseen), f"server {id_} is up: {server}"
        assert server.settling or not server.given_up, f"server {id_}: {server}"


def _overdue_only_while_unheard(state: State) -> None:
    """What is put off until a server's report is put off for no other reason."""
    for call in state.calls.values():
        server = state.servers[call.line.server]
        assert not call.overdue or (not server.up and call.line.channel in server.channels.unseen), f"{call}"
    for offer in state.offers.values():
        server = state.servers[offer.line.server]
        assert not offer.overdue or (not server.up and offer.id in server.legs.unseen), f"{offer}"


def _deadlines_have_their_reasons(state: State) -> None:
    """G5: every ring, connecting, wrap-up, rest, refusal and silent server has its deadline, and there is no other."""
    expected: set[Key] = set()
    for id_, agent in state.agents.items():
        expected |= _of_agent(state, id_, agent)
    for call_id, call in state.calls.items():
        expected |= _of_call(state, call_id, call)
    for server_id, server in state.servers.items():
        expected |= _of_server(state, server_id, server)
    for queue_id, queue in state.queues.items():
        drained = queue.retired and not queue.waiting and not queue.members and queue.calls
        if queue.retired and not (drained and state.deadlines.find("retire", queue_id) is None):
            expected.add(("retire", queue_id, ""))
    found = [(deadline.kind, deadline.subject, deadline.other) for deadline in state.deadlines.all()]
    assert set(found) == expected, f"deadlines {set(found) - expected} without reason, {expected - set(found)} missing"
    assert len(found) == len(expected) == len(state.deadlines), "a deadline is set twice"


def _of_agent(state: State, id_: AgentId, agent: Agent) -> set[Key]:
    expected: set[Key] = {("refusal", id_, call) for call in agent.refusals}
    if agent.rests:
        expected.add(("rest", id_, ""))
    if agent.wrap_up is not None:
        expected.add(("wrap-up", id_, ""))
    if agent.offer is not None and not state.offers[agent.offer].overdue:
        if agent.work is Work.RINGING:
            expected.add(("ring", agent.offer, ""))
        elif agent.work is Work.CONNECTING:
            expected.add(("connect", agent.offer, ""))
    return expected


def _of_call(state: State, id_: CallId, call: Call) -> set[Key]:
    picked_up = call.offer is not None and state.agents[state.offers[call.offer].agent].work is not Work.RINGING
    if call.give_up_at_ms is None or picked_up or call.overdue:
        return set()
    return {("give-up", id_, "")}


def _of_server(state: State, id_: ServerId, server: Server) -> set[Key]:
    """A server is up, or its differences are being settled, or it must report in time; one on which nothing is
    may do without."""
    expected: set[Key] = set()
    if server.settling:
        expected.add(("settle", id_, ""))
    empty = not (server.channels.present or server.channels.unseen or server.legs.present or server.legs.unseen)
    waited_for = state.deadlines.find("server-lost", id_) is not None
    if not server.up and not server.settling and (not empty or waited_for):
        expected.add(("server-lost", id_, ""))
    return expected


def passing(state: State) -> set[str]:
    """G5: what must end by itself, if only time passes: longer than any of it was set to last."""
    silent = {id_ for id_, server in state.servers.items() if not server.up}
    things = {f"offer {offer.id}" for offer in state.offers.values() if offer.line.server in silent}
    things |= {f"call {id_}" for id_, call in state.calls.items() if call.line.server in silent}
    things |= {f"direct call {line}" for line in state.direct_calls if line.server in silent}
    for id_, agent in state.agents.items():
        if agent.work in {Work.RINGING, Work.CONNECTING}:
            things.add(f"offer {agent.offer}")
        if agent.wrap_up is not None:
            things.add(f"wrap-up of {id_} after {agent.wrap_up.call}")
        if agent.rests:
            things.add(f"rest of {id_}")
    for call_id, call in state.calls.items():
        if call.give_up_at_ms is not None and call.connected_at_ms is None:
            things.add(f"wait of {call_id}")
    for queue_id, queue in state.queues.items():
        things |= {f"wait of {place.call}" for line in queue.waiting.values() for place in line if queue.retired}
        things |= {f"membership of {agent_id} in {queue_id}" for agent_id in queue.members if queue.retired}
    return things


INVARIANTS: tuple[Callable[[State], None], ...] = (
    _agents_have_one_work,
    _calls_have_one_place,
    _lines_hold_their_calls,
    _counts_are_right,
    _ready_lists_are_right,
    _agents_are_kept_while_needed,
    _indexes_are_right,
    _refusals_agree,
    _servers_know_who_is_there,
    _overdue_only_while_unheard,
    _deadlines_have_their_reasons,
)
