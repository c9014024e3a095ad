"""Two who decide at once: real threads on one real database. Functions take the app, so any database can be tried."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import func, select

from talentbank.accounts.models import Organisation
from talentbank.errors import Conflict
from talentbank.extensions import db
from talentbank.ledger import queries as accounts
from talentbank.ledger import service as ledger
from talentbank.ledger.models import LedgerEntry
from talentbank.permissions import SYSTEM, Role
from talentbank.practice.models import Chase, LogEvent, LogState
from talentbank.practice.verification import service
from talentbank.practice.verification.service import Verdict
from tests import factories
from tests.practice.test_chasing import sent
from tests.practice.test_confirmation import AUTUMN, ruled
from tests.practice.test_verification import stored
from tests.practice.world import World, profile, verified
from tests.rounds.test_races import at_once

TIMES = 4


def one_done(results: list[object]) -> bool:
    return sorted(map(str, results)) == sorted(map(str, ["done", Conflict]))


def happened(log_id: int, state: LogState) -> int:
    query = select(func.count()).select_from(LogEvent).where(LogEvent.log_id == log_id, LogEvent.state == state)
    return db.session.scalar(query) or 0


def test_two_who_verify_at_once_verify_once(app: Flask) -> None:
    with app.app_context():
        w = World()
        enrolment = w.enrolment(w.resource())
        for _ in range(TIMES):
            log_id = w.log(enrolment)
            verify = lambda log_id=log_id: service.decide(w.host, [log_id], Verdict.VERIFY, "", {log_id: 1})  # noqa: E731
            assert one_done(at_once(app, verify, verify))
            assert happened(log_id, LogState.VERIFIED) == 1


def test_verifying_and_rejecting_at_once_is_one_verdict(app: Flask) -> None:
    with app.app_context():
        w = World()
        enrolment = w.enrolment(w.resource({"platform_ops": 1}, hours=4))
        log_id = w.log(enrolment)
        verify = lambda: service.decide(w.host, [log_id], Verdict.VERIFY, "", {log_id: 1})  # noqa: E731
        reject = lambda: service.decide(w.host, [log_id], Verdict.REJECT, "No.", {log_id: 1})  # noqa: E731
        results = at_once(app, verify, reject)
        assert one_done(results)
        assert verified(w.student_id) == ({"platform_ops": 1} if results[0] == "done" else {})


def test_two_supervisors_who_verify_one_students_practice_at_once_raise_one_level(app: Flask) -> None:
    with app.app_context():
        w = World()
        other = factories.person(Role.ZONE)
        for turn in range(TIMES):
            _, student = w.another_student()
            logs = [
                (host, w.log(w.enrolment(w.resource({"platform_ops": level}, hours=4, host=host), student)))
                for host, level in ((w.host, 2), (other, 4))
            ]
            acts = [
                lambda host=host, log_id=log_id: service.decide(host, [log_id], Verdict.VERIFY, "", {log_id: 1})
                for host, log_id in logs
            ]
            assert at_once(app, *acts) == ["done", "done"], turn
            assert verified(student) == {"platform_ops": 4}
            assert len(profile(student).levels) == 1


def test_two_officers_who_confirm_at_once_pay_once(app: Flask) -> None:
    with app.app_context():
        w = World()
        second = factories.person(Role.UNIVERSITY, db.session.get(Organisation, w.university.organisation_id))
        enrolment = w.enrolment(w.resource(credits=10_000))
        for turn in range(1, TIMES + 1):
            log_id = w.log(enrolment, state=LogState.VERIFIED)
            acts = [
                lambda officer=officer, log_id=log_id: service.confirm(officer, [log_id], {log_id: 1})
                for officer in (w.university, second)
            ]
            assert one_done(at_once(app, *acts))
            assert accounts.balance(f"student:{w.student_id}") == 25 * turn
            assert happened(log_id, LogState.CONFIRMED) == 1
        assert ledger.verify().fault is None


def test_confirming_and_taking_back_at_once_leaves_one_of_the_two(app: Flask) -> None:
    with app.app_context():
        w = World()
        enrolment = w.enrolment(w.resource(credits=10_000))
        paid = 0
        for _ in range(TIMES):
            log_id = w.log(enrolment, state=LogState.VERIFIED)
            confirm = lambda log_id=log_id: service.confirm(w.university, [log_id], {log_id: 1})  # noqa: E731
            reverse = lambda log_id=log_id: service.reverse(w.host, log_id, "because", 1)  # noqa: E731
            results = at_once(app, confirm, reverse)
            assert one_done(results)
            confirmed = results[0] == "done"
            assert stored(log_id).state is (LogState.CONFIRMED if confirmed else LogState.REVERSED)
            paid += 25 if confirmed else 0
            assert accounts.balance(f"student:{w.student_id}") == paid
        assert ledger.verify().fault is None


def test_two_who_take_a_paid_log_back_at_once_give_back_once(app: Flask) -> None:
    with app.app_context():
        w = World()
        resource = w.resource(credits=100)
        log_id = w.log(w.enrolment(resource), state=LogState.VERIFIED)
        service.confirm(w.university, [log_id], {log_id: 1})
        reverse = lambda: service.reverse(w.university, log_id, "because", 2)  # noqa: E731
        assert one_done(at_once(app, reverse, reverse))
        assert (accounts.balance(f"student:{w.student_id}"), accounts.balance(f"resource:{resource}")) == (0, 100)
        assert ledger.verify().fault is None


def test_two_confirmations_that_empty_an_account_pay_only_what_is_there(app: Flask) -> None:
    with app.app_context():
        w = World()
        for _ in range(TIMES):
            resource = w.resource(credits=30)
            students = [w.another_student()[1] for _ in range(2)]
            logs = [w.log(w.enrolment(resource, student), state=LogState.VERIFIED) for student in students]
            acts = [lambda log_id=log_id: service.confirm(w.university, [log_id], {log_id: 1}) for log_id in logs]
            assert one_done(at_once(app, *acts))
            assert accounts.balance(f"resource:{resource}") == 5
            assert sorted(accounts.balance(f"student:{student}") for student in students) == [0, 25]
        assert ledger.verify().fault is None


def test_payments_of_many_students_from_one_account_keep_the_chain_whole(app: Flask) -> None:
    with app.app_context():
        w = World()
        resource = w.resource(credits=1_000)
        students = [w.another_student()[1] for _ in range(6)]
        enrolments = [w.enrolment(resource, student) for student in students]
        batches = [[w.log(enrolment, state=LogState.VERIFIED) for _ in range(3)] for enrolment in enrolments]
        acts = [
            lambda batch=batch: service.confirm(w.university, batch, dict.fromkeys(batch, 1)) for batch in batches
        ]
        assert at_once(app, *acts) == ["done"] * 6
        assert [accounts.balance(f"student:{student}") for student in students] == [75] * 6
        assert accounts.balance(f"resource:{resource}") == 1_000 - 6 * 75
        assert db.session.scalar(select(func.max(LedgerEntry.number))) == 1 + 18
        walked = ledger.verify()
        assert (walked.fault, walked.entries) == (None, 19)


def test_a_cap_holds_when_two_resources_logs_are_confirmed_at_once(app: Flask) -> None:
    with app.app_context():
        w = World()
        ruled(w, cap_a_term=30)
        logs = [w.log(w.enrolment(w.resource()), AUTUMN, state=LogState.VERIFIED) for _ in range(2)]
        acts = [lambda log_id=log_id: service.confirm(w.university, [log_id], {log_id: 1}) for log_id in logs]
        assert at_once(app, *acts) == ["done", "done"]
        assert sorted(stored(log_id).credit or 0 for log_id in logs) == [5, 25]


def test_two_who_chase_at_once_remind_once(app: Flask) -> None:
    with app.app_context():
        w = World()
        w.log(w.enrolment(w.resource()), submitted_at=sent(8))
        chase = lambda: service.chase(SYSTEM)  # noqa: E731
        assert at_once(app, chase, chase) == ["done", "done"]
        assert db.session.scalar(select(func.count()).select_from(Chase)) == 1
