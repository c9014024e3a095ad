"""What the chamber binds a round's runs with: its word on single pairs, and quotas on groups, each with a reason."""

from __future__ import annotations

from sqlalchemy import delete, func, select

from talentbank import audit
from talentbank.accounts.models import Organisation
from talentbank.audit import command
from talentbank.competencies.catalogue import Category
from talentbank.errors import Conflict, NotFound, Problems
from talentbank.extensions import db, now
from talentbank.extensions import lazy_gettext as _l
from talentbank.permissions import Action, Actor, Role
from talentbank.rounds import queries as rounds
from talentbank.rounds.models import BEFORE_PUBLICATION, Round, RoundPosition, RoundStudent
from talentbank.rounds.runs import queries
from talentbank.rounds.runs.models import Hint, HintKind, RoundQuota
from talentbank.rounds.snapshot import SAID_NOTHING, Snapshot

LONGEST_REASON = 500
MOST_PEOPLE = 100_000

BINDING = (HintKind.AGREED, HintKind.REQUIRE)
"""Kinds that match a pair on any account."""

WEIGHED = (HintKind.ENCOURAGE, HintKind.DISCOURAGE)
"""Kinds that have an amount."""


@command(Action.SET_HINT)
def set_hint(
    actor: Actor,
    round_id: int,
    student_id: int | None,
    position_id: int | None,
    kind: str,
    amount: float | None,
    reason: str,
) -> Hint:
    """Say something about a pair of a round, in place of what was said before; runs from now on obey it.

    amount: what encouraging or discouraging weighs, above 0 and up to 1 in units of the score.
    Raises NotFound, Conflict once people were told the outcome, and Invalid.
    """
    round_ = _changeable(round_id)
    _check_hint(round_, student_id, position_id, kind, amount, reason)
    of_pair = Hint.round_id == round_id, Hint.student_id == student_id, Hint.position_id == position_id
    hint = db.session.scalar(select(Hint).where(*of_pair))
    if hint is None:
        hint = Hint(round_id=round_id, student_id=student_id, position_id=position_id)
        db.session.add(hint)
    hint.kind, hint.reason = HintKind(kind), reason.strip()
    hint.amount = (amount or 0.0) if hint.kind in WEIGHED else 0.0
    hint.made_by, hint.made_at = actor.user_id or 0, now()
    db.session.flush()
    audit.record(
        actor,
        Action.SET_HINT,
        hint,
        round=round_id,
        student=student_id,
        position=position_id,
        kind=hint.kind.value,
        amount=hint.amount,
        reason=hint.reason,
    )
    return hint


@command(Action.SET_HINT)
def remove_hint(actor: Actor, hint_id: int) -> int:
    """Take a hint back; the round that it was of."""
    hint = db.session.get(Hint, hint_id)
    if hint is None:
        raise NotFound(_l("There is no such hint any more."))
    _changeable(hint.round_id)
    audit.record(
        actor, Action.SET_HINT, hint, removed=hint.kind.value, student=hint.student_id, position=hint.position_id
    )
    db.session.execute(delete(Hint).where(Hint.id == hint_id))
    return hint.round_id


@command(Action.SET_QUOTA)
def set_quota(
    actor: Actor,
    round_id: int,
    university_id: int | None,
    enterprise_id: int | None,
    category: str,
    at_least: int | None,
    at_most: int | None,
    reason: str,
) -> RoundQuota:
    """Promise or limit how many are placed among those whom all of the three name; at least one is named.

    Raises NotFound, Conflict once people were told the outcome, and Invalid.
    """
    _changeable(round_id)
    _check_quota(university_id, enterprise_id, category, at_least, at_most, reason)
    quota = RoundQuota(
        round_id=round_id,
        university_id=university_id,
        enterprise_id=enterprise_id,
        category=Category(category) if category else None,
        at_least=at_least or 0,
        at_most=at_most,
        reason=reason.strip(),
        made_by=actor.user_id or 0,
        made_at=now(),
    )
    db.session.add(quota)
    db.session.flush()
    audit.record(
        actor,
        Action.SET_QUOTA,
        quota,
        round=round_id,
        university=university_id,
        enterprise=enterprise_id,
        category=category,
        at_least=quota.at_least,
        at_most=at_most,
        reason=quota.reason,
    )
    return quota


@command(Action.SET_QUOTA)
def remove_quota(actor: Actor, quota_id: int) -> int:
    """Take a quota back; the round that it was of."""
    quota = db.session.get(RoundQuota, quota_id)
    if quota is None:
        raise NotFound(_l("There is no such quota any more."))
    _changeable(quota.round_id)
    audit.record(actor, Action.SET_QUOTA, quota, removed=True, at_least=quota.at_least, at_most=quota.at_most)
    db.session.execute(delete(RoundQuota).where(RoundQuota.id == quota_id))
    return quota.round_id


