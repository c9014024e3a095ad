"""A university's figures: what they count, against the lists that they open and against counting one by one."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from talentbank.accounts.models import Organisation, Standing
from talentbank.competencies.catalogue import Category
from talentbank.deposits.models import Contract, Position, PositionState
from talentbank.engine.indicators import KNOWLEDGE_GOAL, Share
from talentbank.errors import NotFound
from talentbank.extensions import db, now, today, transaction
from talentbank.insight.cohorts import figures, lack, queries
from talentbank.insight.cohorts.lack import Asked
from talentbank.insight.cohorts.records import BAND, LAST_BAND, Group, Person, Placed, Record, Step, graduated, latest
from talentbank.insight.gap.cases import Case
from talentbank.permissions import Role
from talentbank.placements.destinations import queries as destinations
from talentbank.placements.destinations import service
from talentbank.placements.destinations.models import DestinationKind
from talentbank.placements.destinations.queries import Known
from talentbank.placements.destinations.service import Word
from talentbank.placements.models import EndReason, Placement
from talentbank.rounds import service as rounds
from talentbank.rounds.models import Round, RoundPosition
from tests import factories
from tests.market import Market
from tests.placements.test_destinations import free_run, placed
from tests.rounds.life import opened
from tests.test_queries import counted

DAY = date(2026, 11, 25)
COHORTS = (2024, 2025, 2027)
AGO = st.integers(0, 900).map(lambda days: DAY - timedelta(days=days))


def stay(number: int, cohort: int, first: date, length: int | None, reason: EndReason, sought: int | None) -> Placed:
    """A placement that ended so many days after the first, if by DAY, and was sought so many days before it."""
    last = None if length is None or first + timedelta(days=length) > DAY else first + timedelta(days=length)
    case = Case(number, number, Category.DESIGN, True, first, last, reason if last else None, number)
    return Placed(case, cohort, None if sought is None else first - timedelta(days=sought))


STAYS = st.lists(
    st.tuples(
        st.sampled_from(COHORTS),
        AGO,
        st.none() | st.integers(0, 800),
        st.sampled_from(EndReason),
        st.none() | st.integers(-20, 700),
    ),
    max_size=25,
)
RECORDS = st.builds(
    lambda people, stays: Record(
        [Person(number, *person) for number, person in enumerate(people)],
        [stay(number, *one) for number, one in enumerate(stays) if one[0] in {cohort for cohort, _ in people}],
    ),
    st.lists(st.tuples(st.sampled_from(COHORTS), st.sampled_from(Group)), max_size=40),
    STAYS,
)


@given(RECORDS)
def test_every_graduate_is_in_one_group_and_the_rates_follow_from_the_groups(record: Record) -> None:
    groups = record.groups()
    assert sum(groups.values()) == len(record.people)
    known = len(record.people) - groups[Group.WAITING] - groups[Group.NOTHING]
    assert record.knowledge == Share(known, len(record.people))
    assert record.placement == Share(groups[Group.BANK] + groups[Group.ELSEWHERE], known)
    assert record.sound is not (bool(record.people) and known / len(record.people) < KNOWLEDGE_GOAL)
    for cohort in (None, *COHORTS):
        for share in (record.of(cohort).knowledge, record.of(cohort).placement):
            assert share.value is None or 0 <= share.value <= 1


@given(RECORDS)
def test_cohorts_are_parts_of_the_whole(record: Record) -> None:
    parts = [record.of(cohort) for cohort in COHORTS]
    assert Counter(p.group for part in parts for p in part.people) == Counter(p.group for p in record.people)
    assert sum(len(part.placed) for part in parts) == len(record.placed)
    for step in Step:
        together = [one for part in parts for one in part.listed(step, DAY)]
        assert sorted(p.case.offer_id for p in together) == sorted(p.case.offer_id for p in record.listed(step, DAY))


@given(RECORDS)
def test_a_figure_is_the_number_of_rows_of_its_list(record: Record) -> None:
    for band, count in enumerate(record.bands()):
        assert count == len(record.listed(Step.TIMED, DAY, band=band))
    timed = record.listed(Step.TIMED, DAY)
    assert sum(record.bands()) == len(timed)
    for reason, count in record.reasons(DAY).items():
        assert count == len(record.listed(Step.LEFT, DAY, reason)) > 0
    assert sum(record.reasons(DAY).values()) == len(record.listed(Step.LEFT, DAY))
    for days, step in figures.THERE.items():
        assert record.stayed(days, DAY).numerator == len(record.listed(step, DAY))
    assert record.turnover(DAY).leavers == len(record.listed(Step.LEFT_YEAR, DAY))
    assert len(record.listed(Step.STARTED, DAY)) == len(record.placed)


@given(RECORDS)
def test_days_to_placement_are_never_negative_and_the_median_lies_among_them(record: Record) -> None:
    days = sorted(one.days for one in record.placed if one.days is not None)
    assert all(d >= 0 for d in days)
    assert (record.median is None) is (not days)
    if record.median is not None:
        below, above = sum(d < record.median for d in days), sum(d > record.median for d in days)
        assert max(below, above) * 2 <= len(days)
    for one in record.placed:
        if one.band is not None and one.days is not None:
            assert one.band * BAND <= one.days
            assert one.days < (one.band + 1) * BAND or one.band == LAST_BAND


@given(RECORDS.filter(lambda record: record.people))
def test_every_table_can_be_made_and_its_total_is_of_its_rows(record: Record) -> None:
    cohort = figures.chosen(record, None, DAY)
    assert cohort in record.cohorts
    for table in figures.tables(record, cohort, DAY):
        places = [place for place, column in enumerate(table.columns) if column.kind == "count"]
        if table.total:
            for place in places:
                assert table.total[place].value == sum(row[place].value for row in table.rows)  # type: ignore[misc]
    summary = figures.summary(record, cohort, DAY)
    warned = [c for c, _ in figures.unsound(record, DAY)]
    assert (cohort in warned) is (not summary.sound and cohort != 2027)
    assert 2027 not in warned  # it still studies: there is time


def test_the_latest_cohort_that_has_graduated_is_shown_first() -> None:
    assert [graduated(2026, date(2026, month, 30)) for month in (6, 7)] == [False, True]
    assert latest([2027, 2026, 2024], DAY) == 2026
    assert latest([2027, 2028], DAY) == 2027
    assert latest([], DAY) is None
    record = Record([Person(n, cohort, Group.SEEKING) for n, cohort in enumerate((2027, 2025, 2024))], [])
    assert figures.chosen(record, 2024, DAY) == 2024
    assert figures.chosen(record, 1999, DAY) == 2025


LEVELS = st.integers(0, 5)
ASKED = st.builds(
    lambda seats, students: (
        Asked(
            "k",
            "K",
            Counter(seats),
            Counter(max(pair) for pair in students),
            Counter(shown for _, shown in students),
            len(students),
            0,
        ),
        seats,
        students,
    ),
    st.lists(st.integers(1, 5), min_size=1, max_size=20),
    st.lists(st.tuples(LEVELS, LEVELS), max_size=20),
)


@given(ASKED)
def test_seats_out_of_reach_are_counted_over_all_pairs_of_seat_and_student(
    case: tuple[Asked, list[int], list[tuple[int, int]]],
) -> None:
    asked, seats, students = case
    assert asked.demand == len(seats)
    assert asked.mean == pytest.approx(sum(seats) / len(seats))
    assert abs(asked.level - asked.mean) <= 0.5
    for levels, had in ((asked.claimed, [max(s) for s in students]), (asked.verified, [v for _, v in students])):
        for level in range(1, 6):
            assert asked.reaching(levels, level) == Share(sum(h >= level for h in had), len(students))
    if not students:
        assert asked.missing is None
        return
    pairs = sum(max(student) < seat for seat, student in product(seats, students))
    assert asked.missing == pytest.approx(pairs / len(students))
    assert 0 <= asked.missing <= asked.demand


@given(st.lists(ASKED, max_size=8))
def test_the_greatest_lack_stands_first_and_what_nobody_asks_for_is_left_out(
    cases: list[tuple[Asked, list[int], list[tuple[int, int]]]],
) -> None:
    rows = lack.ordered([*(asked for asked, _, _ in cases), Asked("n", "N", {}, {}, {}, 3, 1)])
    assert len(rows) == len(cases)
    lacks = [row.missing or 0 for row in rows]
    assert lacks == sorted(lacks, reverse=True)
    assert len(lack.table(rows).rows) == len(cases)


def test_a_mean_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="nobody asks"):
        _ = Asked("n", "N", {}, {}, {}, 3, 1).mean


@pytest.fixture
def m(app_context: None) -> Market:
    return Market()


LAST, BEFORE = today().year - 1, today().year - 2


def ended(student_id: int, days: int, reason: EndReason) -> None:
    """A student's placement ended so many days ago."""
    with transaction():
        found = db.session.scalars(select(Placement).where(Placement.student_id == student_id)).one()
        found.ended_on, found.end_reason, found.ended_by = today() - timedelta(days=days), reason, Role.STUDENT


