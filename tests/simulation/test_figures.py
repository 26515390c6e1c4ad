"""What the facts tell of a run, against what people lived, and against a story told by hand."""

from collections.abc import Sequence

import pytest

from acd.core import Fact
from acd.journal.port import Entry
from acd.model import QueueId
from acd.router import facts as f
from acd.router import inputs as i
from acd.simulate import Figures, QueueFigures, contact_centre, merged, simulate
from acd.testing.playbook import Playbook

SALES = QueueId("sales")


class Told:
    """Figures of a story that is told to the core: seconds after the start."""

    def __init__(self) -> None:
        self.book = Playbook()
        self.begin_ms = self.book.now_ms
        self.figures = Figures(answer_within_ms=20_000)
        self._read(self.book.facts)
        self.say(0, "the router is configured: reasons lunch")
        self.say(0, "queue sales is configured: ring 15 s, wrap-up 10 s, longest wait 60 s, at most 2")
        self.say(0, "agent ana is configured: phone 1001, queues sales")
        self.say(0, "server a reports: nothing")

    def say(self, at_s: float, *sentences: str) -> None:
        facts = self.book.wait(until_ms=self.begin_ms + round(at_s * 1_000))
        for sentence in sentences:
            facts += self.book.say(sentence)
        self._read(facts)

    def _read(self, facts: Sequence[Fact]) -> None:
        self.figures.read([Entry(1, fact.at_ms, i.PassTime(), (fact,)) for fact in facts])

    def begin_anew(self) -> None:
        """Another engine takes its place, and says nothing yet but that."""
        self._read([f.JournalOpened(self.book.now_ms, "another", 1, "")])

    def close(self, at_s: float) -> QueueFigures:
        self.say(at_s)
        self.figures.close(self.begin_ms + round(at_s * 1_000))
        return self.figures.queues[SALES]

    def serve(self) -> None:
        """One call: comes at 10 s, rings at once, is answered at 15 s, ends at 75 s; wrap-up until 85 s."""
        self.say(10, "call C1 arrives in sales from 555")
        self.say(15, "ana's leg answers", "ana's leg is bridged")
        self.say(75, "caller C1 hangs up")


def test_answered_call_and_its_work_are_counted() -> None:
    told = Told()
    told.say(1, "ana logs in")
    told.serve()
    sales = told.close(101)
    assert (sales.offered, sales.answered, sales.abandoned, list(sales.waits)) == (1, 1, 0, [5_000])
    assert (sales.talked_ms, sales.worked_ms, sales.present_ms) == (60_000, 75_000, 100_000)
    assert (sales.occupancy, sales.service_level) == (0.75, 1.0)
    assert told.figures.total == sales
    assert told.figures.open_calls == 0


def test_what_an_engine_had_in_hand_that_is_no_more_is_lost_and_its_time_is_counted_so_far() -> None:
    told = Told()
    told.say(1, "ana logs in")
    told.say(10, "call C1 arrives in sales from 555")
    told.say(15, "ana's leg answers", "ana's leg is bridged")
    told.say(20, "call C2 arrives in sales from 556")
    told.say(31)
    told.begin_anew()
    assert told.figures.open_calls == 0
    told.figures.close(told.begin_ms + 91_000)
    sales = told.figures.queues[SALES]
    assert (sales.offered, sales.answered, sales.lost) == (2, 1, 1)
    assert (sales.worked_ms, sales.present_ms) == (21_000, 30_000)


def test_pause_is_no_presence() -> None:
    told = Told()
    told.say(1, "ana logs in")
    told.say(11, "ana pauses for lunch")
    told.say(51, "ana gets ready")
    told.say(61, "ana logs out")
    assert told.close(1_000).present_ms == 20_000


def test_work_in_a_pause_is_presence() -> None:
    told = Told()
    told.say(1, "ana logs in")
    told.say(10, "call C1 arrives in sales from 555", "ana pauses for lunch")
    told.say(15, "ana's leg answers", "ana's leg is bridged")
    told.say(75, "caller C1 hangs up")
    sales = told.close(1_000)
    assert (sales.present_ms, sales.worked_ms) == (9_000 + 75_000, 75_000)


def test_time_is_that_of_who_served_the_queue_then() -> None:
    told = Told()
    told.say(0, "queue support is configured")
    told.say(1, "ana logs in")
    told.serve()
    told.say(81, "agent ana is configured: phone 1001, queues support")
    told.say(91, "ana logs in")
    sales, support = told.close(101), told.figures.queues[QueueId("support")]
    assert (sales.worked_ms, sales.present_ms) == (75_000, 84_000)
    assert (support.worked_ms, support.present_ms) == (4_000, 14_000)
    assert (told.figures.total.worked_ms, told.figures.total.present_ms) == (75_000, 94_000)


