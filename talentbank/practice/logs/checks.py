"""What a log must be: what is wrong with it, and what is still missing before it can be sent.

What is wrong (a time to come, hours that overlap or are too many, no seat) is refused whenever a log is stored; what
is missing (words, competencies, why it comes late) only when it is sent, so that a draft can be kept half-written.
Hours are added up over logs that count, those with the supervisor included. No database here: a `Book` is read first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from talentbank.deposits.resources.models import ResourceKind
from talentbank.engine.practice import NIGHT, at_night, week_of
from talentbank.errors import Problems
from talentbank.extensions import SHANGHAI
from talentbank.extensions import lazy_gettext as _l
from talentbank.practice.logs.wording import clock, hours
from talentbank.practice.models import (
    Enrolment,
    EnrolmentState,
    LogState,
    PracticeLog,
    PracticeRules,
)

IN_TIME = timedelta(days=14)
"""A log that is first sent later after its day says why."""
CAME_BACK = (LogState.SENT_BACK, LogState.REJECTED, LogState.REVERSED)
"""Logs that were sent before and are with the student again: they can always be mended."""
A_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stored stretch of a student's practice; times in minutes, starts and ends None where only hours were said."""

    log_id: int
    day: date
    starts: int | None
    ends: int | None
    minutes: int
    title: str
    draft: bool = False

    def overlaps(self, log: PracticeLog) -> bool:
        """Whether it and a log, both with their times, share a minute of a day."""
        if None in (self.starts, self.ends, log.starts, log.ends) or self.day != log.day:
            return False
        return (self.starts or 0) < (log.ends or 0) and (log.starts or 0) < (self.ends or 0)


@dataclass(slots=True)
class Book:
    """A student's practice that counts, and drafts, in the weeks that are looked at; with rules, and this moment."""

    rules: PracticeRules
    stretches: list[Stretch]
    moment: datetime

    @property
    def today(self) -> date:
        """The day in Meishan."""
        return self.moment.astimezone(SHANGHAI).date()

    @property
    def minute(self) -> int:
        """Minutes that have passed of the day in Meishan."""
        local = self.moment.astimezone(SHANGHAI)
        return 60 * local.hour + local.minute

    def others(self, log: PracticeLog, *, drafts: bool = False) -> Iterable[Stretch]:
        """What stands beside a log: practice that counts, or the drafts."""
        return (s for s in self.stretches if s.log_id != log.id and s.draft is drafts)

    def minutes(self, log: PracticeLog, first: date, last: date) -> int:
        """Minutes that count from one day to another, beside a log."""
        return sum(s.minutes for s in self.others(log) if first <= s.day <= last)


def wrong(log: PracticeLog, book: Book, *, day_was_sent: bool) -> dict[str, object]:
    """What can't be stored of a whole log, a sentence a field.

    day_was_sent: it came back and keeps its day, so an agreement that was changed since is not asked for it again.
    """
    problems = Problems()
    _check_seat(log, problems)
    _check_day(log, book, problems)
    if not day_was_sent:
        _check_agreement(log.enrolment, log.day, problems)
    _check_times(log, book, problems)
    _check_sums(log, book, problems)
    return problems.errors


def missing(log: PracticeLog, book: Book) -> dict[str, object]:
    """What a whole log still needs before it can be sent, a sentence a field."""
    problems = Problems()
    if not log.done:
        problems.add("done", _l("Write what you did: the supervisor verifies it by your words."))
    taught = {row.competency_id for row in log.enrolment.resource.teaches}
    if not log.competencies:
        problems.add("competencies", _l("Tick at least one competency that you practised."))
    elif any(competency.id not in taught for competency in log.competencies):
        problems.add("competencies", _l("What this training teaches was changed: tick the competencies again."))
    if is_late(log, book) and not log.late_reason:
        problems.add(
            "late_reason",
            _l("It is more than %(days)s days since then: say why it comes late.", days=IN_TIME.days),
        )
    return problems.errors


def is_late(log: PracticeLog, book: Book) -> bool:
    """Whether a log is sent too long after its day; one that was in time stays so when it is mended."""
    first = min((event.at for event in log.events if event.state is LogState.SUBMITTED), default=None)
    sent = first.astimezone(SHANGHAI).date() if first else book.today
    return (sent if sent >= log.day else book.today) - log.day > IN_TIME


def clash(log: PracticeLog, book: Book) -> dict[str, object]:
    """A draft that stands at the same time already: it was sent twice, or is to be changed instead."""
    for draft in book.others(log, drafts=True):
        if draft.overlaps(log):
            sentence = _l(
                "You have a draft for %(from)s–%(to)s on «%(title)s»: change that one, or the times here.",
                title=draft.title,
                **_times(draft),
            )
            return {"ends": sentence}
    return {}