def peopled(m: Market) -> dict[str, int]:
    """Graduates of two cohorts in every group, some of whom the bank has placed; their ids by what became of them."""
    made = {name: m.student({}, cohort=LAST)[1] for name in ("stays", "leaves", "intern", "silent")}
    made["early"] = m.student({}, cohort=BEFORE)[1]
    run = free_run(m)
    with transaction():
        for held in db.session.scalars(select(Round)):
            held.opened_at = now() - timedelta(days=500)
    for name, ago in (("stays", 400), ("leaves", 200), ("early", 600)):
        placed(m, made[name], Contract.EMPLOYMENT, run, ago)
    ended(made["leaves"], 50, EndReason.HOUSING)
    placed(m, made["intern"], Contract.INTERNSHIP, run, 300)
    for kind in DestinationKind:
        actor, _ = m.student({}, cohort=BEFORE)
        service.record_own(actor, Word(kind.value, "某处", today() - timedelta(days=9)), 0)
    _, made["waiting"] = m.student({}, cohort=LAST)
    service.record(m.university, made["waiting"], Word("study", "某处", today() - timedelta(days=9)), 0)
    return made


def test_the_record_of_a_university_agrees_with_its_lists(m: Market) -> None:
    made = peopled(m)
    record = queries.record(m.university)
    assert {LAST, BEFORE} <= set(record.cohorts)
    for cohort in record.cohorts:
        own = record.of(cohort)
        for name, count in {
            "": len(own.people),
            Known.KNOWN.value: own.knowledge.numerator,
            DestinationKind.CBEC.value: own.placement.numerator,
            **{group.value: count for group, count in own.groups().items()},
        }.items():
            assert destinations.destinations(m.university, name, "", cohort, 1)[0].total == count, name
    last = record.of(LAST)
    assert last.groups() == {**dict.fromkeys(Group, 0), Group.BANK: 2, Group.WAITING: 1, Group.NOTHING: 2}
    assert record.of(BEFORE).groups()[Group.ELSEWHERE] == 1
    assert [p.case.student_id for p in last.listed(Step.TIMED, today())] == [made["leaves"], made["stays"]]
    assert last.median == 200  # 300 and 100 days after the round was opened
    assert last.stayed(180, today()) == Share(1, 2)
    assert last.stayed(90, today()) == Share(2, 2)
    assert last.reasons(today()) == {EndReason.HOUSING: 1}
    assert record.of(BEFORE).median is None  # began before the search
    assert made["intern"] not in {p.case.student_id for p in record.placed}


