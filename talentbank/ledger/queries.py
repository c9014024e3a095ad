"""Reads of the ledger, within what the actor may see.

Whose a resource's account is, and what the resource is called, is known to deposits, which stand above the ledger;
whoever knows registers it here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import BigInteger, ColumnElement, String, and_, cast, false, func, literal, or_, select, true
from sqlalchemy.orm import aliased, joinedload, selectinload
from sqlalchemy.orm.interfaces import ORMOption

from talentbank.accounts.models import Organisation
from talentbank.competencies.models import Student
from talentbank.engine.ledger import AccountKind, EntryKind
from talentbank.errors import NotFound
from talentbank.extensions import SHANGHAI, Pagination, db
from talentbank.extensions import lazy_gettext as _l
from talentbank.ledger.models import LedgerAccount, LedgerEntry, LedgerHead, LedgerPosting
from talentbank.permissions import Actor, Role

PER_PAGE = 30
HOSTS = (Role.ENTERPRISE, Role.ZONE, Role.UNIVERSITY)

Names = Callable[[Collection[int]], Mapping[int, str]]
AlsoSeen = Callable[[Actor], ColumnElement[bool]]

_resource_names: list[Names] = []
_also_seen: list[AlsoSeen] = []


def names_resources(function: Names) -> Names:
    """Register what tells the titles of resources by their ids, in the reader's language."""
    _resource_names.append(function)
    return function


def shows_also(function: AlsoSeen) -> AlsoSeen:
    """Register a condition on LedgerAccount: what somebody of an organisation sees besides its own account."""
    _also_seen.append(function)
    return function


def balance(owner: str) -> int:
    """What an owner («student:12») holds, in hundredths; 0 before the account was opened."""
    return db.session.scalar(select(LedgerAccount.balance).where(LedgerAccount.owner == owner)) or 0


def account_of(owner: str) -> LedgerAccount | None:
    """An owner's account, if one was opened."""
    return db.session.scalar(select(LedgerAccount).where(LedgerAccount.owner == owner))


@dataclass(frozen=True, slots=True)
class Movement:
    """What one entry did to an account, and the account's balance after it, in hundredths.

    kind: of the entry, or of the one that it reverses, so that earnings and what was taken back from them meet.
    """

    number: int
    at: datetime
    kind: EntryKind
    amount: int
    balance: int


def movements(account_id: int) -> list[Movement]:
    """Everything that was posted to an account, from the first on."""
    reversed_ = aliased(LedgerEntry)
    rows = db.session.execute(
        select(LedgerEntry.number, LedgerEntry.at, LedgerEntry.kind, reversed_.kind, LedgerPosting.amount)
        .join(LedgerPosting, LedgerPosting.entry_number == LedgerEntry.number)
        .outerjoin(reversed_, reversed_.number == LedgerEntry.reverses)
        .where(LedgerPosting.account_id == account_id)
        .order_by(LedgerEntry.number)
    )
    found, held = [], 0
    for number, at, kind, taken_back, amount in rows:
        held += amount
        found.append(Movement(number, at, taken_back or kind, amount, held))
    return found


def accounts_seen_by(actor: Actor) -> ColumnElement[bool]:
    """A student's own; those of the organisation, its resources, its students and its record; or all."""
    if actor.role in (Role.CHAMBER, Role.ADMINISTRATOR):
        return true()
    student = literal("student:") + cast(Student.id, String)
    if actor.role is Role.STUDENT:
        return LedgerAccount.owner.in_(select(student).where(Student.user_id == actor.user_id))
    if actor.role not in HOSTS:
        return false()
    own = [LedgerAccount.owner == f"organisation:{actor.organisation_id}", *(seen(actor) for seen in _also_seen)]
    if actor.role is Role.UNIVERSITY:
        own.append(LedgerAccount.owner == f"record:{actor.organisation_id}")
        own.append(LedgerAccount.owner.in_(select(student).where(Student.university_id == actor.organisation_id)))
    return or_(*own)


def account(actor: Actor, account_id: int) -> LedgerAccount:
    """One account. Raises NotFound unless it is there and the actor may see it."""
    found = db.session.scalar(select(LedgerAccount).where(LedgerAccount.id == account_id, accounts_seen_by(actor)))
    if found is None:
        raise NotFound(_l("There is no such account, or it is not yours to see."))
    return found


@dataclass(frozen=True, slots=True)
class PostingFilter:
    """What an account's page is narrowed to; empty fields narrow nothing.

    kind: postings of these entries and of those that take them back; day: in Meishan.
    """

    kind: EntryKind | None = None
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Posted:
    """A posting with its entry, the account on the other side, and the balance after it, in hundredths."""

    entry: LedgerEntry
    amount: int
    balance: int
    other: LedgerAccount


