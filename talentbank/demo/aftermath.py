"""What became of the demo's offers: answered, started, checked on, left, by the dice."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import insert, select

from talentbank.accounts.models import User
from talentbank.competencies.models import Student
from talentbank.demo.dice import Dice
from talentbank.deposits.models import Position
from talentbank.extensions import db
from talentbank.permissions import Role
from talentbank.placements.models import CHECK_IN_DAYS, CheckIn, EndReason, Placement
from talentbank.rounds.offers.models import DeclineReason, Offer, OfferState
from talentbank.rounds.runs.models import MatchedPair, Run

ACCEPTED, DECLINED = 0.8, 0.6
"""The share of offers accepted, and of the others declined rather than lapsed."""
STARTED = 0.94
LEAVES = 0.22
"""The share that leaves within a year: the paper's 25 % a year of core positions, somewhat bettered."""
ANSWERED = 0.85
"""The share of check-ins that a side answers."""
WHY = (
    (EndReason.PROMOTION,) * 4 + (EndReason.PAY,) * 4 + (EndReason.HOUSING,) * 2 + (EndReason.FAMILY, EndReason.STUDY)
)
DECLINES = (
    DeclineReason.PAY,
    DeclineReason.PAY,
    DeclineReason.CITY,
    DeclineReason.HOUSING,
    DeclineReason.OTHER_OFFER,
)


class Aftermath:
    """Decides what people did; at: the moment at which the demo is built."""

    def __init__(self, dice: Dice, at: datetime) -> None:
        self._dice = dice
        self._at = at

    def follow(self, run: Run, published: datetime, days: int) -> None:
        """Offers of a run's pairs, and what followed up to now."""
        query = select(MatchedPair).where(MatchedPair.run_id == run.id).order_by(MatchedPair.student_id)
        offers = [self._offer(run, pair, published, days) for pair in db.session.scalars(query)]
        db.session.add_all(offers)
        db.session.flush()
        started = [o for o in offers if o.stored_state is OfferState.ACCEPTED and self._dice.happens(STARTED)]
        placements = [self._placement(offer) for offer in started]
        db.session.add_all(placements)
        for offer, placement in zip(started, placements, strict=True):
            if placement.ended_on is not None:
                offer.released_at = datetime.combine(placement.ended_on, self._at.timetz())
        db.session.flush()
        people = self._people([offer.id for offer in started])
        checks = [row for placement in placements for row in self._checks(placement, people[placement.offer_id])]
        if checks:
            db.session.execute(insert(CheckIn), checks)

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
        last = first + timedelta(days=40 + self._dice.below(320))
        left = self._dice.happens(LEAVES) and last < self._at.date()
        recorded = offer.deadline + timedelta(days=28)
        return Placement(
            offer_id=offer.id,
            student_id=offer.student_id,
            started_on=first,
            recorded_at=recorded,
            confirmed_at=recorded + timedelta(days=2),
            ended_on=last if left else None,
            end_reason=self._dice.one_of(WHY) if left else None,
            ended_by=Role.STUDENT if left else None,
        )

    def _people(self, offers: list[int]) -> dict[int, dict[Role, int]]:
        """Who speaks for each side of an offer's placement."""
        rows = db.session.execute(
            select(Offer.id, Student.user_id, User.id)
            .join(Offer.student)
            .join(Offer.position)
            .join(User, User.organisation_id == Position.enterprise_id)
            .where(Offer.id.in_(offers), User.role == Role.ENTERPRISE)
            .order_by(Offer.id, User.id.desc())
        )
        return {offer: {Role.STUDENT: student, Role.ENTERPRISE: staff} for offer, student, staff in rows}

    def _checks(self, placement: Placement, people: dict[Role, int]) -> list[dict[str, object]]:
        """What both sides said at 90, 180 and 365 days: until somebody has left, and that once."""
        rows: list[dict[str, object]] = []
        for day in CHECK_IN_DAYS:
            asked = placement.started_on + timedelta(days=day)
            if asked + timedelta(days=4) > self._at.date():
                break
            left = placement.ended_on is not None and placement.ended_on <= asked
            rows += [
                {
                    "placement_id": placement.id,
                    "day": day,
                    "by": side,
                    "still_there": not left,
                    "left_on": placement.ended_on if left else None,
                    "reason": placement.end_reason if left else None,
                    "note": "",
                    "user_id": user_id,
                    "at": datetime.combine(asked, self._at.timetz()) + timedelta(days=self._dice.below(4)),
                }
                for side, user_id in people.items()
                if self._dice.happens(ANSWERED)
            ]
            if left:
                break
        return rows
