"""Credits withdrawn into a university's record: asked by the student, cancelled until exported, exported once.

Students' credits move under the student's lock, then the withdrawal's, then the ledger's. An export locks the
withdrawals that it takes, so of two at once the second finds them taken.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from io import StringIO

from sqlalchemy import select

from talentbank import audit
from talentbank.audit import command
from talentbank.credentials import queries
from talentbank.credentials.models import RecordBatch, Withdrawal
from talentbank.credentials.queries import Withdrawn
from talentbank.credentials.service import locked_student
from talentbank.engine.units import credits_text
from talentbank.errors import Conflict, Forbidden, Invalid, NotFound
from talentbank.extensions import SHANGHAI, db, now
from talentbank.extensions import lazy_gettext as _l
from talentbank.ledger import queries as accounts
from talentbank.ledger import service as ledger
from talentbank.permissions import Action, Actor

LONGEST_REASON = 200

COLUMNS = (
    "提取编号 Withdrawal",
    "姓名 Name",
    "姓名拼音 Latin name",
    "邮箱 E-mail",
    "实践学分 Practice credits",
    "提取日期 Withdrawn on",
    "日志数 Practice logs",
    "账本分录 Ledger entry",
    "分录摘要 SHA-256",
    "批次 Batch",
    "导出日期 Exported on",
)
FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
"""What a spreadsheet takes for the beginning of a formula, also as Chinese input methods write it."""


@command(Action.WITHDRAW_CREDITS)
def withdraw(actor: Actor, amount: int | None, seen: int | None = None) -> Withdrawal:
    """Move own credits (hundredths) into the record of the actor's university, as long as the account holds them.

    seen: the balance that the page showed, so that a form that is sent twice is refused the second time (Conflict).
    """
    student = locked_student(actor)
    owner = f"student:{student.id}"
    held = accounts.balance(owner)
    if seen is not None and seen != held:
        raise Conflict(_l("Your balance has changed since this page was loaded: load it again, then withdraw."))
    if amount is None or amount <= 0:
        raise Invalid(errors={"amount": _l("Write an amount above 0.")})
    if amount > held:
        raise Invalid(errors={"amount": _l("You hold %(held)s: withdraw at most that.", held=credits_text(held))})
    entry = ledger.withdraw(actor, owner, student.university_id, amount)
    made = Withdrawal(
        student_id=student.id,
        university_id=student.university_id,
        amount=amount,
        entry_number=entry.number,
        asked_at=now(),
    )
    db.session.add(made)
    db.session.flush()
    audit.record(actor, Action.WITHDRAW_CREDITS, made, amount=amount, entry=entry.number)
    return made


@command(Action.WITHDRAW_CREDITS)
def cancel(actor: Actor, withdrawal_id: int, reason: str) -> Withdrawal:
    """Take an own withdrawal back for a reason, until the university has exported it.

    Raises Invalid without a reason, NotFound, or Conflict: it was exported or cancelled already.
    """
    reason = reason.strip()
    if len(reason) > LONGEST_REASON:
        raise Invalid(errors={"reason": _l("Use at most %(most)s characters.", most=LONGEST_REASON)})
    student = locked_student(actor)
    found = db.session.scalar(
        select(Withdrawal)
        .where(Withdrawal.id == withdrawal_id, Withdrawal.student_id == student.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound(_l("There is no such withdrawal of yours."))
    if found.batch_id is not None:
        raise Conflict(_l("Your university has taken this into its record already: ask there."))
    if found.cancelled_at is not None:
        raise Conflict(_l("This was taken back already: load the page again."))
    entry = ledger.reverse(actor, found.entry_number, reason)
    found.cancelled_at, found.reason = now(), reason
    audit.record(actor, Action.WITHDRAW_CREDITS, found, cancelled=True, entry=entry.number)
    return found


@command(Action.EXPORT_CREDITS)
def export(actor: Actor) -> RecordBatch:
    """Put everything that was withdrawn into the record of the actor's university, and is in no batch, into one.

    Raises Conflict where there is nothing (left) to export.
    """
    if actor.organisation_id is None or actor.user_id is None:
        raise Forbidden(_l("Your account belongs to no university: ask an administrator to invite you again."))
    free = db.session.scalars(
        select(Withdrawal)
        .where(
            Withdrawal.university_id == actor.organisation_id,
            Withdrawal.batch_id.is_(None),
            Withdrawal.cancelled_at.is_(None),
        )
        .order_by(Withdrawal.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    if not free:
        raise Conflict(_l("There is nothing to export: all that was withdrawn is in a batch already."))
    made = RecordBatch(university_id=actor.organisation_id, made_by=actor.user_id, made_at=now())
    db.session.add(made)
    db.session.flush()
    for withdrawal in free:
        withdrawal.batch_id = made.id
    db.session.flush()
    digest = hashlib.sha256(csv_of(made, queries.withdrawn_in(made.id))).hexdigest()
    amount = sum(withdrawal.amount for withdrawal in free)
    audit.record(actor, Action.EXPORT_CREDITS, made, withdrawals=len(free), amount=amount, digest=digest)
    return made


def csv_of(batch: RecordBatch, rows: Sequence[Withdrawn]) -> bytes:
    """A batch as CSV (RFC 4180) in UTF-8 with a byte order mark, by which spreadsheets know it.

    It holds only what does not change once it is exported, so it is the same each time; dates are those in Meishan.
    """
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for row in rows:
        withdrawal, person = row.withdrawal, row.withdrawal.student.user
        cells = (
            withdrawal.id,
            person.name,
            person.name_latin,
            person.email,
            credits_text(withdrawal.amount),
            withdrawal.asked_at.astimezone(SHANGHAI).date().isoformat(),
            row.logs,
            withdrawal.entry_number,
            row.digest,
            batch.id,
            batch.made_at.astimezone(SHANGHAI).date().isoformat(),
        )
        writer.writerow([_harmless(str(cell)) for cell in cells])
    return text.getvalue().encode("utf-8-sig")


def _harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: an apostrophe in front makes it text."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell
