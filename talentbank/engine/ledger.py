"""The credit ledger's rules: double-entry postings and their hash chain (DESIGN.md, section 5).

Every entry moves credits from one account to another, and its postings sum to zero: double entry, as L. Pacioli
wrote it down («Summa de arithmetica», 1494). Nothing is ever changed or deleted; a correction is an entry more, which
mirrors the one that it reverses. Each entry carries the SHA-256 of the one before it (S. Haber, W. S. Stornetta, «How
to time-stamp a digital document», J. Cryptology 3, 1991), so one that was changed, moved or taken out no longer fits,
and the head, kept apart, shows whether any are missing at the end. Whoever can write every row, every balance and the
head anew leaves no trace inside of them: for that, as in the paper, a digest has to be kept elsewhere.

Several at once: a check holds only for the head against which it was made. A service locks the row of the head, reads
what the rules ask, seals and stores in one transaction; `number` and `previous` are unique in the database, so what
was sealed against an older head can't be stored. `Book` calls that `Stale`.

Amounts, balances and caps are integer hundredths of a credit everywhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from fractions import Fraction
from math import floor

Head = tuple[int, str]
"""Number and digest of the last entry."""

GENESIS = "0" * 64
"""What the first entry carries for the digest of the one before it."""

START: Head = (0, GENESIS)
"""The head of an empty ledger."""


class AccountKind(StrEnum):
    """Whose account it is: the contra account of an organisation that deposits (the only kind that may be below
    zero), a training resource's, a student's, or that of a university's record, into which credits are withdrawn.
    """

    ISSUER = "issuer"
    RESOURCE = "resource"
    STUDENT = "student"
    RECORD = "record"


class EntryKind(StrEnum):
    """What an entry does: deposit (topping up too), payment for one practice log, withdrawal, or reversal of one."""

    DEPOSIT = "deposit"
    PAYMENT = "payment"
    WITHDRAWAL = "withdrawal"
    REVERSAL = "reversal"


FLOW = {
    EntryKind.DEPOSIT: (AccountKind.ISSUER, AccountKind.RESOURCE),
    EntryKind.PAYMENT: (AccountKind.RESOURCE, AccountKind.STUDENT),
    EntryKind.WITHDRAWAL: (AccountKind.STUDENT, AccountKind.RECORD),
}
"""The kinds of the accounts that give and take; a reversal goes the other way."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account as it stands."""

    id: int
    kind: AccountKind
    balance: int = 0

    def after(self, amount: int) -> Account:
        """The account once an amount is added to it. Raises Emptied if it may not fall so far."""
        balance = self.balance + amount
        if balance < 0 and amount < 0 and self.kind is not AccountKind.ISSUER:
            raise Emptied(self.id, self.balance, -amount)
        return replace(self, balance=balance)


@dataclass(frozen=True, slots=True, order=True)
class Posting:
    """What an entry adds to an account; ordered by account."""

    account: int
    amount: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One transaction of the chain.

    number counts from 1; at is ISO 8601 in UTC with microseconds (see `stamp`); reference says what it is about
    («log:12»); reverses is the number of the entry that a reversal takes back; previous and digest are hexadecimal.
    """

    number: int
    at: str
    kind: EntryKind
    reference: str
    reason: str
    actor: str
    reverses: int | None
    postings: tuple[Posting, ...]
    previous: str
    digest: str


class LedgerRefusal(Exception):  # noqa: N818  (a refusal is an answer, no error of ours)
    """Base of what the ledger won't book. Nothing was changed."""


class NotPositive(LedgerRefusal):
    """Nothing, or less, was to be moved."""


class WrongAccounts(LedgerRefusal):
    """The kinds of the accounts don't fit the kind of the entry."""


class Unbalanced(LedgerRefusal):
    """Postings don't sum to zero, are none, name an account twice or hold a zero."""


class NotReversible(LedgerRefusal):
    """A reversal can't be reversed: what it took back is booked anew."""


class ReasonMissing(LedgerRefusal):
    """A reversal needs a reason."""


