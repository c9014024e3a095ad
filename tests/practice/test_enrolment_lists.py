"""The lists of enrolments: who sees what, whose turn it is, narrowed by words and states, in a few queries."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from talentbank.deposits.resources import queries as resources
from talentbank.deposits.resources.models import ResourceKind
from talentbank.deposits.resources.queries import ResourceFilter
from talentbank.extensions import db, now, today, transaction
from talentbank.permissions import Actor, Role
from talentbank.practice import queries as practice
from talentbank.practice.enrolments import queries
from talentbank.practice.enrolments.queries import EnrolmentFilter
from talentbank.practice.enrolments.steps import PARTIES, what_now
from talentbank.practice.enrolments.wording import step_text
from talentbank.practice.models import Agreement, EndStatement, EnrolmentState, LogState, StatementAnswer
from tests import factories
from tests.practice.world import World
from tests.test_queries import counted

pytestmark = pytest.mark.usefixtures("app_context")


@pytest.fixture
def w() -> World:
    return World()


def ids(actor: Actor, **wanted: object) -> list[int]:
    """The enrolments of an actor's list, all pages of it, in their order."""
    found: list[int] = []
    number = 1
    while True:
        page, rows = queries.enrolments(actor, EnrolmentFilter(**wanted), number)  # type: ignore[arg-type]
        found.extend(row.enrolment.id for row in rows)
        if not page.has_next:
            assert page.total == len(found)
            return found
        number += 1


def agreement(enrolment_id: int, signed: set[str], *, before: bool = False) -> None:
    """An agreement that so many have signed; before: other terms were in force before these."""
    with transaction():
        moments = {f"{party.value}_signed_at": now() if party.value in signed else None for party in PARTIES}
        db.session.add(
            Agreement(
                enrolment_id=enrolment_id,
                terms="条款",
                digest="0" * 64,
                proposed_at=now(),
                first_in_force_on=today() if before else None,
                **moments,
            )
        )


def statement(w: World, enrolment_id: int, answer: StatementAnswer | None) -> None:
    with transaction():
        db.session.add(
            EndStatement(
                enrolment_id=enrolment_id,
                words="完成商品上架。",
                written_by=w.host.user_id,
                written_at=now(),
                answer=answer,
                answered_at=now() if answer else None,
            )
        )


def lively(w: World, dice: random.Random, number: int) -> None:
    """So many enrolments of all sorts: of two hosts, a university that hosts too, and two universities' students."""
    hosts = [w.host, w.host, w.university, factories.person(Role.ZONE)]
    students = [w.student_id, *(w.another_student()[1] for _ in range(3))]
    students.append(w.another_student(factories.person(Role.UNIVERSITY))[1])
    for _ in range(number):
        starts = today() + timedelta(days=dice.choice((-60, -60, -60, 1)))
        resource = w.resource(
            host=dice.choice(hosts),
            kind=dice.choice([*ResourceKind, ResourceKind.INTERNSHIP, ResourceKind.INTERNSHIP]),
            starts_on=starts,
            ends_on=max(starts, today() + timedelta(days=dice.choice((-1, 0, 9)))),
            hours=dice.choice((4, 40)),
        )
        state = dice.choice([*EnrolmentState, EnrolmentState.ACCEPTED, EnrolmentState.ACCEPTED])
        enrolment = w.enrolment(resource, dice.choice(students), state)
        if dice.random() < 0.6:
            signed = {party.value for party in PARTIES if dice.random() < 0.75}
            agreement(enrolment, signed, before=dice.random() < 0.4)
        for log in dice.sample(list(LogState), dice.choice((0, 0, 1, 2, 3))):
            w.log(enrolment, today() - timedelta(days=2), hours=2, state=log)
        if state is EnrolmentState.FINISHED and dice.random() < 0.7:
            statement(w, enrolment, dice.choice([None, *StatementAnswer]))


@pytest.mark.parametrize("before", [False, True])
def test_a_student_practises_on_under_changed_terms_but_not_under_first_ones(w: World, before: bool) -> None:
    enrolment = w.enrolment(w.resource(kind=ResourceKind.INTERNSHIP))
    agreement(enrolment, {"student", "host"}, before=before)
    assert ids(w.student, state="turn") == ([enrolment] if before else [])
    assert ids(w.university, state="turn") == [enrolment]
    assert ids(w.host, state="turn") == []


def test_what_waits_for_the_reader_is_what_the_pages_call_the_readers_turn(w: World) -> None:
    lively(w, random.Random(4), 80)  # noqa: S311  (no secret)
    turns = 0
    for actor in (w.student, w.host, w.university, w.chamber):
        mine = set()
        page, rows = queries.enrolments(actor, EnrolmentFilter(), 1)
        for number in range(1, page.pages + 1):
            rows = queries.enrolments(actor, EnrolmentFilter(), number)[1]
            for row in rows:
                following = what_now(actor, row)
                assert step_text(following, row).strip()
                if following.mine:
                    mine.add(row.enrolment.id)
        assert set(ids(actor, state="turn")) == mine
        assert queries.count_waiting_for(actor) == len(mine)
        turns += len(mine)
    assert turns > 20


