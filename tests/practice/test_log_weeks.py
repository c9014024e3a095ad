"""The student's week, sent as a whole, and the lists: who sees which logs, and in how many queries."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from talentbank.deposits.resources import queries as resources
from talentbank.deposits.resources.models import ResourceKind
from talentbank.errors import Conflict, Invalid, NotFound
from talentbank.extensions import db, today
from talentbank.permissions import Actor, Role
from talentbank.practice.evidence import Store
from talentbank.practice.logs import queries, service
from talentbank.practice.logs.queries import LogFilter
from talentbank.practice.models import (
    EnrolmentState,
    LogState,
)
from tests import factories
from tests.practice.logbook import (
    MONDAY,
    NINE,
    NOON,
    SUNDAY,
    TABLES,
    TUESDAY,
    draft,
    signed,
    steps,
    stored,
)
from tests.practice.world import World
from tests.test_queries import counted

pytestmark = pytest.mark.usefixtures("in_english")


# The week


def test_a_week_is_sent_in_the_order_of_time_and_what_cant_be_sent_says_why(w: World, store: Store) -> None:
    one, two = w.enrolment(w.resource()), w.enrolment(w.resource())
    first = w.log(one, MONDAY, starts=NINE, hours=5, state=LogState.DRAFT)
    over = w.log(two, MONDAY, starts=15 * 60, hours=4, state=LogState.DRAFT)
    bare = w.log(one, TUESDAY, starts=NINE, hours=1, state=LogState.DRAFT, done="")
    fine = w.log(two, SUNDAY, starts=NINE, hours=1, state=LogState.DRAFT)
    back = w.log(two, SUNDAY, starts=NOON, hours=1, state=LogState.SENT_BACK)
    elsewhere = w.log(one, MONDAY - timedelta(days=1), hours=1, state=LogState.DRAFT)
    outcome = service.send_week(w.student, TUESDAY)
    assert [log.id for log in outcome.logs] == [first, fine]
    assert {id_: set(problems) for id_, problems in outcome.left.items()} == {over: {"ends"}, bare: {"done"}}
    states = {log_id: stored(log_id).state for log_id in (first, over, bare, fine, back, elsewhere)}
    assert states == {
        first: LogState.SUBMITTED,
        over: LogState.DRAFT,
        bare: LogState.DRAFT,
        fine: LogState.SUBMITTED,
        back: LogState.SENT_BACK,
        elsewhere: LogState.DRAFT,
    }
    assert steps(over) == []


def test_a_week_without_anything_to_send_says_so(w: World, store: Store, enrolment: int) -> None:
    with pytest.raises(Invalid, match="no drafts"):
        service.send_week(w.student, MONDAY)
    w.log(enrolment, MONDAY, state=LogState.DRAFT, done="")
    before = factories.stored(*TABLES)
    with pytest.raises(Invalid, match="what it needs"):
        service.send_week(w.student, MONDAY)
    assert factories.stored(*TABLES) == before


def test_a_draft_is_removed_and_leaves_nothing(w: World, store: Store, enrolment: int) -> None:
    before = factories.stored(*TABLES)[:-1]
    log = draft(w, store, enrolment)
    service.remove(w.student, log.id, store)
    assert factories.stored(*TABLES)[:-1] == before
    with pytest.raises(NotFound):
        service.remove(w.student, log.id, store)


@pytest.mark.parametrize("state", [LogState.SENT_BACK, LogState.REJECTED, LogState.REVERSED])
def test_what_was_once_sent_is_not_removed(w: World, store: Store, enrolment: int, state: LogState) -> None:
    log_id = w.log(enrolment, state=state)
    with pytest.raises(Conflict):
        service.remove(w.student, log_id, store)


def test_a_week_shows_its_days_hours_and_what_drafts_still_need(w: World, enrolment: int) -> None:
    ready = w.log(enrolment, MONDAY, starts=NINE, hours=2, state=LogState.DRAFT)
    bare = w.log(enrolment, MONDAY, starts=NOON, hours=1, state=LogState.DRAFT, done="")
    w.log(enrolment, MONDAY, starts=14 * 60, hours=3, state=LogState.VERIFIED)
    w.log(enrolment, SUNDAY, hours=4, state=LogState.REJECTED)
    w.log(enrolment, SUNDAY + timedelta(days=1), hours=1)
    week = queries.week(w.student, TUESDAY)
    assert [day.day for day in week.days] == [MONDAY + timedelta(days=number) for number in range(7)]
    assert (week.days[0].counted, week.days[0].drafted, week.counted, week.drafted) == (180, 180, 180, 180)
    assert [log.id for log in week.days[0].logs][:2] == [ready, bare]
    assert [log.id for log in week.ready] == [ready]
    assert set(week.problems[bare]) == {"done"}
    assert [enrolment.id for enrolment in week.days[0].open] == [enrolment]


def test_a_week_offers_only_what_a_day_can_be_logged_on(w: World) -> None:
    w.enrolment(w.resource(kind=ResourceKind.INTERNSHIP))
    w.enrolment(w.resource(starts_on=TUESDAY, ends_on=SUNDAY))
    w.enrolment(w.resource(), state=EnrolmentState.WAITING)
    signed_later = w.enrolment(w.resource(kind=ResourceKind.INTERNSHIP))
    signed(signed_later, SUNDAY, SUNDAY, SUNDAY)
    assert [len(day.open) for day in queries.week(w.student, MONDAY).days] == [0, 1, 1, 1, 1, 1, 2]
    coming = queries.week(w.student, today() + timedelta(days=7))
    assert not any(day.open for day in coming.days)


# Who sees what


def test_each_role_sees_the_logs_that_are_theirs_to_see_and_drafts_only_the_student(w: World, store: Store) -> None:
    resource = w.resource()
    enrolment = w.enrolment(resource)
    for state in (LogState.DRAFT, LogState.SUBMITTED, LogState.CONFIRMED):
        w.log(enrolment, state=state)
    other, other_id = w.another_student(factories.person(Role.UNIVERSITY))
    w.log(w.enrolment(resource, other_id), hours=2)
    w.log(w.enrolment(w.resource(host=factories.person(Role.ZONE)), other_id), hours=1)

    def seen(actor: Actor, **wanted: Any) -> tuple[int, int]:
        page, total = queries.logs(actor, LogFilter(**wanted), 1)
        assert total.logs == len(page.items)
        return total.logs, total.minutes

    assert seen(w.student) == (3, 720)
    assert seen(other) == (2, 180)
    assert seen(w.host) == (3, 600)
    assert seen(w.university) == (2, 480)
    assert seen(w.chamber) == (4, 660)
    assert seen(factories.person(Role.ENTERPRISE)) == (0, 0)
    assert seen(w.host, student=other_id) == (1, 120)
    assert queries.sums(w.host)[LogState.DRAFT].logs == 0
    assert queries.sums(w.student)[LogState.DRAFT].logs == 1


def test_a_list_is_narrowed_to_what_a_number_counted(w: World, enrolment: int) -> None:
    a = w.log(enrolment, state=LogState.SENT_BACK, competencies=("data_analysis",))
    b = w.log(enrolment, state=LogState.REVERSED, done="拍摄100%纯棉样衣")
    c = w.log(w.enrolment(w.resource(title="直播间")), state=LogState.VERIFIED)

    def seen(**wanted: Any) -> set[int]:
        return {log.id for log in queries.logs(w.student, LogFilter(**wanted), 1)[0].items}

    assert seen(state="back") == {a, b}
    assert seen(state="proven") == {c}
    assert seen(state="sent_back") == {a}
    assert seen(state="nonsense") == {a, b, c}
    assert seen(enrolment=enrolment) == {a, b}
    assert seen(competency="data_analysis") == {a}
    assert seen(text="100%纯") == {b}
    assert seen(text="直播") == {c}
    assert seen(text="%") == {b}


def test_pages_ask_as_often_for_many_logs_as_for_few(w: World, store: Store) -> None:
    def ask() -> list[int]:
        numbers = []
        for read in (
            lambda: queries.week(w.student, MONDAY),
            lambda: queries.logs(w.host, LogFilter(), 1),
            lambda: queries.sums(w.student),
        ):
            db.session.rollback()
            db.session.expunge_all()
            with counted() as statements:
                read()
            numbers.append(len(statements))
        return numbers

    def fill(count: int) -> None:
        for number in range(count):
            enrolment = w.enrolment(w.resource())
            for state in (LogState.DRAFT, LogState.SENT_BACK, LogState.SUBMITTED):
                w.log(enrolment, MONDAY, starts=number * 30, hours=0.25, state=state)

    fill(2)
    few = ask()
    fill(6)
    assert ask() == few
    assert max(few) <= 16


def test_a_trainings_practised_days_are_those_of_logs_that_were_ever_sent(w: World, store: Store) -> None:
    resource = w.resource()
    enrolment = w.enrolment(resource)
    draft(w, store, enrolment, day=MONDAY)
    assert resources.practised_days(resource) is None
    w.log(enrolment, TUESDAY, state=LogState.REJECTED)
    w.log(enrolment, SUNDAY, state=LogState.SUBMITTED)
    assert resources.practised_days(resource) == (TUESDAY, SUNDAY)
    assert resources.practised_days(w.resource()) is None
