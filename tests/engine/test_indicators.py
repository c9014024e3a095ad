"""The figures of section 6: worked by hand, against the textbook, and within their bounds whatever comes."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talentbank.engine.indicators import (
    Outcome,
    Share,
    Spell,
    knowledge_rate,
    median_days,
    placement_rate,
    retention,
    turnover,
    wilson,
)

TODAY = date(2026, 6, 30)
DAYS = st.dates(date(2020, 1, 1), date(2030, 12, 31))


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


@st.composite
def spells(draw: st.DrawFn) -> Spell:
    start = draw(DAYS)
    stays = draw(st.none() | st.integers(0, 1500))
    return Spell(start, None if stays is None else start + timedelta(days=stays))


def test_unknown_outcomes_lower_the_knowledge_and_leave_the_placement_rate() -> None:
    outcomes = [Outcome.CBEC] * 3 + [Outcome.ELSEWHERE] + [Outcome.UNKNOWN] * 4
    assert knowledge_rate(outcomes) == Share(4, 8)
    assert placement_rate(outcomes) == Share(3, 4)
    assert placement_rate(outcomes).value == 0.75


def test_a_rate_of_nobody_is_none_and_has_no_interval() -> None:
    for nobody in (knowledge_rate([]), placement_rate([Outcome.UNKNOWN]), retention([], 90, TODAY)):
        assert (nobody.value, nobody.interval()) == (None, None)
    assert turnover([], TODAY).value is None
    assert median_days([]) is None


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998), Table I, method 3 (score without continuity correction)
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_is_the_textbooks(successes: int, trials: int, low: float, high: float) -> None:
    interval = wilson(successes, trials)
    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_share_and_grows_with_confidence(case: tuple[int, int]) -> None:
    successes, trials = case
    inner, outer = wilson(successes, trials, 0.8), wilson(successes, trials, 0.99)
    assert 0 <= outer.low <= inner.low <= successes / trials <= inner.high <= outer.high <= 1
    mirrored = wilson(trials - successes, trials, 0.8)
    assert inner.low == pytest.approx(1 - mirrored.high, abs=1e-9)
    if 0 < successes < trials:
        assert inner.low > 0 and inner.high < 1
    many = wilson(successes * 4, trials * 4, 0.8)
    assert many.high - many.low <= inner.high - inner.low + 1e-12


def test_retention_looks_only_at_those_who_started_long_enough_ago() -> None:
    known = [
        Spell(ago(89)),  # too young
        Spell(ago(90)),
        Spell(ago(200), ago(110)),  # the last day is the 90th
        Spell(ago(200), ago(111)),  # a day too early
        Spell(ago(200), ago(110) + timedelta(days=5)),
    ]
    assert retention(known, 90, TODAY) == Share(3, 4)
    assert retention(known, 180, TODAY) == Share(0, 3)
    assert retention(known, 0, TODAY) == Share(5, 5)


@given(st.lists(spells(), max_size=20), DAYS, st.integers(0, 400), st.integers(0, 400))
def test_retention_of_the_same_people_never_grows(some: list[Spell], today: date, days: int, more: int) -> None:
    share = retention(some, days, today)
    later = retention(some, days + more, today)
    assert 0 <= share.numerator <= share.denominator <= len(some)
    assert later.denominator <= share.denominator
    old = [s for s in some if s.started_on + timedelta(days=days + more) <= today]
    assert retention(old, days + more, today).numerator <= retention(old, days, today).numerator


def test_turnover_is_leavers_against_the_average_headcount() -> None:
    everybody = [
        Spell(ago(1000)),  # there all year
        Spell(ago(364), ago(0)),  # there all year, leaves on its last day
        Spell(ago(900), ago(365)),  # left on the day before it began
        Spell(TODAY + timedelta(days=1)),  # comes later
    ]
    assert (turnover(everybody, TODAY).leavers, turnover(everybody, TODAY).headcount) == (1, 2.0)
    assert turnover(everybody, TODAY).value == 0.5
    fifth = turnover([Spell(ago(1000), ago(365 - 73))], TODAY)
    assert (fifth.leavers, fifth.headcount) == (1, 0.2)  # 73 of 365 days
    assert fifth.value == 5.0


@given(st.lists(spells(), max_size=20), DAYS, st.integers(1, 800))
def test_the_average_is_that_of_the_daily_headcounts(some: list[Spell], until: date, period: int) -> None:
    figure = turnover(some, until, timedelta(days=period))
    window = [until - timedelta(days=n) for n in range(period)]
    counted = sum(s.started_on <= day and (s.ended_on is None or day <= s.ended_on) for day in window for s in some)
    assert figure.headcount == pytest.approx(counted / period)
    assert 0 <= figure.leavers <= len(some)
    assert figure.headcount <= len(some)


def test_the_median_may_lie_between_two_days() -> None:
    began = date(2026, 1, 1)
    pairs = [(began, began + timedelta(days=n)) for n in (0, 10, 21, 400)]
    assert median_days(pairs) == 15.5
    assert median_days(pairs[:3]) == 10.0


@pytest.mark.parametrize(
    "mistake",
    [
        lambda: Share(3, 2),
        lambda: Share(-1, 2),
        lambda: Spell(TODAY, ago(1)),
        lambda: wilson(0, 0),
        lambda: wilson(3, 2),
        lambda: wilson(1, 2, 1.0),
        lambda: retention([], -1, TODAY),
        lambda: turnover([], TODAY, timedelta(hours=5)),
        lambda: median_days([(TODAY, ago(1))]),
    ],
)
def test_what_can_not_be_is_refused(mistake: object) -> None:
    with pytest.raises(ValueError, match=r"share|stay|trials|confidence|after|over|before"):
        mistake()  # type: ignore[operator]
