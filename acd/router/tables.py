"""Tables that grow with the calls and never have a long step.

A dictionary without room for one more entry is copied whole into a larger one: with 500,000 entries that takes 20 ms,
and 300 if it is an `OrderedDict`, in the middle of whatever is being decided. These here are cut into pieces, which
are copied each by itself.
"""

from bisect import bisect_right
from collections.abc import Hashable, Iterator, Mapping, MutableMapping
from itertools import chain
from typing import Any, Final, TypeVar, overload

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
T = TypeVar("T")

MISSING: Final = object()
SHARDS: Final = 64
"""With 500,000 entries the longest step takes two milliseconds, most of them the kernel's, which gives memory page by
page. Four times as many shards halve it twice and cost a lifecycle a tenth: they are never all in the cache."""
MASK: Final = SHARDS - 1
SMALL: Final = 2_000
"""With more entries than these a table is cut into shards: once, in a quarter of a millisecond. To find an entry in a
shard takes more steps in memory."""
BITS: Final = 16
"""The bits of a hash from this one on tell the shard. A dictionary begins with the lowest: were those equal in all that
a shard holds, its entries would get into each other's way."""
PIECE: Final = 256
"""So many keys are added to a piece of an order. It goes when the last of them goes."""


class _Sharded(Mapping[K, V]):
    """Entries in one dictionary, and each in the shard of its key once they are many."""

    __slots__ = ("_shards", "_whole")

    def __init__(self) -> None:
        self._whole: dict[K, V] | None = {}
        self._shards: list[dict[K, V]] = []

    def __repr__(self) -> str:
        return f"{type(self).__name__}({dict(self.items())})"

    def __len__(self) -> int:
        return sum(map(len, self._shards)) if self._whole is None else len(self._whole)

    def __getitem__(self, key: K) -> V:
        whole = self._whole
        return self._shards[hash(key) >> BITS & MASK][key] if whole is None else whole[key]

    def __contains__(self, key: object) -> bool:
        whole = self._whole
        return key in (self._shards[hash(key) >> BITS & MASK] if whole is None else whole)

    @overload
    def get(self, key: K, /) -> V | None: ...
    @overload
    def get(self, key: K, /, default: V | T) -> V | T: ...
    def get(self, key: K, /, default: Any = None) -> Any:
        whole = self._whole
        return self._shards[hash(key) >> BITS & MASK].get(key, default) if whole is None else whole.get(key, default)

    def _cut(self, whole: dict[K, V]) -> None:
        """Cut the one dictionary into shards."""
        self._shards = [{} for _ in range(SHARDS)]
        for key, value in whole.items():
            self._shards[hash(key) >> BITS & MASK][key] = value
        self._whole = None


class ShardedDict(_Sharded[K, V], MutableMapping[K, V]):
    """A dictionary. Who goes through all of it, which no decision does, finds shorter keys first, and equally long ones
    by their texts: the same in every process, and ids in the order in which they were made."""

    __slots__ = ()

    def __iter__(self) -> Iterator[K]:
        tables = self._shards if self._whole is None else [self._whole]
        return iter(sorted(chain.from_iterable(tables), key=_length_and_text))

    def __setitem__(self, key: K, value: V) -> None:
        whole = self._whole
        if whole is None:
            self._shards[hash(key) >> BITS & MASK][key] = value
        else:
            whole[key] = value
            if len(whole) > SMALL:
                self._cut(whole)

    def __delitem__(self, key: K) -> None:
        whole = self._whole
        if whole is None:
            del self._shards[hash(key) >> BITS & MASK][key]
        else:
            del whole[key]

    @overload
    def pop(self, key: K, /) -> V: ...
    @overload
    def pop(self, key: K, /, default: V | T) -> V | T: ...
    def pop(self, key: K, /, default: Any = MISSING) -> Any:
        table = self._shards[hash(key) >> BITS & MASK] if self._whole is None else self._whole
        return table.pop(key) if default is MISSING else table.pop(key, default)


def _length_and_text(key: object) -> tuple[int, str]:
    text = str(key)
    return len(text), text


class Numbered(_Sharded[K, int]):
    """Keys with a number each, in the order of the numbers: what is put has a greater one than all that are there."""

    __slots__ = ("_firsts", "_last", "_room", "pieces")

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[K, int] = {}
        self.pieces: list[dict[K, int]] = [self._last]
        """Keys and numbers, piece by piece. None is empty, unless it is the only one."""
        self._firsts = [0]
        """The number with which each piece began, or a lesser one."""
        self._room = PIECE
        """How many more go into the last piece."""

    def __iter__(self) -> Iterator[K]:
        return chain.from_iterable(self.pieces)

    def in_order(self) -> Iterator[tuple[K, int]]:
        """Keys and numbers."""
        return chain.from_iterable(piece.items() for piece in self.pieces)

    def first(self) -> K:
        """The key with the least number. There must be one."""
        return next(iter(self.pieces[0]))

    def first_number(self) -> int:
        """The least number. There must be one."""
        return next(iter(self.pieces[0].values()))

    def put(self, key: K, number: int) -> int | None:
        """At the end, whether it was there or not. Returns the number it had."""
        whole = self._whole
        table = self._shards[hash(key) >> BITS & MASK] if whole is None else whole
        before = table.get(key)
        if before is not None:
            piece = self.pieces[bisect_right(self._firsts, before) - 1]
            del piece[key]
            if not piece:
                self._drop_piece(piece, before)
        table[key] = number  # in its place, if it was there: nothing grows
        if self._room == 0:
            self._begin_piece(number)
        self._room -= 1
        self._last[key] = number
        if whole is not None and len(whole) > SMALL:
            self._cut(whole)
        return before

    def drop(self, key: K) -> int | None:
        """Take out the key, if it is there. Returns its number."""
        whole = self._whole
        number = (self._shards[hash(key) >> BITS & MASK] if whole is None else whole).pop(key, None)
        if number is not None:
            piece = self.pieces[bisect_right(self._firsts, number) - 1]
            del piece[key]
            if not piece:
                self._drop_piece(piece, number)
        return number

    def _drop_piece(self, piece: dict[K, int], number: int) -> None:
        if len(self.pieces) == 1:
            self._firsts[0] = 0  # the next number may be less than all that were there
            return
        at = bisect_right(self._firsts, number) - 1
        del self._firsts[at], self.pieces[at]
        if piece is self._last:
            self._last, self._room = self.pieces[-1], 0

    def _begin_piece(self, number: int) -> None:
        self._room = PIECE
        if self._last:
            self._last = {}
            self.pieces.append(self._last)
            self._firsts.append(number)
