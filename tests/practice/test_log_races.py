"""One student in two windows at once, in real threads. Functions take the app, so any database can be tried."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

from flask import Flask
from sqlalchemy import func, select

from talentbank.errors import Conflict, Invalid, NotFound
from talentbank.extensions import db
from talentbank.practice.enrolments import service as enrolments
from talentbank.practice.evidence import Store
from talentbank.practice.logs import service
from talentbank.practice.logs.files import Upload
from talentbank.practice.models import COUNTED, Evidence, LogEvent, LogState, PracticeLog
from talentbank.practice.verification import service as verification
from talentbank.practice.verification.service import Verdict
from tests.practice import samples
from tests.practice.logbook import MONDAY, NINE, ruled, said, stored
from tests.practice.world import World
from tests.rounds.test_races import at_once

TIMES = 4
HOUR = 60


def empty_store(app: Flask) -> Store:
    """A folder of its own in the app's."""
    return Store(app.config["BANK_EVIDENCE"] / uuid4().hex)


def outcome(results: list[object], *wanted: object) -> bool:
    return sorted(map(str, results)) == sorted(map(str, wanted))


def count_counted(w: World) -> int:
    query = select(func.count()).where(PracticeLog.student_id == w.student_id, PracticeLog.state.in_(COUNTED))
    return db.session.scalar(query) or 0


def test_logs_that_overlap_are_not_both_sent_by_two_windows_at_once(app: Flask) -> None:
    with app.app_context():
        w, store = World(), empty_store(app)
        one, two = w.enrolment(w.resource()), w.enrolment(w.resource())
        for turn in range(TIMES):
            day = MONDAY + timedelta(days=turn)
            acts = [
                lambda e=e, starts=starts, day=day: service.save_and_send(
                    w.student, None, said(e, day=day, starts=starts, ends=starts + 2 * HOUR), [], 0, store
                )
                for e, starts in ((one, NINE), (two, NINE + HOUR))
            ]
            assert outcome(at_once(app, *acts), "done", Invalid)
            assert count_counted(w) == turn + 1


def test_a_days_and_a_weeks_hours_hold_when_drafts_are_sent_at_once(app: Flask) -> None:
    with app.app_context():
        w = World()
        ruled(w, hours_a_day=8, hours_a_week=10)
        enrolment = w.enrolment(w.resource())
        same_day = [
            w.log(enrolment, MONDAY, starts=starts * HOUR, hours=5, state=LogState.DRAFT) for starts in (6, 11, 16)
        ]
        acts = [lambda log_id=log_id: service.send(w.student, log_id, 1) for log_id in same_day]
        assert outcome(at_once(app, *acts), "done", Invalid, Invalid)
        days = [w.log(enrolment, MONDAY + timedelta(days=n), hours=4, state=LogState.DRAFT) for n in (1, 2)]
        acts = [lambda log_id=log_id: service.send(w.student, log_id, 1) for log_id in days]
        assert outcome(at_once(app, *acts), "done", Invalid)


def test_a_log_that_is_sent_twice_at_once_is_sent_once(app: Flask) -> None:
    with app.app_context():
        w = World()
        enrolment = w.enrolment(w.resource())
        for turn in range(TIMES):
            log_id = w.log(enrolment, MONDAY + timedelta(days=turn), state=LogState.DRAFT)
            send = lambda log_id=log_id: service.send(w.student, log_id, 1)  # noqa: E731
            assert outcome(at_once(app, send, send), "done", Conflict)
            events = select(func.count()).where(LogEvent.log_id == log_id)
            assert db.session.scalar(events) == 1


def test_a_week_that_is_sent_from_two_windows_is_sent_once(app: Flask) -> None:
    with app.app_context():
        w = World()
        enrolment = w.enrolment(w.resource())
        for n in range(4):
            w.log(enrolment, MONDAY + timedelta(days=n), state=LogState.DRAFT)
        send = lambda: service.send_week(w.student, MONDAY)  # noqa: E731
        assert outcome(at_once(app, send, send), "done", Invalid)
        assert count_counted(w) == db.session.scalar(select(func.count()).select_from(LogEvent)) == 4


def test_what_the_supervisor_verifies_is_what_was_sent(app: Flask) -> None:
    with app.app_context():
        w, store = World(), empty_store(app)
        enrolment = w.enrolment(w.resource())
        for turn in range(TIMES):
            log_id = w.log(enrolment, MONDAY + timedelta(days=turn), starts=NINE, state=LogState.SENT_BACK)
            entry = said(enrolment, day=MONDAY + timedelta(days=turn), done="改过的")
            mend = lambda log_id=log_id, entry=entry: service.save_and_send(  # noqa: E731
                w.student, log_id, entry, [], 1, store
            )
            verify = lambda log_id=log_id: verification.decide(w.host, [log_id], Verdict.VERIFY, "", {log_id: 1})  # noqa: E731
            assert outcome(at_once(app, mend, verify), "done", Conflict)
            assert (stored(log_id).state, stored(log_id).done) == (LogState.SUBMITTED, "改过的")


def test_the_same_file_sent_twice_at_once_is_kept_once(app: Flask) -> None:
    with app.app_context():
        w, store = World(), empty_store(app)
        enrolment = w.enrolment(w.resource())
        log_id = w.log(enrolment, MONDAY, starts=NINE, hours=3, state=LogState.DRAFT)
        pdf = Upload("周报.pdf", samples.pdf())
        keep = lambda: service.save_draft(w.student, log_id, said(enrolment), [pdf], 1, store)  # noqa: E731
        assert outcome(at_once(app, keep, keep), "done", Conflict)
        assert [e.key for e in db.session.scalars(select(Evidence))] == list(store.keys())


def test_a_draft_that_is_removed_while_it_is_sent_is_one_or_the_other(app: Flask) -> None:
    with app.app_context():
        w, store = World(), empty_store(app)
        enrolment = w.enrolment(w.resource())
        for turn in range(TIMES):
            entry = said(enrolment, day=MONDAY + timedelta(days=turn))
            pdf = Upload("周报.pdf", samples.pdf())
            log_id = service.save_draft(w.student, None, entry, [pdf], 0, store).id
            before = count_counted(w)
            send = lambda log_id=log_id: service.send(w.student, log_id, 1)  # noqa: E731
            remove = lambda log_id=log_id: service.remove(w.student, log_id, store)  # noqa: E731
            results = at_once(app, send, remove)
            was_sent = results[0] == "done"
            assert outcome(results, "done", Conflict if was_sent else NotFound)
            assert count_counted(w) == before + was_sent
            assert {e.key for e in db.session.scalars(select(Evidence))} == set(store.keys())


def test_a_log_is_sent_before_the_seat_is_given_up_or_not_at_all(app: Flask) -> None:
    with app.app_context():
        w = World()
        for turn in range(TIMES):
            enrolment = w.enrolment(w.resource())
            log_id = w.log(enrolment, MONDAY + timedelta(days=turn), state=LogState.DRAFT)
            send = lambda log_id=log_id: service.send(w.student, log_id, 1)  # noqa: E731
            leave = lambda enrolment=enrolment: enrolments.leave(w.student, enrolment)  # noqa: E731
            sent_, left = at_once(app, send, leave)
            assert left == "done"
            assert sent_ in ("done", Invalid)
            assert stored(log_id).state is (LogState.SUBMITTED if sent_ == "done" else LogState.DRAFT)
