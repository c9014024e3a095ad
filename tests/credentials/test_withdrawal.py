"""Credits go into the university's record once: asked, cancelled until exported, exported in exactly one batch."""

from __future__ import annotations

import csv
from io import StringIO

import pytest
from flask import Flask
from sqlalchemy import select

from talentbank.accounts.models import User
from talentbank.audit import AuditEntry
from talentbank.credentials import queries, withdrawals
from talentbank.credentials.models import RecordBatch, Withdrawal
from talentbank.errors import Conflict, Forbidden, Invalid, NotFound
from talentbank.extensions import db, transaction
from talentbank.ledger import queries as accounts
from talentbank.ledger import service as ledger
from talentbank.ledger.models import LedgerEntry
from talentbank.permissions import Action, Actor, Role
from tests import factories
from tests.credentials.earning import Earning, reader
from tests.test_queries import counted


@pytest.fixture
def w(in_english: None) -> Earning:
    world = Earning()
    world.earned(24)
    return world


def held(w: Earning) -> int:
    db.session.rollback()
    return accounts.balance(f"student:{w.student_id}")


def trail(action: Action) -> list[AuditEntry]:
    return list(db.session.scalars(select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.id)))


def record(w: Earning) -> int:
    return accounts.balance(f"record:{w.university.organisation_id}")


def content(w: Earning, batch_id: int, actor: Actor | None = None) -> bytes:
    db.session.rollback()
    db.session.expire_all()
    found = queries.batch(actor or w.university, batch_id)
    return withdrawals.csv_of(found, queries.withdrawn_in(found.id))


def rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(data.decode("utf-8-sig"))))


def test_what_is_withdrawn_goes_from_the_account_into_the_record(w: Earning) -> None:
    made = withdrawals.withdraw(w.student, 50)
    assert (held(w), record(w)) == (100, 50)
    entry = db.session.get_one(LedgerEntry, made.entry_number)
    assert (entry.kind.value, entry.reference) == ("withdrawal", f"student:{w.student_id}")
    assert trail(Action.WITHDRAW_CREDITS)[-1].detail == {"amount": 50, "entry": made.entry_number}
    withdrawals.withdraw(w.student, 100)
    assert (held(w), record(w)) == (0, 150)
    assert ledger.verify().fault is None


@pytest.mark.parametrize(
    ("amount", "sentence"),
    [
        (None, "Write an amount"),
        (0, "Write an amount"),
        (-5, "Write an amount"),
        (151, "You hold 1.50"),
        (10**12, "You hold 1.50"),
    ],
)
def test_what_is_not_there_can_not_be_withdrawn(w: Earning, amount: int | None, sentence: str) -> None:
    before = factories.stored(Withdrawal, LedgerEntry)
    with pytest.raises(Invalid, match=sentence) as refused:
        withdrawals.withdraw(w.student, amount)
    assert set(refused.value.errors) == {"amount"}
    assert factories.stored(Withdrawal, LedgerEntry) == before
    assert held(w) == 150


def test_a_form_that_is_sent_twice_withdraws_once(w: Earning) -> None:
    withdrawals.withdraw(w.student, 50, seen=150)
    before = factories.stored(Withdrawal, LedgerEntry)
    with pytest.raises(Conflict, match="Your balance has changed"):
        withdrawals.withdraw(w.student, 50, seen=150)
    assert factories.stored(Withdrawal, LedgerEntry) == before
    assert withdrawals.withdraw(w.student, 50, seen=100).amount == 50


def test_a_withdrawal_is_cancelled_once_for_a_reason_by_whose_it_is(w: Earning) -> None:
    made = withdrawals.withdraw(w.student, 50)
    before = factories.stored(LedgerEntry)
    with pytest.raises(Invalid, match="Write a reason"):
        withdrawals.cancel(w.student, made.id, "  ")
    with pytest.raises(Invalid, match="at most 200 characters"):
        withdrawals.cancel(w.student, made.id, "x" * 201)
    other, _ = w.another_student()
    with pytest.raises(NotFound):
        withdrawals.cancel(other, made.id, "Not mine")
    with pytest.raises(Forbidden):
        withdrawals.cancel(w.university, made.id, "Not theirs to cancel")
    assert factories.stored(LedgerEntry) == before
    withdrawals.cancel(w.student, made.id, "Typed a wrong amount.")
    assert (held(w), record(w)) == (150, 0)
    reversal = db.session.scalars(select(LedgerEntry).where(LedgerEntry.reverses == made.entry_number)).one()
    assert reversal.reason == "withdrawal cancelled"  # what is never deleted holds nobody's words
    assert db.session.get_one(Withdrawal, made.id).reason == "Typed a wrong amount."
    assert trail(Action.WITHDRAW_CREDITS)[-1].detail == {"cancelled": True, "entry": reversal.number}
    with pytest.raises(Conflict, match="taken back already"):
        withdrawals.cancel(w.student, made.id, "Again")
    assert ledger.verify().fault is None


