"""Sign-in from a phone: agent number and PIN against argon2id hashes, with limited tries.

What is kept of an attempt is a count. A PIN is neither kept nor logged, and the answer never says whether the
number or the PIN was wrong: an unknown number costs the same work as a known one.
"""

import asyncio
import re
from collections import Counter, OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache
from typing import Final, Literal

import argon2
import msgspec
import structlog
from argon2.exceptions import Argon2Error, InvalidHashError

from acd.model import AgentId, Phone

log = structlog.get_logger(__name__)

PIN_ALLOWED: Final = "4 to 12 digits"
PIN_HASH_ALLOWED: Final = "an argon2id hash as `acd hash-pin` prints it"
PIN_LIMIT: Final = 64
"""Characters that are looked at; no PIN is nearly as long."""
AT_ONCE: Final = 2
"""Hashes worked on at the same time: each takes a processor and 19 MiB for some 20 ms."""
IN_HAND: Final = 64
"""Attempts that may wait for their turn; the next one hears that it cannot be done now."""
KEPT: Final = 10_000
"""Numbers and phones whose failed tries are remembered; the oldest give way."""
SHARED: Final = 10
"""So many times the tries of one phone have all callers together who come in by one trunk."""
LOGGED_MOST: Final = 20
LOGGED_WITHIN_MS: Final = 60_000
"""So many refused sign-ins of each minute have a line of their own in the log."""
MEMORY_LIMIT_KIB: Final = 128 * 1024
TIME_LIMIT: Final = 10
LANES_LIMIT: Final = 8

_HASH = re.compile(r"\$argon2id\$v=19\$m=\d+,t=\d+,p=\d+\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}")
"""As `hash_pin` makes it: 16 bytes of salt, 32 of hash. One that lost its end could match no PIN."""
_HASHER = argon2.PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


class Credential(msgspec.Struct, frozen=True):
    """What an agent signs in with."""

    number: str
    agent: AgentId
    pin_hash: str

    def __repr__(self) -> str:
        """Without the hash: this may end in a log, and few digits are soon guessed from their hash."""
        return f"Credential({self.number!r}, {self.agent!r})"


class SignInSettings(msgspec.Struct, frozen=True):
    """How many tries there are, for one number and for one phone. Of callers who come in by a trunk, which is no phone
    that the configuration names, each has so many, and all together `SHARED` times as many."""

    tries: int = 5
    locked_for_ms: int = 300_000
    """How long a number or a phone is locked; a failed try is forgotten after the same time."""


class SignedIn(msgspec.Struct, frozen=True):
    agent: AgentId


NotSignedIn = Literal["wrong", "locked", "busy"]

_SAID: Final[dict[NotSignedIn, str]] = {
    "wrong": "sign-in with a wrong number or PIN",
    "locked": "sign-in locked after too many wrong tries",
    "busy": "sign-in turned away: too many at the same time",
}


def hash_pin(pin: str) -> str:
    """The argon2id hash of a PIN. Raises `ValueError` for a PIN that cannot be used."""
    if not re.fullmatch(r"[0-9]{4,12}", pin):
        raise ValueError(f"a PIN is {PIN_ALLOWED}")
    return _HASHER.hash(pin)


def is_pin_hash(text: str) -> bool:
    """Whether this is a whole argon2id hash whose check stays within the limits on time and memory."""
    if not _HASH.fullmatch(text):
        return False
    try:
        cost = argon2.extract_parameters(text)
    except InvalidHashError:
        return False
    bounds = ((cost.memory_cost, MEMORY_LIMIT_KIB), (cost.time_cost, TIME_LIMIT), (cost.parallelism, LANES_LIMIT))
    return all(1 <= value <= limit for value, limit in bounds)


class Tries:
    """Failed tries by key, forgotten `locked_for_ms` after the last of them. Holds no more than `kept` keys."""

    def __init__(self, settings: SignInSettings, kept: int = KEPT) -> None:
        self.settings = settings
        self._kept = kept
        self._failed: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._failed)

    def take(self, keys: Mapping[str, int], now_ms: int) -> bool:
        """Count one more try as failed for every key, before its outcome is known: tries made at the same time
        are counted too. False, and nothing counted, where a key is locked. With each key: how many times the tries of
        the settings it has."""
        if any(self._count(key, now_ms) >= times * self.settings.tries for key, times in keys.items()):
            return False
        for key in keys:
            self._note(key, self._count(key, now_ms) + 1, now_ms)
        return True

    def forgive(self, key: str, tries: int | None = None) -> None:
        """Take back so many tries, or all."""
        count, at_ms = self._failed.get(key, (0, 0))
        if tries is None or count <= tries:
            self._failed.pop(key, None)
        else:
            self._failed[key] = (count - tries, at_ms)

    def _count(self, key: str, now_ms: int) -> int:
        count, at_ms = self._failed.get(key, (0, 0))
        return count if now_ms < at_ms + self.settings.locked_for_ms else 0

    def _note(self, key: str, count: int, now_ms: int) -> None:
        self._failed[key] = (count, now_ms)
        self._failed.move_to_end(key)
        while len(self._failed) > self._kept:
            self._failed.popitem(last=False)


