"""A whole round as a state machine: whatever people do in whatever order, what was promised holds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import delete, func, select

from talentbank.deposits.models import Position
from talentbank.errors import Conflict
from talentbank.extensions import db, now, today, transaction
from talentbank.permissions import SYSTEM, Actor
from talentbank.placements import queries as placements_of
from talentbank.placements import service as placements
from talentbank.rounds import clock, queries, service
from talentbank.rounds.models import Preference, Round, RoundPosition, RoundState, RoundStudent, Shortlisted
from talentbank.rounds.offers import service as offers
from talentbank.rounds.offers.models import Offer, OfferState
from talentbank.rounds.offers.queries import holds_seat
from talentbank.rounds.runs import queries as runs
from talentbank.rounds.runs import service as running
from talentbank.rounds.runs.models import MatchedPair
from talentbank.rounds.service import Policy
from tests.conftest import Stage
from tests.market import Market

S = RoundState
MOVES: dict[RoundState, set[RoundState]] = {
    S.DRAFT: {S.OPEN, S.CANCELLED},
    S.OPEN: {S.FROZEN, S.CANCELLED},
    S.FROZEN: {S.SOLVED, S.CANCELLED},
    S.SOLVED: {S.PUBLISHED, S.CANCELLED},
    S.PUBLISHED: {S.CLOSED},
    S.CLOSED: set(),
    S.CANCELLED: set(),
}
START = datetime(2027, 3, 1, 15, 30, tzinfo=UTC)
"""Half an hour before midnight in Meishan: the days change while the machine runs."""


class WholeRound(RuleBasedStateMachine):
    """The newest round is acted on; what was published before it stays looked at."""

    stage: Stage
    database: object
    reached = 0
    """Publications of all examples: a machine that never gets there would prove nothing."""
    left = 0
    """And people who left a placement."""

    def __init__(self) -> None:
        super().__init__()
        app: Flask = self.stage.set(self.database)  # type: ignore[arg-type]
        self.travel = time_machine.travel(START, tick=False)
        self.clock = self.travel.start()
        self.context = app.app_context()
        self.context.push()
        self.m = Market()
        self.students = {
            self.m.strong_id: self.m.strong,
            self.m.weak_id: self.m.weak,
            self.m.artist_id: self.m.artist,
        }
        self.seen: dict[int, RoundState] = {}
        self.published: dict[int, list[tuple[int, int]]] = {}
        self.at = service.make_round(self.m.chamber, Policy(name="Round 1", offer_days=2)).id

    def teardown(self) -> None:
        db.session.remove()
        self.context.pop()
        self.travel.stop()

    @property
    def round(self) -> Round:
        db.session.rollback()
        db.session.expire_all()
        return queries.round_(self.at)

    def is_in(self, *states: RoundState) -> bool:
        return self.round.state in states

    @initialize(days=st.integers(1, 4))
    def open(self, days: int) -> None:
        service.open_round(self.m.chamber, self.at, self.round.version, now() + timedelta(days=days))

    @precondition(lambda self: self.is_in(S.OPEN))
    @rule(data=st.data())
    def say(self, data: st.DataObject) -> None:
        """A student ranks and an enterprise shortlists, as rows: whoever may is another room's."""
        who = db.session.scalars(select(RoundStudent.student_id).where(RoundStudent.round_id == self.at)).all()
        what = db.session.scalars(select(RoundPosition.position_id).where(RoundPosition.round_id == self.at)).all()
        if not who or not what:
            return
        student, position = data.draw(st.sampled_from(who)), data.draw(st.sampled_from(what))
        rank = data.draw(st.sampled_from([1, None]))
        with transaction():
            mine = Preference.round_id == self.at, Preference.student_id == student
            db.session.execute(delete(Preference).where(*mine))
            theirs = Shortlisted.round_id == self.at, Shortlisted.position_id == position
            db.session.execute(delete(Shortlisted).where(*theirs))
            pair = {"round_id": self.at, "student_id": student, "position_id": position}
            db.session.add_all([Preference(**pair, rank=rank), Shortlisted(**pair, rank=1)])

    @precondition(lambda self: self.is_in(S.OPEN))
    @rule()
    def freeze(self) -> None:
        there = queries.joining_students(self.at).order_by(None).subquery()
        nobody = not db.session.scalar(select(func.count()).select_from(there))
        nothing = not queries.joining_positions(self.at)
        try:
            service.freeze(self.m.chamber, self.at, self.round.version)
        except service.EmptyRound:
            assert nobody or nothing
            assert self.is_in(S.OPEN)
        else:
            assert not nobody
            assert not nothing

    @precondition(lambda self: self.is_in(S.FROZEN, S.SOLVED) and self.round.told_at is None)
    @rule(trust=st.sampled_from([0.0, 0.5]))
    def run(self, trust: float) -> None:
        running.start(self.m.chamber, self.at, self.round.version, running.RunOrder(trust=trust))

    @precondition(lambda self: self.is_in(S.SOLVED) and self.round.told_at is None)
    @rule(data=st.data())
    def choose_and_tell(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from([run.number for run in runs.runs(self.at)]))
        running.select_run(self.m.chamber, self.at, self.round.version, number)
        offers.tell_unmatched(self.m.chamber, self.at, self.round.version)

    @precondition(lambda self: self.is_in(S.OPEN, S.FROZEN, S.SOLVED))
    @rule(data=st.data())
    def go_on_as_meant(self, data: st.DataObject) -> None:
        """The step that the round's page offers."""
        if self.is_in(S.OPEN):
            self.freeze()
        elif self.is_in(S.FROZEN):
            self.run(trust=0.5)
        elif self.round.told_at is None:
            self.choose_and_tell(data)
        else:
            self.publish()

    @precondition(lambda self: self.is_in(S.SOLVED))
    @rule()
    def publish(self) -> None:
        if self.round.told_at is None:
            with pytest.raises(Conflict):
                offers.publish(self.m.chamber, self.at, self.round.version)
            return
        offers.publish(self.m.chamber, self.at, self.round.version)
        run = runs.run_of(self.round)
        self.published[run.id] = self.pairs(run.id)
        WholeRound.reached += 1

    @precondition(lambda self: bool(self.published))
    @rule(data=st.data(), accepted=st.booleans())
    def answer(self, data: st.DataObject, *, accepted: bool) -> None:
        rows = db.session.execute(select(Offer.id, Offer.student_id).order_by(Offer.id)).all()
        if not rows:
            return
        offer_id, student_id = data.draw(st.sampled_from([tuple(row) for row in rows]))
        before = db.session.get_one(Offer, offer_id).state
        try:
            offers.answer_offer(self.students[student_id], offer_id, accepted, "pay")
        except Conflict:
            assert before is not OfferState.OPEN
        else:
            assert before is OfferState.OPEN

    @precondition(lambda self: bool(self.published))
    @rule(data=st.data())
    def begin_or_leave(self, data: st.DataObject) -> None:
        """Who accepted starts, who started leaves: and then both the person and the seat are free again."""
        taken = select(Offer.id).where(Offer.stored_state == OfferState.ACCEPTED, Offer.released_at.is_(None))
        offers_held = db.session.scalars(taken.order_by(Offer.id)).all()
        if not offers_held:
            return
        offer_id = data.draw(st.sampled_from(offers_held))
        placement = placements_of.placement_of(offer_id)
        if placement is None:
            placements.start(self.m.enterprise, offer_id, today())
            return
        placements.end(
            data.draw(st.sampled_from([self.m.enterprise, self._who(offer_id)])), placement.id, today(), "pay"
        )
        assert offer_id not in db.session.scalars(select(Offer.id).where(holds_seat())).all()
        WholeRound.left += 1

    def _who(self, offer_id: int) -> Actor:
        return self.students[db.session.get_one(Offer, offer_id).student_id]

    @rule(hours=st.sampled_from([1, 25, 50]))
    def wait(self, hours: int) -> None:
        self.clock.shift(timedelta(hours=hours))

    @rule()
    def tick(self) -> None:
        clock.tick(SYSTEM)
        left = self.round
        people = queries.contents(self.at)
        if left.state is S.OPEN and people.students and people.seats:
            assert left.takes_preferences, "an open round past its deadline is frozen"

    @precondition(lambda self: self.is_in(S.PUBLISHED, S.CLOSED))
    @rule()
    def go_on(self) -> None:
        try:
            self.at = service.next_round(self.m.chamber, self.at, self.round.version).id
        except service.EmptyRound:
            there = queries.contents()
            assert not there.students or not there.seats

    @precondition(lambda self: self.is_in(S.DRAFT, S.OPEN, S.FROZEN, S.SOLVED))
    @rule()
    def stale(self) -> None:
        """Whoever looks at an older page changes nothing."""
        with pytest.raises(Conflict):
            service.cancel(self.m.chamber, self.at, self.round.version - 1)

    def pairs(self, run_id: int) -> list[tuple[int, int]]:
        query = select(MatchedPair.student_id, MatchedPair.position_id).where(MatchedPair.run_id == run_id)
        return sorted(tuple(row) for row in db.session.execute(query))  # type: ignore[misc]

    @invariant()
    def states_only_move_as_allowed(self) -> None:
        db.session.rollback()
        db.session.expire_all()
        for round_ in queries.rounds():
            before = self.seen.get(round_.id)
            if before is not None and before is not round_.state:
                reachable, more = set(MOVES[before]), True
                while more:  # the clock may take two steps at once
                    wider = reachable | {s for r in reachable for s in MOVES[r]}
                    more, reachable = wider != reachable, wider
                assert round_.state in reachable
            self.seen[round_.id] = round_.state

    @invariant()
    def nobody_holds_two_offers_and_no_seat_is_promised_twice(self) -> None:
        held = db.session.execute(select(Offer.student_id, Offer.position_id).where(holds_seat())).all()
        students = [row[0] for row in held]
        assert len(students) == len(set(students))
        for position in db.session.scalars(select(Position)):
            assert sum(row[1] == position.id for row in held) <= position.headcount

    @invariant()
    def what_was_published_never_changes(self) -> None:
        for run_id, pairs in self.published.items():
            assert self.pairs(run_id) == pairs

    @invariant()
    def nobody_is_in_two_live_rounds(self) -> None:
        live = db.session.scalars(select(RoundStudent.student_id).where(RoundStudent.live)).all()
        assert len(live) == len(set(live))


@pytest.fixture
def machine(stage: Stage, template_database: object) -> Iterator[type[WholeRound]]:
    WholeRound.stage, WholeRound.database = stage, template_database
    WholeRound.reached = WholeRound.left = 0
    yield WholeRound


def test_whatever_people_do_in_whatever_order_what_was_promised_holds(machine: type[WholeRound]) -> None:
    few = settings(
        max_examples=25,
        stateful_step_count=30,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=few)
    assert machine.reached >= 5
    assert machine.left >= 1
