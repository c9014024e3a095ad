"""How a round moves from one state to the next: whoever was first by the database's word."""

from __future__ import annotations

from sqlalchemy import update

from talentbank.errors import Conflict
from talentbank.extensions import changed_rows, db
from talentbank.extensions import lazy_gettext as _l
from talentbank.rounds import queries
from talentbank.rounds.models import Round, RoundPosition, RoundState, RoundStudent

CHANGED = _l("Somebody else has changed this round meanwhile: this is how it stands now. Look, then decide.")


def advance(
    round_id: int, version: int, allowed: tuple[RoundState, ...], state: RoundState, **values: object
) -> Round:
    """Move a round on, if it still stands as the actor saw it; the database decides who was first.

    Raises NotFound, and Conflict where somebody else was first or the round is in no allowed state.
    """
    queries.round_(round_id)
    moved = (
        update(Round)
        .where(Round.id == round_id, Round.version == version, Round.state.in_(allowed))
        .values(state=state, version=Round.version + 1, **values)
    )
    if changed_rows(moved) != 1:
        raise Conflict(CHANGED)
    found = queries.round_(round_id)
    db.session.refresh(found)
    return found


def let_go(round_id: int) -> None:
    """Everybody and everything in a round may be in another from now on."""
    for entry in (RoundStudent, RoundPosition):
        db.session.execute(update(entry).where(entry.round_id == round_id).values(live=False))
