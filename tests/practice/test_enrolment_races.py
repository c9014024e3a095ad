"""At one moment: seats never overrun, and two who sign, answer or set the same end in one result.

Each race takes the app, so that it is run on PostgreSQL too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial

from flask import Flask
from sqlalchemy import func, select

from talentbank.deposits.resources import service as deposits
from talentbank.deposits.resources.models import Admission, ResourceKind, TrainingResource
from talentbank.errors import Conflict
from talentbank.extensions import db
from talentbank.permissions import Actor, Role
from talentbank.practice.enrolments import agreements, queries, service, statements
from talentbank.practice.enrolments.agreements import digest
from talentbank.practice.models import (
    STANDING,
    Agreement,
    EndStatement,
    Enrolment,
    EnrolmentState,
    LogState,
    PracticeRules,
)
from talentbank.practice.rules import service as rules
from talentbank.practice.rules.service import Rules
from tests import factories
from tests.practice.test_enrolments import changed
from tests.practice.world import World
from tests.rounds.test_races import TIMES, at_once, count

ASKED, WAITING, ACCEPTED = EnrolmentState.ASKED, EnrolmentState.WAITING, EnrolmentState.ACCEPTED


def states(resource_id: int) -> Counter[EnrolmentState]:
    """How many enrolments of a resource are in each state."""
    query = (
        select(Enrolment.state, func.count()).where(Enrolment.resource_id == resource_id).group_by(Enrolment.state)
    )
    return Counter(dict(db.session.execute(query).all()))


def asking(people: list[Actor], resource_id: int) -> list[Callable[[], object]]:
    return [partial(service.ask, someone, resource_id) for someone in people]


def students(w: World, number: int) -> list[Actor]:
    return [w.another_student()[0] for _ in range(number)]


def test_seats_never_overrun_whoever_asks_at_the_same_moment(app: Flask) -> None:
    with app.app_context():
        w = World()
        people = students(w, 8)
        for _ in range(TIMES):
            resource = w.resource(seats=3)
            assert at_once(app, *asking(people, resource)) == ["done"] * 8
            assert states(resource) == {ACCEPTED: 3, WAITING: 5}
            waiting = db.session.scalars(
                select(Enrolment.id).where(Enrolment.resource_id == resource, Enrolment.state == WAITING)
            ).all()
            places = queries.places(waiting)
            assert sorted(places.values()) == [(place, 5) for place in range(1, 6)]


def test_one_student_in_two_windows_is_enrolled_once(app: Flask) -> None:
    with app.app_context():
        w = World()
        for _ in range(TIMES):
            resource = w.resource()
            results = at_once(app, *asking([w.student, w.student, w.student], resource))
            assert sorted(map(str, results)) == sorted(map(str, ["done", Conflict, Conflict]))
            assert states(resource) == {ACCEPTED: 1}


def test_a_seat_given_up_while_others_ask_goes_to_one_of_those_who_wait(app: Flask) -> None:
    with app.app_context():
        w = World()
        for _ in range(TIMES):
            resource = w.resource(seats=2)
            seated, others = students(w, 2), students(w, 3)
            mine = [service.ask(someone, resource).id for someone in seated]
            first = w.enrolment(resource, w.another_student()[1], WAITING)
            leaving = [partial(service.leave, who, which) for who, which in zip(seated, mine, strict=True)]
            assert at_once(app, *leaving, *asking(others, resource)) == ["done"] * 5
            assert states(resource) == {ACCEPTED: 2, WAITING: 2, EnrolmentState.LEFT: 2}
            assert db.session.get_one(Enrolment, first, populate_existing=True).state is ACCEPTED


def test_fewer_seats_and_somebody_who_asks_end_within_the_seats(app: Flask) -> None:
    with app.app_context():
        w = World()
        for _ in range(TIMES):
            resource = w.resource(seats=2)
            service.ask(w.another_student()[0], resource)
            fewer = partial(deposits.change, w.host, resource, changed(resource, seats=1), 1)
            at_once(app, fewer, *asking(students(w, 3), resource))
            seats = db.session.scalar(select(TrainingResource.seats).where(TrainingResource.id == resource))
            assert states(resource)[ACCEPTED] == seats
            assert states(resource).total() == 4


def test_more_seats_and_those_who_ask_leave_no_seat_empty(app: Flask) -> None:
    with app.app_context():
        w = World()
        for _ in range(TIMES):
            resource = w.resource(seats=1)
            service.ask(w.another_student()[0], resource)
            more = partial(deposits.change, w.host, resource, changed(resource, seats=3), 1)
            assert at_once(app, more, *asking(students(w, 4), resource)) == ["done"] * 5
            assert states(resource) == {ACCEPTED: 3, WAITING: 2}


def test_a_withdrawal_leaves_nobody_in_the_queue(app: Flask) -> None:
    with app.app_context():
        w = World()
        for _ in range(TIMES):
            resource = w.resource(admission=Admission.CHOSEN)
            withdraw = partial(deposits.withdraw, w.host, resource, 1)
            results = at_once(app, withdraw, *asking(students(w, 3), resource))
            assert results[0] == "done"
            found = states(resource)
            assert set(found) <= {EnrolmentState.REFUSED}
            assert found.total() == results[1:].count("done")


def test_accepting_and_leaving_at_once_end_in_leaving(app: Flask) -> None:
    with app.app_context():
        w = World()
        for _ in range(TIMES):
            resource = w.resource(admission=Admission.CHOSEN)
            asked = service.ask(w.student, resource).id
            accept = partial(service.decide, w.host, asked, "asked", accepted=True)
            accepted, left = at_once(app, accept, partial(service.leave, w.student, asked))
            assert accepted in ("done", Conflict)
            assert left == "done"
            assert states(resource) == {EnrolmentState.LEFT: 1}


def test_two_people_of_the_host_decide_once(app: Flask) -> None:
    with app.app_context():
        w = World()
        for _ in range(TIMES):
            asked = w.enrolment(w.resource(admission=Admission.CHOSEN), state=ASKED)
            accept = partial(service.decide, w.host, asked, "asked", accepted=True)
            refuse = partial(service.decide, w.host, asked, "asked", accepted=False, reason="名额有限")
            assert sorted(map(str, at_once(app, accept, refuse))) == sorted(map(str, ["done", Conflict]))


def test_three_who_sign_at_once_put_it_in_force(app: Flask) -> None:
    with app.app_context():
        w = World()
        for turn in range(1, TIMES + 1):
            enrolment = w.enrolment(w.resource(kind=ResourceKind.INTERNSHIP))
            seen = agreements.propose(w.host, enrolment, "条款").digest
            sides = (("student", w.student), ("university", w.university), ("host", w.host))
            signing = [partial(agreements.sign, actor, enrolment, party, seen) for party, actor in sides]
            assert at_once(app, *signing) == ["done"] * 3
            found = db.session.get_one(Agreement, enrolment, populate_existing=True)
            assert found.in_force_since is not None
            assert count(Agreement) == turn


def test_nobody_signs_terms_that_change_at_that_moment(app: Flask) -> None:
    with app.app_context():
        w = World()
        for _ in range(TIMES):
            enrolment = w.enrolment(w.resource(kind=ResourceKind.INTERNSHIP))
            seen = agreements.propose(w.host, enrolment, "条款").digest
            change = partial(agreements.propose, w.host, enrolment, "别的条款", seen)
            sign = partial(agreements.sign, w.student, enrolment, "student", seen)
            changed_, signed = at_once(app, change, sign)
            assert changed_ == "done"
            assert signed in ("done", Conflict)
            found = db.session.get_one(Agreement, enrolment, populate_existing=True)
            assert (found.terms, found.student_signed_at) == ("别的条款", None)


def test_nobody_answers_words_that_change_at_that_moment(app: Flask) -> None:
    with app.app_context():
        w = World()
        for _ in range(TIMES):
            enrolment = w.enrolment(w.resource())
            w.log(enrolment, state=LogState.VERIFIED)
            statements.write(w.host, enrolment, "第一稿", end_now=True)
            correct = partial(statements.write, w.host, enrolment, "第二稿", digest("第一稿"))
            agree = partial(statements.countersign, w.student, enrolment, "agreed", "", digest("第一稿"))
            results = at_once(app, correct, agree)
            assert sorted(map(str, results)) == sorted(map(str, ["done", Conflict]))
            found = db.session.get_one(EndStatement, enrolment, populate_existing=True)
            corrected = results[0] == "done"
            assert (found.words, found.answer is None) == ("第二稿" if corrected else "第一稿", corrected)


def test_the_first_rules_are_set_once(app: Flask) -> None:
    with app.app_context():
        for turn in range(1, TIMES + 1):
            university = factories.person(Role.UNIVERSITY)
            setting = [partial(rules.set_rules, university, Rules(hours, None, 8, 40), 0) for hours in (18, 20)]
            assert sorted(map(str, at_once(app, *setting))) == sorted(map(str, ["done", Conflict]))
            assert count(PracticeRules) == turn


def test_no_student_stands_twice_on_anything(app: Flask) -> None:
    with app.app_context():
        w = World()
        resource = w.resource(seats=1)
        people = students(w, 3)
        at_once(app, *asking([*people, *people], resource))
        twice = (
            select(Enrolment.student_id)
            .where(Enrolment.state.in_(STANDING))
            .group_by(Enrolment.student_id, Enrolment.resource_id)
            .having(func.count() > 1)
        )
        assert db.session.scalars(twice).all() == []
        assert states(resource) == {ACCEPTED: 1, WAITING: 2}
