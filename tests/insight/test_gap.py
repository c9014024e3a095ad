"""The talent gap: its counts by hand, and each figure against the list that it opens."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talentbank.competencies.catalogue import Category
from talentbank.engine.indicators import Share, retention, turnover
from talentbank.extensions import db, today
from talentbank.insight.gap import cases as counting
from talentbank.insight.gap import figures, queries
from talentbank.insight.gap.cases import CHECK_IN_DAYS, CORE, OLD, THERE, Case, Stage
from talentbank.insight.tables import BESIDE, FEW, HIDDEN, Cell, Table
from talentbank.permissions import Actor, Role
from talentbank.placements.models import EndReason
from talentbank.rounds.offers.models import OfferState
from tests import factories
from tests.insight.placed import Placed
from tests.rounds.life import published
from tests.test_queries import counted

DAY = date(2026, 3, 15)
OPS, DESIGN = Category.OPERATIONS, Category.DESIGN


def case(offer_id: int, started: date | None = None, ended: date | None = None, **values: object) -> Case:
    defaults = {"student_id": offer_id, "category": OPS, "accepted": True}
    return Case(offer_id=offer_id, started_on=started, ended_on=ended, **{**defaults, **values})  # type: ignore[arg-type]


def test_who_is_employed_at_the_end_of_a_day() -> None:
    stay = case(1, DAY, DAY + timedelta(days=10))
    assert not stay.in_post(DAY - timedelta(days=1))
    assert stay.in_post(DAY)
    assert stay.in_post(DAY + timedelta(days=9))
    assert not stay.in_post(DAY + timedelta(days=10))
    assert case(2, DAY).in_post(date(2036, 1, 1))
    assert not case(3).in_post(DAY)


def test_months_run_from_the_first_placement_to_today() -> None:
    assert counting.month_ends([case(1)], DAY) == []
    ends = counting.month_ends([case(1, date(2026, 2, 3)), case(2, date(2025, 12, 31))], DAY)
    assert ends == [date(2025, 12, 31), date(2026, 1, 31), date(2026, 2, 28), DAY]
    assert counting.month_ends([case(1, DAY)], DAY) == [DAY]
    assert counting.month_ends([case(1, date(2026, 3, 1))], date(2026, 3, 31)) == [date(2026, 3, 31)]
    long = counting.month_ends([case(1, date(2020, 2, 29))], DAY)
    assert (len(long), long[0]) == (24, date(2024, 4, 30))


def test_people_count_once_and_with_their_later_offer() -> None:
    twice = [case(1, student_id=7, accepted=False, category=DESIGN), case(2, student_id=7), case(3, student_id=8)]
    assert [c.offer_id for c in counting.of(twice, Stage.OFFERED, DAY)] == [2, 3]
    assert [c.offer_id for c in counting.of(twice, Stage.OFFERED, DAY, (DESIGN,))] == [1]
    assert [c.offer_id for c in counting.of(twice, Stage.ACCEPTED, DAY)] == [2, 3]


stays = st.lists(
    st.builds(
        lambda offset, length: (DAY - timedelta(days=offset), length),
        st.integers(0, 800),
        st.none() | st.integers(0, 800),
    ),
    max_size=15,
)


@given(stays, st.sampled_from(CHECK_IN_DAYS))
def test_lists_count_as_the_indicators_do(found: list[tuple[date, int | None]], days: int) -> None:
    cases = []
    for place, (start, length) in enumerate(found):
        last = start + timedelta(days=length) if length is not None else None
        cases.append(case(place, start, last if last and last <= DAY else None))
    spells = [c.spell for c in cases if c.spell]
    share = retention(spells, days, DAY)
    assert len(counting.of(cases, OLD[days], DAY)) == share.denominator
    assert len(counting.of(cases, THERE[days], DAY)) == share.numerator
    assert counting.stayed(cases, days, DAY) == share
    assert len(counting.of(cases, Stage.LEFT_YEAR, DAY)) == turnover(spells, DAY).leavers
    employed, left = counting.of(cases, Stage.EMPLOYED, DAY), counting.of(cases, Stage.LEFT, DAY)
    assert len(employed) + len(left) == len(cases)
    assert sum(counting.reasons(cases, DAY).values()) == 0  # nobody gave one
    ends = counting.month_ends(cases, DAY)
    assert all(a < b for a, b in pairwise(ends))


pytestmark = pytest.mark.usefixtures("in_english")


def tables_for(actor: Actor) -> dict[str, Table]:
    made = figures.tables(queries.cases(), queries.seats_on_show(), today(), sees=queries.sees_people(actor))
    return {table.key: table for table in made}


def values(table: Table, place: int) -> list[object]:
    return [row[place].value for row in table.rows]


def listed(actor: Actor, cell: Cell) -> tuple[int, int | None]:
    """How many a figure's list counts, and how many rows its first page has; None where they are withheld."""
    at = cell.values
    found = queries.outcomes(
        actor,
        Stage(at["stage"]),
        queries.group(at.get("category", "")),
        date.fromisoformat(at["on"]) if "on" in at else today(),
        EndReason(at["reason"]) if "reason" in at else None,
        1,
    )
    return found.page.total or 0, None if found.rows is None else len(found.rows)


