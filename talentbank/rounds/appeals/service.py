"""Making and answering appeals: each is answered once, by the officer whom its round names."""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from talentbank import audit
from talentbank.audit import command
from talentbank.errors import Conflict, Forbidden, Problems
from talentbank.extensions import changed_rows, db, now
from talentbank.extensions import lazy_gettext as _l
from talentbank.notices import service as notices
from talentbank.permissions import Action, Actor
from talentbank.rounds import entries
from talentbank.rounds.appeals import queries
from talentbank.rounds.appeals.models import Appeal, AppealKind, Outcome

LONGEST = 2000
"""Characters of an appeal, and of an answer."""


@command(Action.MAKE_APPEAL)
def make(actor: Actor, round_id: int, kind: str, words: str) -> Appeal:
    """Appeal in a round whose result the actor knows; its officer is told.

    Raises NotFound if the actor took no part, Conflict while there is no result or an appeal of the actor's waits.
    """
    round_ = queries.concerned(actor, round_id)
    if not queries.knows_result(actor, round_):
        raise Conflict(_l("This round has no result yet that could be questioned."))
    problems = Problems()
    if kind not in set(AppealKind):
        problems.add("kind", _l("Choose what you ask for."))
    _check("words", words, problems)
    problems.check()
    appeal = Appeal(
        round_id=round_id, user_id=actor.user_id, kind=AppealKind(kind), words=words.strip(), made_at=now()
    )
    db.session.add(appeal)
    try:
        db.session.flush()
    except IntegrityError:  # the database lets one wait a person and round
        raise Conflict(_l("Your earlier appeal in this round still waits for its answer.")) from None
    officer = round_.officer if round_.officer is not None and round_.officer.active else None
    officers = [person.id for person in entries.officers()] if officer is None else [officer.id]
    notices.tell(officers, "appeal_made", f"appeal:{appeal.id}", appeal=appeal.id, name=round_.name)
    audit.record(actor, Action.MAKE_APPEAL, appeal, round=round_id, kind=kind)
    return appeal


@command(Action.ANSWER_APPEAL)
def answer(actor: Actor, appeal_id: int, outcome: str, answer: str) -> Appeal:
    """Answer an appeal, once, as its round's officer; who made it is told. Raises Forbidden for anybody else.

    Anybody of the chamber answers where none is named, or the one named has no open account any more.
    """
    appeal = queries.appeal(actor, appeal_id)
    officer = appeal.round.officer
    if officer is not None and officer.active and officer.id != actor.user_id:
        raise Forbidden(_l("This round's appeals are answered by %(name)s.", name=officer.name))
    problems = Problems()
    if outcome not in set(Outcome):
        problems.add("outcome", _l("Choose what you decide."))
    _check("answer", answer, problems)
    problems.check()
    unanswered = update(Appeal).where(Appeal.id == appeal_id, Appeal.answered_at.is_(None))
    said = {"answered_by": actor.user_id, "answered_at": now(), "outcome": Outcome(outcome), "answer": answer.strip()}
    if changed_rows(unanswered.values(**said)) != 1:
        raise Conflict(_l("This appeal has been answered already."))
    name = appeal.round.name
    notices.tell([appeal.user_id], "appeal_answered", f"appeal:{appeal_id}", appeal=appeal_id, name=name)
    audit.record(actor, Action.ANSWER_APPEAL, appeal, outcome=outcome)
    return appeal


def _check(field: str, text: str, problems: Problems) -> None:
    if not text.strip():
        problems.add(field, _l("Write it in your own words."))
    elif len(text) > LONGEST:
        problems.add(field, _l("Write at most %(most)s characters.", most=LONGEST))
