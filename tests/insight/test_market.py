"""The market's figures: each number is what was counted, is the length of the list that it opens, or is withheld."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from talentbank.competencies.catalogue import CATEGORY_LABELS, Category
from talentbank.deposits.models import Position
from talentbank.engine.indicators import Share
from talentbank.errors import Invalid, NotFound
from talentbank.extensions import db, today, transaction
from talentbank.insight.market import figures, queries, trying
from talentbank.insight.market.queries import Case, Held, Need
from talentbank.insight.market.trying import Course, Seats, Subsidy
from talentbank.insight.tables import HIDDEN, Table
from talentbank.permissions import Role
from talentbank.placements import service as placements
from talentbank.rounds.models import Round
from talentbank.rounds.offers import queries as offers
from talentbank.rounds.offers import service as answers
from talentbank.rounds.policy import RunPolicy
from talentbank.rounds.runs.models import Method, Run
from tests import factories
from tests.market import Market
from tests.practice.world import World
from tests.rounds.life import published, solved
from tests.test_queries import counted

pytestmark = pytest.mark.usefixtures("in_english")


def accept_all(m: Market) -> None:
    waiting = offers.offers(m.chamber, "open", None, None, 1).items
    for offer_id, actor in [(offer.id, offer.student.user.actor) for offer in waiting]:
        answers.answer_offer(actor, offer_id, accepted=True)


def values(table: Table, name: str) -> dict[str, object]:
    """A row's values by column, by what stands in its first cell; «total» for the last."""
    rows = {str(row[0].value): row for row in table.rows}
    row = table.total if name == "total" else rows[name]
    assert row
    return {column.key: cell.value for column, cell in zip(table.columns, row, strict=True)}


def made(m: Market, *, sees: bool) -> dict[str, Table]:
    every = queries.held(m.chamber)
    held = queries.chosen(every, None)
    assert held
    ids = [one.run.id for one in every]
    cases, seats = queries.cases(ids), queries.seats(ids)
    tables = [
        figures.fill(held, seats, cases, today(), sees=sees),
        figures.compared(every, cases, sees=sees),
        figures.time_to_fill(held, cases, sees=sees),
    ]
    return {table.key: table for table in tables}


def test_a_rounds_seats_are_counted_through_to_who_is_still_there() -> None:
    m = Market()
    published(m.chamber, name="Spring")
    mine = {offer.student_id: offer.id for offer in offers.offers(m.chamber, "", None, None, 1).items}
    answers.answer_offer(m.strong, mine[m.strong_id], accepted=True)
    answers.answer_offer(m.artist, mine[m.artist_id], accepted=True)
    answers.answer_offer(m.weak, mine[m.weak_id], accepted=False, declined_for="pay", reason="")
    placements.start(m.enterprise, mine[m.strong_id], today())
    fill = made(m, sees=True)["fill"]
    operations = values(fill, "Operations")
    assert operations.pop("category") == CATEGORY_LABELS[Category.OPERATIONS]
    assert operations == {
        "seats": 2,
        "matched": 2,
        "accepted": 1,
        "started": 1,
        "there": 1,
        "fill": Share(2, 2),
        "taken": Share(1, 2),
    }
    total = values(fill, "total")
    assert (total["seats"], total["matched"], total["accepted"], total["started"]) == (3, 3, 2, 1)
    assert values(fill, "Supply Chain")["fill"] is None
    compared = values(made(m, sees=True)["rounds"], "Spring")
    assert (compared["students"], compared["matched"], compared["accepted"]) == (3, 3, 2)


def test_few_people_are_withheld_from_those_who_may_not_see_them() -> None:
    m = Market()
    published(m.chamber, name="Spring")
    accept_all(m)
    tables = made(m, sees=False)
    operations = values(tables["fill"], "Operations")
    assert operations["seats"] == 2
    for key in ("matched", "accepted", "fill", "taken"):
        assert operations[key] is HIDDEN
        assert values(tables["fill"], "total")[key] is HIDDEN
    assert operations["started"] == 0  # a group of nobody tells of nobody
    compared = values(tables["rounds"], "Spring")
    assert [compared[key] for key in ("students", "matched", "accepted", "median", "first")] == [HIDDEN] * 5
    assert values(tables["days"], "Operations")["to_accepted"] is HIDDEN
    assert not [cell for table in tables.values() for row in table.rows for cell in row if cell.endpoint]


