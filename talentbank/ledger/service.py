"""Writing into the ledger, inside of the transaction of whoever does what is booked.

None of these commits: a practice log is confirmed and paid together, or not at all. Every writer locks the head of
the chain first, so entries stand one after another, and balances are read under that lock.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased, selectinload

from talentbank.engine import ledger as rules
from talentbank.engine.ledger import (
    GENESIS,
    Account,
    AccountKind,
    Emptied,
    EntryKind,
    Fault,
    NotPositive,
    PaidTwice,
    Posting,
    ReasonMissing,
    ReversedTwice,
)
from talentbank.engine.units import credits_text
from talentbank.errors import Conflict, Invalid, NotFound
from talentbank.extensions import db, now
from talentbank.extensions import lazy_gettext as _l
from talentbank.ledger.models import LedgerAccount, LedgerEntry, LedgerHead, LedgerPosting
from talentbank.permissions import Actor

PAGE = 1000
"""Entries that `verify` holds in memory at a time."""
TAKEN_BACK = {
    EntryKind.DEPOSIT: "deposit taken back",
    EntryKind.PAYMENT: "log taken back",
    EntryKind.WITHDRAWAL: "withdrawal cancelled",
}
"""What stands in the ledger as a reversal's reason, by the kind of the entry that it takes back."""


def deposit(actor: Actor, organisation_id: int, resource: str, amount: int) -> LedgerEntry:
    """Give a resource («resource:3») credits that it can pay out; opens the accounts that are not there yet.

    Raises Invalid if the amount is not positive.
    """
    head = _locked_head()
    issuer = _account(AccountKind.ISSUER, f"organisation:{organisation_id}")
    return _move(head, actor, EntryKind.DEPOSIT, issuer, _account(AccountKind.RESOURCE, resource), amount, resource)


def pay(actor: Actor, resource: str, student: str, amount: int, reference: str) -> LedgerEntry:
    """Pay a student («student:12») out of a resource's account, once for each reference («log:7»).

    Raises Conflict if the account holds less or a payment for the same reference stands.
    """
    head = _locked_head()
    paid = _live_payment(reference)
    with _worded():
        rules.check_unpaid(reference, paid)
    giver, taker = _account(AccountKind.RESOURCE, resource), _account(AccountKind.STUDENT, student)
    return _move(head, actor, EntryKind.PAYMENT, giver, taker, amount, reference)


def withdraw(actor: Actor, student: str, university_id: int, amount: int) -> LedgerEntry:
    """Move a student's credits into a university's record. Raises Conflict if the student holds less."""
    head = _locked_head()
    giver = _account(AccountKind.STUDENT, student)
    taker = _account(AccountKind.RECORD, f"record:{university_id}")
    return _move(head, actor, EntryKind.WITHDRAWAL, giver, taker, amount, student)


def reverse(actor: Actor, number: int, reason: str) -> LedgerEntry:
    """Take an entry back by another one that mirrors it.

    A reason is asked for, but kept by the caller: in what is never deleted stands a fixed word only.

    Raises NotFound, Invalid without a reason, or Conflict if it was reversed before or the credits have gone on.
    """
    head = _locked_head()
    stored = db.session.get(LedgerEntry, number, options=[selectinload(LedgerEntry.postings)])
    if stored is None:
        raise NotFound(_l("There is no such entry in the ledger."))
    by = db.session.scalar(select(LedgerEntry.number).where(LedgerEntry.reverses == number))
    ids = [posting.account_id for posting in stored.postings]
    accounts = {account.id: account for account in _locked(LedgerAccount.id.in_(ids))}
    with _worded():
        known = {account.id: _ruled(account) for account in accounts.values()}
        postings = rules.reversal_of(_entry(stored), known, reason, by)
    word = TAKEN_BACK[stored.kind]
    return _book(head, actor, EntryKind.REVERSAL, stored.reference, postings, accounts, reason=word, reverses=number)


@dataclass(frozen=True, slots=True)
class Walked:
    """What a walk over the whole ledger found: its size, the last digest, and the first fault, if there is one."""

    entries: int
    accounts: int
    digest: str
    fault: Fault | None


def verify() -> Walked:
    """Walk the whole ledger as it is stored at this moment, without changing anything."""
    db.session.rollback()
    if db.engine.dialect.name == "postgresql":  # SQLite reads the state of one moment anyway
        db.session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    accounts = db.session.scalars(select(LedgerAccount)).all()
    head = db.session.get(LedgerHead, 1)
    at = (head.number, head.digest) if head else rules.START
    kinds = {account.id: account.kind for account in accounts}
    fault = rules.walk(_stored(), kinds, {account.id: account.balance for account in accounts}, at)
    count = db.session.scalar(select(func.count()).select_from(LedgerEntry)) or 0
    db.session.rollback()
    return Walked(count, len(accounts), at[1], fault)


def _stored() -> Iterator[rules.Entry]:
    """Every entry by its number, page by page; read past the session's memory of what it loaded before."""
    last = None
    while True:
        query = select(LedgerEntry).options(selectinload(LedgerEntry.postings)).order_by(LedgerEntry.number)
        if last is not None:
            query = query.where(LedgerEntry.number > last)
        page = db.session.scalars(query.limit(PAGE).execution_options(populate_existing=True)).all()
        if not page:
            return
        for stored in page:
            yield _entry(stored)
            last = stored.number
        db.session.expunge_all()