def test_what_is_exported_can_not_be_cancelled(w: Earning) -> None:
    made = withdrawals.withdraw(w.student, 50)
    withdrawals.export(w.university)
    with pytest.raises(Conflict, match="into its record already"):
        withdrawals.cancel(w.student, made.id, "Too late")
    assert (held(w), record(w)) == (100, 50)


def test_an_export_takes_each_withdrawal_once_and_no_cancelled_one(w: Earning) -> None:
    kept = withdrawals.withdraw(w.student, 50)
    gone = withdrawals.withdraw(w.student, 20)
    withdrawals.cancel(w.student, gone.id, "Not yet.")
    batch = withdrawals.export(w.university)
    assert [row["提取编号 Withdrawal"] for row in rows(content(w, batch.id))] == [str(kept.id)]
    assert queries.waiting(w.university.organisation_id or 0) == []
    with pytest.raises(Conflict, match="nothing to export"):
        withdrawals.export(w.university)
    later = withdrawals.withdraw(w.student, 30)
    second = withdrawals.export(w.university)
    assert [row["提取编号 Withdrawal"] for row in rows(content(w, second.id))] == [str(later.id)]
    detail = trail(Action.EXPORT_CREDITS)[-1].detail
    assert (detail["withdrawals"], detail["amount"]) == (1, 30)


def test_a_university_exports_its_own_students_alone(w: Earning) -> None:
    elsewhere = factories.person(Role.UNIVERSITY)
    withdrawals.withdraw(w.student, 50)
    with pytest.raises(Conflict, match="nothing to export"):
        withdrawals.export(elsewhere)
    batch = withdrawals.export(w.university)
    with pytest.raises(NotFound):
        content(w, batch.id, elsewhere)
    for actor in (w.student, w.host, w.chamber):
        with pytest.raises(Forbidden):
            withdrawals.export(actor)
    assert [row.batch.id for row in queries.batches(w.university.organisation_id or 0)] == [batch.id]
    assert queries.batches(elsewhere.organisation_id or 0) == []


def test_the_file_says_in_both_languages_who_withdrew_what(w: Earning) -> None:
    made = withdrawals.withdraw(w.student, 125)
    batch = withdrawals.export(w.university)
    data = content(w, batch.id)
    assert data.startswith("\N{BYTE ORDER MARK}".encode())
    (row,) = rows(data)
    person = factories.user(w.student)
    entry = db.session.get_one(LedgerEntry, made.entry_number)
    assert row["姓名 Name"] == person.name
    assert row["邮箱 E-mail"] == person.email
    assert row["实践学分 Practice credits"] == "1.25"
    assert row["日志数 Practice logs"] == "1"
    assert (row["账本分录 Ledger entry"], row["分录摘要 SHA-256"]) == (str(entry.number), entry.digest)
    assert all(any("一" <= sign <= "鿿" for sign in name) or name.startswith("分录") for name in row)


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "＝1+1", '=HYPERLINK("http://x")'])
def test_no_cell_is_taken_for_a_formula(w: Earning, name: str) -> None:
    with transaction():
        db.session.get_one(User, w.student.user_id).name = name
    withdrawals.withdraw(w.student, 50)
    batch = withdrawals.export(w.university)
    (row,) = rows(content(w, batch.id))
    assert row["姓名 Name"] == f"'{name}"


