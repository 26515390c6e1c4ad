"""The loop: nothing before its commit, everything in order, and an end that nobody waits for in vain."""

import asyncio

import pytest

from acd.core import Core, fold
from acd.engine import loop
from acd.engine.clock import VirtualClock
from acd.engine.loop import Engine, EngineStopped, InboxFull, facts_of
from acd.guard.description import describe
from acd.journal.memory import MemoryJournal
from acd.journal.port import CommitFailed, Entry
from acd.router import facts as f
from acd.router import inputs as i
from acd.tasks import Tasks
from tests.engine.running import (
    ANNA,
    FailingJournal,
    HeldJournal,
    Reading,
    arrival,
    line,
    log_in,
    make_engine,
    running,
    set_up,
)


@pytest.fixture
def no_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit that failed is tried again at once."""
    monkeypatch.setattr(loop, "COMMIT_RETRY_S", 0)


# --- Commits --------------------------------------------------------------------------------------------------


async def test_nothing_is_handed_on_before_its_commit() -> None:
    journal = HeldJournal()
    engine, reading = make_engine(journal)
    async with running(engine):
        engine.submit(arrival(1))
        await journal.asked.wait()
        await asyncio.sleep(0)
        assert reading.batches == []
        journal.gate.set()
        await engine.settled()
        assert facts_of(reading.entries)


async def test_what_comes_during_a_commit_waits_for_the_next_one() -> None:
    journal = HeldJournal()
    engine, reading = make_engine(journal)
    async with running(engine):
        engine.submit(arrival(1))
        await journal.asked.wait()
        engine.submit(arrival(2))
        assert engine.backlog == 1
        journal.gate.set()
        await engine.settled()
    assert [len(batch) for batch in reading.batches] == [2, 1]  # the opening of the journal is an input, too


@pytest.mark.usefixtures("no_delay")
async def test_failed_commit_is_tried_again_with_the_same_entries_and_handed_on_once() -> None:
    journal = FailingJournal(failures=2)
    engine, reading = make_engine(journal)
    async with running(engine):
        engine.submit(arrival(1))
        await engine.settled()
    assert journal.tries[0] == journal.tries[1] == journal.tries[2]
    assert reading.entries == [entry async for entry in journal.read()]
    assert len(reading.batches) == 1


@pytest.mark.usefixtures("no_delay")
async def test_commit_that_keeps_failing_stops_the_engine_and_nothing_is_handed_on() -> None:
    engine, reading = make_engine(FailingJournal(failures=loop.COMMIT_TRIES))
    async with running(engine) as task:
        engine.submit(arrival(1))
        with pytest.raises(CommitFailed):
            await task
    assert reading.batches == []
    with pytest.raises(EngineStopped):
        engine.submit(arrival(2))


@pytest.mark.usefixtures("no_delay")
async def test_whoever_waits_for_an_engine_that_fails_is_told() -> None:
    engine, _ = make_engine(FailingJournal(failures=loop.COMMIT_TRIES))
    tasks = Tasks("waiting")
    outcomes: list[str] = []

    async def settle() -> None:
        try:
            await engine.settled()
        except EngineStopped:
            outcomes.append("settled")

    async def ask() -> None:
        try:
            await engine.ask(log_in("one"))
        except EngineStopped:
            outcomes.append("ask")

    waiting = [tasks.start("settle", settle()), tasks.start("ask", ask())]
    async with running(engine):
        await asyncio.gather(*waiting)
    assert sorted(outcomes) == ["ask", "settled"]
    with pytest.raises(EngineStopped):
        await engine.settled()
    with pytest.raises(EngineStopped):
        await engine.ask(log_in("two"))


async def test_closed_journal_stops_the_engine() -> None:
    journal = MemoryJournal()
    engine, reading = make_engine(journal)
    await journal.close()
    async with running(engine) as task:
        await asyncio.wait([task])
        assert task.exception() is not None
    assert reading.batches == []


# --- Order and bounds -----------------------------------------------------------------------------------------


async def test_batches_keep_the_order_of_the_inputs_and_number_the_facts_without_a_gap() -> None:
    engine, reading = make_engine()
    for asked in set_up():
        engine.submit(asked)
    numbers = range(3 * loop.BATCH_LIMIT)
    for number in numbers:
        engine.submit(arrival(number))
    async with running(engine):
        await engine.settled()
    assert [asked.line for asked in reading.inputs if isinstance(asked, i.CallArrived)] == [line(n) for n in numbers]
    expected = 1
    for entry in reading.entries:
        assert entry.first == expected
        expected += len(entry.facts)


async def test_no_commit_is_larger_than_the_bound() -> None:
    engine, reading = make_engine()
    for number in range(loop.BATCH_LIMIT * 2 + 1):
        engine.submit(arrival(number))
    async with running(engine):
        await engine.settled()
    assert [len(batch) for batch in reading.batches] == [loop.BATCH_LIMIT, loop.BATCH_LIMIT, 2]


async def test_full_inbox_takes_nothing_more_and_says_so() -> None:
    engine, _ = make_engine()
    for _ in range(loop.INBOX_LIMIT):
        engine.submit(i.PassTime())
    with pytest.raises(InboxFull):
        engine.submit(i.PassTime())
    assert engine.backlog == loop.INBOX_LIMIT


async def test_reader_that_fails_keeps_no_other_from_reading() -> None:
    engine = Engine(MemoryJournal(), VirtualClock())
    before, after = Reading(), Reading()

    def fail(entries: object) -> None:
        raise RuntimeError("this reader is broken")

    engine.add_reader("before", before)
    engine.add_reader("broken", fail)
    engine.add_reader("after", after)
    async with running(engine):
        engine.submit(arrival(1))
        await engine.settled()
        engine.submit(arrival(2))
        await engine.settled()
    assert before.entries == after.entries
    assert len(before.batches) == 2


async def test_two_readers_of_one_name_are_a_mistake() -> None:
    engine, reading = make_engine()
    with pytest.raises(AssertionError):
        engine.add_reader("reading", reading)


async def test_backlog_does_not_keep_others_from_their_turn() -> None:
    engine, reading = make_engine()
    turns = 0
    done = False

    async def others() -> None:
        nonlocal turns
        while not done:
            turns += 1
            await asyncio.sleep(0)

    tasks = Tasks("others")
    for number in range(20 * loop.BATCH_LIMIT):
        engine.submit(arrival(number))
    async with running(engine):
        tasks.start("turns", others())
        await engine.settled()
        done = True
    assert turns >= len(reading.batches) - 1 >= 20
    await tasks.stop()


# --- The journal's first entry --------------------------------------------------------------------------------


async def test_fresh_journal_is_opened_before_all_else() -> None:
    journal = MemoryJournal(tag="acdfresh", seed=3)
    engine, reading = make_engine(journal)
    engine.submit(arrival(1))
    async with running(engine):
        await engine.settled()
    opened = reading.entries[0].facts[0]
    assert isinstance(opened, f.JournalOpened)
    assert (opened.tag, opened.seed, reading.entries[0].first) == ("acdfresh", 3, 1)


async def test_engine_that_starts_anew_goes_on_where_the_journal_ends() -> None:
    journal, clock = MemoryJournal(), VirtualClock()
    engine, before = make_engine(journal, clock)
    async with running(engine):
        for asked in set_up():
            engine.submit(asked)
        await engine.settled()
    core = Core(fold(facts_of(before.entries)))
    again = Engine(journal, clock, core)
    reading = Reading()
    again.add_reader("reading", reading)
    async with running(again):
        again.submit(arrival(1))
        await again.settled()
    assert reading.entries[0].first == before.entries[-1].last + 1
    assert not [fact for fact in facts_of(reading.entries) if isinstance(fact, f.JournalOpened)]
    assert [fact.agent for fact in facts_of(reading.entries) if isinstance(fact, f.OfferMade)] == [ANNA]


async def test_facts_fold_to_the_state_that_made_them() -> None:
    core = Core()
    engine = Engine(MemoryJournal(), VirtualClock(), core)
    reading = Reading()
    engine.add_reader("reading", reading)
    for asked in [*set_up(), *(arrival(number) for number in range(5))]:
        engine.submit(asked)
    async with running(engine):
        await engine.settled()
    assert describe(fold(facts_of(reading.entries))) == describe(core.state)


# --- Requests -------------------------------------------------------------------------------------------------


async def test_request_is_answered_after_its_commit() -> None:
    journal = HeldJournal()
    engine, reading = make_engine(journal)
    for asked in set_up():
        engine.submit(asked)
    async with running(engine):
        tasks = Tasks("asking")
        answers: list[f.RequestAccepted | f.RequestRefused] = []

        async def ask() -> None:
            answers.append(await engine.ask(log_in("again")))

        task = tasks.start("ask", ask())
        await journal.asked.wait()
        assert answers == []
        journal.gate.set()
        await task
    assert [answer.request for answer in answers] == ["again"]
    assert answers[0] in facts_of(reading.entries)


async def test_request_that_is_refused_is_answered_with_the_reason() -> None:
    engine, _ = make_engine()
    async with running(engine):
        answer = await engine.ask(log_in("one"))
    assert isinstance(answer, f.RequestRefused)
    assert answer.reason == "unknown-agent"


async def test_two_requests_of_one_id_are_both_answered() -> None:
    engine, _ = make_engine()
    for asked in set_up():
        engine.submit(asked)
    async with running(engine):
        answers = await asyncio.gather(engine.ask(log_in("same")), engine.ask(log_in("same")))
    assert [answer.request for answer in answers] == ["same", "same"]


async def test_asker_who_goes_away_keeps_the_answer_from_nobody() -> None:
    journal = HeldJournal()
    engine, _ = make_engine(journal)
    tasks = Tasks("asking")

    async def ask() -> None:
        await engine.ask(log_in("same"))

    async with running(engine):
        impatient = tasks.start("impatient", ask())
        patient = tasks.start("patient", ask())
        await journal.asked.wait()
        impatient.cancel()
        journal.gate.set()
        await patient
    assert impatient.cancelled()


# --- Settling and stopping ------------------------------------------------------------------------------------


async def test_settled_does_not_wait_for_what_comes_later() -> None:
    engine, reading = make_engine()
    engine.submit(arrival(0))

    def never_enough(entries: object) -> None:
        engine.submit(i.PassTime())

    engine.add_reader("never enough", never_enough)
    async with running(engine):
        await engine.settled()
        assert arrival(0) in reading.inputs
        engine.stop()


async def test_settled_waits_for_what_is_due() -> None:
    clock = VirtualClock()
    engine, reading = make_engine(clock=clock)
    async with running(engine):
        for asked in set_up(max_wait_ms=5_000):
            engine.submit(asked)
        for number in range(500):
            engine.submit(arrival(number))
        await engine.settled()
        clock.advance(5_000)
        await engine.settled()
        over = [fact for fact in facts_of(reading.entries) if isinstance(fact, f.CallTimedOut)]
        assert len(over) == 500


async def test_stop_takes_nothing_more_and_finishes_what_was_taken() -> None:
    engine, reading = make_engine()
    for number in range(2 * loop.BATCH_LIMIT):
        engine.submit(arrival(number))
    async with running(engine) as task:
        engine.stop()
        with pytest.raises(EngineStopped):
            engine.submit(arrival(0))
        await task
    assert len([asked for asked in reading.inputs if isinstance(asked, i.CallArrived)]) == 2 * loop.BATCH_LIMIT
    assert engine.backlog == 0


async def test_whoever_waited_for_what_was_taken_before_the_stop_is_not_disappointed() -> None:
    engine, _ = make_engine()
    engine.submit(arrival(1))
    tasks = Tasks("waiting")
    waiting = tasks.start("settle", engine.settled())
    await asyncio.sleep(0)
    engine.stop()
    async with running(engine) as task:
        await task
        await waiting


async def test_engine_that_was_stopped_leaves_no_alarm() -> None:
    clock = VirtualClock()
    engine, _ = make_engine(clock=clock)
    for asked in set_up(max_wait_ms=60_000):
        engine.submit(asked)
    async with running(engine) as task:
        engine.submit(arrival(1))
        await engine.settled()
        assert clock.next_ms is not None
        engine.stop()
        await task
    assert clock.next_ms is None


# --- Time -----------------------------------------------------------------------------------------------------


async def test_one_alarm_is_set_and_it_is_for_the_next_deadline() -> None:
    clock = VirtualClock()
    core = Core()
    engine = Engine(MemoryJournal(), clock, core)
    async with running(engine):
        for asked in set_up(max_wait_ms=60_000, ring_timeout_ms=15_000):
            engine.submit(asked)
        await engine.settled()
        for number in range(10):
            engine.submit(arrival(number))
            await engine.settled()
            clock.advance(100)
            await engine.settled()
        assert clock.next_ms == core.next_deadline_ms
        assert clock.alarms == 1


async def test_deadline_is_kept_without_any_input() -> None:
    clock = VirtualClock()
    engine, reading = make_engine(clock=clock)
    async with running(engine):
        for asked in set_up(ring_timeout_ms=15_000):
            engine.submit(asked)
        engine.submit(arrival(1))
        await engine.settled()
        began_ms = clock.now_ms()
        clock.advance(14_999)
        await engine.settled()
        assert not [fact for fact in facts_of(reading.entries) if isinstance(fact, f.OfferEnded)]
        clock.advance(1)
        await engine.settled()
    ended = [fact for fact in facts_of(reading.entries) if isinstance(fact, f.OfferEnded)]
    assert [(fact.outcome, fact.at_ms) for fact in ended] == [("no-answer", began_ms + 15_000)]
    assert isinstance(reading.entries[-1].input, i.PassTime)


class StumblingClock(VirtualClock):
    """A clock that can be set back: no real one should, but a standby's may be behind."""

    back_ms = 0

    def now_ms(self) -> int:
        return super().now_ms() - self.back_ms


async def test_time_does_not_go_back_though_the_clock_does() -> None:
    clock = StumblingClock()
    engine, reading = make_engine(clock=clock)
    async with running(engine):
        for number in range(5):
            engine.submit(arrival(number))
            await engine.settled()
            clock.back_ms += 7_000
            clock.advance(1_000)
    times = [entry.at_ms for entry in reading.entries]
    assert times == sorted(times)
    assert all(fact.at_ms == entry.at_ms for entry in reading.entries for fact in entry.facts)


async def test_every_entry_says_when_it_was_handled() -> None:
    clock = VirtualClock(now_ms=1_000)
    engine, reading = make_engine(clock=clock)
    async with running(engine):
        await engine.settled()
        clock.advance(50)
        engine.submit(arrival(1))
        await engine.settled()
    assert [entry.at_ms for entry in reading.entries] == [1_000, 1_050]
    assert all(isinstance(entry, Entry) for entry in reading.entries)