def test_a_university_sees_its_own_and_others_nobody(m: Market) -> None:
    peopled(m)
    other = factories.person(Role.UNIVERSITY)
    for actor in (other, m.chamber, m.enterprise, m.strong):
        assert queries.record(actor) == Record([], [])
        assert {one.students for one in queries.asked(actor)} == {0}
        assert queries.placed(actor, None, Step.STARTED, None, None, today(), 1)[1] == []


def test_who_has_not_said_when_or_graduates_later_is_no_graduate(m: Market) -> None:
    m.student({}, cohort=None)
    _, later = m.student({}, cohort=2090)
    assert later not in {person.student_id for person in queries.record(m.university).people}


def by_code(m: Market) -> dict[str, Asked]:
    return {one.code: one for one in queries.asked(m.university)}


def test_what_employers_ask_is_counted_over_shown_and_recently_matched_positions(m: Market) -> None:
    found = by_code(m)
    assert found["platform_ops"].seats == {4: 2}
    assert found["visual_design"].seats == {3: 1}
    assert found["teamwork"].demand == 0
    assert found["platform_ops"].students == 3
    assert found["platform_ops"].claimed == {4: 1, 2: 1}
    assert found["visual_design"].verified == {3: 1}
    assert found["platform_ops"].missing == pytest.approx(2 * 2 / 3)
    held = opened(m.chamber)
    assert db.session.scalars(select(RoundPosition.position_id)).all()
    with transaction():
        db.session.get_one(Position, m.shop).state = PositionState.CLOSED
    assert by_code(m)["platform_ops"].seats == {4: 2}  # closed, but of a round of late
    with transaction():
        db.session.get_one(Position, m.shop).state = PositionState.BLOCKED
    assert by_code(m)["platform_ops"].seats == {}
    with transaction():
        db.session.get_one(Position, m.shop).state = PositionState.CLOSED
        db.session.get_one(Round, held.id).opened_at = now() - timedelta(days=366)
    assert by_code(m)["platform_ops"].seats == {}
    with transaction():
        db.session.get_one(Round, held.id).opened_at = now()
    rounds.cancel(m.chamber, held.id, db.session.get_one(Round, held.id).version)
    assert by_code(m)["platform_ops"].seats == {}
    assert by_code(m)["visual_design"].seats == {3: 1}
    with transaction():
        db.session.get_one(Organisation, m.enterprise.organisation_id).standing = Standing.PENDING
    assert by_code(m)["visual_design"].seats == {}


