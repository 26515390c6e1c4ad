"""Who is there, and who of them was heard of since the roll was called: on a phone server, since the link came up."""

from collections import OrderedDict
from dataclasses import dataclass, field
from itertools import islice


@dataclass(slots=True)
class Roll:
    """Who is there, and who of them has been heard of since the roll was last called.

    Calling it looks at nobody, however many there are: whoever is heard of moves to the end and takes the number of the
    roll call along, so that those who have not been heard of stand first.
    """

    names: OrderedDict[str, int] = field(default_factory=OrderedDict)
    """With the number of the roll call in which each was last heard of."""
    calls: int = 0
    present: int = 0
    """How many have been heard of."""

    def call(self) -> None:
        """From now on everyone has to be heard of again."""
        self.calls += 1
        self.present = 0

    def enter(self, name: str) -> None:
        """It is heard of now, for the first time or again."""
        if self.names.get(name) != self.calls:
            self.names[name] = self.calls
            self.names.move_to_end(name)
            self.present += 1

    def drop(self, name: str) -> None:
        """It is gone, if it was there."""
        if self.names.pop(name, None) == self.calls:
            self.present -= 1

    def hears(self, name: str) -> bool:
        """Whether it is there, and has been heard of."""
        return self.names.get(name) == self.calls

    def misses(self, name: str) -> bool:
        """Whether it is there, and has not been heard of."""
        return name in self.names and not self.hears(name)

    def missing(self, most: int) -> list[str]:
        """Some of those who have not been heard of."""
        return [name for name, called in islice(self.names.items(), most) if called != self.calls]

    @property
    def is_complete(self) -> bool:
        """Whether nobody is missing."""
        return self.present == len(self.names)
