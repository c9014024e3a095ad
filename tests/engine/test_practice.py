"""Terms, weeks, nights, and the level that practice reaches."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talentbank.engine.practice import at_night, level_reached, term_of, week_of

days = st.dates(date(2000, 1, 1), date(2100, 12, 31))


@given(days)
def test_every_day_lies_in_its_term_and_the_next_term_begins_the_day_after_the_last(day: date) -> None:
    term = term_of(day)
    assert term.first <= day <= term.last
    following = term_of(term.last + timedelta(days=1))
    assert following.first == term.last + timedelta(days=1)
    assert following.autumn is not term.autumn


def test_an_academic_year_is_called_by_the_year_in_which_it_began() -> None:
    assert [term_of(day).year for day in (date(2026, 9, 1), date(2027, 1, 31), date(2027, 8, 31))] == [2026] * 3
    assert term_of(date(2027, 9, 1)).year == 2027


@given(days)
def test_a_week_is_seven_days_from_monday_on(day: date) -> None:
    monday, sunday = week_of(day)
    assert monday <= day <= sunday
    assert monday.isocalendar()[:2] == sunday.isocalendar()[:2] == day.isocalendar()[:2]
    assert (monday.weekday(), sunday - monday) == (0, timedelta(days=6))


@pytest.mark.parametrize(
    ("starts", "ends", "night"),
    [
        (360, 1320, False),
        (359, 400, True),
        (1300, 1321, True),
        (0, 1440, True),
        (600, 720, False),
        (1320, 1330, True),
    ],
)
def test_night_is_from_ten_to_six(starts: int, ends: int, night: bool) -> None:
    assert at_night(starts, ends) is night


@given(st.integers(1, 5), st.integers(0, 100_000), st.integers(1, 2_000))
def test_practice_never_reaches_more_than_is_taught_nor_less_with_more_of_it(
    t: int, minutes: int, hours: int
) -> None:
    level = level_reached(t, minutes, hours)
    assert 0 <= level <= t
    assert level <= level_reached(t, minutes + 1, hours)
    assert level_reached(t, 60 * hours, hours) == t
    assert level_reached(t, 60 * hours - 1, hours) < t


def test_a_third_of_the_hours_reaches_a_third_of_the_levels() -> None:
    assert [level_reached(3, 60 * h, 40) for h in (13, 14, 26, 27, 39, 40)] == [0, 1, 1, 2, 2, 3]