def test_the_lists_of_a_competency_have_as_many_rows_as_its_figures_say(m: Market) -> None:
    m.position({"platform_ops": 2}, headcount=5)
    m.student({"platform_ops": 1}, {"platform_ops": 3})
    for asked in queries.asked(m.university):
        competency = queries.competency(asked.code)
        page, rows, seats = queries.wanted(competency, 1)
        assert (seats, len(rows)) == (asked.demand, page.total)
        assert Counter({row.level: 0 for row in rows}) + Counter(
            {level: sum(r.position.headcount for r in rows if r.level == level) for level in asked.seats}
        ) == Counter(asked.seats)
        for level, verified in product(range(1, 6), (True, False)):
            page, found = queries.reaching(m.university, competency, level, verified=verified, page=1)
            share = asked.reaching(asked.verified if verified else asked.claimed, level)
            assert page.total == share.numerator == len(found)
    with pytest.raises(NotFound):
        queries.competency("nothing_at_all")


def test_figures_and_lists_ask_as_often_for_many_as_for_few(m: Market) -> None:
    run = free_run(m)

    def grow(count: int) -> None:
        for _ in range(count):
            m.position({"platform_ops": 1, "teamwork": 1}, of=factories.person(Role.ENTERPRISE))
            _, student_id = m.student({"platform_ops": 4}, cohort=LAST)
            m.student({"platform_ops": 3}, cohort=BEFORE)
            placed(m, student_id, Contract.EMPLOYMENT, run)

    def ask() -> list[int]:
        db.session.rollback()
        db.session.expunge_all()
        competency = queries.competency("platform_ops")
        asked = []
        for read in (
            lambda: figures.tables(queries.record(m.university), LAST, today()),
            lambda: lack.table(queries.asked(m.university)),
            lambda: [
                (row.placement.offer.student.user.name, row.placement.offer.position.enterprise.name)
                for row in queries.placed(m.university, None, Step.STARTED, None, None, today(), 1)[1]
            ],
            lambda: [
                (row.position.enterprise.name, row.position.city.name) for row in queries.wanted(competency, 1)[1]
            ],
            lambda: [
                row.student.user.name
                for row in queries.reaching(m.university, competency, 1, verified=False, page=1)[1]
            ],
        ):
            with counted() as statements:
                assert read()
            asked.append(len(statements))
        return asked

    grow(2)
    few = ask()
    grow(18)
    assert ask() == few
    assert max(few) < 8
