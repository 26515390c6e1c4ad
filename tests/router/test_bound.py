"""How long a higher priority passes what is older (docs/routing.md R27)."""

import random

import pytest

from acd.model import QueueId
from acd.router.matching import order_at
from acd.router.settings import Growth, QueueSettings, Step

STEPS = (Step(5_000, 2), Step(20_000, 7))


def _queue(weight: int, every_ms: int, steps: tuple[Step, ...] = ()) -> QueueSettings:
    return QueueSettings(QueueId("q"), "Q", weight=weight, growth=Growth(steps, every_ms))


@pytest.mark.parametrize("seed", range(200))
def test_older_work_is_passed_only_while_growth_has_not_made_up_for_its_priority(seed: int) -> None:
    chance = random.Random(seed)
    every_ms, weight, points = chance.randint(1, 30_000), chance.randint(-5, 5), chance.randint(0, 9)
    same = chance.random() < 0.5
    old = _queue(0, every_ms, STEPS)
    new = old if same else _queue(weight, every_ms + chance.randint(0, 9_000))
    higher = points if same else points + weight
    made_up_ms = max(higher, 0) * every_ms
    came_ms = chance.randint(0, 100_000) + made_up_ms
    now_ms = came_ms + chance.randint(0, 200_000)
    first = order_at(old, 0, came_ms - made_up_ms, 1, now_ms)
    assert first < order_at(new, points, came_ms, 2, now_ms)


def test_without_even_growth_a_higher_priority_passes_for_ever() -> None:
    old, week_ms = QueueSettings(QueueId("q"), "Q", growth=Growth(STEPS, None)), 7 * 24 * 60 * 60 * 1_000
    assert order_at(old, 8, week_ms, 2, week_ms) < order_at(old, 0, 0, 1, week_ms)
