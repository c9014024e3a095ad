"""The demo's ledger entries and what they pay, by the rules of the engine, many at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import insert

from talentbank.engine import ledger as rules
from talentbank.engine.ledger import AccountKind, EntryKind
from talentbank.engine.practice import Term, term_of
from talentbank.extensions import Model, db
from talentbank.ledger.models import LedgerAccount, LedgerEntry, LedgerHead, LedgerPosting
from talentbank.practice.models import PracticeLog, PracticeRules

Owner = tuple[AccountKind, str]
"""A kind of account and its owner's name, as «student:12»."""


class Wage:
    """What each confirmed log pays, one after another, by the same rules as everywhere."""

    def __init__(self, rules_by_university: dict[int, PracticeRules]) -> None:
        self.rules = rules_by_university
        self._practice: dict[tuple[int, Term], list[tuple[int, int]]] = defaultdict(list)
        self._paid: dict[tuple[int, Term], int] = defaultdict(int)
        self._earned: dict[tuple[int, Term], int] = defaultdict(int)

    def due(self, log: PracticeLog, university_id: int) -> int:
        """What a log pays now that it is confirmed, in hundredths."""
        own, term = self.rules[university_id], term_of(log.day)
        here, all_in_all = (log.enrolment_id, term), (log.student_id, term)
        self._practice[here].append((log.minutes, own.hours_per_credit))
        due = rules.credits_due(self._practice[here], self._paid[here])
        credit = rules.capped(due, self._earned[all_in_all], own.cap_a_term)
        self._paid[here] += credit
        self._earned[all_in_all] += credit
        return credit


class Chain:
    """Ledger entries in the making, stored many at a time; moments never go back."""

    def __init__(self, owners: Mapping[Owner, datetime]) -> None:
        """owners: whose accounts there are, each with the moment at which it was opened."""
        self._head = rules.START
        self._rows = {
            (kind, name): LedgerAccount(kind=kind, owner=name, balance=0, opened_at=at)
            for (kind, name), at in owners.items()
        }
        db.session.add_all(self._rows.values())
        db.session.flush()
        self._entries: list[tuple[rules.Entry, datetime]] = []
        self._after: list[Model] = []

    def balance(self, owner: Owner) -> int:
        """What an owner holds, in hundredths."""
        return self._rows[owner].balance

    def move(
        self,
        at: datetime,
        kind: EntryKind,
        giver: Owner,
        taker: Owner,
        amount: int,
        reference: str,
        actor: str,
    ) -> int:
        """Book a transfer; returns the entry's number. Raises LedgerRefusal as the rules do."""
        rows = [self._rows[giver], self._rows[taker]]
        known = [rules.Account(row.id, row.kind, row.balance) for row in rows]
        postings = rules.transfer(kind, known[0], known[1], amount)
        entry = rules.sealed(
            self._head, at=rules.stamp(at), kind=kind, reference=reference, actor=actor, postings=postings
        )
        for row, posting in zip(rows, postings, strict=True):
            row.balance += posting.amount
        self._head = (entry.number, entry.digest)
        self._entries.append((entry, at))
        return entry.number

    def afterwards(self, row: Model) -> None:
        """Keep a row that refers to an entry, to be stored after it."""
        self._after.append(row)

    def store(self) -> None:
        """Write what was booked, the head, and then the rows that wait for it."""
        db.session.execute(
            insert(LedgerEntry),
            [
                {
                    "number": entry.number,
                    "at": at,
                    "kind": entry.kind,
                    "reference": entry.reference,
                    "reason": entry.reason,
                    "actor": entry.actor,
                    "reverses": None,
                    "previous": entry.previous,
                    "digest": entry.digest,
                }
                for entry, at in self._entries
            ],
        )
        db.session.execute(
            insert(LedgerPosting),
            [
                {"entry_number": entry.number, "account_id": posting.account, "amount": posting.amount}
                for entry, _ in self._entries
                for posting in entry.postings
            ],
        )
        db.session.add_all(self._after)
        db.session.add(LedgerHead(id=1, number=self._head[0], digest=self._head[1]))