def test_the_same_file_comes_whatever_happens_later(w: Earning) -> None:
    first = w.earned(8)
    withdrawals.withdraw(w.student, 50)
    batch = withdrawals.export(w.university)
    before = content(w, batch.id)
    w.earned(8)
    w.reverse(first)
    withdrawals.cancel(w.student, withdrawals.withdraw(w.student, 10).id, "Changed my mind.")
    withdrawals.withdraw(w.student, 20)
    withdrawals.export(w.university)
    assert content(w, batch.id) == before
    assert rows(before)[0]["日志数 Practice logs"] == "2"


def test_logs_are_counted_as_they_stood_when_it_was_withdrawn(w: Earning) -> None:
    second = w.earned(8)
    withdrawals.withdraw(w.student, 10)
    w.reverse(second)
    w.earned(8)
    w.earned(8)
    withdrawals.withdraw(w.student, 10)
    assert [row.logs for row in queries.waiting(w.university.organisation_id or 0)] == [2, 3]


def test_the_record_asks_as_often_for_many_withdrawals_as_for_few(w: Earning) -> None:
    university = w.university.organisation_id or 0

    def ask() -> int:
        db.session.rollback()
        db.session.expunge_all()
        with counted() as statements:
            assert [row.withdrawal.student.user.shown_name for row in queries.waiting(university)]
            assert [row.made_by for row in queries.batches(university)]
            page, found = queries.holders(university, "", 1)
            assert [(s.user.shown_name, found[s.id].balance) for s in page.items]
        return len(statements)

    withdrawals.withdraw(w.student, 10)
    withdrawals.export(w.university)
    withdrawals.withdraw(w.student, 10)
    few = ask()
    for _ in range(5):
        actor, student_id = w.another_student()
        w.earned(8, w.another_enrolment(student_id))
        withdrawals.withdraw(actor, 20)
    withdrawals.export(w.university)
    for _ in range(5):
        withdrawals.withdraw(w.student, 1)
    assert ask() == few


def test_the_pages_from_the_students_form_to_the_universitys_file(app: Flask) -> None:
    with app.app_context():
        w = Earning()
        w.earned(24)
    someone, officer = reader(app, w.student), reader(app, w.university)
    page = someone.get("/credits")
    form = page.form("/credits/withdraw")
    prefilled = form.select_one("input[name=amount]")
    assert prefilled and prefilled["value"] == "1.50"
    for wrong, sentence in (("1.505", "at most two decimals"), ("9", "You hold 1.50"), ("", "Write an amount")):
        refused = someone.submit(page, form, 400, amount=wrong)
        assert sentence in refused.text
        kept = refused.soup.select_one("input[name=amount]")
        assert kept and kept["value"] == wrong
    done = someone.submit(page, form, amount="0.50")
    assert "0.50 practice credits are on their way" in done.text
    someone.submit(page, form, 409, amount="0.50")
    cancelled = someone.submit(done, done.form("/cancel"), reason="Too little.")
    assert "0.50 practice credits are back" in cancelled.text
    someone.submit(cancelled, cancelled.form("/credits/withdraw"))
    listed = officer.get("/credits/record")
    assert "1 withdrawal" in listed.text
    exported = officer.submit(listed, listed.form("/credits/record"))
    link = exported.soup.select_one("a[href$='.csv']")
    assert link
    answers = [officer.client.get(str(link["href"]), base_url="http://bank.example") for _ in range(2)]
    assert answers[0].data == answers[1].data
    assert answers[0].headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answers[0].headers["Content-Disposition"].startswith("attachment; ")
    assert rows(answers[0].data)[0]["实践学分 Practice credits"] == "1.50"
    assert "in the record since" in someone.get("/credits").text
    officer.submit(listed, listed.form("/credits/record"), 409)
    with app.app_context():
        assert db.session.scalars(select(RecordBatch.university_id)).all() == [w.university.organisation_id]
        elsewhere = factories.person(Role.UNIVERSITY)
    reader(app, elsewhere).get(str(link["href"]), 404)


def test_the_students_of_a_university_are_found_by_name(app: Flask) -> None:
    with app.app_context():
        w = Earning()
        w.earned(8)
        name = factories.user(w.student).name
    officer = reader(app, w.university)
    assert f"/credits?student={w.student_id}" in officer.get(f"/credits/record?q={name}").links()
    assert "Nothing fits this search" in officer.get("/credits/record?q=nobody").text
