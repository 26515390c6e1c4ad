"""The configuration as it enters and changes (docs/routing.md R18, R20). What did not change makes no fact."""

from itertools import islice

from msgspec import structs

from acd.model import AgentId, QueueId, SupervisorId
from acd.router import calls
from acd.router import facts as f
from acd.router import inputs as i
from acd.router.settings import CLASSES_MOST, Configured, Strategy
from acd.router.state import Agent, State
from acd.router.turn import SLICE, Turn


def configured(state: State) -> Configured:
    """What the configuration has come to so far, whoever has told it: this process, or the journal it came from."""
    return Configured(
        state.settings,
        tuple(queue.settings for queue in state.queues.values() if not queue.retired),
        tuple(agent.settings for agent in state.agents.values() if not agent.retired),
        tuple(supervisor.settings for supervisor in state.supervisors.values()),
        tuple(queue.settings for queue in state.queues.values() if queue.retired),
    )


def open_journal(turn: Turn, opening: i.OpenJournal) -> None:
    assert turn.state.fact_count == 0, "a journal is opened once, before all else"
    turn.say(f.JournalOpened(turn.now_ms, opening.tag, opening.seed, opening.release))


def router(turn: Turn, change: i.ConfigureRouter) -> None:
    if change.settings != turn.state.settings:
        turn.say(f.RouterConfigured(turn.now_ms, change.settings))


def queue(turn: Turn, change: i.ConfigureQueue) -> None:
    """A queue keeps its channel: those who wait and talk in it cannot change theirs."""
    known = turn.state.queues.get(change.settings.id)
    if known is None:
        turn.say(f.QueueConfigured(turn.now_ms, change.settings))
        return
    settings = structs.replace(change.settings, channel=known.settings.channel)
    if known.retired or known.settings != settings:
        reorders = known.settings.strategy != settings.strategy
        turn.say(f.QueueConfigured(turn.now_ms, settings, reorders))


def agent(turn: Turn, change: i.ConfigureAgent) -> None:
    known = turn.state.agents.get(change.settings.id)
    if known is None or known.retired or known.settings != change.settings:
        turn.say(f.AgentConfigured(turn.now_ms, change.settings))
        _let_go_of_guest(turn, turn.state.agents[change.settings.id])


def _let_go_of_guest(turn: Turn, agent: Agent) -> None:
    """New skills may be one set too many where the agent is without being assigned (docs/routing.md R46)."""
    crowded = (id_ for id_, entry in agent.queues.items() if entry.joined and len(entry.queue.guests) > CLASSES_MOST)
    queues = tuple(crowded)
    if queues:
        turn.say(f.AgentLoggedOut(turn.now_ms, agent.settings.id, queues, by="configuration"))


def retire_queue(turn: Turn, change: i.RetireQueue) -> None:
    known = turn.state.queues.get(change.queue)
    if known is not None and not known.retired:
        turn.say(f.QueueRetired(turn.now_ms, change.queue))


def open_queue(turn: Turn, change: i.OpenQueue) -> None:
    known = turn.state.queues.get(change.queue)
    if known is not None and known.closed and not known.retired:
        turn.say(f.QueueOpened(turn.now_ms, change.queue))


def close_queue(turn: Turn, change: i.CloseQueue) -> None:
    known = turn.state.queues.get(change.queue)
    if known is not None and not known.closed and not known.retired:
        turn.say(f.QueueClosed(turn.now_ms, change.queue))


def retire_agent(turn: Turn, change: i.RetireAgent) -> None:
    known = turn.state.agents.get(change.agent)
    if known is not None and not known.retired:
        turn.say(f.AgentRetired(turn.now_ms, AgentId(change.agent)))


def supervisor(turn: Turn, change: i.ConfigureSupervisor) -> None:
    known = turn.state.supervisors.get(change.settings.id)
    if known is None or known.settings != change.settings:
        turn.say(f.SupervisorConfigured(turn.now_ms, change.settings))


def retire_supervisor(turn: Turn, change: i.RetireSupervisor) -> None:
    if change.supervisor in turn.state.supervisors:
        turn.say(f.SupervisorRetired(turn.now_ms, SupervisorId(change.supervisor)))


def empty_retired_queue(turn: Turn, queue_id: QueueId) -> None:
    """Return those who wait and log out its agents, a slice at a time. Ringing and talking go on, and who waits on a
    quiet server waits on until that is heard of."""
    known = turn.state.queues[queue_id]
    for call in calls.next_in_line(turn, known):
        calls.leave(turn, call, "queue-closed")
        if turn.is_full:  # many phones may have rung for it
            return
    for agent_id in list(islice(known.members, SLICE)):
        turn.say(f.AgentLoggedOut(turn.now_ms, agent_id, (queue_id,), by="configuration"))
    if calls.somebody_is_heard(turn.state, known) or known.members:
        return
    if known.calls == 0:
        turn.say(f.QueueRemoved(turn.now_ms, queue_id))
    else:
        turn.say(f.QueueDrained(turn.now_ms, queue_id))


BY_THE_DAY: frozenset[Strategy] = frozenset({"fewest-calls-today", "least-talk-today"})


def begin_day(turn: Turn, _input: i.BeginDay) -> None:
    """What agents did today is counted anew; who chooses by it puts its agents in order, one slice after another."""
    queues = tuple(id_ for id_, queue in turn.state.queues.items() if queue.settings.strategy in BY_THE_DAY)
    turn.say(f.DayBegan(turn.now_ms, queues))


def recount(turn: Turn) -> None:
    """The queues that choose by what agents did today are put in order anew, a slice at a time."""
    for queue_id in list(islice(turn.state.recount, SLICE)):
        turn.say(f.QueueUnordered(turn.now_ms, queue_id))


def reorder(turn: Turn, queue_id: QueueId) -> None:
    """Let some more of its agents stand as the queue's strategy has it now."""
    agents = tuple(islice(turn.state.queues[queue_id].unordered, SLICE))
    turn.weight += len(agents)
    turn.say(f.AgentsReordered(turn.now_ms, queue_id, agents))
