"""What both sides prefer, said and said again until the deadline; each time it replaces what was said before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from talentbank import audit
from talentbank.audit import command
from talentbank.competencies.models import Student
from talentbank.errors import Conflict, NotFound, Problems
from talentbank.extensions import changed_rows, db, now
from talentbank.extensions import lazy_gettext as _l
from talentbank.permissions import Action, Actor
from talentbank.rounds import queries as rounds
from talentbank.rounds.models import Others, Preference, Round, RoundPosition, RoundStudent, Shortlisted
from talentbank.rounds.preferences import queries

STALE = _l("This was saved meanwhile, in another window or by a colleague. Load the page again and look, then save.")


@command(Action.RANK_POSITIONS)
def rank(
    actor: Actor, round_id: int, version: int, ranked: list[int], ruled_out: list[int], others: str
) -> RoundStudent:
    """Say which positions the actor prefers, the first choice first, and which it does not want.

    version: how often the actor had saved when the page was loaded, 0 before the first time. A free student who is
    not in the round yet joins it. Raises Conflict after the deadline or if something was saved meanwhile.
    """
    student = queries.profile(actor)
    round_ = queries.locked(round_id)
    own = queries.entry(student, round_id)
    if own is None and not queries.free_to_join(student, round_id):
        raise NotFound(queries.NO_SUCH_ROUND)
    _check_open(round_)
    if version != (own.version if own else 0):
        raise Conflict(STALE)
    _check_ranking(round_, ranked, ruled_out, others)
    if own is None:
        _enter(round_id, student)
    _count_up(
        update(RoundStudent)
        .where(
            RoundStudent.round_id == round_id,
            RoundStudent.student_id == student.id,
            RoundStudent.live,
            RoundStudent.version == version,
        )
        .values(others=Others(others), saved_at=now(), version=version + 1)
    )
    mine = {"round_id": round_id, "student_id": student.id}
    said: list[dict[str, Any]] = [{**mine, "position_id": p, "rank": n} for n, p in enumerate(ranked, start=1)]
    said += [{**mine, "position_id": p, "rank": None} for p in ruled_out]
    db.session.execute(delete(Preference).where(Preference.round_id == round_id, Preference.student_id == student.id))
    if said:
        db.session.execute(insert(Preference), said)
    saved = db.session.get_one(RoundStudent, (round_id, student.id), populate_existing=True)
    audit.record(
        actor,
        Action.RANK_POSITIONS,
        f"round:{round_id}",
        student=student.id,
        ranked=ranked,
        ruled_out=sorted(ruled_out),
        others=others,
    )
    return saved


@command(Action.SHORTLIST_CANDIDATES)
def shortlist(
    actor: Actor, round_id: int, position_id: int, version: int, ranked: list[int], ruled_out: list[int]
) -> RoundPosition:
    """Say which candidates of a round the actor's enterprise prefers for a position of its own, by their numbers.

    Raises NotFound for another's position, and Conflict as `rank` does, or if the position no longer takes part.
    """
    own, position = queries.own_positions(actor, round_id, position_id)[0]
    round_ = queries.locked(round_id)
    _check_open(round_)
    if version != own.version:
        raise Conflict(STALE)
    if position_id not in rounds.joining_positions(round_id):
        raise Conflict(_l("This position takes part no longer: it is closed, or has no free seat."))
    known = {entry.number: student.id for entry, student, _ in queries.eligible(round_, position)}
    problems = Problems()
    _check_lists(problems, ranked, ruled_out)
    gone = [number for number in (*ranked, *ruled_out) if number not in known]
    if gone:
        named = ", ".join(map(str, gone[:10]))
        problems.add("ranked", _l("These numbers are no candidates of this position: %(numbers)s.", numbers=named))
    problems.check()
    _count_up(
        update(RoundPosition)
        .where(
            RoundPosition.round_id == round_id,
            RoundPosition.position_id == position_id,
            RoundPosition.live,
            RoundPosition.version == version,
        )
        .values(saved_at=now(), version=version + 1)
    )
    ours = {"round_id": round_id, "position_id": position_id}
    said: list[dict[str, Any]] = [{**ours, "student_id": known[c], "rank": n} for n, c in enumerate(ranked, start=1)]
    said += [{**ours, "student_id": known[c], "rank": None} for c in ruled_out]
    db.session.execute(
        delete(Shortlisted).where(Shortlisted.round_id == round_id, Shortlisted.position_id == position_id)
    )
    if said:
        db.session.execute(insert(Shortlisted), said)
    saved = db.session.get_one(RoundPosition, (round_id, position_id), populate_existing=True)
    audit.record(
        actor,
        Action.SHORTLIST_CANDIDATES,
        position,
        round=round_id,
        ranked=ranked,
        ruled_out=sorted(ruled_out),
    )
    return saved


def _check_open(round_: Round) -> None:
    if not round_.takes_preferences:
        raise Conflict(_l("The deadline of this round has passed: what was saved before it stands."))


def _check_lists(problems: Problems, ranked: Sequence[int], ruled_out: Sequence[int]) -> None:
    if len(set(ranked)) < len(ranked) or len(set(ruled_out)) < len(ruled_out):
        problems.add("ranked", _l("Something stands in the list twice: take it out once."))
    if set(ranked) & set(ruled_out):
        problems.add("ranked", _l("Something is both ranked and ruled out: choose one of the two."))


def _check_ranking(round_: Round, ranked: list[int], ruled_out: list[int], others: str) -> None:
    problems = Problems()
    _check_lists(problems, ranked, ruled_out)
    if others not in set(Others):
        problems.add("others", _l("Choose what holds for the positions that you did not rank."))
    if others == Others.ONLY and not ranked:
        problems.add("others", _l("With «only these» and nothing ranked you could be matched with no position."))
    if len(ranked) > round_.most_ranked:
        problems.add(
            "ranked", _l("Rank at most %(most)s positions: these are %(n)s.", most=round_.most_ranked, n=len(ranked))
        )
    listed = set(db.session.scalars(select(RoundPosition.position_id).where(RoundPosition.round_id == round_.id)))
    if {*ranked, *ruled_out} - listed:
        problems.add("ranked", _l("A position in the list is not in this round: load the page again."))
    closed = set(ranked) & listed - rounds.joining_positions(round_.id).keys()
    if closed:
        named = ", ".join(queries.titles(closed))
        problems.add("ranked", _l("Closed or filled meanwhile: %(titles)s. Take it out, then save.", titles=named))
    problems.check()


def _enter(round_id: int, student: Student) -> None:
    """Take a student in who became free after the round was opened."""
    last = select(func.max(RoundStudent.number)).where(RoundStudent.round_id == round_id)
    values = {
        "round_id": round_id,
        "student_id": student.id,
        "number": (db.session.scalar(last) or 0) + 1,
        "others": Others.ANY,
        "live": True,
        "version": 0,
    }
    try:
        db.session.execute(insert(RoundStudent).values(**values))
    except IntegrityError:  # somebody else joined with this number, or the student joined in another window
        raise Conflict(STALE) from None


def _count_up(statement: Any) -> None:
    """Save only if nobody else has saved since the page was loaded: the database says who was first."""
    if changed_rows(statement) != 1:
        raise Conflict(STALE)