def test_what_is_withheld_of_a_category_can_not_be_worked_out_from_the_others() -> None:
    held = Held(Round(id=1, name="Spring"), Run(id=1))
    seats = {(1, Category.OPERATIONS): (9, 8), (1, Category.DESIGN): (9, 7), (1, Category.OTHERS): (9, 2)}
    table = figures.fill(held, seats, [], today(), sees=False)
    assert values(table, "total")["matched"] == 17
    secret = [row for row in table.rows if row[2].value is HIDDEN]
    assert len(secret) == 2  # the few, and the smallest beside them
    shown = [row[2].value for row in figures.fill(held, seats, [], today(), sees=True).rows]
    assert shown == [8, 7, 0, 2]


def test_the_time_to_fill_leaves_out_positions_that_opened_afterwards() -> None:
    day = today()
    held = Held(Round(id=1, name="Spring"), Run(id=1))

    def case(opened: int, answered: int, started: int | None = None) -> Case:
        first = day + timedelta(days=started) if started is not None else None
        opens, yes = day + timedelta(days=opened), day + timedelta(days=answered)
        return Case(1, Category.DESIGN, True, opens, yes, first, None)

    cases = [case(0, 10, 40), case(0, 20), case(0, 60, 70), case(5, 1, 2)]
    design = values(figures.time_to_fill(held, cases, sees=True), "Design")
    assert (design["accepted"], design["to_accepted"]) == (3, 20.0)
    assert (design["started"], design["to_started"]) == (2, 55.0)


def test_the_time_to_fill_withholds_what_the_seats_filled_withhold() -> None:
    held = Held(Round(id=1, name="Spring"), Run(id=1))
    counts = {Category.OPERATIONS: 15, Category.DESIGN: 8, Category.SUPPLY_CHAIN: 1, Category.OTHERS: 5}
    day = today()
    cases = [Case(1, c, True, day, day, day, None) for c, n in counts.items() for _ in range(n)]
    seats = {(1, category): (20, n) for category, n in counts.items()}
    for table in (
        figures.fill(held, seats, cases, day, sees=False),
        figures.time_to_fill(held, cases, sees=False),
    ):
        for key in ("accepted", "started"):
            shown = {str(row[0].value): values(table, str(row[0].value))[key] for row in table.rows}
            # two are hidden, so that 29 − 15 − 8 tells of neither
            assert shown == {"Operations": 15, "Design": 8, "Supply Chain": HIDDEN, "Others": HIDDEN}
            assert values(table, "total")[key] == 29


def test_who_lacks_a_competency_does_not_tell_the_few_who_have_it() -> None:
    needs = [
        Need("few", 9, 3.0, 3, able=2, lacking=98, resources=0, training=0),
        Need("many", 9, 3.0, 3, able=50, lacking=50, resources=0, training=0),
        Need("nobody", 9, 3.0, 3, able=0, lacking=100, resources=0, training=0),
    ]
    table = figures.training(needs, {}, {}, sees=False)
    shown = {need.code: [values(table, need.code)[key] for key in ("able", "lacking", "uncovered")] for need in needs}
    assert shown == {"few": [HIDDEN] * 3, "many": [50, 50, 0], "nobody": [0, 100, 9]}
    assert values(figures.training(needs, {}, {}, sees=True), "few")["able"] == 2


def test_a_position_whose_opening_moved_does_not_break_the_page() -> None:
    m = Market()
    published(m.chamber)
    accept_all(m)
    with transaction():
        for position in db.session.query(Position):
            position.opens_on = today() + timedelta(days=30)
    assert values(made(m, sees=True)["days"], "total")["accepted"] == 0


def test_need_is_set_against_who_is_free_and_what_is_taught() -> None:
    m = Market()
    world = World()  # and one student more, who has no level of anything
    world.resource({"platform_ops": 4}, seats=7)
    world.resource({"platform_ops": 3}, seats=5)
    world.resource({"platform_ops": 5}, seats=5, ends_on=today() - timedelta(days=1))
    needs = {need.code: need for need in queries.needs()}
    ops = needs["platform_ops"]
    assert (ops.seats, ops.mean, ops.level) == (2, 4.0, 4)
    assert (ops.able, ops.lacking) == (1, 3)
    assert (ops.resources, ops.training, ops.uncovered) == (2, 7, 0)
    design = needs["visual_design"]
    assert (design.seats, design.able, design.training, design.uncovered) == (1, 1, 0, 0)
    published(m.chamber)  # an open offer holds its student
    first = queries.needs()[0]
    assert (first.code, first.able, first.lacking, first.uncovered) == ("data_analysis", 0, 1, 2)


def test_rounds_are_open_to_the_watchers_from_their_publication_on() -> None:
    m = Market()
    zone = factories.person(Role.ZONE)
    found, _ = solved(m.chamber)
    assert queries.held(zone, unpublished=True) == []
    assert [held.round.id for held in queries.held(m.chamber, unpublished=True)] == [found.id]
    assert queries.held(m.chamber) == []
    assert queries.chosen([], None) is None
    with pytest.raises(NotFound):
        queries.chosen(queries.held(zone), found.id)


