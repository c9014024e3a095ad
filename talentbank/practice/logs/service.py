"""Keeping logs: drafts, sending, mending, removing, and the files behind them.

All of it under the student's lock (`queries.lock_practice`): what a log is checked against does not change meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from talentbank import audit
from talentbank.audit import command
from talentbank.competencies.models import Student
from talentbank.engine.units import hours_text
from talentbank.errors import Conflict, Invalid, NotFound, Problems
from talentbank.extensions import db, now
from talentbank.extensions import lazy_gettext as _l
from talentbank.permissions import Action, Actor
from talentbank.practice import queries as practice
from talentbank.practice.evidence import Store
from talentbank.practice.logs import checks, history, queries
from talentbank.practice.logs.checks import A_DAY, CAME_BACK, Book
from talentbank.practice.logs.files import Batch, Looked, Shelf, Upload, check_beside, look, shelf
from talentbank.practice.models import MENDABLE, Enrolment, LogState, PracticeLog

LONGEST_DONE = 2000
LONGEST_LATE_REASON = 500
MOST_DRAFTS = 60
"""Of a student at once: drafts can have files, and nobody but the student looks at them."""


@dataclass(frozen=True, slots=True)
class LogEntry:
    """What a student says of one stretch of practice.

    Either from and to in minutes after midnight in Meishan (an end of 0 is midnight), or minutes alone; both only if
    they agree. competencies: codes of what the training teaches.
    """

    enrolment_id: int
    day: date | None
    starts: int | None = None
    ends: int | None = None
    minutes: int | None = None
    done: str = ""
    competencies: Sequence[str] = ()
    late_reason: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a week's drafts: those that were sent, and what keeps each of the others, by field."""

    logs: Sequence[PracticeLog]
    left: Mapping[int, Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class _Said:
    """An entry that can be written into a log."""

    day: date
    starts: int | None
    ends: int | None
    minutes: int


def save_draft(
    actor: Actor, log_id: int | None, entry: LogEntry, files: Sequence[Upload], version: int, store: Store
) -> PracticeLog:
    """Keep a new log, or a change of one that is with the student; what is missing can follow, what is wrong can't.

    version: of the log as it was shown; of no meaning for a new one. Raises NotFound for another's enrolment or log,
    Invalid by field, Conflict where the log is with somebody else or was changed in another window.
    """
    with shelf(store) as within:
        return _save(actor, log_id, entry, look(files), version, within)


def save_and_send(
    actor: Actor, log_id: int | None, entry: LogEntry, files: Sequence[Upload], version: int, store: Store
) -> PracticeLog:
    """`save_draft` and `send` as one: where it can't be sent, nothing is stored."""
    with shelf(store) as within:
        return _save_and_send(actor, log_id, entry, look(files), version, within)


@command(Action.KEEP_LOG)
def _save(
    actor: Actor, log_id: int | None, entry: LogEntry, batch: Batch, version: int, within: Shelf
) -> PracticeLog:
    log, _ = _written(actor, log_id, entry, batch, version, within, send=False)
    audit.record(actor, Action.KEEP_LOG, log, step="saved", minutes=log.minutes, files=len(log.evidence))
    return log


@command(Action.KEEP_LOG)
def _save_and_send(
    actor: Actor, log_id: int | None, entry: LogEntry, batch: Batch, version: int, within: Shelf
) -> PracticeLog:
    log, standing = _written(actor, log_id, entry, batch, version, within, send=True)
    _send(actor, log, standing)
    return log


@command(Action.KEEP_LOG)
def send(actor: Actor, log_id: int, version: int) -> PracticeLog:
    """Send a log to the supervisor; it can be changed again only if it comes back.

    Raises Invalid by field for what is wrong or missing, Conflict where it is with somebody else or was changed.
    """
    student = queries.lock_practice(actor)
    log = _with_student(actor, log_id, version)
    standing = queries.book(student, log.day, log.day)
    found = queries.problems(log, standing)
    if found:
        raise Invalid(errors=found)
    _send(actor, log, standing)
    return log


@command(Action.KEEP_LOG)
def send_week(actor: Actor, day: date) -> Sent:
    """Send the drafts of the week in which a day lies, in the order of time; what can't be sent stays a draft.

    Raises Invalid if there is none that can be.
    """
    student = queries.lock_practice(actor)
    found = queries.drafts(student, day)
    if not found:
        raise Invalid(_l("There are no drafts in this week: log what you did first."))
    standing = queries.book(student, day, day)
    sent: list[PracticeLog] = []
    left: dict[int, Mapping[str, object]] = {}
    for log in found:
        problems = queries.problems(log, standing)
        if problems:
            left[log.id] = problems
            continue
        _send(actor, log, standing)
        sent.append(log)
    if not sent:
        raise Invalid(_l("None of these drafts can be sent yet: each says what it needs."))
    return Sent(sent, left)


def remove(actor: Actor, log_id: int, store: Store) -> None:
    """Remove a draft with its files; what was once sent stays. Raises NotFound, or Conflict where it was sent."""
    with shelf(store) as within:
        _remove(actor, log_id, within)


@command(Action.KEEP_LOG)
def _remove(actor: Actor, log_id: int, within: Shelf) -> None:
    queries.lock_practice(actor)
    log = practice.log(actor, log_id, lock=True)
    if log.state is not LogState.DRAFT:
        raise Conflict(_l("This log was sent: only drafts can be removed."))
    audit.record(actor, Action.KEEP_LOG, log, step="removed", minutes=log.minutes, files=len(log.evidence))
    for evidence in log.evidence:
        within.taken.append(evidence.key)
        db.session.delete(evidence)
    db.session.delete(log)


def remove_evidence(actor: Actor, evidence_id: int, store: Store) -> PracticeLog:
    """Remove a file of a log that is with the student. Raises NotFound for a stranger's, Conflict once it is sent."""
    with shelf(store) as within:
        return _remove_evidence(actor, evidence_id, within)


@command(Action.KEEP_LOG)
def _remove_evidence(actor: Actor, evidence_id: int, within: Shelf) -> PracticeLog:
    queries.lock_practice(actor)
    log = practice.log(actor, queries.evidence(actor, evidence_id).log_id, lock=True)
    _check_with_student(log)
    evidence = next((evidence for evidence in log.evidence if evidence.id == evidence_id), None)
    if evidence is None:
        raise NotFound(_l("There is no such file, or it is not yours to see."))
    within.taken.append(evidence.key)
    db.session.delete(evidence)
    log.version += 1
    log.changed_at = now()
    audit.record(actor, Action.KEEP_LOG, log, step="file removed", name=evidence.name, digest=evidence.digest)
    return log


def _written(
    actor: Actor,
    log_id: int | None,
    entry: LogEntry,
    batch: Batch,
    version: int,
    within: Shelf,
    *,
    send: bool,
) -> tuple[PracticeLog, Book]:
    """A log as the entry says, stored with its files; and what it was checked against."""
    student = queries.lock_practice(actor)
    log = _begun(actor, student, entry) if log_id is None else _with_student(actor, log_id, version)
    if log_id is None and not send and queries.count_drafts(student) >= MOST_DRAFTS:
        raise Invalid(_l("You have %(most)s drafts already: send some, or remove them.", most=MOST_DRAFTS))
    if log.enrolment_id != entry.enrolment_id:
        raise Invalid(errors={"enrolment": _l("A log stays with its training: remove the draft and begin anew.")})
    problems = Problems()
    check_beside(batch, log.evidence, problems)
    said = _checked(entry, log.enrolment, problems)
    problems.check()
    was = checks.was_sent(log)
    _write(log, entry, said)
    standing = queries.book(student, log.day, log.day)
    found = checks.wrong(log, standing, was)
    more = checks.missing(log, standing) if send else checks.clash(log, standing)
    if found or more:
        raise Invalid(errors={**more, **found})
    _store(log, batch.files, within)
    return log, standing


def _begun(actor: Actor, student: Student, entry: LogEntry) -> PracticeLog:
    """A new draft, not yet stored."""
    enrolment = practice.enrolment(actor, entry.enrolment_id)
    return PracticeLog(
        enrolment=enrolment,
        enrolment_id=enrolment.id,
        student_id=student.id,
        state=LogState.DRAFT,
        created_at=now(),
        version=0,
        competencies=[],
        evidence=[],
        events=[],
    )


def _with_student(actor: Actor, log_id: int, version: int) -> PracticeLog:
    """One of the actor's logs, locked, that can be changed and is as it was shown."""
    log = practice.log(actor, log_id, lock=True)
    _check_with_student(log)
    if log.version != version:
        raise Conflict(_l("This log was changed from another window meanwhile: load it again, then change it."))
    return log


def _check_with_student(log: PracticeLog) -> None:
    if log.state is LogState.SUBMITTED:
        raise Conflict(_l("This log is with the supervisor: it can be changed only if it comes back."))
    if log.state not in MENDABLE:
        raise Conflict(_l("This log is verified: it can't be changed any more."))


def _checked(entry: LogEntry, enrolment: Enrolment, problems: Problems) -> _Said:
    """The day and the times of an entry, once all that can be seen without other logs is looked at."""
    if entry.day is None:
        problems.add("day", _l("Say on which day."))
    starts, ends, minutes = _times(entry, problems)
    if len(_plain(entry.done)) > LONGEST_DONE:
        problems.add("done", _l("Use at most %(most)s characters.", most=LONGEST_DONE))
    if len(_plain(entry.late_reason)) > LONGEST_LATE_REASON:
        problems.add("late_reason", _l("Use at most %(most)s characters.", most=LONGEST_LATE_REASON))
    taught = {row.competency.code for row in enrolment.resource.teaches}
    if not set(entry.competencies) <= taught:
        problems.add("competencies", _l("Tick only competencies that this training teaches."))
    return _Said(entry.day or date.min, starts, ends, minutes)


def _times(entry: LogEntry, problems: Problems) -> tuple[int | None, int | None, int]:
    """From, to and minutes; without the first two where only hours were said."""
    starts, ends = entry.starts, entry.ends
    if starts is None and ends is None:
        if entry.minutes is None:
            problems.add("hours", _l("Say from when to when, or how many hours."))
        elif not 1 <= entry.minutes <= A_DAY:
            problems.add("hours", _l("A log has more than 0 and at most 24 hours."))
        return None, None, entry.minutes or 0
    if starts is None or ends is None:
        problems.add("starts" if starts is None else "ends", _l("Say both from and to, or only the hours."))
        return None, None, 0
    ends = ends or A_DAY
    if not (0 <= starts < A_DAY and 0 < ends <= A_DAY):
        problems.add("ends", _l("Write times of one day, such as 09:00 and 17:30."))
    elif ends <= starts:
        problems.add("ends", _l("It ends before it begins. What went on after midnight is a log of the next day."))
    elif entry.minutes not in (None, ends - starts):
        problems.add(
            "hours",
            _l(
                "From and to make %(hours)s hours: leave the hours empty, or correct the times.",
                hours=hours_text(ends - starts),
            ),
        )
    return starts, ends, ends - starts


def _write(log: PracticeLog, entry: LogEntry, said: _Said) -> None:
    log.day, log.starts, log.ends, log.minutes = said.day, said.starts, said.ends, said.minutes
    log.done, log.late_reason = _plain(entry.done), _plain(entry.late_reason)
    log.competencies = [
        row.competency for row in log.enrolment.resource.teaches if row.competency.code in entry.competencies
    ]
    log.changed_at = now()
    log.version += 1


def _store(log: PracticeLog, files: Sequence[Looked], within: Shelf) -> None:
    db.session.add(log)
    within.keep(log, files)
    db.session.flush()


def _send(actor: Actor, log: PracticeLog, standing: Book) -> None:
    """Hand a log over to the supervisor, and have it count for what is sent after it."""
    again = log.state in CAME_BACK
    history.note(actor, log, LogState.SUBMITTED)
    log.submitted_at = log.changed_at
    standing.stretches = [stretch for stretch in standing.stretches if stretch.log_id != log.id]
    title = log.enrolment.resource.shown_title
    standing.stretches.append(checks.stretch_of(log, title))
    audit.record(actor, Action.KEEP_LOG, log, step="sent", again=again, minutes=log.minutes, files=len(log.evidence))


def _plain(text: str) -> str:
    """A text as it is kept: lines end as on Unix, nothing before or after."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()