def figure_of(cell: Cell) -> int:
    value = cell.value
    number = value.numerator if isinstance(value, Share) else value
    assert isinstance(number, int)
    return number


def linked(tables: dict[str, Table]) -> list[Cell]:
    rows = [row for table in tables.values() for row in (*table.rows, *([table.total] if table.total else []))]
    return [cell for row in rows for cell in row if cell.endpoint == "gap.outcomes"]


def test_the_counts_by_hand() -> None:
    w = Placed().fill()
    found = tables_for(w.market.chamber)
    assert values(found["gap"], 1) == [126, 84, 60, 30]
    assert values(found["gap"], 3) == [0, 1, 0, 0]
    assert values(found["gap"], 4) == [12, 3, 0, 0]
    assert values(found["gap"], 5) == [114, 81, 60, 30]
    assert values(found["gap"], 6) == [63, 42, 30, 15]
    assert found["gap"].total and [cell.value for cell in found["gap"].total][3:] == [1, 15, 285, 150]
    assert values(found["way"], 5) == [300, 28, 26, 25, 17, 9, 5, 15]
    assert values(found["way"], 1) == [126, 23, 21, 21, 15, 8, 4, 12]
    assert [values(found["retention"], p)[0] for p in (1, 2)] == [17, Share(15, 17)]
    assert [values(found["retention"], p)[0] for p in (3, 4)] == [12, Share(8, 12)]
    assert [values(found["retention"], p)[0] for p in (5, 6)] == [7, Share(4, 7)]
    assert dict(zip(EndReason, values(found["reasons"], 1), strict=True)) == {
        **dict.fromkeys(EndReason, 0),
        EndReason.PAY: 6,
        EndReason.PROMOTION: 2,
        EndReason.HOUSING: 2,
    }


def test_the_last_month_is_the_gap_of_today() -> None:
    found = tables_for(Placed().fill().market.chamber)
    months = found["months"].rows
    assert [cell.value for cell in months[-1][2:]] == [*values(found["gap"], 5), 285]
    assert months[-1][1].value == 15
    assert months[0][1].value == 1
    chart = found["months"].chart
    assert chart and chart.goals[0][1] == 150


def test_turnover_is_beside_the_papers_figures() -> None:
    w = Placed().fill()
    rows = tables_for(w.market.chamber)["turnover"].rows
    expected = counting.turned_over(queries.cases(), today(), CORE)
    assert rows[0][3].value == expected
    assert expected.leavers == rows[0][2].value == 9
    assert rows[1][2].value == 8
    assert rows[2][3].value is HIDDEN, "four people in design are too few to say"
    assert rows[3][3].value is None, "nobody is employed in the supply chain"
    assert [row[3].value for row in rows[-2:]] == [0.25, 0.15]


def test_every_figure_is_the_number_of_rows_that_it_opens() -> None:
    w = Placed().fill()
    cells = linked(tables_for(w.market.chamber))
    assert len(cells) > 90
    for cell in cells:
        assert listed(w.market.chamber, cell) == (figure_of(cell), figure_of(cell)), cell


def test_those_who_only_count_read_the_same_numbers_but_not_of_few() -> None:
    Placed().fill()
    government = factories.person(Role.GOVERNMENT)
    found = tables_for(government)
    for cell in linked(found):
        count = figure_of(cell)
        total, rows = listed(government, cell)
        assert total == count
        gone = cell.values["stage"] == "employed"  # beside who started, it would tell who left
        assert rows == count or (rows is None and (0 < count < FEW or gone)), cell
        assert cell.values["stage"] not in ("left", "left_year")
    # Three started in design 90 days ago or more: who of them stayed is withheld, and operations, which would tell.
    assert values(found["retention"], 2) == [BESIDE, BESIDE, Share(0, 0), Share(0, 0)]
    assert found["retention"].total and found["retention"].total[2].value == Share(17, 20)
    assert [values(found["way"], place)[4] for place in (1, 2, 5)] == [BESIDE, BESIDE, 17]
    # Few left, in all and of each category: what started of each would tell, beside who is employed of each.
    assert {values(found["way"], place)[3] for place in (1, 2)} == {BESIDE}
    assert [row[1].value for row in found["turnover"].rows[1:3]] == [BESIDE, BESIDE]
    assert [row[3].value for row in found["turnover"].rows[1:3]] == [BESIDE, BESIDE]
    reasons = dict(zip(EndReason, values(found["reasons"], 1), strict=True))
    assert [reasons[r] for r in (EndReason.PROMOTION, EndReason.PAY, EndReason.HOUSING)] == [BESIDE] * 3
    assert reasons[EndReason.STUDY] == 0


