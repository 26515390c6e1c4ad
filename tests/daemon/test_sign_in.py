"""Agent number and PIN (docs/decisions/0005-pin-sign-in-by-phone.md)."""

import asyncio
from collections.abc import Callable

import argon2
import pytest
from structlog.testing import capture_logs

from acd import sign_in
from acd.model import AgentId, Phone
from acd.sign_in import (
    IN_HAND,
    LOGGED_MOST,
    LOGGED_WITHIN_MS,
    SHARED,
    Credential,
    SignedIn,
    SignIn,
    SignInSettings,
    Tries,
    hash_pin,
    is_pin_hash,
)

CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
ANA, BEN = AgentId("ana"), AgentId("ben")
HERE, THERE = Phone("1001"), Phone("1002")
SETTINGS = SignInSettings(tries=3, locked_for_ms=1_000)


class Time:
    now_ms = 5_000

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def service(time: Time) -> SignIn:
    known = [Credential("41", ANA, CHEAP.hash("4711")), Credential("42", BEN, CHEAP.hash("0815"))]
    return SignIn(known, SETTINGS, time, [HERE, THERE])


async def test_the_right_pin_signs_in(service: SignIn) -> None:
    assert await service.check("41", "4711", HERE) == SignedIn(ANA)


@pytest.mark.parametrize(("number", "pin"), [("41", "0815"), ("99", "4711"), ("41", ""), ("", ""), ("41", "4711" * 99)])
async def test_number_and_pin_are_wrong_in_the_same_way(service: SignIn, number: str, pin: str) -> None:
    assert await service.check(number, pin, HERE) == "wrong"