def _changeable(round_id: int) -> Round:
    round_ = rounds.round_(round_id)
    if round_.state not in BEFORE_PUBLICATION or round_.told_at is not None:
        raise Conflict(_l("The outcome of this round stands: hints and quotas bind no run of it any more."))
    return round_


def _check_hint(
    round_: Round,
    student_id: int | None,
    position_id: int | None,
    kind: str,
    amount: float | None,
    reason: str,
) -> None:
    problems = Problems()
    if student_id is None or db.session.get(RoundStudent, (round_.id, student_id)) is None:
        problems.add("student_id", _l("Choose somebody who is in this round."))
    if position_id is None or db.session.get(RoundPosition, (round_.id, position_id)) is None:
        problems.add("position_id", _l("Choose a position that is in this round."))
    if kind not in set(HintKind):
        problems.add("kind", _l("Choose what you say about the pair."))
    if kind in set(WEIGHED) and (amount is None or not 0 < amount <= 1):
        problems.add("amount", _l("What it weighs is a number above 0, up to 1."))
    _check_reason(problems, reason)
    problems.check()
    if kind in set(BINDING) and student_id is not None and position_id is not None:
        _check_binding(problems, round_, student_id, position_id)
        problems.check()


def _check_binding(problems: Problems, round_: Round, student_id: int, position_id: int) -> None:
    """A pair that is matched on any account must be one that both could have, on a seat that is there."""
    side = _ruled_out_by(round_.id, student_id, position_id)
    if side == "student":
        problems.add("kind", _l("The student has ruled this position out: nobody is placed against their word."))
    elif side == "enterprise":
        problems.add("kind", _l("The enterprise has ruled this candidate out: nobody is placed against its word."))
    bound = select(func.count()).where(Hint.round_id == round_.id, Hint.kind.in_(BINDING))
    if db.session.scalar(bound.where(Hint.student_id == student_id, Hint.position_id != position_id)):
        problems.add("student_id", _l("This student has another position for certain already."))
    taken = db.session.scalar(bound.where(Hint.position_id == position_id, Hint.student_id != student_id)) or 0
    if taken >= db.session.get_one(RoundPosition, (round_.id, position_id)).seats:
        problems.add("position_id", _l("All seats of this position are given for certain already."))


def _ruled_out_by(round_id: int, student_id: int, position_id: int) -> str:
    """Which side ruled a pair out, in what was frozen or in what stands now."""
    stored = queries.snapshot(round_id)
    frozen = Snapshot(queries.snapshot_text(stored.id)).ruled_out_by(student_id, position_id) if stored else ""
    if frozen:
        return frozen
    if rounds.said_by_students(round_id).get(student_id, SAID_NOTHING).rules_out(position_id):
        return "student"
    if rounds.said_by_positions(round_id).get(position_id, SAID_NOTHING).rules_out(student_id):
        return "enterprise"
    return ""


def _check_quota(
    university_id: int | None,
    enterprise_id: int | None,
    category: str,
    at_least: int | None,
    at_most: int | None,
    reason: str,
) -> None:
    problems = Problems()
    named = (("university_id", university_id, Role.UNIVERSITY), ("enterprise_id", enterprise_id, Role.ENTERPRISE))
    for field, organisation_id, kind in named:
        found = db.session.get(Organisation, organisation_id) if organisation_id is not None else None
        if organisation_id is not None and (found is None or found.kind is not kind):
            problems.add(field, _l("Choose one of the list."))
    if category and category not in set(Category):
        problems.add("category", _l("Choose one of the list."))
    if university_id is None and enterprise_id is None and not category:
        problems.add("university_id", _l("Name a university, an enterprise or a category."))
    for field, number in (("at_least", at_least), ("at_most", at_most)):
        if number is not None and not 0 <= number <= MOST_PEOPLE:
            problems.add(field, _l("A quota is a whole number of people, 0 or more."))
    if not at_least and at_most is None:
        problems.add("at_least", _l("Write at least how many, at most how many, or both."))
    if at_most is not None and (at_least or 0) > at_most:
        problems.add("at_most", _l("At most must not be less than at least."))
    _check_reason(problems, reason)
    problems.check()


def _check_reason(problems: Problems, reason: str) -> None:
    if not reason.strip() or len(reason) > LONGEST_REASON:
        problems.add(
            "reason", _l("Give the reason, in at most %(most)s characters: it is kept.", most=LONGEST_REASON)
        )
