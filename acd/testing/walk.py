"""A long walk by chance through the core, from one seed: cheap, and the same wherever it runs.

`python -m acd.testing.walk SEED INPUTS` walks and prints one digest of all facts: two interpreters, two hash seeds,
one digest.
"""

import hashlib
import random
import sys
from collections.abc import Callable, Sequence

import msgspec

from acd.core import Fact, Input
from acd.testing.adversary import AGENTS, LONG_STEPS_MS, QUEUES, STEPS_MS, Adversary, Chatty, Chooser, Closing
from acd.testing.playbook import Playbook

SILENCE_EVERY = 1_000
HASTE = 0.8
LONG_STEP = 0.01
"""How often much time passes at once."""


def weights(adversary: Adversary) -> dict[Callable[[Chooser], Input], int]:
    """How often what happens: mostly a working day, with trouble all over it."""
    return {
        adversary.call_arrives: 110,
        adversary.caller_leaves: 12,
        adversary.leg_answers: 130,
        adversary.leg_is_bridged: 130,
        adversary.leg_ends: 60,
        adversary.any_leg_ends: 10,
        adversary.phone_is_used: 5,
        adversary.direct_call_changes: 12,
        adversary.link_is_lost: 3,
        adversary.server_reports_all: 14,
        adversary.server_reports_anything: 2,
        adversary.log_in: 30,
        adversary.log_out: 2,
        adversary.pause: 16,
        adversary.get_ready: 40,
        adversary.end_wrap_up: 10,
        adversary.extend_wrap_up: 16,
        adversary.set_disposition: 30,
        adversary.router_is_configured: 2,
        adversary.queue_is_configured: 4,
        adversary.queue_opens_or_closes: 4,
        adversary.queue_is_retired: 1,
        adversary.agent_is_configured: 8,
        adversary.agent_is_retired: 1,
        adversary.day_begins: 1,
        adversary.supervisor_is_configured: 3,
        adversary.supervisor_is_retired: 1,
    }


def _more_often(adversary: Adversary) -> dict[Callable[[Chooser], Input], int]:
    """What this one is there for."""
    match adversary:
        case Chatty():
            return {adversary.link_is_lost: 15, adversary.server_reports_all: 50}
        case Closing():
            return {
                adversary.link_is_lost: 8,
                adversary.server_reports_all: 50,
                adversary.queue_opens_or_closes: 60,
                adversary.leg_ends: 120,
                adversary.get_ready: 100,
            }
        case _:
            return {}


class Walk:
    """A playbook led by a seeded generator."""

    def __init__(
        self, seed: int, *, check_every: int = 1, hasty: bool = False, led_by: type[Adversary] = Adversary
    ) -> None:
        """`hasty`: inputs also come between the slices of a large effect."""
        self._hasty = hasty
        self.book = Playbook(check_every=check_every)
        self.adversary = led_by(self.book.state)
        self._random = random.Random(seed)  # noqa: S311  # chance for tests, not for secrets
        self._choice = Chooser(self._choose)
        often = weights(self.adversary) | _more_often(self.adversary)
        self._kinds, self._weights = zip(*often.items(), strict=True)
        self._furnish()

    def step(self) -> list[Fact]:
        """Some time, one input, and all that follows."""
        if self._hasty and self._random.random() < HASTE:
            return self._hear(self.book.tell_once(self._next_input()))
        steps_ms = LONG_STEPS_MS if self._random.random() < LONG_STEP else STEPS_MS
        facts = self.book.wait(until_ms=self.book.now_ms + self._random.choice(steps_ms))
        facts += self.book.tell(self._next_input())
        return self._hear(facts)

    def _next_input(self) -> Input:
        (kind,) = self._random.choices(self._kinds, self._weights)
        asked: Input = kind(self._choice)
        return asked

    def _hear(self, facts: list[Fact]) -> list[Fact]:
        self.adversary.hear(facts)
        return facts

    def run(self, inputs: int) -> None:
        """So many steps, with a long silence now and then, and the last look."""
        for count in range(1, inputs + 1):
            self.step()
            if count % SILENCE_EVERY == 0:
                self.book.outlast()
        self.book.finish()

    def _furnish(self) -> None:
        """Begin with everybody and every queue there, so that no walk is idle."""
        self.book.tell(self.adversary.router_is_configured(self._choice))
        for _ in range(2 * len(QUEUES)):
            self.book.tell(self.adversary.queue_is_configured(self._choice))
        for _ in range(2 * len(AGENTS)):
            self.book.tell(self.adversary.agent_is_configured(self._choice))

    def _choose(self, options: Sequence[object]) -> object:
        return options[self._random.randrange(len(options))]


def digest(facts: Sequence[Fact]) -> str:
    """One line for a whole journal."""
    encoder = msgspec.json.Encoder()
    whole = hashlib.sha256()
    for fact in facts:
        whole.update(encoder.encode(fact))
    return f"{len(facts)} facts {whole.hexdigest()}"


if __name__ == "__main__":
    seed, inputs = int(sys.argv[1]), int(sys.argv[2])
    walk = Walk(seed, check_every=inputs)
    walk.run(inputs)
    print(digest(walk.book.facts))  # noqa: T201
