"""What waits too long is shown to the chamber, and chased by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from talentbank.audit import AuditEntry
from talentbank.errors import Forbidden
from talentbank.extensions import db, now, transaction
from talentbank.permissions import SYSTEM, Action, Role
from talentbank.practice.models import Chase, LogState, PracticeLog
from talentbank.practice.verification import queries, service
from tests import factories
from tests.practice.test_verification import decide, reader
from tests.practice.world import World
from tests.test_queries import counted


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """Time that a test moves on."""
    with time_machine.travel(now(), tick=False) as traveller:
        yield traveller


def sent(days: float) -> datetime:
    return now() - timedelta(days=days)


def chases() -> list[tuple[int, int]]:
    db.session.rollback()
    return [(chase.log_id, chase.user_id) for chase in db.session.scalars(select(Chase).order_by(Chase.id))]


def test_a_log_is_overdue_after_seven_days_and_only_while_it_waits(w: World, clock: time_machine.Traveller) -> None:
    enrolment = w.enrolment(w.resource())
    log_id = w.log(enrolment, submitted_at=sent(7))
    for state in set(LogState) - {LogState.SUBMITTED}:
        w.log(enrolment, state=state, submitted_at=sent(30))
    assert queries.count(queries.overdue()) == 0
    clock.shift(1)
    assert [log.id for log in queries.overdue_logs(1).items] == [log_id]
    assert queries.count(queries.overdue()) == 1
    decide(w.host, log_id)
    assert queries.count(queries.overdue()) == queries.overdue_logs(1).total == 0


def test_supervisors_are_reminded_every_three_days_until_they_decide(w: World, clock: time_machine.Traveller) -> None:
    enrolment = w.enrolment(w.resource())
    log_id, fresh = w.log(enrolment, submitted_at=sent(8)), w.log(enrolment, submitted_at=sent(1))
    assert service.chase(SYSTEM) == 1
    assert service.chase(SYSTEM) == 0
    clock.shift(timedelta(days=2, hours=23))
    assert service.chase(SYSTEM) == 0
    clock.shift(timedelta(hours=2))
    assert service.chase(SYSTEM) == 1
    assert chases() == [(log_id, w.host.user_id)] * 2
    decide(w.host, log_id, fresh)
    clock.shift(timedelta(days=30))
    assert service.chase(SYSTEM) == 0


def test_chasing_is_written_into_the_trail_when_there_was_somebody_to_chase(w: World) -> None:
    def trail() -> list[dict[str, object]]:
        return list(db.session.scalars(select(AuditEntry.detail).where(AuditEntry.action == Action.CHASE_LOGS)))

    service.chase(SYSTEM)
    assert trail() == []
    w.log(w.enrolment(w.resource()), submitted_at=sent(8))
    service.chase(SYSTEM)
    assert trail() == [{"logs": 1}]


def test_nobody_but_the_system_chases(w: World) -> None:
    for actor in (w.chamber, w.host, w.university, w.student, factories.person(Role.ADMINISTRATOR)):
        with pytest.raises(Forbidden):
            service.chase(actor)


def test_a_log_that_was_mended_and_sent_again_waits_anew(app: Flask) -> None:
    with app.app_context():
        w = World()
        log_id = w.log(w.enrolment(w.resource()), submitted_at=sent(8))
        service.chase(SYSTEM)
        decide(w.host, log_id, verdict=service.Verdict.SEND_BACK, reason="Which shop?")
    with app.app_context(), transaction():
        log = db.session.get_one(PracticeLog, log_id)
        log.state, log.submitted_at, log.version = LogState.SUBMITTED, now(), log.version + 1
    text = reader(app, w.host).get("/practice/waiting").text
    assert "0 days" in text
    assert "chased 1 time" not in text


def test_the_supervisor_sees_how_often_it_was_chased(app: Flask, clock: time_machine.Traveller) -> None:
    with app.app_context():
        w = World()
        w.log(w.enrolment(w.resource()), submitted_at=sent(8))
        service.chase(SYSTEM)
    text = reader(app, w.host).get("/practice/waiting").text
    assert "chased 1 time" in text
    assert "1 log has waited for you for more than a week" in text
    clock.shift(timedelta(days=4))
    with app.app_context():
        service.chase(SYSTEM)
    text = reader(app, w.host).get("/practice/waiting").text
    assert "chased 2 times" in text
    assert "12 days" in text


def test_the_chamber_sees_who_keeps_whom_waiting_by_host(app: Flask) -> None:
    with app.app_context():
        w = World()
        zone = factories.person(Role.ZONE)
        enrolment = w.enrolment(w.resource())
        for days in (8, 20):
            w.log(enrolment, submitted_at=sent(days))
        w.log(w.enrolment(w.resource(host=zone)), submitted_at=sent(9))
        w.log(enrolment, submitted_at=sent(2))
        service.chase(SYSTEM)
        host, supervisor = factories.user(w.host), factories.user(zone)
        counts = {organisation.id: number for organisation, number in queries.overdue_by_host().items()}
        assert list(counts.items()) == [(w.host.organisation_id, 2), (zone.organisation_id, 1)]
        assert all(queries.overdue_logs(1, host).total == number for host, number in counts.items())
        assert sum(counts.values()) == queries.overdue_logs(1).total == queries.count(queries.overdue())
    page = reader(app, w.chamber).get("/practice/overdue")
    for shown in ("20 days", "9 days", "chased 1 time", host.name, host.email, supervisor.name):
        assert shown in page.text
    assert len(page.soup.select("main table")) == 2
    assert len(page.soup.select("main tbody tr")) == 3


def test_a_page_on_which_nothing_is_overdue_says_so(app: Flask) -> None:
    with app.app_context():
        w = World()
    assert "Nothing is overdue" in reader(app, w.chamber).get("/practice/overdue").text
    assert "Nothing waits for you" in reader(app, w.host).get("/practice/waiting").text


def test_the_lists_ask_as_often_for_many_logs_as_for_few(w: World) -> None:
    def ask(count: int) -> dict[str, int]:
        for _ in range(count):
            _, student = w.another_student()
            resource = w.resource(host=factories.person(Role.ENTERPRISE))
            w.log(w.enrolment(resource, student), submitted_at=sent(8))
        reads: dict[str, Callable[[], object]] = {
            "overdue": lambda: [
                (log.enrolment.resource.owner.name, log.enrolment.resource.supervisor.shown_name, list(log.chases))
                for log in queries.overdue_logs(1).items
            ],
            "hosts": lambda: [host.name for host in queries.overdue_by_host()],
            "to chase": queries.to_chase,
        }
        asked = {}
        for name, read in reads.items():
            db.session.rollback()
            db.session.expunge_all()
            with counted() as statements:
                assert read()
            asked[name] = len(statements)
        return asked

    few = ask(2)
    assert ask(15) == few
    assert max(few.values()) < 10