def test_trying_seats_courses_and_subsidies_on_a_published_round() -> None:
    m = Market()
    with_floor, _ = m.student({"platform_ops": 4}, min_salary=130_000)
    for _ in range(2):
        m.student({"platform_ops": 3})
    _, run = published(m.chamber)
    snapshot, policy = queries.snapshot(run), RunPolicy.load(run.policy)
    seat = trying.trial(snapshot, policy, Seats(1, m.shop))
    assert seat.exact and seat.agree and seat.placed == 1
    assert (seat.before.placed, seat.better, seat.worse) == (run.matched, 1, 0)
    assert seat.before.total == pytest.approx(run.total_score)
    many = trying.trial(snapshot, policy, Seats(20, category="operations"))
    assert not many.exact and 0 < many.gained < many.score
    course = trying.trial(snapshot, policy, Course(1, "platform_ops", verified=True))
    assert course.reach == 1 and 0 < course.gained <= course.score
    # everybody at the level that is asked for learns nothing there
    assert trying.trial(snapshot, policy, Course(500, "visual_design", verified=False)).reach == 5
    low = trying.trial(snapshot, policy, Subsidy(5_000))
    high = trying.trial(snapshot, policy, Subsidy(10_000, city="meishan", category="operations"))
    assert (low.gained, low.reach) == (0, 2)
    assert high.reach == 1 and 0 < high.gained <= high.score
    assert with_floor.user_id


@pytest.mark.parametrize(
    ("change", "named"),
    [(Seats(1, 99_999), "position"), (Course(1, "no_such", verified=True), "competency"), (Subsidy(1, "x"), "city")],
)
def test_a_change_of_what_is_not_in_the_round_is_refused_by_its_name(change: trying.Change, named: str) -> None:
    m = Market()
    _, run = published(m.chamber)
    with pytest.raises(Invalid, match=named):
        trying.trial(queries.snapshot(run), RunPolicy.load(run.policy), change)


def test_too_large_a_round_is_refused_instead_of_solved(monkeypatch: pytest.MonkeyPatch) -> None:
    m = Market()
    _, run = published(m.chamber)
    monkeypatch.setattr(trying, "MOST_PAIRS", 5)
    with pytest.raises(Invalid, match="too large"):
        trying.trial(queries.snapshot(run), RunPolicy.load(run.policy), Seats(1, m.shop))
    monkeypatch.setattr(trying, "MOST_PAIRS", 6)
    monkeypatch.setattr(trying, "MOST_CROSSED", 5)
    university, enterprise = str(m.university.organisation_id), str(m.enterprise.organisation_id)
    crossed = replace(RunPolicy.load(run.policy), quotas=((university, enterprise, None, 0, 2),))
    with pytest.raises(Invalid, match="more than 5 pairs"):
        trying.trial(queries.snapshot(run), crossed, Seats(1, m.shop))
    within = replace(crossed, quotas=((university, None, None, 0, 2),))
    assert trying.trial(queries.snapshot(run), within, Seats(1, m.shop)).placed == 0
    monkeypatch.setattr(trying, "LONGEST", -1.0)
    with pytest.raises(Invalid, match="seconds"):
        trying.trial(queries.snapshot(run), RunPolicy.load(run.policy), Seats(1, m.shop))


def test_placements_first_tells_people_and_score_apart() -> None:
    m = Market()
    m.student({"platform_ops": 3})
    _, run = published(m.chamber, objective="placements")
    assert run.method is Method.OPTIMUM
    outcome = next(o for o in queries.openings(run) if o.position_id == m.shop)
    people, score = trying.by_price(outcome.price, run.bonus)
    found = trying.trial(queries.snapshot(run), RunPolicy.load(run.policy), Seats(1, m.shop))
    assert people == found.people == found.placed == 1
    assert score == pytest.approx(found.gained)
    assert found.exact


def test_the_figures_ask_as_often_for_many_rows_as_for_few() -> None:
    m = Market()

    def ask() -> int:
        db.session.rollback()
        db.session.expunge_all()
        with counted() as statements:
            made(m, sees=True)
            queries.needs()
            held = queries.chosen(queries.held(m.chamber), None)
            assert held
            assert [o.position.enterprise.name + o.position.city.name for o in queries.openings(held.run)]
        return len(statements)

    def grow(count: int) -> int:
        for _ in range(count):
            m.position({"platform_ops": 1, "teamwork": 1}, of=factories.person(Role.ENTERPRISE), headcount=2)
            m.student({"platform_ops": 4, "teamwork": 2})
        published(m.chamber, name=f"Round {count}")
        accept_all(m)
        return ask()

    few, many = grow(2), grow(20)
    assert few == many
    assert few < 20
