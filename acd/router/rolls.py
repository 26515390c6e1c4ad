"""Who is there, and who of them was heard of since the roll was called: on a phone server, since the link came up."""

from dataclasses import dataclass, field
from itertools import islice

from acd.router.tables import Numbered


@dataclass(slots=True)
class Roll:
    """Who is there, and who of them has been heard of since the roll was last called.

    Calling it looks at nobody, however many there are: whoever is heard of moves to the end and takes the next number,
    so that those who have not been heard of stand first.
    """

    names: Numbered[str] = field(default_factory=Numbered)
    last: int = 0
    """The greatest number."""
    called: int = 0
    """The greatest number when the roll was called."""
    present: int = 0
    """How many have been heard of."""
    absent: int = 0
    """How many have not."""

    def call(self) -> None:
        """From now on everyone has to be heard of again."""
        self.called = self.last
        self.absent += self.present
        self.present = 0

    def enter(self, name: str) -> None:
        """It is heard of now, for the first time or again."""
        if self.names.get(name, 0) <= self.called:
            self.last += 1
            self.absent -= self.names.put(name, self.last) is not None
            self.present += 1

    def hear(self, name: str) -> None:
        """It is there, and is heard of: mostly not for the first time since the roll was called."""
        if self.absent:
            self.enter(name)

    def drop(self, name: str) -> None:
        """It is gone, if it was there."""
        number = self.names.drop(name)
        if number is None:
            return
        if number > self.called:
            self.present -= 1
        else:
            self.absent -= 1

    def hears(self, name: str) -> bool:
        """Whether it is there, and has been heard of."""
        return self.names.get(name, 0) > self.called

    def misses(self, name: str) -> bool:
        """Whether it is there, and has not been heard of."""
        return name in self.names and not self.hears(name)

    def missing(self, most: int) -> list[str]:
        """Some of those who have not been heard of."""
        return [name for name, number in islice(self.names.in_order(), most) if number <= self.called]

    @property
    def is_complete(self) -> bool:
        """Whether nobody is missing."""
        return not self.absent
