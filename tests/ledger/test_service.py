"""The ledger in the database: booked under one lock, guarded by the database, walked to the first bad row."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from talentbank.engine.ledger import Problem
from talentbank.errors import Conflict, Invalid, NotFound
from talentbank.extensions import db, transaction
from talentbank.ledger import queries, service
from talentbank.ledger.models import LedgerAccount, LedgerEntry, LedgerHead, LedgerPosting
from talentbank.permissions import Actor, Role
from talentbank.practice.models import LogEvent
from tests.credentials.earning import Earning
from tests.rounds.test_races import at_once

HOST = Actor(Role.ENTERPRISE, 7, 1, "某人")
OFFICER = Actor(Role.UNIVERSITY, 8, 2, "某人")


FORBIDDEN = [
    "UPDATE ledger_entry SET reason = 'x' WHERE number = 1",
    "DELETE FROM ledger_entry WHERE number = 3",
    "UPDATE ledger_posting SET amount = 1 WHERE entry_number = 2",
    "DELETE FROM ledger_posting WHERE entry_number = 2",
    "UPDATE ledger_account SET kind = 'issuer' WHERE id = 2",
    "UPDATE ledger_account SET balance = -1 WHERE owner = 'student:1'",
    "DELETE FROM ledger_account WHERE id = 3",
    "DELETE FROM ledger_head",
]
"""What would change the past."""
REPLACING = [
    "REPLACE INTO ledger_entry SELECT number, at, kind, 'log:9', reason, actor, reverses, previous, digest"
    " FROM ledger_entry WHERE number = 2",
    "REPLACE INTO ledger_entry SELECT 9, at, kind, reference, reason, actor, reverses, 'x', digest"
    " FROM ledger_entry WHERE number = 3",
    "REPLACE INTO ledger_entry SELECT 9, at, kind, reference, reason, actor, reverses, previous, 'x'"
    " FROM ledger_entry WHERE number = 3",
    "REPLACE INTO ledger_posting SELECT entry_number, account_id, amount * 2 FROM ledger_posting",
    "REPLACE INTO ledger_account SELECT id, kind, owner, 0, opened_at FROM ledger_account WHERE id = 3",
    "REPLACE INTO ledger_account SELECT 9, kind, owner, balance, opened_at FROM ledger_account WHERE id = 3",
    "REPLACE INTO ledger_head SELECT id, 1, digest FROM ledger_head",
]
"""The same by SQLite's REPLACE, which fires no trigger of a deletion."""
TRUNCATING = [
    "TRUNCATE ledger_posting",
    "TRUNCATE ledger_entry CASCADE",
    "TRUNCATE ledger_account CASCADE",
    "TRUNCATE ledger_head",
    "TRUNCATE log_event",
]
"""The same by PostgreSQL's TRUNCATE, which fires none for each row."""


def filled() -> None:
    """One resource with 5 credits, of which 1.25 were paid to a student for log 1 and 0.50 for log 2."""
    with transaction():
        service.deposit(HOST, 1, "resource:1", 500)
        service.pay(OFFICER, "resource:1", "student:1", 125, "log:1")
        service.pay(OFFICER, "resource:1", "student:1", 50, "log:2")


def balances() -> dict[str, int]:
    db.session.rollback()
    return {a.owner: a.balance for a in db.session.scalars(select(LedgerAccount))}


def test_what_is_booked_moves_balances_and_stays_whole(in_english: None) -> None:
    filled()
    with transaction():
        service.withdraw(Actor(Role.STUDENT, 9), "student:1", 2, 100)
    assert balances() == {"organisation:1": -500, "resource:1": 325, "student:1": 75, "record:2": 100}
    walked = service.verify()
    assert (walked.entries, walked.accounts, walked.fault) == (4, 4, None)
    assert queries.balance("student:1") == 75
    assert queries.balance("student:2") == 0