def test_each_role_sees_its_own_and_the_chamber_all(w: World) -> None:
    lively(w, random.Random(5), 60)  # noqa: S311  (no secret)
    everything = ids(w.chamber)
    assert len(everything) == 60
    for actor in (w.student, w.host, w.university):
        seen = ids(actor)
        assert set(seen) < set(everything)
        for enrolment_id in everything:
            found = practice.enrolment(w.chamber, enrolment_id)
            parties = (found.resource.owner_id, found.student.university_id)
            mine = {
                Role.STUDENT: found.student_id == w.student_id,
                Role.ENTERPRISE: found.resource.owner_id == w.host.organisation_id,
                Role.UNIVERSITY: w.university.organisation_id in parties,
            }
            assert (enrolment_id in seen) == mine[actor.role]
    for stranger in (factories.person(Role.ENTERPRISE), factories.person(Role.UNIVERSITY), w.another_student()[0]):
        assert ids(stranger) == []
        assert sum(queries.count_by_state(stranger).values()) == 0


def test_counts_are_the_lengths_of_their_lists(w: World) -> None:
    lively(w, random.Random(6), 40)  # noqa: S311  (no secret)
    for actor in (w.student, w.host, w.university, w.chamber):
        counts = queries.count_by_state(actor)
        assert {state: len(ids(actor, state=state.value)) for state in EnrolmentState} == counts
        assert len(ids(actor, state="no such state")) == sum(counts.values())


def test_who_asks_stands_first_and_first_come_comes_first(w: World) -> None:
    resource = w.resource()
    moments = [now() - timedelta(hours=hours) for hours in (1, 3, 2)]
    asked = [
        w.enrolment(resource, w.another_student()[1], EnrolmentState.ASKED, asked_at=moment) for moment in moments
    ]
    finished = w.enrolment(resource, w.another_student()[1], EnrolmentState.FINISHED)
    accepted = w.enrolment(resource, w.another_student()[1])
    assert ids(w.host) == [asked[1], asked[2], asked[0], accepted, finished]


def test_a_list_is_narrowed_by_words_resource_and_student(w: World) -> None:
    first, second = w.resource(title="海外仓备货", title_en="Stocking 100%"), w.resource()
    one, two = w.enrolment(first), w.enrolment(second)
    other = w.enrolment(second, w.another_student()[1])
    assert ids(w.host, resource=second) == [other, two]
    assert ids(w.host, student=w.student_id) == [two, one]
    assert ids(w.host, text="海外仓") == ids(w.host, text="stocking") == ids(w.host, text="100%") == [one]
    assert ids(w.host, text=w.student.name) == [two, one]
    assert ids(w.host, text="%") == [one]
    assert ids(w.host, text="nobody") == []
    assert ids(w.student, resource=first, state="accepted") == [one]
    assert ids(factories.person(Role.ENTERPRISE), resource=second) == []


def test_drafts_are_counted_for_the_student_alone(w: World) -> None:
    enrolment = w.enrolment(w.resource())
    w.log(enrolment, state=LogState.DRAFT)
    assert queries.progress(w.student, [enrolment])[enrolment].drafts == 1
    for actor in (w.host, w.university, w.chamber):
        assert queries.progress(actor, [enrolment]) == {}


def test_every_list_asks_as_often_for_many_rows_as_for_few(w: World) -> None:
    def grow(number: int) -> None:
        for _ in range(number):
            host = factories.person(Role.ENTERPRISE)
            resource = w.resource({"platform_ops": 3, "data_analysis": 2}, host=host, kind=ResourceKind.INTERNSHIP)
            enrolment = w.enrolment(resource)
            agreement(enrolment, {"student"})
            w.log(enrolment, state=LogState.VERIFIED)
            w.enrolment(resource, w.another_student()[1], EnrolmentState.WAITING)

    def ask() -> dict[str, int]:
        asked = {}
        for actor in (w.student, w.university, w.chamber):
            for name, read in (
                ("enrolments", lambda actor=actor: _told(actor)),
                ("resources", lambda actor=actor: resources.resources(actor, ResourceFilter(), 1)[1]),
            ):
                db.session.rollback()
                db.session.expunge_all()
                with counted() as statements:
                    assert read()
                asked[f"{name} of {actor.role.value}"] = len(statements)
        return asked

    grow(2)
    few = ask()
    grow(12)
    assert ask() == few
    assert max(few.values()) < 10


def _told(actor: Actor) -> list[str]:
    """A page of the list as the view makes it."""
    rows = queries.enrolments(actor, EnrolmentFilter(), 1)[1]
    return [
        f"{row.enrolment.resource.owner.name} {row.enrolment.student.university.name} "
        f"{row.enrolment.student.user.shown_name} {step_text(what_now(actor, row), row)}"
        for row in rows
    ]
