"""Placements of a past that no test can wait for, written straight into the database."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from talentbank.extensions import db, now, today, transaction
from talentbank.permissions import Role
from talentbank.placements.models import EndReason, Placement
from talentbank.rounds.offers.models import Offer, OfferState
from talentbank.rounds.runs.models import Run
from tests.market import Market
from tests.rounds.life import published


def ago(days: int) -> date:
    return today() - timedelta(days=days)


class Placed:
    """A market with one published round, to which offers with a past are added."""

    def __init__(self) -> None:
        self.market = Market()
        self.government = None
        self.trainee = self.market.position({"platform_ops": 1}, headcount=5, contract="internship")
        _, self.run = published(self.market.chamber)
        with transaction():  # the round's own offers, so that the counts are the tests' own
            for offer in db.session.query(Offer):
                db.session.delete(offer)

    def add(
        self,
        position: int,
        state: OfferState = OfferState.ACCEPTED,
        started: int | None = None,
        ended: int | None = None,
        reason: EndReason | None = None,
        student: int | None = None,
        run: Run | None = None,
    ) -> Offer:
        """An offer; started and ended so many days ago, where they are given."""
        if student is None:
            student = self.market.student({"platform_ops": 3})[1]
        over = ended is not None
        made = now() if started is None else datetime.combine(ago(started + 5), datetime.min.time(), UTC)
        with transaction():
            offer = Offer(
                run_id=(run or self.run).id,
                student_id=student,
                position_id=position,
                stored_state=state,
                score=0.5,
                deadline=now() + timedelta(days=3),
                made_at=made,
                answered_at=made if state in (OfferState.ACCEPTED, OfferState.DECLINED) else None,
                released_at=now() if over else None,
            )
            db.session.add(offer)
            db.session.flush()
            if started is not None:
                placement = Placement(
                    offer_id=offer.id,
                    student_id=student,
                    started_on=ago(started),
                    recorded_at=now(),
                    ended_on=ago(ended) if ended is not None else None,
                    end_reason=reason if over else None,
                    ended_by=Role.STUDENT if over else None,
                )
                db.session.add(placement)
        return offer

    def fill(self) -> Placed:
        """Twenty-one in operations of whom nine left; four in design of whom one left; one each of what else is."""
        shop, studio = self.market.shop, self.market.studio
        for started in (400, 400, 370, 200, 200, 190, 100, 100, 95, 60, 30, 0):
            self.add(shop, started=started)
        for started, ended, reason in (
            (500, 450, "pay"),
            (400, 300, "pay"),
            (400, 200, "pay"),
            (390, 10, "pay"),
            (300, 150, "pay"),
            (200, 100, "pay"),
            (150, 100, "promotion"),
            (120, 20, "promotion"),
            (50, 0, "housing"),
        ):
            self.add(shop, started=started, ended=ended, reason=EndReason(reason))
        for started in (380, 120, 20):
            self.add(studio, started=started)
        self.add(studio, started=200, ended=150, reason=EndReason.HOUSING)
        self.add(studio)
        self.add(shop, OfferState.DECLINED)
        self.add(shop, OfferState.OPEN)
        self.add(self.trainee, started=100)
        return self
