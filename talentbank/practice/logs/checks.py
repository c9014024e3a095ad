"""What a log must be: what is wrong with it, and what is still missing before it can be sent.

What is wrong (a time to come, hours that overlap or are too many, no seat) is refused whenever a log is stored; what
is missing (words, competencies, why it comes late) only when it is sent, so that a draft can be kept half-written.
Hours are added up over logs that count, those with the supervisor included. No database here: a `Book` is read first.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from talentbank.deposits.resources.models import ResourceKind
from talentbank.engine.practice import NIGHT, at_night, week_of
from talentbank.engine.units import clock, hours_text
from talentbank.errors import Problems
from talentbank.extensions import SHANGHAI
from talentbank.extensions import lazy_gettext as _l
from talentbank.practice.models import (
    COUNTED,
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

Span = tuple[int, int | None]
"""From a log's sending until it came back, None while it counts, by the ids of the steps: in the order of time."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stored stretch of a student's practice; times in minutes, starts and ends None where only hours were said.

    counted: when it counted.
    """

    log_id: int
    day: date
    starts: int | None
    ends: int | None
    minutes: int
    title: str
    state: LogState
    enrolment_id: int
    done: str
    counted: tuple[Span, ...]

    def overlaps(self, log: PracticeLog) -> bool:
        """Whether it and a log, both with their times, share a minute of a day."""
        if None in (self.starts, self.ends, log.starts, log.ends) or self.day != log.day:
            return False
        return (self.starts or 0) < (log.ends or 0) and (log.starts or 0) < (self.ends or 0)


@dataclass(slots=True)
class Book:
    """A student's practice in the weeks that are looked at; with rules, and this moment."""

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

    def others(self, log: PracticeLog, states: Collection[LogState] = COUNTED) -> list[Stretch]:
        """What stands beside a log: practice that counts, or that in other states."""
        return [s for s in self.stretches if s.log_id != log.id and s.state in states]

    def minutes(self, log: PracticeLog, first: date, last: date, states: Collection[LogState] = COUNTED) -> int:
        """Minutes from one day to another beside a log, of practice that counts or that in other states."""
        return sum(s.minutes for s in self.others(log, states) if first <= s.day <= last)


@dataclass(frozen=True, slots=True)
class WasSent:
    """The time of a log that came back, as it is stored before it is changed; counted: when it last counted."""

    day: date
    starts: int | None
    ends: int | None
    minutes: int
    counted: Span | None

    def covers(self, log: PracticeLog) -> bool:
        """Whether a log claims no more hours of the day than it did."""
        return log.day == self.day and log.minutes <= self.minutes

    def encloses(self, log: PracticeLog) -> bool:
        """Whether a log lies within the times that it had."""
        if None in (self.starts, self.ends, log.starts, log.ends) or self.day != log.day:
            return False
        return (self.starts or 0) <= (log.starts or 0) and (log.ends or 0) <= (self.ends or 0)


def was_sent(log: PracticeLog) -> WasSent | None:
    """What a log that came back claims as it is stored; None for one that was never sent."""
    if log.state not in CAME_BACK:
        return None
    counted = spans((event.id, event.state) for event in log.events)
    return WasSent(log.day, log.starts, log.ends, log.minutes, counted[-1] if counted else None)


def spans(steps: Iterable[tuple[int | None, LogState]]) -> tuple[Span, ...]:
    """When a log counted, by its steps in their order; the step of this moment has no id yet."""
    found: list[Span] = []
    since: int | None = None
    for step, state in steps:
        at = sys.maxsize if step is None else step
        if state is LogState.SUBMITTED and since is None:
            since = at
        elif state in CAME_BACK and since is not None:
            found.append((since, at))
            since = None
    return (*found, (since, None)) if since is not None else tuple(found)


def stretch_of(log: PracticeLog, title: str) -> Stretch:
    """A log that was sent just now, for the book in which others are checked."""
    return Stretch(
        log_id=log.id,
        day=log.day,
        starts=log.starts,
        ends=log.ends,
        minutes=log.minutes,
        title=title,
        state=log.state,
        enrolment_id=log.enrolment_id,
        done=log.done,
        counted=spans([*((event.id, event.state) for event in log.events), (None, LogState.SUBMITTED)]),
    )


def wrong(log: PracticeLog, book: Book, was: WasSent | None) -> dict[str, object]:
    """What can't be stored of a whole log, a sentence a field.

    was: of a log that came back, so that what was agreed and allowed when it was sent is not asked for it again.
    """
    problems = Problems()
    _check_seat(log, problems)
    _check_day(log, book, problems)
    if was is None or was.day != log.day:
        _check_agreement(log, problems)
    _check_beside(log, book, problems)
    _check_times(log, book, was, problems)
    _check_sums(log, book, was, problems)
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
    for draft in book.others(log, (LogState.DRAFT,)):
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
    resource = enrolment.resource
    if day < resource.starts_on:
        return _l("This training begins on %(day)s.", day=resource.starts_on.isoformat())
    if day > resource.last_day:
        return _l("This training ended on %(day)s.", day=resource.last_day.isoformat())
    if enrolment.state is EnrolmentState.FINISHED:
        ended = enrolment.decided_at.astimezone(SHANGHAI).date() if enrolment.decided_at else resource.starts_on
        if day > ended:
            return _l("Your supervisor ended this on %(day)s: later practice does not count.", day=ended.isoformat())
    return None