class Stale(LedgerRefusal):
    """Somebody has booked since the check: it has to be made again."""


class Emptied(LedgerRefusal):
    """An account holds less than it should give."""

    def __init__(self, account: int, balance: int, amount: int) -> None:
        super().__init__(f"Account {account} holds {balance} and can't give {amount}.")
        self.account, self.balance, self.amount = account, balance, amount


class PaidTwice(LedgerRefusal):
    """A payment for the same log stands: entry is its number."""

    def __init__(self, reference: str, entry: int) -> None:
        super().__init__(f"Entry {entry} has paid for {reference} already.")
        self.reference, self.entry = reference, entry


class ReversedTwice(LedgerRefusal):
    """The entry was reversed already, by the entry of number `by`."""

    def __init__(self, entry: int, by: int) -> None:
        super().__init__(f"Entry {entry} was reversed by entry {by} already.")
        self.entry, self.by = entry, by


def transfer(kind: EntryKind, giver: Account, taker: Account, amount: int) -> tuple[Posting, Posting]:
    """The postings of a deposit, payment or withdrawal: the giver's, then the taker's.

    Raises NotPositive, WrongAccounts or Emptied.
    """
    if amount <= 0:
        raise NotPositive(f"An amount of {amount} can't be moved.")
    if FLOW.get(kind) != (giver.kind, taker.kind):
        raise WrongAccounts(f"A {kind} can't go from an account of kind {giver.kind} to one of kind {taker.kind}.")
    giver.after(-amount)
    return Posting(giver.id, -amount), Posting(taker.id, amount)


def check_unpaid(reference: str, live: int | None) -> None:
    """Raise PaidTwice if a payment for the log is live: live is the number of one that was not reversed, or None."""
    if live is not None:
        raise PaidTwice(reference, live)


def reversal_of(
    entry: Entry, accounts: Mapping[int, Account], reason: str, reversed_by: int | None
) -> tuple[Posting, ...]:
    """The postings that take an entry back.

    accounts: those of the entry by id, as they stand now; reversed_by: the number of the entry's reversal, or None.
    Raises NotReversible, ReversedTwice, ReasonMissing, or Emptied if what was booked has gone elsewhere since.
    """
    if entry.kind is EntryKind.REVERSAL:
        raise NotReversible(f"Entry {entry.number} is a reversal and can't be reversed.")
    if reversed_by is not None:
        raise ReversedTwice(entry.number, reversed_by)
    if not reason.strip():
        raise ReasonMissing(f"A reason is needed for reversing entry {entry.number}.")
    for posting in entry.postings:
        accounts[posting.account].after(-posting.amount)
    return mirrored(entry.postings)


def mirrored(postings: Iterable[Posting]) -> tuple[Posting, ...]:
    """The same postings with the other sign, by account."""
    return tuple(sorted(Posting(p.account, -p.amount) for p in postings))


