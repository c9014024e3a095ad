"""A student's statement: the account day by day, and where the credits came from. Credits are hundredths."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from talentbank.accounts.models import Organisation
from talentbank.competencies.catalogue import Category
from talentbank.competencies.models import Student
from talentbank.credentials import queries
from talentbank.credentials.models import Credential
from talentbank.credentials.queries import Practised, Reached
from talentbank.engine.ledger import EntryKind
from talentbank.extensions import SHANGHAI
from talentbank.ledger import queries as ledger
from talentbank.ledger.models import LedgerAccount
from talentbank.ledger.queries import Movement


@dataclass(frozen=True, slots=True)
class Day:
    """A day in Meishan on which something moved: earned and withdrawn, less what was taken back, and the balance at
    its end."""

    day: date
    earned: int
    withdrawn: int
    balance: int


@dataclass(frozen=True, slots=True)
class Share:
    """What came from one category or one host: on how many trainings, in how many minutes, how much credit."""

    of: Category | Organisation
    trainings: int
    minutes: int
    credit: int


@dataclass(frozen=True, slots=True)
class Statement:
    """Everything that the page shows of an account; trainings are those with confirmed credit."""

    student: Student
    account: LedgerAccount | None
    balance: int
    days: Sequence[Day]
    trainings: Sequence[Practised]
    by_category: Sequence[Share]
    by_issuer: Sequence[Share]

    @property
    def earned(self) -> int:
        """All that was ever paid and not taken back."""
        return sum(day.earned for day in self.days)

    @property
    def withdrawn(self) -> int:
        """All that went into the university's record and stayed there."""
        return sum(day.withdrawn for day in self.days)

    def chart(self) -> list[tuple[str, float]]:
        """The balance in credits at the end of each day on which it moved."""
        return [(day.day.isoformat(), day.balance / 100) for day in self.days]


def statement_of(student: Student) -> Statement:
    """A student's statement, in the same few queries however long it is."""
    account = ledger.account_of(f"student:{student.id}")
    moved = ledger.movements(account.id) if account else []
    trainings = [row for row in queries.practised(student.id) if row.credit]
    return Statement(
        student=student,
        account=account,
        balance=account.balance if account else 0,
        days=days_of(moved),
        trainings=trainings,
        by_category=_shares(trainings, lambda row: row.enrolment.resource.category),
        by_issuer=_shares(trainings, lambda row: row.enrolment.resource.owner),
    )


def days_of(movements: Iterable[Movement]) -> list[Day]:
    """Movements added up by the day on which they were booked."""
    days: dict[date, Day] = {}
    for move in movements:
        day = move.at.astimezone(SHANGHAI).date()
        before = days.get(day, Day(day, 0, 0, 0))
        earned = move.amount if move.kind is EntryKind.PAYMENT else 0
        withdrawn = -move.amount if move.kind is EntryKind.WITHDRAWAL else 0
        days[day] = Day(day, before.earned + earned, before.withdrawn + withdrawn, move.balance)
    return [days[day] for day in sorted(days)]


def _shares(trainings: Iterable[Practised], of: Callable[[Practised], Any]) -> list[Share]:
    groups: dict[Any, list[Practised]] = {}
    for row in trainings:
        groups.setdefault(of(row), []).append(row)
    shares = [
        Share(key, len(rows), sum(row.confirmed_minutes for row in rows), sum(row.credit for row in rows))
        for key, rows in groups.items()
    ]
    return sorted(shares, key=lambda share: -share.credit)


@dataclass(frozen=True, slots=True)
class Attestable:
    """What a student can have attested now, and the credential that attests it already, if there is one."""

    subject: Practised | Reached
    live: Credential | None

    @property
    def grown(self) -> bool:
        """Whether there is something to issue: nothing is attested yet, or something else than stands now."""
        if self.live is None:
            return True
        if isinstance(self.subject, Practised):
            return self.live.credit != self.subject.credit
        return self.live.level != self.subject.level


def attestable(
    trainings: Iterable[Practised], reached: Iterable[Reached], credentials: Iterable[Credential]
) -> tuple[list[Attestable], list[Attestable]]:
    """Trainings with credit, and competencies, each with the live credential about it."""
    live = [credential for credential in credentials if credential.revoked_at is None]
    by_enrolment = {credential.enrolment_id: credential for credential in live if credential.enrolment_id}
    by_competency = {credential.competency_id: credential for credential in live if credential.competency_id}
    return (
        [Attestable(row, by_enrolment.get(row.enrolment.id)) for row in trainings],
        [Attestable(row, by_competency.get(row.competency.id)) for row in reached],
    )