def test_a_reversal_takes_back_once_and_the_log_can_be_paid_again(in_english: None) -> None:
    filled()
    with transaction():
        entry = service.reverse(OFFICER, 2, "Counted twice")
    assert entry.reason == "log taken back"  # what is never deleted holds nobody's words
    assert balances()["student:1"] == 50
    with pytest.raises(Conflict, match="taken back already"), transaction():
        service.reverse(OFFICER, 2, "again")
    with transaction():
        service.pay(OFFICER, "resource:1", "student:1", 100, "log:1")
    assert balances() == {"organisation:1": -500, "resource:1": 350, "student:1": 150}
    assert service.verify().fault is None


@pytest.mark.parametrize(
    ("act", "refusal", "sentence"),
    [
        (
            lambda: service.pay(OFFICER, "resource:1", "student:1", 326, "log:3"),
            Conflict,
            "holds 3.25 practice credits",
        ),
        (lambda: service.pay(OFFICER, "resource:1", "student:1", 1, "log:1"), Conflict, "paid already"),
        (lambda: service.pay(OFFICER, "resource:1", "student:1", 0, "log:3"), Invalid, "above 0"),
        (lambda: service.withdraw(OFFICER, "student:1", 2, 176), Conflict, "holds 1.75 practice credits"),
        (lambda: service.reverse(OFFICER, 2, " "), Invalid, "Write a reason"),
        (lambda: service.reverse(OFFICER, 9, "why"), NotFound, "no such entry"),
        (lambda: service.deposit(HOST, 1, "resource:1", -5), Invalid, "above 0"),
    ],
)
def test_what_the_rules_refuse_changes_nothing(
    in_english: None, act: Callable[[], object], refusal: type[Exception], sentence: str
) -> None:
    filled()
    before = balances()
    with pytest.raises(refusal, match=sentence), transaction():
        act()
    assert balances() == before
    assert service.verify().entries == 3


def test_credits_that_were_withdrawn_can_not_be_reversed_away(in_english: None) -> None:
    filled()
    with transaction():
        service.withdraw(OFFICER, "student:1", 2, 175)
    with pytest.raises(Conflict, match=r"holds 0\.00 practice credits"), transaction():
        service.reverse(OFFICER, 2, "Wrong after all")


def test_no_name_of_a_person_stands_in_the_ledger(in_english: None) -> None:
    filled()
    actors = set(db.session.scalars(select(LedgerEntry.actor)))
    assert actors == {"enterprise:7", "university:8"}


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_the_database_itself_refuses_what_would_change_the_past(in_english: None, statement: str) -> None:
    refuses(statement)


@pytest.mark.parametrize("statement", REPLACING)
def test_the_embedded_database_lets_nothing_be_replaced(in_english: None, statement: str) -> None:
    refuses(statement, "append-only")


def test_the_embedded_database_lets_no_step_of_a_log_be_replaced(app_context: None) -> None:
    Earning().earned(8)
    steps = select(LogEvent.id, LogEvent.state, LogEvent.reason).order_by(LogEvent.id)
    before = db.session.execute(steps).all()
    with pytest.raises(DBAPIError, match="append-only"), transaction():
        db.session.execute(
            text("REPLACE INTO log_event SELECT id, log_id, at, NULL, role, state, 'x' FROM log_event")
        )
    assert db.session.execute(steps).all() == before


def refuses(statement: str, sentence: str | None = None) -> None:
    """Also asked of PostgreSQL."""
    filled()
    with pytest.raises(DBAPIError, match=sentence), transaction():
        db.session.execute(text(statement))
    assert service.verify().fault is None


def _unguarded(*statements: str) -> None:
    """Change the past as somebody would who can write the database's file."""
    with transaction():
        for table, change in (
            ("ledger_entry", "update"),
            ("ledger_entry", "delete"),
            ("ledger_posting", "update"),
            ("ledger_posting", "delete"),
        ):
            db.session.execute(text(f"DROP TRIGGER {table}_no_{change}"))
        for statement in statements:
            db.session.execute(text(statement))