def test_service_level_is_of_all_calls_offered() -> None:
    told = Told()
    told.say(1, "ana logs in")
    told.serve()
    told.say(80, "ana logs out")
    told.say(90, "call C2 arrives in sales from 555", "call C3 arrives in sales from 556")
    told.say(91, "call C4 arrives in sales from 557")
    told.say(95, "caller C2 hangs up")
    sales = told.close(200)
    assert (sales.offered, sales.abandoned, sales.timed_out, sales.refused) == (4, 1, 1, 1)
    assert list(sales.abandoned_after) == [5_000]
    assert sales.service_level == 0.25


def test_call_counts_in_the_queue_for_which_it_came() -> None:
    told = Told()
    told.say(0, "queue support is configured: longest wait 20 s, timeout to queue sales")
    told.say(0, "queue lobby is configured: at most 0, full to queue sales")
    told.say(1, "call C1 arrives in support from 555", "call C2 arrives in lobby from 556")
    told.say(30, "ana logs in")
    told.say(31, "ana's leg answers", "ana's leg is bridged")
    told.say(41, "caller C1 hangs up", "caller C2 hangs up")
    sales = told.close(101)
    support, lobby = (told.figures.queues[QueueId(queue)] for queue in ("support", "lobby"))
    assert [queue.offered for queue in (sales, support, lobby)] == [0, 1, 1]
    assert [queue.answered for queue in (sales, support, lobby)] == [0, 1, 0]
    assert (list(support.waits), support.talked_ms) == ([30_000], 10_000)
    assert list(lobby.abandoned_after) == [40_000]


def test_what_comes_after_the_days_is_not_counted_but_followed() -> None:
    told = Told()
    told.say(1, "call C0 arrives in sales from 554")
    told.close(5)
    told.say(9, "caller C0 hangs up", "ana logs in")
    told.serve()
    sales = told.figures.queues[SALES]
    assert (sales.offered, sales.answered, sales.abandoned, sales.talked_ms, sales.worked_ms) == (1, 0, 1, 0, 0)
    assert told.figures.open_calls == 0


def test_calls_in_hand_are_known() -> None:
    told = Told()
    told.say(1, "ana logs in", "call C1 arrives in sales from 555")
    assert told.figures.open_calls == 2
    told.say(2, "ana's leg answers", "ana's leg is bridged")
    assert told.figures.open_calls == 1


def test_wait_of_a_share_is_the_nearest_rank() -> None:
    sales = QueueFigures()
    assert sales.wait_ms(0.9) == 0
    sales.waits.extend(range(1, 101))
    assert (sales.wait_ms(0.0), sales.wait_ms(0.5), sales.wait_ms(0.9), sales.wait_ms(1.0)) == (1, 51, 91, 100)


def test_without_faults_the_facts_tell_what_the_callers_lived() -> None:
    result = simulate(contact_centre(agents=5, queues=2, faults=False), 1)
    lived = dict(result.outcomes)
    after = 4  # the callers who came when the days were over
    assert lived["spoke"] == result.total.answered + after
    assert lived["hung up"] == result.total.abandoned
    assert result.calls == result.total.offered
    assert (result.total.lost, result.faults, result.left) == (0, {}, ())


@pytest.mark.long
def test_more_agents_wait_less_and_are_less_busy() -> None:
    few, many = (
        simulate(contact_centre(agents=agents, queues=3, calls_per_hour=60, faults=False), 1).total
        for agents in (6, 12)
    )
    assert few.offered == many.offered
    assert few.service_level < many.service_level
    assert few.abandoned > many.abandoned
    assert few.occupancy > many.occupancy


@pytest.mark.long
def test_several_seeds_are_one_result() -> None:
    one, two = (simulate(contact_centre(agents=4, queues=2), seed) for seed in (1, 2))
    both = merged([one, two])
    assert (both.seeds, both.days, both.calls) == ((1, 2), 2, one.calls + two.calls)
    assert both.total.answered == one.total.answered + two.total.answered
    assert both.total.occupancy == pytest.approx((one.total.occupancy + two.total.occupancy) / 2, abs=0.05)
    assert sum(queue.offered for queue in both.queues.values()) == both.total.offered
    assert both.faults == one.faults + two.faults
    assert merged([one]).digest == one.digest