def agreement_problem(enrolment: Enrolment, day: date) -> object:
    """Why an internship's agreement does not cover a day, None where it does, also while changed terms wait."""
    if enrolment.resource.kind is not ResourceKind.INTERNSHIP:
        return None
    first = enrolment.agreement.first_in_force_on if enrolment.agreement else None
    if first is None:
        return _l("The three-party agreement is not in force yet: sign it before the first hour.")
    if day < first:
        return _l(
            "The three-party agreement has been in force since %(day)s: hours before don't count.",
            day=first.isoformat(),
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


def _check_agreement(log: PracticeLog, problems: Problems) -> None:
    """The agreement is on file before the first hour: on its first day from the minute of the third signature on."""
    problem = agreement_problem(log.enrolment, log.day)
    if problem:
        problems.add("day", problem)
        return
    agreement = log.enrolment.agreement
    if log.enrolment.resource.kind is not ResourceKind.INTERNSHIP or not agreement or not agreement.in_force_since:
        return
    signed = agreement.in_force_since.astimezone(SHANGHAI)
    minute = 60 * signed.hour + signed.minute
    if log.day == agreement.first_in_force_on == signed.date() and (log.starts is None or log.starts < minute):
        sentence = _l(
            "The agreement was signed at %(time)s of this day: log what began after, from and to.",
            time=clock(minute),
        )
        problems.add("starts", sentence)


def _check_beside(log: PracticeLog, book: Book, problems: Problems) -> None:
    """Hours alone say all of a day on which there is nothing else: two logs that may overlap both say from and to."""
    for other in book.others(log, (*COUNTED, LogState.DRAFT)):
        if other.day != log.day or (log.starts is not None and other.starts is not None):
            continue
        if log.starts is not None:
            problems.add("ends", _only_hours(other))
        elif (other.starts, other.enrolment_id, other.minutes, other.done) == (
            None,
            log.enrolment_id,
            log.minutes,
            log.done,
        ):
            problems.add("hours", _l("You have logged the same already: change that log, or say what else you did."))
        else:
            problems.add("hours", _l("You have another log on this day: say from when to when."))


def _only_hours(other: Stretch) -> object:
    if other.state is LogState.DRAFT:
        return _l(
            "Your draft on «%(title)s» of this day has only hours: give it from and to first.", title=other.title
        )
    return _l(
        "Your log on «%(title)s» of this day has only hours: have it sent back, and give it from and to first.",
        title=other.title,
    )


def _check_times(log: PracticeLog, book: Book, was: WasSent | None, problems: Problems) -> None:
    if log.starts is None or log.ends is None:
        return
    if log.day == book.today and log.ends > book.minute:
        problems.add("ends", _l("It is %(now)s: log what you have done until now.", now=clock(book.minute)))
    if not book.rules.night_work and at_night(log.starts, log.ends) and not (was and was.encloses(log)):
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


def _check_sums(log: PracticeLog, book: Book, was: WasSent | None, problems: Problems) -> None:
    """Hours of the day and of the week, with those that count already."""
    field = "hours" if log.starts is None else "ends"
    day = book.minutes(log, log.day, log.day)
    if day + log.minutes > A_DAY:
        problems.add(
            field, _l("A day has 24 hours: %(hours)s of this one are logged already.", hours=hours_text(day))
        )
    if log.day == book.today and log.starts is None and day + log.minutes > book.minute:
        problems.add(
            field,
            _l("Only %(hours)s hours of today have passed: log what you have done.", hours=hours_text(book.minute)),
        )
    _check_allowed(log, book, was, field, problems)


def _check_allowed(log: PracticeLog, book: Book, was: WasSent | None, field: str, problems: Problems) -> None:
    """The university's limits. What was within them when it was sent stays so, unless other practice has taken its
    place; a log that came back and claims more leaves room for the others that came back, as these may be sent again.
    """
    beside = COUNTED if was is None or was.covers(log) else (*COUNTED, *CAME_BACK)
    days = (log.day, log.day)
    day, week = book.minutes(log, *days, beside), book.minutes(log, *week_of(log.day), beside)
    for span, most, so_far, sentence in (
        (
            days,
            book.rules.hours_a_day,
            day,
            _l(
                "Your university allows %(most)s hours a day, and %(hours)s of them are logged already.",
                most=book.rules.hours_a_day,
                hours=hours_text(day),
            ),
        ),
        (
            week_of(log.day),
            book.rules.hours_a_week,
            week,
            _l(
                "Your university allows %(most)s hours a week, and %(hours)s of them are logged already.",
                most=book.rules.hours_a_week,
                hours=hours_text(week),
            ),
        ),
    ):
        if so_far + log.minutes > 60 * most and not _was_allowed(log, book, was, *span):
            problems.add(field, sentence)
    by_day = A_DAY - sum(last - first for first, last in NIGHT)
    if not book.rules.night_work and day + log.minutes > by_day and not _was_allowed(log, book, was, *days):
        problems.add(field, _night())


def _was_allowed(log: PracticeLog, book: Book, was: WasSent | None, first: date, last: date) -> bool:
    """Whether a log that came back claims no more than it did, and all that counts now counted beside it then."""
    if was is None or was.counted is None or not was.covers(log):
        return False
    since, back = was.counted
    beside = [s for s in book.others(log) if first <= s.day <= last]
    return back is not None and all(
        any(begun < back and (ended is None or since < ended) for begun, ended in s.counted) for s in beside
    )


def _night() -> object:
    return _l("Your university allows no practice between 22:00 and 6:00.")


def _times(stretch: Stretch) -> dict[str, str]:
    return {"from": clock(stretch.starts or 0), "to": clock(stretch.ends or 0)}
