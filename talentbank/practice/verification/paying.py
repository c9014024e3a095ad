"""What confirmed logs pay under a university's rules, in the order in which they are confirmed.

The hours of an enrolment in a term are added up exactly and rounded down once, so many short logs lose nothing; what
the cap of a term cuts is lost and does not come back in a later term.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import select

from talentbank.engine.ledger import capped, credits_due
from talentbank.engine.practice import Term, term_of
from talentbank.engine.units import credits_text
from talentbank.extensions import db
from talentbank.extensions import lazy_gettext as _l
from talentbank.practice.models import LogState, PracticeLog, PracticeRules


@dataclass(frozen=True, slots=True)
class Payment:
    """What a log pays and what the cap of its term cuts from that, in hundredths of a credit."""

    log: PracticeLog
    credit: int
    cut: int

    @property
    def note(self) -> object:
        """Why the log pays less than its hours are worth, or nothing; empty where it does not."""
        if self.cut and self.credit:
            return _l("The cap of the term cuts %(cut)s off.", cut=credits_text(self.cut))
        if self.cut:
            return _l("The cap of the term is reached: this pays nothing more.")
        if not self.credit:
            return _l("The hours don't add up to the next hundredth yet: they count with those that follow.")
        return ""


class _Live(NamedTuple):
    enrolment_id: int
    student_id: int
    term: Term
    minutes: int
    rate: int
    credit: int


def planned(logs: Sequence[PracticeLog], rules: PracticeRules) -> list[Payment]:
    """What logs would pay, confirmed by day and id under these rules after what is confirmed already.

    Asks the database once, however many logs there are.
    """
    live = _live({log.student_id for log in logs})
    payments = []
    for log in sorted(logs, key=lambda log: (log.day, log.id)):
        term = term_of(log.day)
        earned = sum(row.credit for row in live if (row.student_id, row.term) == (log.student_id, term))
        before = [row for row in live if (row.enrolment_id, row.term) == (log.enrolment_id, term)]
        standing = [(row.minutes, row.rate) for row in before]
        with_it = [*standing, (log.minutes, rules.hours_per_credit)]
        due = credits_due(with_it, sum(row.credit for row in before))
        # Of what is due, an earlier cut is not this log's: alone it adds the hundredths that its own hours complete.
        own = min(due, credits_due(with_it, credits_due(standing, 0)))
        credit = capped(due, earned, rules.cap_a_term)
        live.append(_Live(log.enrolment_id, log.student_id, term, log.minutes, rules.hours_per_credit, credit))
        payments.append(Payment(log, credit, max(0, own - credit)))
    return payments


def _live(students: set[int]) -> list[_Live]:
    """What these students have confirmed and nobody took back."""
    query = select(
        PracticeLog.enrolment_id,
        PracticeLog.student_id,
        PracticeLog.day,
        PracticeLog.minutes,
        PracticeLog.rate,
        PracticeLog.credit,
    ).where(PracticeLog.student_id.in_(students), PracticeLog.state == LogState.CONFIRMED)
    return [
        _Live(row.enrolment_id, row.student_id, term_of(row.day), row.minutes, row.rate, row.credit or 0)
        for row in db.session.execute(query)
        if row.rate
    ]
