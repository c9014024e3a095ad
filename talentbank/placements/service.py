"""An accepted offer starts."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy.exc import IntegrityError

from talentbank import audit
from talentbank.audit import command
from talentbank.errors import Conflict, Invalid
from talentbank.extensions import db, now, today
from talentbank.extensions import lazy_gettext as _l
from talentbank.permissions import Action, Actor
from talentbank.placements.models import Placement
from talentbank.rounds.offers import queries as offers
from talentbank.rounds.offers.models import OfferState

LONGEST_AGO = timedelta(days=366)


@command(Action.START_PLACEMENT)
def start(actor: Actor, offer_id: int, started_on: date | None) -> Placement:
    """Record that somebody who accepted one of the actor's positions has started there."""
    offer = offers.offer(actor, offer_id)
    if offer.state is not OfferState.ACCEPTED:
        raise Conflict(_l("Only an accepted offer can start: this one is not accepted."))
    if started_on is None or not today() - LONGEST_AGO <= started_on <= today():
        raise Invalid(errors={"started_on": _l("The first day is a date within the last year, today at the latest.")})
    placement = Placement(offer_id=offer.id, student_id=offer.student_id, started_on=started_on, recorded_at=now())
    db.session.add(placement)
    try:
        db.session.flush()
    except IntegrityError:
        raise Conflict(_l("This placement is recorded already.")) from None
    audit.record(actor, Action.START_PLACEMENT, placement, offer=offer.id, started_on=started_on.isoformat())
    return placement
