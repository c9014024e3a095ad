"""What the pages call a log's states and steps, who has it, and times of a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from talentbank.extensions import SHANGHAI
from talentbank.extensions import gettext as _
from talentbank.extensions import lazy_gettext as _l
from talentbank.permissions import Actor, Role
from talentbank.practice.models import MENDABLE, LogState, PracticeLog

STATE_LABELS = {
    LogState.DRAFT: _l("draft"),
    LogState.SUBMITTED: _l("to be verified"),
    LogState.SENT_BACK: _l("sent back"),
    LogState.REJECTED: _l("rejected"),
    LogState.VERIFIED: _l("verified"),
    LogState.CONFIRMED: _l("confirmed"),
    LogState.DECLINED: _l("not counted as credit"),
    LogState.REVERSED: _l("taken back"),
}

STATE_TONES = {
    LogState.DRAFT: "secondary",
    LogState.SUBMITTED: "yellow",
    LogState.SENT_BACK: "red",
    LogState.REJECTED: "red",
    LogState.VERIFIED: "azure",
    LogState.CONFIRMED: "green",
    LogState.DECLINED: "secondary",
    LogState.REVERSED: "red",
}

STEP_LABELS = {
    LogState.DRAFT: _l("Begun as a draft"),
    LogState.SUBMITTED: _l("Sent to the supervisor"),
    LogState.SENT_BACK: _l("Sent back to the student"),
    LogState.REJECTED: _l("Rejected by the supervisor"),
    LogState.VERIFIED: _l("Verified by the supervisor"),
    LogState.CONFIRMED: _l("Confirmed by the university"),
    LogState.DECLINED: _l("Not counted as credit by the university"),
    LogState.REVERSED: _l("Verification taken back"),
}


WEEKDAYS = (
    _l("Monday"),
    _l("Tuesday"),
    _l("Wednesday"),
    _l("Thursday"),
    _l("Friday"),
    _l("Saturday"),
    _l("Sunday"),
)


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a log as its page tells it; who: the person's name, or empty where the bank did it by itself."""

    at: datetime
    label: object
    who: str = ""
    reason: str = ""
    tone: str = "secondary"


def steps(actor: Actor, log: PracticeLog) -> list[Step]:
    """What happened to a whole log, in the order of time; how it began only to the student."""
    told = [
        Step(
            event.at,
            STEP_LABELS[event.state],
            event.user.shown_name if event.user else "",
            event.reason,
            STATE_TONES[event.state],
        )
        for event in log.events
    ]
    told += [Step(chase.at, _l("The supervisor was reminded")) for chase in log.chases]
    if actor.role is Role.STUDENT:
        told.append(Step(log.created_at, STEP_LABELS[LogState.DRAFT]))
    return sorted(told, key=lambda step: step.at)


def file_size(size: int) -> str:
    """Bytes as a page shows them: 0.3 KB, 9.5 MB."""
    return f"{size / 1024**2:.1f} MB" if size >= 1024**2 else f"{size / 1024:.1f} KB"


def holder(actor: Actor, log: PracticeLog) -> str:
    """Who has a log now and since when, to the reader; the log must be whole."""
    resource, student = log.enrolment.resource, log.enrolment.student
    if log.state in MENDABLE:
        return str(_("With you") if actor.role is Role.STUDENT else _("With the student"))
    if log.state is LogState.SUBMITTED:
        since = _day(log.submitted_at)
        if resource.supervisor_id == actor.user_id:
            return str(_("With you since %(day)s", day=since))
        return str(_("With %(name)s since %(day)s", name=resource.supervisor.shown_name, day=since))
    if log.state is LogState.VERIFIED:
        since = _day(log.verified_at)
        if actor.role is Role.UNIVERSITY and student.university_id == actor.organisation_id:
            return str(_("With you since %(day)s", day=since))
        return str(_("With %(name)s since %(day)s", name=student.university.name, day=since))
    return str(_("Done"))


def _day(moment: datetime | None) -> str:
    """The day of a moment in Meishan."""
    return "" if moment is None else moment.astimezone(SHANGHAI).date().isoformat()
