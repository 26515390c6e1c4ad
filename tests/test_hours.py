"""Opening hours by the calendar: weeks, holidays, special days, and days on which clocks are changed."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from acd.hours import Hours, is_open, next_change_ms, next_midnight_ms, read_hours

SAO_PAULO, BERLIN = "America/Sao_Paulo", "Europe/Berlin"
OFFICE = read_hours(
    SAO_PAULO, ["mon-fri 09:00-12:00", "mon-fri 13:00-18:00", "sat 09:00-13:00"], "BR-SP", ["2026-12-24 09:00-12:00"]
)


def at(text: str, zone: str = SAO_PAULO) -> int:
    """A moment, by the wall clock there."""
    return round(dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1_000)


def utc(text: str) -> int:
    return at(text, "UTC")


@pytest.mark.parametrize(
    ("moment", "is_so"),
    [
        ("2026-11-23 08:59:59", False),
        ("2026-11-23 09:00", True),
        ("2026-11-23 11:59:59", True),
        ("2026-11-23 12:00", False),
        ("2026-11-23 17:59", True),
        ("2026-11-23 18:00", False),
        ("2026-11-28 10:00", True),  # Saturday
        ("2026-11-28 13:00", False),
        ("2026-11-29 10:00", False),  # Sunday
        ("2026-11-20 10:00", False),  # a Friday, and a holiday
        ("2026-07-09 10:00", False),  # a holiday in this part of the country only
        ("2026-12-24 11:00", True),  # special
        ("2026-12-24 14:00", False),
    ],
)
def test_office_is_open_when_its_table_says_so(moment: str, is_so: bool) -> None:
    assert is_open(OFFICE, at(moment)) is is_so


def test_special_day_overrules_a_holiday() -> None:
    hours = read_hours(SAO_PAULO, ["mon-sun 09:00-18:00"], "BR", ["2026-12-25 10:00-11:00"])
    assert is_open(hours, at("2026-12-25 10:30"))
    assert not is_open(hours, at("2026-12-25 09:30"))


def test_next_change_is_the_nearest_opening_or_closing() -> None:
    assert next_change_ms(OFFICE, at("2026-11-23 08:00")) == at("2026-11-23 09:00")
    assert next_change_ms(OFFICE, at("2026-11-23 09:00")) == at("2026-11-23 12:00")
    assert next_change_ms(OFFICE, at("2026-11-19 18:00")) == at("2026-11-21 09:00"), "over the holiday"
    assert next_change_ms(OFFICE, at("2026-11-21 13:00")) == at("2026-11-23 09:00"), "over the Sunday"


def test_night_goes_on_after_midnight_and_over_the_end_of_the_week() -> None:
    night = read_hours("UTC", ["sat-sun 22:00-06:00"], None, [])
    assert is_open(night, utc("2026-11-22 23:00"))  # Sunday
    assert is_open(night, utc("2026-11-23 05:59"))
    assert not is_open(night, utc("2026-11-23 06:00"))
    assert next_change_ms(night, utc("2026-11-23 05:00")) == utc("2026-11-23 06:00")


def test_what_is_always_open_or_never_does_not_change() -> None:
    always = read_hours("UTC", ["mon-sun 00:00-24:00"], None, [])
    assert is_open(always, utc("2026-11-23 00:00"))
    assert next_change_ms(always, utc("2026-11-23 12:00")) is None
    assert next_change_ms(Hours("UTC"), utc("2026-11-23 12:00")) is None


def test_spans_that_touch_are_one() -> None:
    hours = read_hours("UTC", ["mon 09:00-12:00", "mon 12:00-15:00"], None, [])
    assert next_change_ms(hours, utc("2026-11-23 10:00")) == utc("2026-11-23 15:00")


def test_days_on_which_clocks_are_changed_keep_to_the_wall_clock() -> None:
    """In Berlin 2026-03-29 has 23 hours and 2026-10-25 has 25."""
    office = read_hours(BERLIN, ["mon-sun 09:00-17:00"], None, [])
    assert next_change_ms(office, at("2026-03-28 18:00", BERLIN)) == utc("2026-03-29 07:00")
    assert next_change_ms(office, at("2026-10-24 18:00", BERLIN)) == utc("2026-10-25 08:00")


def test_hour_that_comes_twice_opens_at_the_first_and_closes_at_the_second() -> None:
    night = read_hours(BERLIN, ["sun 02:30-04:00"], None, [])
    assert next_change_ms(night, utc("2026-10-24 20:00")) == utc("2026-10-25 00:30"), "02:30, for the first time"
    assert is_open(night, utc("2026-10-25 00:40"))
    early = read_hours(BERLIN, ["sun 00:00-02:30"], None, [])
    assert next_change_ms(early, utc("2026-10-24 23:00")) == utc("2026-10-25 01:30"), "02:30, for the second time"


def test_hour_that_is_left_out_opens_where_it_would_have_been() -> None:
    night = read_hours(BERLIN, ["sun 02:30-05:00"], None, [])
    assert next_change_ms(night, utc("2026-03-28 20:00")) == utc("2026-03-29 01:30")
    assert is_open(night, utc("2026-03-29 01:30"))


def test_hour_that_is_left_out_closes_where_it_would_have_been() -> None:
    early = read_hours(BERLIN, ["sun 00:00-02:30"], None, [])
    assert next_change_ms(early, utc("2027-03-28 00:00")) == utc("2027-03-28 01:30")
    assert is_open(early, utc("2027-03-28 01:29"))


@pytest.mark.parametrize("zone", ["America/Santiago", "Africa/Cairo", "America/Havana", "Asia/Beirut"])
def test_what_is_open_all_day_does_not_close_where_midnight_is_left_out(zone: str) -> None:
    always = read_hours(zone, ["mon-sun 00:00-24:00"], None, [])
    noons = [utc("2027-01-01 12:00") + day * 86_400_000 for day in range(0, 365, 30)]
    assert [next_change_ms(always, noon) for noon in noons] == [None] * len(noons)
    evenings = read_hours(zone, ["mon-sun 20:00-24:00"], None, [])
    at_ms, late = utc("2027-01-01 12:00"), []
    for _ in range(365):
        opens_ms = next_change_ms(evenings, at_ms)
        assert opens_ms is not None
        at_ms = next_change_ms(evenings, opens_ms) or 0
        late.append(at_ms - next_midnight_ms(zone, opens_ms))
    assert late.count(0) >= 364
    assert set(late) <= {0, 3_600_000}, "later only where midnight comes twice"


def test_midnight_is_that_of_the_zone() -> None:
    assert next_midnight_ms(SAO_PAULO, utc("2026-11-23 02:59")) == utc("2026-11-23 03:00")
    assert next_midnight_ms(SAO_PAULO, utc("2026-11-23 03:00")) == utc("2026-11-24 03:00")
    assert next_midnight_ms(BERLIN, utc("2026-10-24 23:00")) == utc("2026-10-25 23:00"), "a day of 25 hours"