@pytest.mark.parametrize("role", [Role.GOVERNMENT, Role.ZONE, Role.ADMINISTRATOR])
def test_a_made_up_address_tells_those_who_only_count_no_more(role: Role) -> None:
    Placed().fill()
    asking = factories.person(role)
    for stage, group, reason in (
        (Stage.LEFT, "", None),
        (Stage.LEFT_YEAR, "operations", None),
        (Stage.STARTED, "", EndReason.PAY),
        (Stage.THERE_90, "operations", None),
        (Stage.THERE_90, "design", None),
        (Stage.THERE_90, "core", None),
        (Stage.STARTED, "design", None),
    ):
        assert queries.outcomes(asking, stage, queries.group(group), today(), reason, 1).rows is None, (stage, group)
    rows = queries.outcomes(asking, Stage.STARTED, (), today(), None, 1).rows
    assert rows is not None
    assert all(row.offer is None for row in rows)
    assert {row.category for row in rows} == {None}, "the four of design, and so all, are not told apart"


def test_none_of_few_who_stayed_is_not_an_empty_list() -> None:
    w = Placed()
    for _ in range(3):
        w.add(w.market.shop, started=100, ended=50, reason=EndReason.PAY)
    government = factories.person(Role.GOVERNMENT)
    assert queries.outcomes(government, Stage.THERE_90, (), today(), None, 1).rows is None
    retained = tables_for(government)["retention"]
    assert retained.total and retained.total[2].value is BESIDE
    assert figures.share_stayed(queries.cases(), 90, today(), sees=False) is None
    assert values(tables_for(government)["reasons"], 1) == [BESIDE] * len(EndReason)


def test_an_empty_bank_has_a_gap_and_no_rates() -> None:
    chamber = factories.person(Role.CHAMBER)
    found = tables_for(chamber)
    assert values(found["gap"], 5) == [126, 84, 60, 30]
    assert found["months"].rows == found["reasons"].rows == ()
    assert values(found["turnover"], 3)[:-2] == [None] * 5
    assert figures.core_turnover(queries.cases(), today()) is None


def test_who_comes_back_counts_once_as_started_and_in_both_stays() -> None:
    w = Placed()
    first = w.add(w.market.shop, started=300, ended=200, reason=EndReason.STUDY)
    _, later = published(w.market.chamber, name="Later")
    db.session.query(type(first)).filter_by(run_id=later.id).delete()
    db.session.commit()
    w.add(w.market.shop, started=100, student=first.student_id, run=later)
    cases = queries.cases()
    assert len(counting.of(cases, Stage.STARTED, today())) == 1
    assert len(counting.of(cases, Stage.OLD_90, today())) == 2
    assert figures.remaining(cases, today()) == 299


def test_the_figures_ask_as_often_for_many_as_for_few() -> None:
    w = Placed()

    def asked() -> int:
        db.session.rollback()
        db.session.expunge_all()
        with counted() as statements:
            tables_for(w.market.chamber)
            rows = queries.outcomes(w.market.chamber, Stage.OFFERED, (), today(), None, 1).rows
            assert rows is not None
            assert all(row.offer and row.offer.student.user.name and row.offer.position.enterprise for row in rows)
        return len(statements)

    w.add(w.market.shop, started=10)
    w.add(w.market.shop, OfferState.OPEN)
    few = asked()
    w.fill()
    assert asked() == few <= 5


def test_lists_of_another_day_are_open_to_those_who_see_the_people_only() -> None:
    Placed().fill()
    yesterday = today() - timedelta(days=1)
    for role, open_to in ((Role.GOVERNMENT, False), (Role.CHAMBER, True)):
        found = queries.outcomes(factories.person(role), Stage.STARTED, (), yesterday, None, 1)
        assert (found.rows is not None) == open_to
