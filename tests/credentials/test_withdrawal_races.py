"""Two at once: each withdrawal is in one batch, no account falls below zero, and what is attested stands.

Also asked of PostgreSQL.
"""

from __future__ import annotations

from flask import Flask
from sqlalchemy import select

from talentbank.credentials import service, withdrawals
from talentbank.credentials.models import Credential, RecordBatch, Withdrawal
from talentbank.errors import Conflict, Invalid, NotFound
from talentbank.extensions import db
from talentbank.ledger import queries as accounts
from talentbank.ledger import service as ledger
from talentbank.practice.models import LogState
from tests.credentials.earning import BANK, Earning, stored_log
from tests.rounds.test_races import at_once

TIMES = 3


def outcome(results: list[object]) -> list[str]:
    return sorted(getattr(result, "__name__", str(result)) for result in results)


def held(w: Earning) -> int:
    return accounts.balance(f"student:{w.student_id}")


def test_two_officers_who_export_at_once_make_one_batch(app: Flask) -> None:
    two_export_at_once(app)


def two_export_at_once(app: Flask) -> None:
    """One of the two finds nothing left; every withdrawal is in exactly one batch."""
    with app.app_context():
        w = Earning()
        w.earned(24)
        for turn in range(1, TIMES + 1):
            for _ in range(4):
                withdrawals.withdraw(w.student, 10)
            export = lambda: withdrawals.export(w.university)  # noqa: E731
            assert outcome(at_once(app, export, export)) == ["Conflict", "done"]
            taken = db.session.scalars(select(Withdrawal.batch_id).order_by(Withdrawal.id)).all()
            batches = db.session.scalars(select(RecordBatch.id).order_by(RecordBatch.id)).all()
            assert len(batches) == turn
            assert taken == [batch for batch in batches for _ in range(4)]


def test_who_cancels_while_it_is_exported_gets_one_of_the_two(app: Flask) -> None:
    cancel_and_export_at_once(app)


def cancel_and_export_at_once(app: Flask) -> None:
    """A withdrawal ends cancelled or in a batch, never both."""
    with app.app_context():
        w = Earning()
        w.earned(24)
        for _ in range(TIMES):
            before = held(w)
            made = withdrawals.withdraw(w.student, 10)
            cancelled, exported = at_once(
                app,
                lambda made=made: withdrawals.cancel(w.student, made.id, "Changed my mind."),
                lambda: withdrawals.export(w.university),
            )
            assert {cancelled, exported} == {"done", Conflict}
            stored = db.session.get_one(Withdrawal, made.id, populate_existing=True)
            assert (stored.cancelled_at is None, stored.batch_id is None) == (exported == "done", cancelled == "done")
            assert held(w) == (before if cancelled == "done" else before - 10)
        assert ledger.verify().fault is None


def test_two_who_withdraw_all_at_once_withdraw_it_once(app: Flask) -> None:
    two_withdraw_at_once(app)


def two_withdraw_at_once(app: Flask) -> None:
    """The second finds the account empty."""
    with app.app_context():
        w = Earning()
        w.earned(16)
        withdraw = lambda: withdrawals.withdraw(w.student, 100)  # noqa: E731
        assert outcome(at_once(app, withdraw, withdraw)) == ["Invalid", "done"]
        assert held(w) == 0
        assert len(db.session.scalars(select(Withdrawal)).all()) == 1
        made = db.session.scalars(select(Withdrawal)).one()
        cancel = lambda: withdrawals.cancel(w.student, made.id, "Changed my mind.")  # noqa: E731
        assert outcome(at_once(app, cancel, cancel)) == ["Conflict", "done"]
        assert held(w) == 100
        assert ledger.verify().fault is None


def test_what_is_withdrawn_while_it_is_taken_back_is_one_or_the_other(app: Flask) -> None:
    withdraw_and_reverse_at_once(app)


def withdraw_and_reverse_at_once(app: Flask) -> None:
    """Either the log is reversed and nothing is left to withdraw, or it is withdrawn and can't be reversed."""
    with app.app_context():
        w = Earning()
        log_id = w.earned(16)
        withdrawn, reversed_ = at_once(
            app, lambda: withdrawals.withdraw(w.student, 100), lambda: w.reverse(log_id, "Counted twice.")
        )
        assert (withdrawn, reversed_) in (("done", Conflict), (Invalid, "done"))
        assert held(w) == 0
        assert stored_log(log_id).state is (LogState.REVERSED if reversed_ == "done" else LogState.CONFIRMED)
        assert ledger.verify().fault is None


def test_who_presses_twice_has_one_credential(app: Flask) -> None:
    two_attest_at_once(app)


def two_attest_at_once(app: Flask) -> None:
    """The second is told that there is one already; so it is when there is more to attest."""
    with app.app_context():
        w = Earning()
        for turn in range(1, TIMES + 1):
            w.earned(8)
            attest = lambda: service.attest_credit(w.student, BANK, w.enrolled)  # noqa: E731
            assert outcome(at_once(app, attest, attest)) == ["Conflict", "done"]
            credits = db.session.scalars(select(Credential.credit).where(Credential.revoked_at.is_(None))).all()
            assert credits == [50 * turn]


def test_what_is_attested_while_it_is_taken_back_does_not_stay(app: Flask) -> None:
    attest_and_reverse_at_once(app)


def attest_and_reverse_at_once(app: Flask) -> None:
    """Whichever comes first, no credential holds that rests on a reversed log."""
    with app.app_context():
        w = Earning()
        for _ in range(TIMES):
            log_id = w.earned(16)
            attested, reversed_ = at_once(
                app,
                lambda: service.attest_credit(w.student, BANK, w.enrolled),
                lambda log_id=log_id: w.reverse(log_id, "Counted twice."),
            )
            assert reversed_ == "done"
            assert attested in ("done", NotFound)
            assert db.session.scalars(select(Credential).where(Credential.revoked_at.is_(None))).all() == []