def postings(account_id: int, wanted: PostingFilter, page: int) -> tuple[Pagination, list[Posted]]:
    """A page of what was posted to an account, the newest first. Entries come with their postings and accounts."""
    of_account = LedgerPosting.account_id == account_id
    query = (
        select(LedgerEntry)
        .join(LedgerPosting, LedgerPosting.entry_number == LedgerEntry.number)
        .where(of_account, *_narrowed(wanted))
        .options(*whole_entry())
        .order_by(LedgerEntry.number.desc())
    )
    found = db.paginate(query, page=page, per_page=PER_PAGE, error_out=False)
    summed = func.sum(LedgerPosting.amount).over(order_by=LedgerPosting.entry_number)
    running = cast(summed, BigInteger).label("balance")
    whole = select(LedgerPosting.entry_number, LedgerPosting.amount, running).where(of_account).subquery()
    numbers = [entry.number for entry in found.items]
    rows = db.session.execute(select(whole).where(whole.c.entry_number.in_(numbers)))
    sums = {number: (amount, held) for number, amount, held in rows}
    return found, [Posted(entry, *sums[entry.number], _other(entry, account_id)) for entry in found.items]


def posted(account_id: int, wanted: PostingFilter) -> int:
    """The sum of what an account's page is narrowed to, in hundredths."""
    total = (
        select(cast(func.coalesce(func.sum(LedgerPosting.amount), 0), BigInteger))
        .join(LedgerEntry, LedgerPosting.entry_number == LedgerEntry.number)
        .where(LedgerPosting.account_id == account_id, *_narrowed(wanted))
    )
    return db.session.scalar(total) or 0


def whole_entry() -> tuple[ORMOption, ...]:
    """Load entries with their postings and accounts, in the same two queries for any number."""
    return (selectinload(LedgerEntry.postings).joinedload(LedgerPosting.account),)


def newest(page: int) -> Pagination:
    """A page of all entries, whole, the newest first."""
    query = select(LedgerEntry).options(*whole_entry()).order_by(LedgerEntry.number.desc())
    return db.paginate(query, page=page, per_page=PER_PAGE, error_out=False)


def accounts(kind: AccountKind, page: int) -> Pagination:
    """A page of the accounts of a kind, the fullest first."""
    query = select(LedgerAccount).where(LedgerAccount.kind == kind)
    query = query.order_by(func.abs(LedgerAccount.balance).desc(), LedgerAccount.id)
    return db.paginate(query, page=page, per_page=PER_PAGE, error_out=False)


@dataclass(frozen=True, slots=True)
class Total:
    """How many accounts of a kind there are and what they hold together, in hundredths."""

    accounts: int = 0
    balance: int = 0


def totals() -> dict[AccountKind, Total]:
    """Accounts and balances of each kind; together the balances are 0, as long as the ledger is whole."""
    rows = db.session.execute(
        select(LedgerAccount.kind, func.count(), cast(func.sum(LedgerAccount.balance), BigInteger)).group_by(
            LedgerAccount.kind
        )
    )
    found = {kind: Total(count, held) for kind, count, held in rows}
    return {kind: found.get(kind, Total()) for kind in AccountKind}


def head() -> LedgerHead | None:
    """The head of the chain; None before the first entry."""
    return db.session.get(LedgerHead, 1)


def names(found: Iterable[LedgerAccount]) -> dict[int, str]:
    """What accounts' owners are called, by the account's id, in the reader's language; else the owner as stored."""
    listed = list(found)
    parts = {account.id: account.owner.partition(":") for account in listed}
    ids: dict[str, set[int]] = {}
    for what, _, number in parts.values():
        ids.setdefault(what, set()).add(int(number))
    known: dict[str, Mapping[int, str]] = {}
    if "resource" in ids:
        known["resource"] = {id_: name for tell in _resource_names for id_, name in tell(ids["resource"]).items()}
    if "student" in ids:
        people = select(Student).where(Student.id.in_(ids["student"])).options(joinedload(Student.user))
        known["student"] = {student.id: student.user.shown_name for student in db.session.scalars(people)}
    organisations = ids.get("organisation", set()) | ids.get("record", set())
    if organisations:
        rows = db.session.scalars(select(Organisation).where(Organisation.id.in_(organisations)))
        known["organisation"] = known["record"] = {row.id: row.name for row in rows}
    return {
        account.id: known.get(parts[account.id][0], {}).get(int(parts[account.id][2]), account.owner)
        for account in listed
    }


def seen_among(actor: Actor, account_ids: Collection[int]) -> set[int]:
    """Which of these accounts the actor may open."""
    query = select(LedgerAccount.id).where(LedgerAccount.id.in_(account_ids), accounts_seen_by(actor))
    return set(db.session.scalars(query))


def accounts_in(entries: Sequence[LedgerEntry]) -> list[LedgerAccount]:
    """The accounts that whole entries touch, each once."""
    return list({posting.account_id: posting.account for entry in entries for posting in entry.postings}.values())


def _other(entry: LedgerEntry, account_id: int) -> LedgerAccount:
    return next(posting.account for posting in entry.postings if posting.account_id != account_id)


def _narrowed(wanted: PostingFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.kind is not None:
        of_kind = select(LedgerEntry.number).where(LedgerEntry.kind == wanted.kind)
        conditions.append(or_(LedgerEntry.kind == wanted.kind, LedgerEntry.reverses.in_(of_kind)))
    if wanted.day is not None:
        begins = datetime.combine(wanted.day, time(), SHANGHAI)
        conditions.append(and_(LedgerEntry.at >= begins, LedgerEntry.at < begins + timedelta(days=1)))
    return conditions
