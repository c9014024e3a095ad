"""A list asks the database as often for twenty rows as for two."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event

from talentbank.accounts import queries as accounts
from talentbank.competencies import queries as competencies
from talentbank.deposits import queries as deposits
from talentbank.deposits.queries import PositionFilter
from talentbank.extensions import db, today
from talentbank.insight import queries as insight
from talentbank.insight.gap import queries as gap
from talentbank.insight.gap.cases import Stage
from talentbank.permissions import Role
from talentbank.placements import queries as placements
from talentbank.rounds import queries as rounds
from talentbank.rounds.offers import queries as offers
from talentbank.rounds.offers import service as answers
from talentbank.rounds.runs import queries as runs
from talentbank.rounds.runs.models import Run
from tests import factories
from tests.market import Market
from tests.rounds.life import published

pytestmark = pytest.mark.usefixtures("app_context")


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that are sent to the database meanwhile."""
    gc.collect()  # what nobody holds any more the session would still know, and not ask for
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def grow(m: Market, count: int) -> Run:
    """So many more positions and students, matched, published and answered."""
    for _ in range(count):
        enterprise = factories.person(Role.ENTERPRISE)
        m.position({"platform_ops": 1, "teamwork": 1}, of=enterprise, headcount=2)
        m.student({"platform_ops": 4, "teamwork": 2})
    _, run = published(m.chamber)
    waiting = offers.offers(m.chamber, "open", None, None, 1).items
    for offer_id, actor in [(offer.id, offer.student.user.actor) for offer in waiting]:
        answers.answer_offer(actor, offer_id, accepted=True)
    return run


def lists(m: Market, run: Run) -> dict[str, Callable[[], object]]:
    """Each list with everything that its page reads of it."""
    student = competencies.own_profile(m.strong)
    assert student
    return {
        "positions": lambda: [
            (p.enterprise.name, p.city.name, p.opening())
            for p in deposits.positions(m.chamber, PositionFilter(), 1).items
        ],
        "all positions": lambda: [p.opening() for p in deposits.all_positions(m.strong, PositionFilter())],
        "participants": lambda: rounds.participants(run.round_id),
        "offers": lambda: [
            (o.student.user.name, o.student.university.name, o.position.enterprise.name, o.run.round.name)
            for o in offers.offers(m.chamber, "", None, None, 1).items
        ],
        "pairs": lambda: [
            (p.student.user.name, p.student.university.name, p.position.enterprise.name)
            for p in runs.pairs(run, "", None, "", 1).items
        ],
        "outcomes": lambda: [
            (o.position.enterprise.name, o.position.city.name) for o in runs.outcomes(run, "", False, 1).items
        ],
        "taking part": lambda: [
            (row.student.user.name, row.pair and row.pair.position.enterprise.name)
            for row in runs.taking_part(run, {row.student_id: row.score for row in _all_pairs(run)}, "", 1).items
        ],
        "students": lambda: [
            (row.student.user.name, row.student.university.name, row.whereabouts)
            for row in placements.students(m.chamber, where="", text="", cohort=None, university=None, page=1)[1]
        ],
        "organisations": lambda: accounts.organisations(m.chamber, "", "", "", 1).items,
        "people": lambda: [p.organisation and p.organisation.name for p in accounts.people("", "", None, 1).items],
        "counted outcomes": lambda: [
            (row.offer.position.enterprise.name, row.offer.run.round.name)
            for row in gap.outcomes(m.chamber, Stage.ACCEPTED, (), today(), None, 1).rows
        ],
        "trail": lambda: insight.trail("", "", "", 1).items,
        "gap": gap.cases,
    }


def _all_pairs(run: Run) -> list[object]:
    return list(runs.pairs(run, "", None, "", 1).items)


def test_every_list_asks_as_often_for_many_rows_as_for_few() -> None:
    m = Market()

    def ask(run: Run) -> dict[str, int]:
        asked = {}
        for name, read in lists(m, run).items():
            db.session.rollback()
            db.session.expunge_all()
            db.session.add(run)
            db.session.refresh(run)
            with counted() as statements:
                assert read() is not None
            asked[name] = len(statements)
        return asked

    few = ask(grow(m, 2))
    many = ask(grow(m, 20))
    assert many == few
    assert max(few.values()) < 10


def test_the_count_notices_a_query_a_row() -> None:
    m = Market()
    grow(m, 2)
    with counted() as statements:
        for position in deposits.all_positions(m.strong, PositionFilter()):
            deposits.promised_seats(position.id)
    assert len(statements) > 4