class RefusalLog:
    """Refused sign-ins in the log: the first of each minute line by line, the others counted and told as they double.

    Whoever tries PINs by machine must fill neither the disk nor the log that others need.
    """

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._since_ms = 0
        self._lines = 0
        self._more: Counter[str] = Counter()
        self._untold = False

    def note(self, why: NotSignedIn, phone: Phone) -> None:
        """Log it, or count it."""
        now_ms = self._now_ms()
        if now_ms >= self._since_ms + LOGGED_WITHIN_MS:
            self._begin_anew(now_ms)
        if self._lines < LOGGED_MOST:
            self._lines += 1
            log.warning(_SAID[why], phone=phone)
        else:
            self._count(why)

    def _begin_anew(self, now_ms: int) -> None:
        if self._untold:
            self._tell()
        self._since_ms, self._lines = now_ms, 0
        self._more.clear()

    def _count(self, why: NotSignedIn) -> None:
        self._more[why] += 1
        total = self._more.total()
        self._untold = True
        if total & (total - 1) == 0:  # 1, 2, 4, 8, …
            self._tell()

    def _tell(self) -> None:
        self._untold = False
        log.warning("more sign-ins were refused than are shown", within_s=LOGGED_WITHIN_MS // 1_000, **self._more)


class SignIn:
    """Checks who keyed in a number and a PIN. `now_ms` must be a clock that never goes back."""

    def __init__(
        self,
        credentials: Iterable[Credential],
        settings: SignInSettings,
        now_ms: Callable[[], int],
        phones: Collection[Phone] = (),
    ) -> None:
        self._now_ms = now_ms
        self._tries = Tries(settings)
        self._refusals = RefusalLog(now_ms)
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._in_hand = 0
        self.configure(credentials, settings, phones)

    def configure(self, credentials: Iterable[Credential], settings: SignInSettings, phones: Collection[Phone]) -> None:
        """From now on these may sign in, and these phones are agents' own. Failed tries stay counted."""
        self._phones = frozenset(phones)
        self._known = {credential.number: credential for credential in credentials}
        self._tries.settings = settings
        self._decoy = _decoy(self._known.values())

    async def check(self, number: str, pin: str, phone: Phone, caller: str = "") -> SignedIn | NotSignedIn:
        """Who this is, or why that is not said. Every try counts, for the number and for the phone. `caller` is the
        number that calls: where `phone` is no phone but a trunk, who is unlucky there must not lock out the others."""
        result = await self._result(number, pin, self._places(phone, caller))
        if not isinstance(result, SignedIn):
            self._refusals.note(result, phone)
        return result

    def _places(self, phone: Phone, caller: str) -> dict[str, int]:
        """Where the try comes from. A caller's number can be forged, so all of a trunk have a limit, too."""
        if phone in self._phones:
            return {f"phone {phone}": 1}
        return {f"phone {phone} from {caller[:PIN_LIMIT]}": 1, f"phone {phone}": SHARED}

    async def _result(self, number: str, pin: str, places: dict[str, int]) -> SignedIn | NotSignedIn:
        if self._in_hand >= IN_HAND:
            return "busy"
        if not self._tries.take({f"number {number[:PIN_LIMIT]}": 1, **places}, self._now_ms()):
            return "locked"
        return await self._verify(number, pin, places)

    async def _verify(self, number: str, pin: str, places: Iterable[str]) -> SignedIn | NotSignedIn:
        known = self._known.get(number)
        right = await self._is_right(known.pin_hash if known else self._decoy, pin)
        if known is None or not right:
            return "wrong"
        # The phone gets back this try only: an agent's own sign-in must not free the way to guess on.
        self._tries.forgive(f"number {number}")
        for place in places:
            self._tries.forgive(place, tries=1)
        return SignedIn(known.agent)

    async def _is_right(self, pin_hash: str, pin: str) -> bool:
        self._in_hand += 1
        try:
            async with self._turns:
                return await asyncio.to_thread(_matches, pin_hash, pin[:PIN_LIMIT])
        finally:
            self._in_hand -= 1


def _matches(pin_hash: str, pin: str) -> bool:
    try:
        return _HASHER.verify(pin_hash, pin)
    except (Argon2Error, InvalidHashError):
        return False


def _decoy(known: Iterable[Credential]) -> str:
    """A hash that nobody's PIN has, as costly as the known ones: time must not tell a number that exists."""
    for credential in known:
        cost = argon2.extract_parameters(credential.pin_hash)
        return _decoy_of(cost.time_cost, cost.memory_cost, cost.parallelism)
    return _decoy_of(_HASHER.time_cost, _HASHER.memory_cost, _HASHER.parallelism)


@lru_cache(maxsize=8)
def _decoy_of(time_cost: int, memory_cost: int, parallelism: int) -> str:
    hasher = argon2.PasswordHasher(time_cost=time_cost, memory_cost=memory_cost, parallelism=parallelism)
    return hasher.hash("nobody's PIN: a PIN is digits")
