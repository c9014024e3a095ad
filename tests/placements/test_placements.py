"""Placements: an accepted offer of one's own enterprise starts, once, on a day that makes sense; who stands where."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from talentbank.deposits import queries as deposits
from talentbank.errors import Conflict, Forbidden, Invalid, NotFound
from talentbank.extensions import db, today
from talentbank.permissions import Role
from talentbank.placements import queries, service
from talentbank.placements.queries import Whereabouts
from talentbank.rounds import queries as rounds
from talentbank.rounds.offers import service as offers
from talentbank.rounds.offers.models import Offer
from tests import factories
from tests.market import Market
from tests.rounds.life import opened, published

pytestmark = pytest.mark.usefixtures("app_context")


@pytest.fixture
def m() -> Market:
    """A market after a published round: one accepted, one declined, one open."""
    made = Market()
    published(made.chamber)
    offers.answer_offer(made.strong, offer_of(made.strong_id), accepted=True)
    offers.answer_offer(made.weak, offer_of(made.weak_id), accepted=False, declined_for="pay")
    return made


def offer_of(student_id: int) -> int:
    return db.session.scalars(select(Offer.id).where(Offer.student_id == student_id)).one()


def test_an_accepted_offer_starts_once(m: Market) -> None:
    placement = service.start(m.enterprise, offer_of(m.strong_id), today())
    assert (placement.student_id, placement.started_on) == (m.strong_id, today())
    with pytest.raises(Conflict):
        service.start(m.enterprise, offer_of(m.strong_id), today())


def test_what_is_not_accepted_can_not_start(m: Market) -> None:
    for student_id in (m.weak_id, m.artist_id):
        with pytest.raises(Conflict):
            service.start(m.enterprise, offer_of(student_id), today())


@pytest.mark.parametrize("day", [None, today() + timedelta(days=1), today() - timedelta(days=367), date(2000, 1, 1)])
def test_a_first_day_lies_within_the_last_year(m: Market, day: date | None) -> None:
    with pytest.raises(Invalid) as refused:
        service.start(m.enterprise, offer_of(m.strong_id), day)
    assert set(refused.value.errors) == {"started_on"}


def test_only_the_enterprise_whose_position_it_is_records_it(m: Market) -> None:
    other = factories.person(Role.ENTERPRISE)
    with pytest.raises(NotFound):
        service.start(other, offer_of(m.strong_id), today())
    for actor in (m.strong, m.university, m.chamber):
        with pytest.raises(Forbidden):
            service.start(actor, offer_of(m.strong_id), today())


def test_each_student_stands_in_exactly_one_place_and_each_count_is_the_length_of_its_list(m: Market) -> None:
    m.student({}, cohort=None)
    factories.student()
    service.start(m.enterprise, offer_of(m.strong_id), today())
    counts = queries.count_students(m.university)
    assert counts == {
        Whereabouts.PLACED: 1,
        Whereabouts.ACCEPTED: 0,
        Whereabouts.OFFERED: 1,
        Whereabouts.FREE: 2,
    }
    for where, count in counts.items():
        page, rows = queries.students(m.university, where=where, text="", cohort=None, university=None, page=1)
        assert page.total == len(rows) == count
        assert all(row.whereabouts is where for row in rows)
    for cohort, row in queries.count_by_cohort(m.university).items():
        for where, count in row.items():
            page, _ = queries.students(
                m.university, where=where, text="", cohort=cohort or 0, university=None, page=1
            )
            assert page.total == count
    assert queries.count_students(m.chamber)[Whereabouts.FREE] == 3


def test_those_who_would_take_part_now_are_listed_as_they_are_counted(m: Market) -> None:
    m.student({}, available=False)
    page, rows = queries.students(m.chamber, where="", text="", cohort=None, university=None, page=1, ready=True)
    assert page.total == 1
    assert [row.student.id for row in rows] == [m.weak_id]


def test_a_university_sees_its_own_students_only(m: Market) -> None:
    other = factories.person(Role.UNIVERSITY)
    assert queries.student(m.university, m.strong_id).whereabouts is Whereabouts.ACCEPTED
    with pytest.raises(NotFound):
        queries.student(other, m.strong_id)
    assert sum(queries.count_students(other).values()) == 0
    assert queries.cohorts(other) == []


def test_who_is_in_a_live_round_would_join_no_other(m: Market) -> None:
    _, left = m.student({"platform_ops": 1})
    seats = m.position({"platform_ops": 1})

    def joining() -> tuple[set[int], set[int]]:
        people = queries.students(m.chamber, where="", text="", cohort=None, university=None, page=1, ready=True)[1]
        places = deposits.all_positions(m.chamber, deposits.PositionFilter(state="joining"))
        return {row.student.id for row in people}, {position.id for position in places}

    assert (left in joining()[0], seats in joining()[1]) == (True, True)
    opened(m.chamber)
    contents = rounds.contents()
    assert joining() == (set(), set())
    assert (contents.students, contents.positions) == (0, 0)