def seat_problem(enrolment: Enrolment) -> object:
    """Why nothing new can be logged on an enrolment, None where it can; its resource must be loaded."""
    if enrolment.state in (EnrolmentState.ACCEPTED, EnrolmentState.FINISHED):
        return None
    if enrolment.state in (EnrolmentState.ASKED, EnrolmentState.WAITING):
        return _l("You have no seat here yet: practice counts once you are accepted.")
    return _l("You have no seat here any more: nothing new can be logged.")


def day_problem(enrolment: Enrolment, day: date) -> object:
    """Why nothing can be logged on an enrolment for a day, None where it can; agreements are not looked at."""
    resource, statement = enrolment.resource, enrolment.statement
    if day < resource.starts_on:
        return _l("This training begins on %(day)s.", day=resource.starts_on.isoformat())
    if day > resource.last_day:
        return _l("This training ended on %(day)s.", day=resource.last_day.isoformat())
    if enrolment.state is EnrolmentState.FINISHED:
        ended = statement.written_at.astimezone(SHANGHAI).date() if statement else resource.starts_on
        if day > ended:
            return _l("Your supervisor ended this on %(day)s: later practice does not count.", day=ended.isoformat())
    return None


def agreement_problem(enrolment: Enrolment, day: date) -> object:
    """Why an internship's agreement does not cover a day, None where it does."""
    if enrolment.resource.kind is not ResourceKind.INTERNSHIP:
        return None
    since = enrolment.agreement.in_force_since if enrolment.agreement else None
    if since is None:
        return _l("The three-party agreement is not in force yet: sign it before the first hour.")
    first = since.astimezone(SHANGHAI).date()
    if day < first:
        return _l(
            "The three-party agreement is in force since %(day)s: hours before don't count.", day=first.isoformat()
        )
    return None


def _check_seat(log: PracticeLog, problems: Problems) -> None:
    problem = None if log.state in CAME_BACK else seat_problem(log.enrolment)
    if problem:
        problems.add("enrolment", problem)


def _check_day(log: PracticeLog, book: Book, problems: Problems) -> None:
    if log.day > book.today:
        problems.add("day", _l("This day is still to come: log what you have done."))
        return
    problem = day_problem(log.enrolment, log.day)
    if problem:
        problems.add("day", problem)


def _check_agreement(enrolment: Enrolment, day: date, problems: Problems) -> None:
    problem = agreement_problem(enrolment, day)
    if problem:
        problems.add("day", problem)


def _check_times(log: PracticeLog, book: Book, problems: Problems) -> None:
    if log.starts is None or log.ends is None:
        return
    if log.day == book.today and log.ends > book.minute:
        problems.add("ends", _l("It is %(now)s: log what you have done until now.", now=clock(book.minute)))
    if not book.rules.night_work and at_night(log.starts, log.ends):
        problems.add("ends", _night())
    for other in book.others(log):
        if other.overlaps(log):
            problems.add(
                "ends",
                _l(
                    "You have logged %(from)s–%(to)s on «%(title)s» already: the times can't overlap.",
                    title=other.title,
                    **_times(other),
                ),
            )


def _check_sums(log: PracticeLog, book: Book, problems: Problems) -> None:
    """Hours of the day and of the week, with those that count already."""
    field = "hours" if log.starts is None else "ends"
    day = book.minutes(log, log.day, log.day)
    week = book.minutes(log, *week_of(log.day))
    if day + log.minutes > A_DAY:
        problems.add(field, _l("A day has 24 hours: %(hours)s of this one are logged already.", hours=hours(day)))
    if log.day == book.today and log.starts is None and day + log.minutes > book.minute:
        problems.add(
            field, _l("Only %(hours)s hours of today have passed: log what you have done.", hours=hours(book.minute))
        )
    for most, so_far, sentence in (
        (
            book.rules.hours_a_day,
            day,
            _l(
                "Your university allows %(most)s hours a day, and %(hours)s of them are logged already.",
                most=book.rules.hours_a_day,
                hours=hours(day),
            ),
        ),
        (
            book.rules.hours_a_week,
            week,
            _l(
                "Your university allows %(most)s hours a week, and %(hours)s of them are logged already.",
                most=book.rules.hours_a_week,
                hours=hours(week),
            ),
        ),
    ):
        if so_far + log.minutes > 60 * most:
            problems.add(field, sentence)
    if not book.rules.night_work and day + log.minutes > A_DAY - sum(last - first for first, last in NIGHT):
        problems.add(field, _night())


def _night() -> object:
    return _l("Your university allows no practice between 22:00 and 6:00.")


def _times(stretch: Stretch) -> dict[str, str]:
    return {"from": clock(stretch.starts or 0), "to": clock(stretch.ends or 0)}
