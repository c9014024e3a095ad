"""Figures as tables: what a page shows, what is drawn, and what is withheld of few people."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talentbank.engine.indicators import Share, Turnover
from talentbank.insight.tables import FEW, HIDDEN, KEPT_BACK, Cell, Chart, Column, Kind, Table, hidden, withheld


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (Kind.COUNT, 1234, "1,234"),
        (Kind.COUNT, None, "–"),
        (Kind.COUNT, HIDDEN, "< 5"),
        (Kind.NUMBER, 16.52, "16.5"),
        (Kind.DAYS, 45.0, "45"),
        (Kind.SHARE, Share(31, 50), "62 % (31/50)"),
        (Kind.SHARE, Share(0, 0), "–"),
        (Kind.SHARE, Turnover(5, 20.0), "25 % (5/20)"),
        (Kind.SHARE, Turnover(1, 12.5), "8 % (1/12.5)"),
        (Kind.SHARE, Turnover(0, 0.0), "–"),
        (Kind.SHARE, 0.15, "15 %"),
        (Kind.DATE, date(2026, 3, 31), "2026-03-31"),
        (Kind.MONTH, date(2026, 3, 31), "2026-03"),
        (Kind.TEXT, "运营", "运营"),
    ],
)
def test_a_value_as_a_page_shows_it(kind: Kind, value: object, text: str) -> None:
    assert Column("c", "C", kind).text(Cell(value)) == text


def test_the_interval_stands_below_rates_of_few_people_only() -> None:
    column = Column("c", "C", Kind.SHARE)
    assert column.interval(Cell(Share(31, 50))) == "48–74 %"
    assert column.interval(Cell(Share(0, 7))) == "0–35 %"
    assert column.interval(Cell(Share(62, 100))) == ""
    assert column.interval(Cell(Share(0, 0))) == ""
    assert column.interval(Cell(Turnover(1, 8.0))) == column.interval(Cell(HIDDEN)) == ""


def test_what_is_drawn_is_what_the_table_holds() -> None:
    table = Table(
        "t",
        "T",
        "D",
        (Column("month", "Month", Kind.MONTH), Column("rate", "Rate", Kind.SHARE), Column("n", "N")),
        (
            (Cell(date(2026, 1, 31)), Cell(Share(1, 3)), Cell(3)),
            (Cell(date(2026, 2, 28)), Cell(HIDDEN), Cell(2)),
            (Cell(date(2026, 3, 31)), Cell(None), Cell(0)),
        ),
        chart=Chart("line", "month", ("rate",), (("Goal", 0.15),), percent=True),
    )
    assert table.drawing() == {
        "kind": "line",
        "labels": ["2026-01", "2026-02", "2026-03"],
        "series": [{"name": "Rate", "values": [33.3333, None, None]}],
        "goals": [{"name": "Goal", "value": 15.0}],
        "percent": True,
    }


def test_a_table_without_rows_or_chart_draws_nothing() -> None:
    columns = (Column("n", "N"),)
    assert Table("t", "T", "D", columns, (), chart=Chart("bar", "n", ("n",))).drawing() is None
    assert Table("t", "T", "D", columns, ((Cell(1),),)).drawing() is None


def test_a_table_that_does_not_fit_together_is_refused() -> None:
    columns = (Column("a", "A"), Column("b", "B"))
    with pytest.raises(ValueError, match="rows of"):
        Table("t", "T", "D", columns, ((Cell(1),),))
    with pytest.raises(ValueError, match="rows of"):
        Table("t", "T", "D", columns, (), total=(Cell(1),))
    with pytest.raises(ValueError, match=r"no columns \['c'\]"):
        Table("t", "T", "D", columns, (), chart=Chart("bar", "a", ("b", "c")))


@pytest.mark.parametrize(("count", "shown"), [(0, True), (1, False), (4, False), (5, True)])
def test_few_people_are_withheld_from_those_who_may_not_see_them(count: int, shown: bool) -> None:
    cell = Cell(count, "gap.outcomes", {"stage": "left"})
    assert hidden(count, cell, sees=True) is cell
    assert hidden(count, cell, sees=False) == (cell if shown else Cell(HIDDEN))


@given(st.lists(st.integers(0, 12), max_size=8))
def test_no_group_of_few_can_be_worked_out_from_the_total(counts: list[int]) -> None:
    assert withheld(counts, sees=True) == frozenset()
    places = withheld(counts, sees=False)
    assert {place for place, n in enumerate(counts) if 0 < n < FEW} <= places
    assert all(counts[place] for place in places)
    others = [n for place, n in enumerate(counts) if n and place not in places]
    if places and others:  # what is missing from the total is at least two groups, and not few people
        assert len(places) > 1
        assert sum(counts[place] for place in places) >= max(FEW, 1 + len(places))


def test_no_more_is_withheld_than_must_be() -> None:
    assert withheld([3, 9, 6, 0], sees=False) == {0, 2}
    assert withheld([2, 4, 9], sees=False) == {0, 1}
    assert withheld([5, 6, 7], sees=False) == frozenset()


def test_one_mark_stands_for_few_and_for_what_would_tell_them() -> None:
    assert Column("c", "C").text(KEPT_BACK) == "(…)"
    # five parts of five people would each be known to be one
    assert withheld([1, 1, 1, 1, 1, 20, 30], sees=False) == {0, 1, 2, 3, 4, 5}
