"""What the facts tell of a run, against what people lived, and against a story told by hand."""

import pytest

from acd.core import Fact
from acd.journal.port import Entry
from acd.model import AgentId, Caller, CallId, ChannelId, Line, OfferId, Phone, QueueId, ServerId
from acd.router import facts as f
from acd.router import inputs as i
from acd.router.settings import AgentSettings, QueueSettings
from acd.simulate import Figures, contact_centre, merged, simulate

SALES = QueueId("sales")
ANA = AgentId("ana")
LINE = Line(ServerId("a"), ChannelId("1"))
CALL = CallId("t-1")
OFFER = OfferId("t-2")


def _read(figures: Figures, *facts: Fact) -> None:
    for fact in facts:
        figures.read([Entry(1, fact.at_ms, i.PassTime(), (fact,))])


def _queued(at_ms: int, call: CallId = CALL) -> Fact:
    return f.CallQueued(at_ms, call, LINE, SALES, Caller(), 0, (), at_ms, None)


def _opened() -> Figures:
    """Ana, in sales, from the first second on."""
    figures = Figures(answer_within_ms=20_000)
    _read(
        figures,
        f.QueueConfigured(0, QueueSettings(SALES, "Sales")),
        f.AgentConfigured(0, AgentSettings(ANA, "Ana", Phone("1001"), (SALES,))),
        f.AgentLoggedIn(1_000, ANA, (SALES,), Phone("1001"), "ana"),
    )
    return figures


def _serve(figures: Figures) -> None:
    """One call: comes at 10 s, rings at once, is answered at 15 s, ends at 75 s; wrap-up until 85 s."""
    _read(
        figures,
        _queued(10_000),
        f.OfferMade(10_000, OFFER, CALL, ANA, SALES, "Sales", LINE, Phone("1001"), Caller(), 25_000),
        f.OfferAccepted(15_000, OFFER, CALL, ANA, LINE, 25_000),
        f.CallConnected(15_000, CALL, OFFER, ANA, SALES, 5_000),
        f.CallEnded(75_000, CALL, OFFER, ANA, SALES, "caller", 60_000),
        f.WrapUpStarted(75_000, ANA, CALL, SALES, 85_000),
        f.WrapUpEnded(85_000, ANA, CALL, SALES, "time"),
    )


def test_answered_call_and_its_work_are_counted() -> None:
    figures = _opened()
    _serve(figures)
    figures.close(101_000)
    sales = figures.queues[SALES]
    assert (sales.offered, sales.answered, sales.abandoned, list(sales.waits)) == (1, 1, 0, [5_000])
    assert (sales.talked_ms, sales.worked_ms, sales.present_ms) == (60_000, 75_000, 100_000)
    assert (sales.occupancy, sales.service_level) == (0.75, 1.0)
    assert figures.total == sales
    assert figures.open_calls == 0


def test_pause_is_no_presence_but_work_in_it_is() -> None:
    figures = _opened()
    _read(figures, f.AgentPaused(11_000, ANA, (SALES,), "lunch", "ana"))
    _read(figures, f.AgentBecameReady(51_000, ANA, (SALES,), "ana"), f.AgentLoggedOut(61_000, ANA, (SALES,), "ana"))
    figures.close(1_000_000)
    assert figures.total.present_ms == 20_000
    figures = _opened()
    _read(figures, f.AgentPaused(10_000, ANA, (SALES,), "lunch", "ana"))
    _serve(figures)
    figures.close(1_000_000)
    assert figures.total.present_ms == 9_000 + 75_000


def test_service_level_is_of_all_calls_offered() -> None:
    figures = _opened()
    _serve(figures)
    _read(figures, _queued(90_000, CallId("t-8")), f.CallAbandoned(95_000, CallId("t-8"), SALES, 5_000))
    _read(figures, _queued(96_000, CallId("t-9")), f.CallTimedOut(97_000, CallId("t-9"), LINE, SALES, 1_000))
    _read(figures, f.CallRefused(98_000, LINE, SALES, "queue-full"))
    sales = figures.queues[SALES]
    assert (sales.offered, sales.abandoned, sales.timed_out, sales.refused) == (4, 1, 1, 1)
    assert sales.service_level == 0.25


def test_what_comes_after_the_days_is_not_counted_but_followed() -> None:
    figures = _opened()
    _read(figures, _queued(1_000, CallId("t-0")))
    figures.close(5_000)
    _serve(figures)
    assert figures.open_calls == 1
    _read(figures, f.CallAbandoned(99_000, CallId("t-0"), SALES, 98_000))
    sales = figures.queues[SALES]
    assert (sales.offered, sales.answered, sales.abandoned, sales.talked_ms, sales.worked_ms) == (1, 0, 1, 0, 0)
    assert figures.open_calls == 0


def test_wait_of_a_share_is_the_nearest_rank() -> None:
    figures = _opened()
    sales = figures.queues[SALES]
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


def test_more_agents_wait_less_and_are_less_busy() -> None:
    few, many = (
        simulate(contact_centre(agents=agents, queues=3, calls_per_hour=60, faults=False), 1).total
        for agents in (6, 12)
    )
    assert few.offered == many.offered
    assert few.service_level < many.service_level
    assert few.abandoned > many.abandoned
    assert few.occupancy > many.occupancy


def test_several_seeds_are_one_result() -> None:
    one, two = (simulate(contact_centre(agents=4, queues=2), seed) for seed in (1, 2))
    both = merged([one, two])
    assert (both.seeds, both.days, both.calls) == ((1, 2), 2, one.calls + two.calls)
    assert both.total.answered == one.total.answered + two.total.answered
    assert both.total.occupancy == pytest.approx((one.total.occupancy + two.total.occupancy) / 2, abs=0.05)
    assert sum(queue.offered for queue in both.queues.values()) == both.total.offered
    assert both.faults == one.faults + two.faults
    assert merged([one]).digest == one.digest