@pytest.mark.parametrize(
    ("statements", "number", "problem"),
    [
        (["UPDATE ledger_posting SET amount = amount * 2 WHERE entry_number = 2"], 2, Problem.DIGEST),
        (["UPDATE ledger_entry SET reference = 'log:9' WHERE number = 2"], 2, Problem.DIGEST),
        (
            ["DELETE FROM ledger_posting WHERE entry_number = 2", "DELETE FROM ledger_entry WHERE number = 2"],
            3,
            Problem.NUMBER,
        ),
        (
            ["DELETE FROM ledger_posting WHERE entry_number = 3", "DELETE FROM ledger_entry WHERE number = 3"],
            None,
            Problem.HEAD,
        ),
        (["UPDATE ledger_account SET balance = balance + 1 WHERE owner = 'student:1'"], None, Problem.BALANCE),
    ],
)
def test_the_walk_names_the_first_row_that_was_tampered_with(
    in_english: None, statements: list[str], number: int | None, problem: Problem
) -> None:
    filled()
    _unguarded(*statements)
    fault = service.verify().fault
    assert fault
    assert (fault.number, fault.problem) == (number, problem)


def test_the_walk_reads_page_by_page(in_english: None, monkeypatch: pytest.MonkeyPatch) -> None:
    filled()
    monkeypatch.setattr(service, "PAGE", 2)
    assert service.verify().fault is None
    _unguarded("UPDATE ledger_entry SET reason = 'x' WHERE number = 3")
    fault = service.verify().fault
    assert fault
    assert fault.number == 3


def test_the_command_says_whether_the_ledger_is_whole(app: Flask) -> None:
    with app.app_context():
        filled()
    runner = app.test_cli_runner(env={"LANG": "en_US.UTF-8"})
    answer = runner.invoke(args=["ledger", "verify"])
    assert answer.exit_code == 0
    assert "The ledger is whole: 3 entries, 3 accounts" in answer.output
    with app.app_context():
        _unguarded("UPDATE ledger_posting SET amount = amount * 2 WHERE entry_number = 2")
    answer = runner.invoke(args=["ledger", "verify"])
    assert answer.exit_code == 1
    assert "First bad row, entry 2: its content is not what was sealed" in answer.output
    assert "Traceback" not in answer.output


def test_many_who_pay_at_once_leave_one_chain_and_no_account_below_zero(app: Flask) -> None:
    many_pay_at_once(app)


def many_pay_at_once(app: Flask, threads: int = 8, each: int = 5) -> None:
    """Threads that pay 40 times 30 hundredths out of 500: 16 payments fit. Also asked of PostgreSQL."""
    with app.app_context():
        with transaction():
            service.deposit(HOST, 1, "resource:1", 500)
        refused: list[str] = []

        def pay(place: int) -> None:
            for turn in range(each):
                try:
                    with transaction():
                        service.pay(OFFICER, "resource:1", f"student:{turn}", 30, f"log:{place * each + turn}")
                except Conflict as refusal:
                    refused.append(str(refusal))

        assert at_once(app, *(partial(pay, place) for place in range(threads))) == ["done"] * threads
        assert len(refused) == threads * each - 16
        assert queries.balance("resource:1") == 20
        assert db.session.scalar(select(func.count()).select_from(LedgerEntry)) == 17
        assert service.verify().fault is None


def test_the_first_two_who_book_at_all_make_one_head(app: Flask) -> None:
    first_two_book_at_once(app)


def first_two_book_at_once(app: Flask) -> None:
    """Also asked of PostgreSQL, where the head's row can be made by two."""
    with app.app_context():

        def book(place: int) -> None:
            with transaction():
                service.deposit(HOST, 1, f"resource:{place}", 100)

        assert at_once(app, partial(book, 0), partial(book, 1)) == ["done"] * 2
        assert db.session.scalar(select(func.count()).select_from(LedgerHead)) == 1
        assert queries.balance("organisation:1") == -200
        assert service.verify().fault is None


def test_what_is_undone_leaves_nothing(in_english: None) -> None:
    filled()
    with pytest.raises(ZeroDivisionError), transaction():
        service.pay(OFFICER, "resource:1", "student:1", 10, "log:5")
        raise ZeroDivisionError
    assert balances()["student:1"] == 175
    assert db.session.scalar(select(func.count()).select_from(LedgerPosting)) == 6
    assert service.verify().fault is None
    with transaction():
        service.pay(OFFICER, "resource:1", "student:1", 10, "log:5")
    assert service.verify().fault is None