def stamp(moment: datetime) -> str:
    """A moment as entries carry it: «2026-11-25T01:16:00.000000+00:00». Raises ValueError if it has no time zone."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def digest_of(entry: Entry) -> str:
    """SHA-256 over everything in an entry but its digest, in hexadecimal.

    The bytes are JSON in UTF-8 with sorted keys and no spaces, postings as [account, amount] by account: up to
    integers of 53 bits what RFC 8785 calls canonical, so anybody can compute it with another tool.
    """
    content = {
        "number": entry.number,
        "at": entry.at,
        "kind": entry.kind,
        "reference": entry.reference,
        "reason": entry.reason,
        "actor": entry.actor,
        "reverses": entry.reverses,
        "postings": [[p.account, p.amount] for p in sorted(entry.postings)],
        "previous": entry.previous,
    }
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def sealed(
    head: Head,
    *,
    at: str,
    kind: EntryKind,
    reference: str,
    actor: str,
    postings: Iterable[Posting],
    reason: str = "",
    reverses: int | None = None,
) -> Entry:
    """The entry that follows the head, postings by account. Raises Unbalanced."""
    listed = tuple(sorted(postings))
    amounts = [p.amount for p in listed]
    if not listed or sum(amounts) != 0 or 0 in amounts or len({p.account for p in listed}) < len(listed):
        raise Unbalanced(f"These postings are not balanced: {listed}.")
    number, previous = head
    entry = Entry(number + 1, at, kind, reference, reason, actor, reverses, listed, previous, digest="")
    return replace(entry, digest=digest_of(entry))


def credits_due(practice: Iterable[tuple[int, int | Fraction]], paid: int) -> int:
    """What one more confirmed log of an enrolment pays.

    practice: minutes and hours a credit of each live log (confirmed and not reversed) of the enrolment, the new one
    among them, each at the rate of its confirmation; paid: the sum of the payments that stand for the enrolment.
    The exact sum is rounded down once, not log by log, so many short logs lose nothing; if logs were reversed whose
    payments had been rounded down, what was paid may be ahead of the sum, and nothing is due until it catches up.
    Raises ValueError for minutes below 0 or a rate that is not positive.
    """
    total = Fraction(0)
    for minutes, rate in practice:
        if minutes < 0 or rate <= 0:
            raise ValueError(f"{minutes} minutes at {rate} hours a credit")
        total += Fraction(100 * minutes) / (60 * rate)
    return max(0, floor(total) - paid)


def capped(due: int, earned_in_term: int, cap: int | None) -> int:
    """What of an amount due fits under a university's cap a term; None is no cap."""
    return due if cap is None else min(due, max(0, cap - earned_in_term))


class Book:
    """The whole ledger in memory, kept by the rules above: the model of what the services do in the database.

    What is asked is first checked against the head (`checked`, `checked_reversal`), which changes nothing, and then
    appended, which refuses what was checked against another head.
    """

    def __init__(self) -> None:
        self.accounts: dict[int, Account] = {}
        self.entries: list[Entry] = []
        self._paid: dict[str, int] = {}
        self._reversed: dict[int, int] = {}

    @property
    def head(self) -> Head:
        """Number and digest of the last entry."""
        return (self.entries[-1].number, self.entries[-1].digest) if self.entries else START

    @property
    def balances(self) -> dict[int, int]:
        """What each account holds."""
        return {account.id: account.balance for account in self.accounts.values()}

    def open(self, kind: AccountKind) -> int:
        """Open an empty account and return its id."""
        account = Account(len(self.accounts) + 1, kind)
        self.accounts[account.id] = account
        return account.id

    def checked(
        self, kind: EntryKind, giver: int, taker: int, amount: int, reference: str, actor: str = "system"
    ) -> Entry:
        """The entry that would be booked now.

        Raises NotPositive, WrongAccounts, Emptied, PaidTwice, or KeyError if there is no such account.
        """
        postings = transfer(kind, self.accounts[giver], self.accounts[taker], amount)
        if kind is EntryKind.PAYMENT:
            check_unpaid(reference, self._paid.get(reference))
        return sealed(
            self.head, at=stamp(datetime.now(UTC)), kind=kind, reference=reference, actor=actor, postings=postings
        )

    def checked_reversal(self, number: int, reason: str, actor: str = "system") -> Entry:
        """The reversal that would be booked now, about the same thing as what it reverses.

        Raises NotReversible, ReversedTwice, ReasonMissing, Emptied, or KeyError if there is no such entry.
        """
        if not 1 <= number <= len(self.entries):
            raise KeyError(number)
        entry = self.entries[number - 1]
        return sealed(
            self.head,
            at=stamp(datetime.now(UTC)),
            kind=EntryKind.REVERSAL,
            reference=entry.reference,
            actor=actor,
            postings=reversal_of(entry, self.accounts, reason, self._reversed.get(number)),
            reason=reason,
            reverses=number,
        )

    def append(self, entry: Entry) -> Entry:
        """Book what was checked. Raises Stale if anything was booked since."""
        number, digest = self.head
        if (entry.number, entry.previous) != (number + 1, digest):
            raise Stale(f"Entry {entry.number} was checked before entry {number} was booked.")
        self.accounts |= {p.account: self.accounts[p.account].after(p.amount) for p in entry.postings}
        self.entries.append(entry)
        if entry.kind is EntryKind.PAYMENT:
            self._paid[entry.reference] = entry.number
        if entry.reverses is not None:
            self._reversed[entry.reverses] = entry.number
            if self.entries[entry.reverses - 1].kind is EntryKind.PAYMENT:
                del self._paid[entry.reference]
        return entry

    def deposit(self, issuer: int, resource: int, amount: int, reference: str) -> Entry:
        """Give a resource credits that it can pay out. Raises as `checked` does."""
        return self.append(self.checked(EntryKind.DEPOSIT, issuer, resource, amount, reference))

    def pay(self, resource: int, student: int, amount: int, log: int) -> Entry:
        """Pay a student for a practice log. Raises as `checked` does."""
        return self.append(self.checked(EntryKind.PAYMENT, resource, student, amount, f"log:{log}"))

    def withdraw(self, student: int, record: int, amount: int, reference: str) -> Entry:
        """Move credits into a university's record. Raises as `checked` does."""
        return self.append(self.checked(EntryKind.WITHDRAWAL, student, record, amount, reference))

    def reverse(self, number: int, reason: str) -> Entry:
        """Take an entry back. Raises as `checked_reversal` does."""
        return self.append(self.checked_reversal(number, reason))


