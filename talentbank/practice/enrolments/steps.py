"""What comes next on an enrolment, and whose turn it is: no database here, rows that are loaded already.

`queries.waits_for` says the same in SQL, so that lists can be narrowed to what waits for the reader.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from talentbank.deposits.resources.models import ResourceKind
from talentbank.extensions import today
from talentbank.permissions import Actor, Role
from talentbank.practice.models import Agreement, Enrolment, EnrolmentState


class Part(StrEnum):
    """What somebody is to an enrolment; the first three are the parties that sign an agreement."""

    STUDENT = "student"
    UNIVERSITY = "university"
    HOST = "host"
    SUPERVISOR = "supervisor"


PARTIES = (Part.STUDENT, Part.UNIVERSITY, Part.HOST)


class Step(StrEnum):
    """What can come next."""

    DECIDE = "decide"
    QUEUE = "queue"
    OVER = "over"
    PROPOSE = "propose"
    SIGN = "sign"
    MEND = "mend"
    VERIFY = "verify"
    CONFIRM = "confirm"
    BEGIN = "begin"
    LOG = "log"
    SEND = "send"
    WRITE = "write"
    ANSWER = "answer"
    DONE = "done"
    REFUSED = "refused"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Progress:
    """Logs of an enrolment, counted by where they stand; times in minutes, credit in hundredths.

    drafts and mending (sent back, rejected, taken back) are with the student, submitted with the supervisor,
    verified with the university.
    """

    drafts: int = 0
    mending: int = 0
    submitted: int = 0
    verified: int = 0
    proven: int = 0
    submitted_minutes: int = 0
    proven_minutes: int = 0
    credit: int = 0


@dataclass(frozen=True, slots=True)
class Next:
    """The next step; mine where the reader takes it."""

    step: Step
    mine: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """An enrolment, whole, with its progress and, on the waiting list, its place and the list's length."""

    enrolment: Enrolment
    progress: Progress
    place: tuple[int, int] | None = None

    @property
    def over(self) -> bool:
        """Whether the resource's last day has passed."""
        return self.enrolment.resource.last_day < today()

    @property
    def due(self) -> bool:
        """Whether the statement of what was done is due: the last day has passed, or the hours are done."""
        return self.over or self.progress.proven_minutes >= 60 * self.enrolment.resource.hours


def parts(actor: Actor, enrolment: Enrolment) -> frozenset[Part]:
    """What the actor is to an enrolment; its resource and student must be loaded."""
    resource, student = enrolment.resource, enrolment.student
    if actor.role is Role.STUDENT:
        return frozenset({Part.STUDENT} if student.user_id == actor.user_id else ())
    found = set()
    if actor.role is Role.UNIVERSITY and student.university_id == actor.organisation_id:
        found.add(Part.UNIVERSITY)
    if actor.role in (Role.ENTERPRISE, Role.ZONE, Role.UNIVERSITY) and resource.owner_id == actor.organisation_id:
        found.add(Part.HOST)
        if resource.supervisor_id == actor.user_id:
            found.add(Part.SUPERVISOR)
    return frozenset(found)


def missing(agreement: Agreement) -> frozenset[Part]:
    """The parties that have not signed these terms yet."""
    return frozenset(party for party in PARTIES if getattr(agreement, f"{party.value}_signed_at") is None)


def awaits_agreement(enrolment: Enrolment) -> bool:
    """Whether practice can't begin because an internship's agreement was never in force."""
    agreed = enrolment.agreement is not None and enrolment.agreement.first_in_force_on is not None
    return enrolment.resource.kind is ResourceKind.INTERNSHIP and not agreed


def what_now(actor: Actor, standing: Standing) -> Next:
    """The first step that the actor takes; if there is none, the first that somebody else does."""
    mine = parts(actor, standing.enrolment)
    first: Next | None = None
    for step, takers in _open_steps(standing):
        if takers & mine:
            return Next(step, mine=True)
        first = first or Next(step, mine=False)
    return first or Next(Step.DONE, mine=False)


def _open_steps(standing: Standing) -> Iterator[tuple[Step, frozenset[Part]]]:
    """Everything that can be done now, the most pressing first, each with who does it."""
    enrolment = standing.enrolment
    match enrolment.state:
        case EnrolmentState.ASKED:
            yield Step.DECIDE, frozenset({Part.HOST})
        case EnrolmentState.WAITING:
            yield Step.OVER if standing.over else Step.QUEUE, frozenset()
        case EnrolmentState.ACCEPTED:
            yield from _while_practising(standing)
        case EnrolmentState.FINISHED:
            yield from _with_logs(standing)
            if enrolment.statement is not None and enrolment.statement.answer is None:
                yield Step.ANSWER, frozenset({Part.STUDENT})
            yield Step.DONE, frozenset()
        case EnrolmentState.REFUSED:
            yield Step.REFUSED, frozenset()
        case EnrolmentState.LEFT:
            yield Step.LEFT, frozenset()


def _while_practising(standing: Standing) -> Iterator[tuple[Step, frozenset[Part]]]:
    enrolment, progress = standing.enrolment, standing.progress
    blocked = awaits_agreement(enrolment)
    if blocked and enrolment.agreement is None:
        yield Step.PROPOSE, frozenset({Part.HOST, Part.UNIVERSITY})
    elif enrolment.resource.kind is ResourceKind.INTERNSHIP and enrolment.agreement and missing(enrolment.agreement):
        yield Step.SIGN, missing(enrolment.agreement)
    yield from _with_logs(standing)
    if blocked:
        return
    if enrolment.resource.starts_on > today():
        yield Step.BEGIN, frozenset()
        return
    if standing.due and progress.proven:
        yield Step.WRITE, frozenset({Part.SUPERVISOR})
    if progress.drafts:
        yield Step.SEND, frozenset({Part.STUDENT})
    complete = (standing.due and progress.proven) or (standing.over and progress.submitted)
    if not complete:
        yield Step.LOG, frozenset({Part.STUDENT})


def _with_logs(standing: Standing) -> Iterator[tuple[Step, frozenset[Part]]]:
    progress = standing.progress
    if progress.mending:
        yield Step.MEND, frozenset({Part.STUDENT})
    if progress.submitted:
        yield Step.VERIFY, frozenset({Part.SUPERVISOR})
    if progress.verified:
        yield Step.CONFIRM, frozenset({Part.UNIVERSITY})
