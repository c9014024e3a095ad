"""The three-party agreement of an internship: proposed, changed, and signed by student, university and host.

What is signed is the SHA-256 of the terms, so nobody signs words that they have not read; changed terms are signed
by all three again. Until then what was in force before holds, and the trail keeps the words that were replaced.
"""

from __future__ import annotations

import hashlib

from sqlalchemy import select

from talentbank import audit
from talentbank.audit import command
from talentbank.deposits.resources.models import ResourceKind
from talentbank.errors import Conflict, Invalid
from talentbank.extensions import db, gettext, now
from talentbank.extensions import lazy_gettext as _l
from talentbank.permissions import Action, Actor
from talentbank.practice import queries as practice
from talentbank.practice.enrolments.steps import PARTIES, Part, parts
from talentbank.practice.models import Agreement, Enrolment, EnrolmentState, PracticeRules

LONGEST_TERMS = 8000
BLANK = "____"
"""What prefilled terms leave to be filled in."""


def digest(text: str) -> str:
    """The SHA-256 of a text in UTF-8, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def plain(text: str) -> str:
    """A text as it is kept and signed: lines end as on Unix, nothing before or after."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def usual_terms(enrolment: Enrolment, rules: PracticeRules) -> str:
    """Terms to begin with, in the reader's language; what the bank does not know is left BLANK."""
    resource, student = enrolment.resource, enrolment.student
    place = " ".join(filter(None, (resource.city.name, resource.place))) if resource.city else gettext("online")
    night = gettext("night work is allowed") if rules.night_work else gettext("none between 22:00 and 6:00")
    lines = (
        gettext("1. Student: %(name)s, %(major)s.", name=student.user.shown_name, major=student.major or BLANK),
        gettext("2. University: %(name)s.", name=student.university.name),
        gettext("3. Host: %(name)s.", name=resource.owner.name),
        gettext(
            "4. Internship: %(title)s, from %(first)s to %(last)s, %(hours)s hours in all.",
            title=resource.shown_title,
            first=resource.starts_on.isoformat(),
            last=resource.ends_on.isoformat(),
            hours=resource.hours,
        ),
        gettext("5. Place: %(place)s.", place=place),
        gettext("6. Supervisor: %(name)s, who verifies the hours.", name=resource.supervisor.shown_name),
        gettext("7. What is done: %(work)s", work=resource.description or BLANK),
        gettext(
            "8. Hours: at most %(day)s a day and %(week)s a week; %(night)s.",
            day=rules.hours_a_day,
            week=rules.hours_a_week,
            night=night,
        ),
        gettext("9. Insurance: %(blank)s", blank=BLANK),
        gettext("10. Pay and allowances: %(blank)s", blank=BLANK),
    )
    return "\n".join(lines)


@command(Action.SIGN_AGREEMENT)
def propose(actor: Actor, enrolment_id: int, terms: str, seen: str = "") -> Agreement:
    """Write the terms of an internship's agreement, as host or university; all three sign changed ones again.

    seen: the digest of the terms that the actor looked at, empty where there were none.
    """
    enrolment = _internship(actor, enrolment_id)
    if not parts(actor, enrolment) & {Part.HOST, Part.UNIVERSITY}:
        raise Invalid(_l("The host or the university writes the terms; you read and sign them."))
    terms = plain(terms)
    if not terms:
        raise Invalid(errors={"terms": _l("Write the terms: all three sign them.")})
    if BLANK in terms:
        raise Invalid(errors={"terms": _l("Fill in what is still blank (%(blank)s), then save.", blank=BLANK)})
    if len(terms) > LONGEST_TERMS:
        raise Invalid(errors={"terms": _l("Use at most %(most)s characters.", most=LONGEST_TERMS)})
    agreement = _agreement(enrolment_id)
    if seen != (agreement.digest if agreement else ""):
        raise Conflict(_l("Somebody else changed the terms meanwhile: load them again, then change them."))
    if agreement is None:
        agreement = Agreement(enrolment_id=enrolment_id)
        db.session.add(agreement)
    elif terms == agreement.terms:
        raise Invalid(errors={"terms": _l("Nothing is changed, so the signatures stand.")})
    replaced = agreement.terms
    agreement.terms, agreement.digest, agreement.proposed_at = terms, digest(terms), now()
    for party in PARTIES:
        setattr(agreement, f"{party.value}_signed_at", None)
        setattr(agreement, f"{party.value}_signer_id", None)
    audit.record(
        actor,
        Action.SIGN_AGREEMENT,
        enrolment,
        step="proposed",
        digest=agreement.digest,
        before=seen or None,
        replaced=replaced,
    )
    return agreement


@command(Action.SIGN_AGREEMENT)
def sign(actor: Actor, enrolment_id: int, party: str, seen: str) -> Agreement:
    """Sign for one of the parties; where the host is the student's university, its people sign twice.

    seen: the digest of the terms that the actor read.
    """
    enrolment = _internship(actor, enrolment_id)
    if party not in PARTIES or party not in parts(actor, enrolment):
        raise Invalid(_l("You can't sign for this party: use the page's own buttons."))
    agreement = _agreement(enrolment_id)
    if agreement is None or agreement.digest != seen:
        raise Conflict(_l("The terms were changed meanwhile: read them again, then sign."))
    if getattr(agreement, f"{party}_signed_at") is not None:
        raise Conflict(_l("This party has signed these terms already."))
    setattr(agreement, f"{party}_signed_at", now())
    setattr(agreement, f"{party}_signer_id", actor.user_id)
    audit.record(
        actor,
        Action.SIGN_AGREEMENT,
        enrolment,
        step="signed",
        party=str(party),
        digest=agreement.digest,
        in_force=agreement.in_force_since is not None,
    )
    return agreement


def _internship(actor: Actor, enrolment_id: int) -> Enrolment:
    """An enrolment that the actor may see, locked, on which an agreement can be written or signed."""
    enrolment = practice.enrolment(actor, enrolment_id, lock=True)
    if enrolment.resource.kind is not ResourceKind.INTERNSHIP:
        raise Invalid(_l("Only an internship asks for a three-party agreement."))
    if enrolment.state is not EnrolmentState.ACCEPTED:
        raise Conflict(_l("An agreement is for somebody who has a seat: look at the enrolment again."))
    return enrolment


def _agreement(enrolment_id: int) -> Agreement | None:
    """The agreement as it stands under the enrolment's lock: what was read while waiting for it may be older."""
    return db.session.scalar(
        select(Agreement)
        .where(Agreement.enrolment_id == enrolment_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
