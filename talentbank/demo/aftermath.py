"""What became of the demo's offers: answered and started, by the dice."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from talentbank.demo.dice import Dice
from talentbank.extensions import db
from talentbank.placements.models import Placement
from talentbank.rounds.offers.models import DeclineReason, Offer, OfferState
from talentbank.rounds.runs.models import MatchedPair, Run

ACCEPTED, DECLINED = 0.8, 0.6
"""The share of offers accepted, and of the others declined rather than lapsed."""
STARTED = 0.94
DECLINES = (
    DeclineReason.PAY,
    DeclineReason.PAY,
    DeclineReason.CITY,
    DeclineReason.HOUSING,
    DeclineReason.OTHER_OFFER,
)


class Aftermath:
    """Decides what people did."""

    def __init__(self, dice: Dice) -> None:
        self._dice = dice

    def follow(self, run: Run, published: datetime, days: int) -> None:
        """Offers of a run's pairs, and what followed up to now."""
        query = select(MatchedPair).where(MatchedPair.run_id == run.id).order_by(MatchedPair.student_id)
        offers = [self._offer(run, pair, published, days) for pair in db.session.scalars(query)]
        db.session.add_all(offers)
        db.session.flush()
        started = [o for o in offers if o.stored_state is OfferState.ACCEPTED and self._dice.happens(STARTED)]
        placements = [self._placement(offer) for offer in started]
        db.session.add_all(placements)
        db.session.flush()

    def _offer(self, run: Run, pair: MatchedPair, published: datetime, days: int) -> Offer:
        state = OfferState.ACCEPTED
        if not self._dice.happens(ACCEPTED):
            state = OfferState.DECLINED if self._dice.happens(DECLINED) else OfferState.LAPSED
        return Offer(
            run_id=run.id,
            student_id=pair.student_id,
            position_id=pair.position_id,
            stored_state=state,
            score=pair.score,
            made_at=published,
            deadline=published + timedelta(days=days),
            answered_at=None if state is OfferState.LAPSED else published + timedelta(days=self._dice.below(days)),
            declined_for=self._dice.one_of(DECLINES) if state is OfferState.DECLINED else None,
        )

    def _placement(self, offer: Offer) -> Placement:
        first = (offer.deadline + timedelta(days=7 + self._dice.below(20))).date()
        recorded = offer.deadline + timedelta(days=28)
        return Placement(offer_id=offer.id, student_id=offer.student_id, started_on=first, recorded_at=recorded)