class Problem(StrEnum):
    """What can be wrong with a ledger; behind the colon, what a fault's detail says of it."""

    NUMBER = "number"  # entries are not numbered one after another: expected
    DIGEST = "digest"  # an entry is not what its digest was made of: stored, computed
    CHAIN = "chain"  # an entry carries no digest of the one before, which was sealed again: stored, expected
    UNKNOWN_ACCOUNT = "unknown_account"  # a posting or balance has no account
    UNBALANCED = "unbalanced"  # postings of an entry don't sum to zero: sum
    WRONG_ACCOUNTS = "wrong_accounts"  # the accounts don't fit the entry's kind, or nothing moves: kind
    WRONG_REVERSAL = "wrong_reversal"  # it mirrors nothing that can be reversed, or gives no reason: reverses (or 0)
    REVERSED_TWICE = "reversed_twice"  # the entry was reversed before: reverses, by
    PAID_TWICE = "paid_twice"  # a payment for the same log stands: reference, paid
    NEGATIVE = "negative"  # an account falls below zero that may not be there: balance
    HEAD = "head"  # entries were cut off the end or put on there: stored, last, stored_digest, last_digest
    BALANCE = "balance"  # the stored balance of an account is not the sum of its postings: stored, sum


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong first: number is that of the entry, None where no entry is at fault; see Problem for detail."""

    number: int | None
    account: int | None
    problem: Problem
    detail: dict[str, str | int] = field(default_factory=dict)


def walk(
    entries: Iterable[Entry], accounts: Mapping[int, AccountKind], balances: Mapping[int, int], head: Head
) -> Fault | None:
    """Check a whole ledger in one pass and name the first thing wrong, or None.

    entries by number, kinds and balances by account, and the head, all as they were stored at one moment. Entries
    come first, each checked against those before it, then the head, then the balances. Little more than the postings
    of an entry is remembered, so entries may come out of the database page by page.
    """
    so_far = _Walk(accounts)
    for entry in entries:
        if fault := so_far.fault_of(entry):
            return fault
        so_far.take(entry)
    (stored, stored_digest), (last, last_digest) = head, so_far.head
    if (stored, stored_digest) != (last, last_digest):
        digests = {"stored_digest": stored_digest, "last_digest": last_digest}
        return Fault(None, None, Problem.HEAD, {"stored": stored, "last": last, **digests})
    for account in sorted(accounts.keys() | balances.keys()):
        if account not in accounts:
            return Fault(None, account, Problem.UNKNOWN_ACCOUNT)
        balance, total = balances.get(account, 0), so_far.sums.get(account, 0)
        if balance != total:
            return Fault(None, account, Problem.BALANCE, {"stored": balance, "sum": total})
    return None


class _Walk:
    """What is known of the entries before one, none of them at fault."""

    def __init__(self, accounts: Mapping[int, AccountKind]) -> None:
        self.accounts = accounts
        self.head = START
        self.sums: dict[int, int] = {}
        self.booked: list[tuple[EntryKind, tuple[Posting, ...]]] = []
        self.reversed: dict[int, int] = {}
        self.paid: dict[str, int] = {}

    def fault_of(self, entry: Entry) -> Fault | None:
        # the digest before the chain: a row whose own digest is right but doesn't fit speaks against the one before
        return self._misplaced(entry) or self._unbalanced(entry) or self._broken_rule(entry) or self._negative(entry)

    def take(self, entry: Entry) -> None:
        self.head = (entry.number, entry.digest)
        self.booked.append((entry.kind, mirrored(entry.postings)))
        for posting in entry.postings:
            self.sums[posting.account] = self.sums.get(posting.account, 0) + posting.amount
        if entry.kind is EntryKind.PAYMENT:
            self.paid[entry.reference] = entry.number
        if entry.reverses is not None:
            self.reversed[entry.reverses] = entry.number

    def _misplaced(self, entry: Entry) -> Fault | None:
        number, digest = self.head
        if entry.number != number + 1:
            return Fault(entry.number, None, Problem.NUMBER, {"expected": number + 1})
        computed = digest_of(entry)
        if entry.digest != computed:
            return Fault(entry.number, None, Problem.DIGEST, {"stored": entry.digest, "computed": computed})
        if entry.previous != digest:
            return Fault(entry.number, None, Problem.CHAIN, {"stored": entry.previous, "expected": digest})
        return None

    def _unbalanced(self, entry: Entry) -> Fault | None:
        for posting in entry.postings:
            if posting.account not in self.accounts:
                return Fault(entry.number, posting.account, Problem.UNKNOWN_ACCOUNT)
        if total := sum(p.amount for p in entry.postings):
            return Fault(entry.number, None, Problem.UNBALANCED, {"sum": total})
        return None

    def _broken_rule(self, entry: Entry) -> Fault | None:
        if entry.kind is EntryKind.REVERSAL:
            return self._wrong_reversal(entry)
        if entry.reverses is not None:
            return Fault(entry.number, None, Problem.WRONG_REVERSAL, {"reverses": entry.reverses})
        kinds = tuple(self.accounts[p.account] for p in sorted(entry.postings, key=lambda p: p.amount))
        if kinds != FLOW[entry.kind] or not all(p.amount for p in entry.postings):
            return Fault(entry.number, None, Problem.WRONG_ACCOUNTS, {"kind": entry.kind})
        if entry.kind is EntryKind.PAYMENT:
            paid = self.paid.get(entry.reference)
            if paid is not None and paid not in self.reversed:
                return Fault(entry.number, None, Problem.PAID_TWICE, {"reference": entry.reference, "paid": paid})
        return None

    def _wrong_reversal(self, entry: Entry) -> Fault | None:
        of = entry.reverses or 0
        if of in self.reversed:
            return Fault(entry.number, None, Problem.REVERSED_TWICE, {"reverses": of, "by": self.reversed[of]})
        kind, mirror = self.booked[of - 1] if 1 <= of <= len(self.booked) else (EntryKind.REVERSAL, ())
        listed = tuple(sorted(entry.postings))
        if kind is EntryKind.REVERSAL or listed != mirror or not entry.reason.strip():
            return Fault(entry.number, None, Problem.WRONG_REVERSAL, {"reverses": of})
        return None

    def _negative(self, entry: Entry) -> Fault | None:
        for posting in entry.postings:
            balance = self.sums.get(posting.account, 0) + posting.amount
            if balance < 0 and self.accounts[posting.account] is not AccountKind.ISSUER:
                return Fault(entry.number, posting.account, Problem.NEGATIVE, {"balance": balance})
        return None
