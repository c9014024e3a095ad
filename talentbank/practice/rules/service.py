"""A university sets its rules of practice."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from talentbank import audit
from talentbank.audit import command
from talentbank.errors import Conflict, Forbidden, Problems
from talentbank.extensions import db
from talentbank.extensions import lazy_gettext as _l
from talentbank.permissions import Action, Actor
from talentbank.practice.models import PracticeRules
from talentbank.practice.queries import rules_of

MOST_HOURS_PER_CREDIT = 200
MOST_CAP = 100_00
"""The highest cap a term, in hundredths of a credit."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a university sets: hours whole, the cap a term in hundredths of a credit or None for no cap."""

    hours_per_credit: int | None
    cap_a_term: int | None
    hours_a_day: int | None
    hours_a_week: int | None
    night_work: bool = False
    fees: bool = False
    recognised: bool = False


@command(Action.SET_RULES)
def set_rules(actor: Actor, values: Rules, version: int) -> PracticeRules:
    """Set the rules of the actor's university; they count for what is sent and confirmed from now on.

    version: of the rules that the actor looked at, 0 for the defaults.
    """
    if actor.organisation_id is None:
        raise Forbidden(_l("Your account belongs to no university: ask an administrator to invite you again."))
    _check(values)
    moved = Conflict(_l("The rules were changed from another window meanwhile: load them again, then change them."))
    stored = db.session.scalar(
        select(PracticeRules)
        .where(PracticeRules.university_id == actor.organisation_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    rules = stored or rules_of(actor.organisation_id)
    if rules.version != version:
        raise moved
    changes = {name: value for name, value in asdict(values).items() if getattr(rules, name) != value}
    before = {name: getattr(rules, name) for name in changes}
    for name, value in changes.items():
        setattr(rules, name, value)
    rules.version += 1
    db.session.add(rules)
    try:
        db.session.flush()
    except IntegrityError:  # somebody else set the first ones at the same moment
        raise moved from None
    subject = f"rules:{actor.organisation_id}"
    audit.record(actor, Action.SET_RULES, subject, version=rules.version, before=before, after=changes)
    return rules


def _check(values: Rules) -> None:
    problems = Problems()
    for field, hours, most in (
        ("hours_per_credit", values.hours_per_credit, MOST_HOURS_PER_CREDIT),
        ("hours_a_day", values.hours_a_day, 24),
        ("hours_a_week", values.hours_a_week, 7 * 24),
    ):
        if hours is None or not 1 <= hours <= most:
            problems.add(field, _l("Write whole hours, from 1 to %(most)s.", most=most))
    if values.hours_a_day and values.hours_a_week and values.hours_a_week < values.hours_a_day:
        problems.add("hours_a_week", _l("A week has at least as many hours as a day: correct one of them."))
    if values.cap_a_term is not None and not 1 <= values.cap_a_term <= MOST_CAP:
        most_credits = MOST_CAP // 100
        problems.add("cap_a_term", _l("A cap is above 0 and at most %(most)s credits.", most=most_credits))
    problems.check()