async def test_an_unknown_number_costs_the_same_work(service: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []

    def note(pin_hash: str, _pin: str) -> bool:
        checked.append(pin_hash)
        return False

    monkeypatch.setattr(sign_in, "_matches", note)
    await service.check("41", "1", HERE)
    await service.check("99", "1", HERE)
    of_known, of_unknown = map(argon2.extract_parameters, checked)
    assert of_known == of_unknown


async def test_a_number_is_locked_after_its_tries_from_whatever_phones(service: SignIn) -> None:
    for phone in ("1", "2", "3"):
        assert await service.check("41", "0000", Phone(phone)) == "wrong"
    assert await service.check("41", "4711", Phone("4")) == "locked"
    assert await service.check("42", "0815", Phone("4")) == SignedIn(BEN)


async def test_a_phone_is_locked_after_its_tries_with_whatever_numbers(service: SignIn) -> None:
    for number in ("7", "8", "9"):
        assert await service.check(number, "0000", HERE) == "wrong"
    assert await service.check("41", "4711", HERE) == "locked"
    assert await service.check("41", "4711", THERE) == SignedIn(ANA)


TRUNK = Phone("trunk")


async def test_callers_of_a_trunk_are_locked_one_by_one(service: SignIn) -> None:
    """Phones that the configuration does not name, or channels of which Asterisk names no phone."""
    for trunk in (TRUNK, Phone("")):
        answers = [await service.check(f"7{guess}{trunk}", "0000", trunk, "5551") for guess in range(4)]
        assert answers == ["wrong", "wrong", "wrong", "locked"]
        assert await service.check("41", "4711", trunk, "5552") == SignedIn(ANA)


async def test_who_forges_numbers_is_locked_with_the_trunk(service: SignIn) -> None:
    answers = [await service.check(f"7{guess}", "0000", TRUNK, f"555{guess}") for guess in range(3 * SHARED)]
    assert set(answers) == {"wrong"}
    assert await service.check("41", "4711", TRUNK, "6660") == "locked"
    assert await service.check("41", "4711", HERE, "6660") == SignedIn(ANA)


async def test_own_phone_that_forges_numbers_has_no_more_tries(service: SignIn) -> None:
    answers = [await service.check(f"7{guess}", "0000", HERE, f"555{guess}") for guess in range(4)]
    assert answers == ["wrong", "wrong", "wrong", "locked"]


async def test_an_unknown_number_is_locked_like_a_known_one(service: SignIn) -> None:
    answers = [await service.check("99", "0000", Phone(str(phone))) for phone in range(4)]
    assert answers == ["wrong", "wrong", "wrong", "locked"]


async def test_the_lock_ends_with_its_time(service: SignIn, time: Time) -> None:
    for _ in range(3):
        await service.check("41", "0000", HERE)
    time.now_ms += 999
    assert await service.check("41", "4711", HERE) == "locked"
    time.now_ms += 1
    assert await service.check("41", "4711", HERE) == SignedIn(ANA)


async def test_a_try_while_locked_does_not_make_the_lock_longer(service: SignIn, time: Time) -> None:
    for _ in range(3):
        await service.check("41", "0000", HERE)
    time.now_ms += 900
    await service.check("41", "0000", HERE)
    time.now_ms += 100
    assert await service.check("41", "4711", HERE) == SignedIn(ANA)


async def test_the_right_pin_clears_the_tries_of_the_number(service: SignIn) -> None:
    for _ in range(3):
        await service.check("41", "0000", Phone("1"))
        await service.check("41", "4711", Phone("2"))
    assert await service.check("41", "4711", Phone("2")) == SignedIn(ANA)


async def test_an_own_sign_in_does_not_free_the_way_to_guess_on(service: SignIn) -> None:
    answers = []
    for guess in range(4):
        answers.append(await service.check(f"7{guess}", "0000", HERE))
        await service.check("41", "4711", HERE)
    assert answers == ["wrong", "wrong", "wrong", "locked"]


async def test_tries_made_at_the_same_time_count_too(service: SignIn) -> None:
    answers = await asyncio.gather(*(service.check("41", f"{pin:04}", Phone(f"p{pin}")) for pin in range(20)))
    assert sorted(map(str, answers)) == ["locked"] * 17 + ["wrong"] * 3


async def test_too_many_at_once_are_told_to_ask_again(time: Time) -> None:
    service = SignIn([Credential("41", ANA, CHEAP.hash("4711"))], SignInSettings(20, 1_000), time)
    answers = await asyncio.gather(*(service.check(f"{n}", "0000", Phone(f"p{n}")) for n in range(IN_HAND + 5)))
    assert answers.count("busy") == 5
    assert await service.check("41", "4711", HERE) == SignedIn(ANA)


async def test_who_is_gone_from_the_configuration_cannot_sign_in(service: SignIn) -> None:
    service.configure([Credential("42", BEN, CHEAP.hash("0815"))], SETTINGS, ())
    assert await service.check("41", "4711", HERE) == "wrong"


async def test_a_reload_forgets_no_try(service: SignIn) -> None:
    for _ in range(3):
        await service.check("41", "0000", HERE)
    service.configure([Credential("41", ANA, CHEAP.hash("4711"))], SETTINGS, ())
    assert await service.check("41", "4711", THERE) == "locked"


async def test_neither_pin_nor_number_is_logged_or_kept(service: SignIn) -> None:
    with capture_logs() as logged:
        await service.check("41414141", "97531", HERE)
        await service.check("41", "4711", HERE)
    assert logged
    assert not any(text in str(logged) for text in ("41414141", "97531", "4711"))
    assert not any(pin in str(vars(service)) + str(vars(service._tries)) for pin in ("97531", "4711"))


async def test_a_flood_of_tries_does_not_flood_the_log_and_its_size_is_told(service: SignIn, time: Time) -> None:
    with capture_logs() as logged:
        for _ in range(1_000):
            await service.check("41", "0000", HERE)
        assert len(logged) == LOGGED_MOST + 10
        time.now_ms += LOGGED_WITHIN_MS
        await service.check("41", "0000", HERE)
    lines = [entry["event"] for entry in logged[:LOGGED_MOST]]
    assert lines.count("sign-in with a wrong number or PIN") == 3
    assert lines.count("sign-in locked after too many wrong tries") == LOGGED_MOST - 3
    told = [entry["locked"] for entry in logged if entry["event"] == "more sign-ins were refused than are shown"]
    assert told == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_000 - LOGGED_MOST]
    assert logged[-1]["event"] == "sign-in with a wrong number or PIN"


