"""What the pages call states, parties and steps."""

from __future__ import annotations

from collections.abc import Callable

from talentbank.extensions import gettext as _
from talentbank.extensions import lazy_gettext as _l
from talentbank.extensions import ngettext
from talentbank.practice.enrolments.steps import PARTIES, Next, Part, Progress, Standing, Step, missing
from talentbank.practice.models import EnrolmentState, StatementAnswer

STATE_LABELS = {
    EnrolmentState.ASKED: _l("asked"),
    EnrolmentState.WAITING: _l("on the waiting list"),
    EnrolmentState.ACCEPTED: _l("accepted"),
    EnrolmentState.FINISHED: _l("finished"),
    EnrolmentState.REFUSED: _l("refused"),
    EnrolmentState.LEFT: _l("left"),
}

STATE_TONES = {
    EnrolmentState.ASKED: "yellow",
    EnrolmentState.WAITING: "yellow",
    EnrolmentState.ACCEPTED: "green",
    EnrolmentState.FINISHED: "azure",
    EnrolmentState.REFUSED: "red",
    EnrolmentState.LEFT: "secondary",
}

PART_LABELS = {
    Part.STUDENT: _l("Student"),
    Part.UNIVERSITY: _l("University"),
    Part.HOST: _l("Host"),
    Part.SUPERVISOR: _l("Supervisor"),
}

ANSWER_LABELS = {
    StatementAnswer.AGREED: _l("The student agrees"),
    StatementAnswer.DISAGREED: _l("The student disagrees"),
}

_YOURS = {
    Step.DECIDE: _l("Somebody asks for a seat: accept or refuse."),
    Step.PROPOSE: _l("Write the three-party agreement: practice begins when all three have signed it."),
    Step.SIGN: _l("Read the three-party agreement and sign it."),
    Step.LOG: _l("Log what you do, ideally every week."),
    Step.WRITE: _l("Write what was really done: that ends it and frees the seat."),
    Step.ANSWER: _l("Read what the supervisor says was done, and agree or disagree."),
}

_THEIRS = {
    Step.DECIDE: _l("The host decides who gets a seat."),
    Step.OVER: _l("The last day passed before a seat was free."),
    Step.PROPOSE: _l("The host or the university writes the three-party agreement."),
    Step.LOG: _l("The student practises and logs the hours."),
    Step.WRITE: _l("The supervisor writes what was really done."),
    Step.ANSWER: _l("The student has still to answer what the supervisor wrote."),
    Step.DONE: _l("It is finished: what was earned stays."),
    Step.LEFT: _l("The seat or place was given up; what was earned stays."),
}


_LOGS: dict[tuple[Step, bool], Callable[[Progress], object]] = {
    (Step.MEND, True): lambda logs: ngettext(
        "%(num)d practice log came back to you: mend it and send it again.",
        "%(num)d practice logs came back to you: mend them and send them again.",
        logs.mending,
    ),
    (Step.MEND, False): lambda logs: ngettext(
        "%(num)d practice log is with the student again.",
        "%(num)d practice logs are with the student again.",
        logs.mending,
    ),
    (Step.VERIFY, True): lambda logs: ngettext(
        "%(num)d practice log waits for you to verify it.",
        "%(num)d practice logs wait for you to verify them.",
        logs.submitted,
    ),
    (Step.VERIFY, False): lambda logs: ngettext(
        "%(num)d practice log is with the supervisor.",
        "%(num)d practice logs are with the supervisor.",
        logs.submitted,
    ),
    (Step.CONFIRM, True): lambda logs: ngettext(
        "%(num)d verified practice log waits for you to confirm it.",
        "%(num)d verified practice logs wait for you to confirm them.",
        logs.verified,
    ),
    (Step.CONFIRM, False): lambda logs: ngettext(
        "%(num)d verified practice log is with the university.",
        "%(num)d verified practice logs are with the university.",
        logs.verified,
    ),
    (Step.SEND, True): lambda logs: ngettext(
        "%(num)d draft is not sent yet: send it to the supervisor.",
        "%(num)d drafts are not sent yet: send them to the supervisor.",
        logs.drafts,
    ),
}
"""The steps that say how many logs."""


def queue_text(place: int, length: int) -> str:
    """A place on a waiting list, from 1, as a sentence."""
    return str(
        _("Place %(place)s of %(length)s on the waiting list, which moves up by itself.", place=place, length=length)
    )


def step_text(following: Next, standing: Standing) -> str:
    """The next step as a sentence to the reader."""
    key = (following.step, following.mine)
    if key in _LOGS:
        return str(_LOGS[key](standing.progress))
    particular = _particular(following, standing)
    return str(particular or (_YOURS if following.mine else _THEIRS)[following.step])


def _particular(following: Next, standing: Standing) -> object:
    """The sentences that speak of this very enrolment; None for a step that is worded alike for all."""
    enrolment = standing.enrolment
    match following.step:
        case Step.QUEUE:
            return queue_text(*(standing.place or (1, 1)))
        case Step.SIGN if not following.mine and enrolment.agreement is not None:
            absent = missing(enrolment.agreement)
            names = _(", ").join(str(PART_LABELS[party]) for party in PARTIES if party in absent)
            return _("The three-party agreement still waits for: %(parties)s.", parties=names)
        case Step.BEGIN:
            return _("It begins on %(day)s.", day=enrolment.resource.starts_on.isoformat())
        case Step.REFUSED:
            reason = enrolment.reason or _("the host withdrew it before a seat was free.")
            return _("Refused: %(reason)s", reason=reason)
        case Step.LOG if following.mine and standing.over:
            return _("The last day has passed: log and send what you did.")
    return None