def _locked_head() -> LedgerHead:
    """The head, which nobody else can write on before this transaction ends; made before the first entry."""
    query = select(LedgerHead).where(LedgerHead.id == 1).with_for_update().execution_options(populate_existing=True)
    head = db.session.scalar(query)
    if head is None:
        try:
            with db.session.begin_nested():
                db.session.add(LedgerHead(id=1, number=0, digest=GENESIS))
                db.session.flush()
        except IntegrityError:  # somebody else made it meanwhile
            pass
        head = db.session.scalars(query).one()
    return head


def _account(kind: AccountKind, owner: str) -> LedgerAccount:
    """An owner's account, locked; opened if it is not there. The head's lock keeps two from opening it at once."""
    found = _locked(LedgerAccount.owner == owner)
    if found:
        return found[0]
    opened = LedgerAccount(kind=kind, owner=owner, balance=0, opened_at=now())
    db.session.add(opened)
    db.session.flush()
    return opened


def _locked(condition: object) -> list[LedgerAccount]:
    query = select(LedgerAccount).where(condition).order_by(LedgerAccount.id).with_for_update()  # type: ignore[arg-type]
    return list(db.session.scalars(query.execution_options(populate_existing=True)))


def _live_payment(reference: str) -> int | None:
    """The number of the payment for a reference that nobody has reversed."""
    reversal = aliased(LedgerEntry)
    return db.session.scalar(
        select(LedgerEntry.number)
        .outerjoin(reversal, reversal.reverses == LedgerEntry.number)
        .where(LedgerEntry.kind == EntryKind.PAYMENT, LedgerEntry.reference == reference, reversal.number.is_(None))
    )


def _move(
    head: LedgerHead,
    actor: Actor,
    kind: EntryKind,
    giver: LedgerAccount,
    taker: LedgerAccount,
    amount: int,
    reference: str,
) -> LedgerEntry:
    with _worded():
        postings = rules.transfer(kind, _ruled(giver), _ruled(taker), amount)
    return _book(head, actor, kind, reference, postings, {giver.id: giver, taker.id: taker})


def _book(
    head: LedgerHead,
    actor: Actor,
    kind: EntryKind,
    reference: str,
    postings: tuple[Posting, ...],
    accounts: dict[int, LedgerAccount],
    *,
    reason: str = "",
    reverses: int | None = None,
) -> LedgerEntry:
    """Seal an entry upon the head and store it with its postings, balances and the new head."""
    at = now()
    entry = rules.sealed(
        (head.number, head.digest),
        at=rules.stamp(at),
        kind=kind,
        reference=reference,
        actor=f"{actor.role.value}:{actor.user_id}" if actor.user_id else actor.role.value,
        postings=postings,
        reason=reason,
        reverses=reverses,
    )
    stored = row_of(entry, at)
    db.session.add(stored)
    for posting in entry.postings:
        accounts[posting.account].balance += posting.amount
    head.number, head.digest = entry.number, entry.digest
    db.session.flush()
    return stored


def row_of(entry: rules.Entry, at: datetime) -> LedgerEntry:
    """An entry as it is stored."""
    return LedgerEntry(
        number=entry.number,
        at=at,
        kind=entry.kind,
        reference=entry.reference,
        reason=entry.reason,
        actor=entry.actor,
        reverses=entry.reverses,
        previous=entry.previous,
        digest=entry.digest,
        postings=[
            LedgerPosting(entry_number=entry.number, account_id=posting.account, amount=posting.amount)
            for posting in entry.postings
        ],
    )


def _entry(stored: LedgerEntry) -> rules.Entry:
    """A stored entry as the rules see it; its postings must be loaded."""
    return rules.Entry(
        number=stored.number,
        at=rules.stamp(stored.at),
        kind=stored.kind,
        reference=stored.reference,
        reason=stored.reason,
        actor=stored.actor,
        reverses=stored.reverses,
        postings=tuple(Posting(p.account_id, p.amount) for p in stored.postings),
        previous=stored.previous,
        digest=stored.digest,
    )


def _ruled(account: LedgerAccount) -> Account:
    return Account(account.id, account.kind, account.balance)


@contextmanager
def _worded() -> Iterator[None]:
    """Say in the reader's language what the rules refuse; what is left is a mistake in the code."""
    try:
        yield
    except NotPositive:
        raise Invalid(_l("An amount of practice credits must be above 0.")) from None
    except Emptied as emptied:
        raise Conflict(
            _l(
                "The account holds %(balance)s practice credits, which is less than %(amount)s.",
                balance=credits_text(emptied.balance),
                amount=credits_text(emptied.amount),
            )
        ) from None
    except PaidTwice:
        raise Conflict(_l("This practice log was paid already.")) from None
    except ReversedTwice:
        raise Conflict(_l("This was taken back already: load the page again.")) from None
    except ReasonMissing:
        raise Invalid(errors={"reason": _l("Write a reason.")}) from None