async def test_what_was_told_already_is_not_told_again_when_the_minute_is_over(service: SignIn, time: Time) -> None:
    with capture_logs() as logged:
        for _ in range(LOGGED_MOST + 2):
            await service.check("41", "0000", HERE)
        time.now_ms += LOGGED_WITHIN_MS
        await service.check("41", "0000", HERE)
    assert [entry.get("locked") for entry in logged[LOGGED_MOST:]] == [1, 2, None]


async def test_who_is_turned_away_is_in_the_log(time: Time) -> None:
    service = SignIn([Credential("41", ANA, CHEAP.hash("4711"))], SignInSettings(20, 1_000), time)
    with capture_logs() as logged:
        await asyncio.gather(*(service.check(f"{n}", "0000", Phone(f"p{n}")) for n in range(IN_HAND + 1)))
    assert logged[0] == {
        "event": "sign-in turned away: too many at the same time",
        "phone": f"p{IN_HAND}",
        "log_level": "warning",
    }


def test_failed_tries_are_remembered_for_a_bounded_number_of_keys() -> None:
    tries = Tries(SETTINGS, kept=10)
    for number in range(100):
        tries.take({f"number {number}": 1}, now_ms=number)
    assert len(tries) == 10


def test_of_many_keys_the_latest_are_remembered() -> None:
    tries = Tries(SETTINGS, kept=2)
    for _ in range(3):
        tries.take({"late": 1}, now_ms=1)
    tries.take({"other": 1}, now_ms=1)
    tries.take({"late": 1}, now_ms=1)
    assert not tries.take({"late": 1}, now_ms=1)


def test_a_made_hash_is_a_hash_and_checks() -> None:
    made = hash_pin("4711")
    assert is_pin_hash(made)
    assert sign_in._matches(made, "4711")
    assert not sign_in._matches(made, "4712")
    assert made != hash_pin("4711")


@pytest.mark.parametrize("pin", ["", "123", "1234567890123", "12a4", "١٢٣٤", "1234\n", " 1234"])
def test_a_pin_that_no_phone_can_send_has_no_hash(pin: str) -> None:
    with pytest.raises(ValueError, match="4 to 12 digits"):
        hash_pin(pin)


def changed(change: Callable[[str], str]) -> str:
    return change("$argon2id$v=19$m=19456,t=2,p=1$dZmVcPuyirEZuDd6msNphA$anQBSesAGglaWtcelKUpkYoSuGns0PGuBqS+kWrQK/0")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4711",
        "$2b$12$abcdefghijklmnopqrstuv",
        changed(lambda made: made.replace("argon2id", "argon2i")),
        changed(lambda made: made.replace("m=19456", "m=131073")),
        changed(lambda made: made.replace("t=2", "t=11")),
        changed(lambda made: made.replace("p=1", "p=9")),
        changed(lambda made: made.replace("t=2", "t=0")),
        changed(lambda made: made + "\n"),
        changed(lambda made: made.rpartition("$")[0]),
        changed(lambda made: made[:-1]),
        changed(lambda made: made[:-5]),
        changed(lambda made: made + "A"),
        changed(lambda made: made.replace("phA$", "p$")),
    ],
)
def test_what_is_no_hash_or_too_costly_is_refused(text: str) -> None:
    assert not is_pin_hash(text)


def test_a_hash_that_cannot_be_decoded_matches_nothing() -> None:
    assert not sign_in._matches("$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAA$" + "A" * 23, "4711")


def test_a_credential_hides_its_hash() -> None:
    assert repr(Credential("41", ANA, "the hash")) == "Credential('41', 'ana')"
