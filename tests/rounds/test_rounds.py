"""A round's result: what it freezes, what is published or cancelled, and what can't be changed any more."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.exc import DBAPIError

from talentbank.competencies import service as competencies
from talentbank.competencies.service import ClaimedLevel, Profile
from talentbank.deposits import service as deposits
from talentbank.deposits.models import Position, PositionState
from talentbank.errors import Conflict, Forbidden, Invalid, NotFound
from talentbank.extensions import db, now, transaction
from talentbank.permissions import SYSTEM, Role
from talentbank.rounds import queries, service
from talentbank.rounds.models import Round, RoundState, StoredSnapshot
from talentbank.rounds.offers import service as offering
from talentbank.rounds.offers.models import Offer
from talentbank.rounds.policy import RunPolicy
from talentbank.rounds.runs import queries as runs
from talentbank.rounds.runs import service as running
from talentbank.rounds.runs.models import MatchedPair, Method, PositionOutcome, Run
from talentbank.rounds.runs.solving import Solution, solve
from talentbank.rounds.service import Policy
from talentbank.rounds.snapshot import Snapshot
from tests import factories
from tests.market import Market
from tests.rounds.life import WEEK, chosen, frozen, opened, published, run_again, solved

pytestmark = pytest.mark.usefixtures("app_context")


def pairs_of(run: Run) -> dict[int, int]:
    rows = db.session.scalars(select(MatchedPair).where(MatchedPair.run_id == run.id))
    return {pair.student_id: pair.position_id for pair in rows}


def given_up(m: Market, round_id: int) -> None:
    """Cancel a round, so that its people are free for the next one."""
    service.cancel(m.chamber, round_id, queries.round_(round_id).version)


def solved_again(stored: Snapshot, policy: RunPolicy) -> Solution:
    return solve(stored, policy, Method.OPTIMUM, lambda *_: True)


def test_a_round_is_made_run_and_published_and_every_pair_is_an_offer() -> None:
    m = Market()
    contents = queries.contents()
    assert (contents.students, contents.positions, contents.seats) == (3, 2, 3)
    found, run = solved(m.chamber)
    assert found.state is RoundState.SOLVED
    assert pairs_of(run) == {m.strong_id: m.shop, m.weak_id: m.shop, m.artist_id: m.studio}
    assert (run.students, run.positions, run.seats, run.matched) == (3, 2, 3, 3)
    assert run.certificate == 0.0
    assert not db.session.scalars(select(Offer)).all()
    found = chosen(m.chamber, found.id, run.number)
    offering.publish(m.chamber, found.id, found.version)
    offers = db.session.scalars(select(Offer)).all()
    assert {(o.student_id, o.position_id) for o in offers} == set(pairs_of(run).items())
    assert queries.round_(found.id).state is RoundState.PUBLISHED


def test_scores_are_the_fit_and_the_total_their_sum() -> None:
    m = Market()
    _, run = solved(m.chamber, trust=0.0)
    scores = {p.student_id: p.score for p in db.session.scalars(select(MatchedPair))}
    assert scores == {m.strong_id: 1.0, m.weak_id: 0.25, m.artist_id: 1.0}
    assert run.total_score == pytest.approx(2.25)
    assert {c.category: (c.seats, c.filled, c.unfilled) for c in runs.by_category(run)}["design"] == (1, 1, 0)


def test_headcount_is_respected_and_the_better_ones_get_the_seats() -> None:
    m = Market()
    _, third = m.student({"platform_ops": 4, "data_analysis": 1})
    _, run = solved(m.chamber, trust=0.0)
    at_the_shop = {student for student, there in pairs_of(run).items() if there == m.shop}
    assert at_the_shop == {m.strong_id, third}
    outcome = runs.prices(run.id)[m.shop]
    assert (outcome.filled, outcome.seats) == (2, 2)
    assert outcome.price == pytest.approx(0.25), "what the third, left out, would have added"


def test_the_policy_decides_who_can_be_matched() -> None:
    m = Market()
    found, run = solved(m.chamber, trust=0.0, min_score=0.5)
    assert m.weak_id not in pairs_of(run)
    run = run_again(m.chamber, found.id, trust=1.0, min_score=0.0)
    assert m.strong_id not in pairs_of(run), "nothing of this student is verified, and a score of 0 places nobody"
    assert m.artist_id in pairs_of(run)
    given_up(m, found.id)
    _, unproven = m.student({"visual_design": 5}, categories=["design"])
    _, run = solved(m.chamber, must_have_on="verified")
    assert m.artist_id in pairs_of(run)
    assert unproven not in pairs_of(run)


def test_what_changes_afterwards_does_not_reach_the_snapshot() -> None:
    m = Market()
    found, run = solved(m.chamber)
    before = runs.snapshot_text(run.snapshot_id)
    competencies.save_profile(m.strong, Profile(levels=[ClaimedLevel("teamwork", 5)]), version=1)
    stored = Snapshot(runs.snapshot_text(run.snapshot_id))
    assert stored.text == before
    kept = runs.snapshot(found.id)
    assert kept is not None
    assert stored.digest == kept.digest
    again = solved_again(stored, RunPolicy.load(run.policy))
    assert {pair["student_id"]: pair["position_id"] for pair in again.pairs} == pairs_of(run)
    assert found.state is RoundState.SOLVED


def test_the_same_people_in_another_order_freeze_to_the_same_snapshot() -> None:
    m = Market()
    taking = queries.participants(opened(m.chamber).id)
    candidates, openings = taking.candidates, taking.openings
    assert (len(candidates), len(openings)) == (3, 2)
    policy = {"objective": "score", "trust": 0.5, "min_score": 0.0, "must_have_on": "claimed", "seed": "abc"}
    there = Snapshot.freeze(policy, candidates, openings)
    back = Snapshot.freeze(policy, candidates[::-1], openings[::-1])
    assert there.text == back.text


def test_a_snapshot_names_the_organisations_and_one_of_old_that_does_not_still_loads() -> None:
    m = Market()
    _, run = solved(m.chamber)
    content = json.loads(runs.snapshot_text(run.snapshot_id))
    assert {row["university"] for row in content["students"]} == {str(m.university.organisation_id)}
    assert {row["enterprise"] for row in content["positions"]} == {str(m.enterprise.organisation_id)}
    stored = Snapshot(json.dumps(content))
    assert {c.university for c in stored.candidates} == {str(m.university.organisation_id)}
    del content["policy"]["seed"]
    for row in content["students"]:
        del row["university"]
    for row in content["positions"]:
        del row["enterprise"]
    old = Snapshot(json.dumps(content))
    assert {c.university for c in old.candidates} == {o.enterprise for o in old.openings} == {""}
    totals = [solved_again(s, s.policy).figures["total_score"] for s in (old, stored)]
    assert totals == [run.total_score] * 2
    assert old.scores(m.shop) == stored.scores(m.shop)


def test_the_scores_of_a_position_are_those_of_the_pairs_and_of_nobody_who_could_not_be_matched() -> None:
    m = Market()
    _, run = solved(m.chamber)
    stored = Snapshot(runs.snapshot_text(run.snapshot_id))
    assert stored.scores(m.studio).keys() == {m.artist_id}
    for pair in db.session.scalars(select(MatchedPair)):
        assert stored.scores(pair.position_id)[pair.student_id] == pair.score
        assert stored.fits(pair.student_id)[pair.position_id].value == pair.score
    assert stored.scores(99) == {}


def test_each_round_has_a_seed_of_its_own_which_stays_and_decides_between_equals() -> None:
    m = Market()
    twins = [m.student({"visual_design": 4}, {"visual_design": 3}, categories=["design"])[1] for _ in range(5)]
    equals, seeds, drawn = {m.artist_id, *twins}, set(), set()
    for _ in range(12):
        found, run = solved(m.chamber)
        content = json.loads(runs.snapshot_text(run.snapshot_id))
        assert content["policy"]["seed"] == found.seed
        assert len(found.seed) == 32
        [artist] = [student for student, there in pairs_of(run).items() if there == m.studio]
        assert pairs_of(run_again(m.chamber, found.id)) == pairs_of(run)
        given_up(m, found.id)
        seeds.add(found.seed)
        drawn.add(artist)
    assert len(seeds) == 12
    assert drawn <= equals
    assert len(drawn) > 1
    draft = service.make_round(m.chamber, Policy(name="Round"))
    seed = draft.seed
    assert service.change_policy(m.chamber, draft.id, Policy(name="New"), draft.version).seed == seed


def test_those_who_hold_an_offer_and_their_seats_are_not_in_the_next_round() -> None:
    m = Market()
    _, run = published(m.chamber)
    assert (queries.contents().students, queries.contents().seats) == (0, 0)
    offer = db.session.scalars(select(Offer).where(Offer.student_id == m.artist_id)).one()
    offering.answer_offer(m.artist, offer.id, accepted=False, declined_for="city", reason="Too far")
    contents = queries.contents()
    assert (contents.students, contents.seats) == (1, 1)
    _, second = solved(m.chamber)
    assert pairs_of(second) == {m.artist_id: m.studio}
    assert run.id != second.id


def test_a_published_round_stays_as_it_is() -> None:
    m = Market()
    found, _ = published(m.chamber)
    for act in (running.start, offering.tell_unmatched, offering.publish, service.freeze, service.cancel):
        with pytest.raises(Conflict):
            act(m.chamber, found.id, found.version)
    with pytest.raises(Conflict):
        running.select_run(m.chamber, found.id, found.version, 1)
    for move in (service.open_round, service.change_deadline):
        with pytest.raises(Conflict):
            move(m.chamber, found.id, found.version, now() + WEEK)
    with pytest.raises(Conflict):
        service.change_policy(m.chamber, found.id, Policy(name="Other"), found.version)
    assert db.session.scalar(select(func.count()).select_from(Run)) == 1


@pytest.mark.parametrize(
    "statement",
    [
        update(Run).values(total_score=99.0),
        update(MatchedPair).values(score=1.0),
        update(PositionOutcome).values(price=0.0),
        update(Round).values(name="Another"),
        update(StoredSnapshot).values(text="{}"),
        delete(StoredSnapshot),
        delete(Round),
        delete(Run),
        delete(MatchedPair),
        delete(PositionOutcome),
        text("UPDATE audit_entry SET actor_name = 'nobody'"),
        text("DELETE FROM audit_entry"),
    ],
    ids=str,
)
def test_the_database_itself_refuses_to_change_what_was_published(statement: object) -> None:
    m = Market()
    published(m.chamber)
    with pytest.raises(DBAPIError), transaction():
        db.session.execute(statement)  # type: ignore[call-overload]


def test_a_cancelled_round_is_over_and_sends_nothing_out() -> None:
    m = Market()
    found, run = solved(m.chamber)
    found = chosen(m.chamber, found.id, run.number)
    service.cancel(m.chamber, found.id, found.version)
    with pytest.raises(Conflict):
        offering.publish(m.chamber, found.id, queries.round_(found.id).version)
    assert not db.session.scalars(select(Offer)).all()
    assert queries.contents().students == 3


def test_once_a_round_is_open_its_policy_stands_and_only_its_runs_vary() -> None:
    m = Market()
    draft = service.make_round(m.chamber, Policy(name="Round"))
    changed = service.change_policy(m.chamber, draft.id, Policy(name="Stricter", min_score=0.1), draft.version)
    assert (changed.state, changed.min_score) == (RoundState.DRAFT, 0.1)
    for step in (opened, frozen, lambda chamber: solved(chamber)[0]):
        found = step(m.chamber)
        with pytest.raises(Conflict):
            service.change_policy(m.chamber, found.id, Policy(name="Other"), found.version)
        if found.state is not RoundState.SOLVED:
            given_up(m, found.id)
    strict = run_again(m.chamber, found.id, min_score=0.9)
    assert m.weak_id not in pairs_of(strict)
    assert m.weak_id in pairs_of(runs.run(found.id, 1))
    with pytest.raises(Conflict):
        offering.publish(m.chamber, found.id, found.version)


def test_what_no_longer_holds_is_not_published() -> None:
    m = Market()
    found, _ = solved(m.chamber)
    competencies.save_profile(m.weak, Profile(available=False), version=1)
    with pytest.raises(Conflict, match="1"):
        chosen(m.chamber, found.id, 1)
    assert not db.session.scalars(select(Offer)).all()
    again = queries.round_(found.id)
    assert (again.state, again.told_at) == (RoundState.SOLVED, None), "nobody is told of what can't go out"
    second = run_again(m.chamber, again.id)
    assert m.weak_id not in pairs_of(second)
    again = chosen(m.chamber, again.id, second.number)
    deposits.set_state(m.enterprise, m.studio, PositionState.CLOSED)
    with pytest.raises(Conflict):
        offering.publish(m.chamber, again.id, again.version)
    assert not db.session.scalars(select(Offer)).all()


def test_promised_seats_can_not_be_taken_back() -> None:
    m = Market()
    published(m.chamber)
    stored = db.session.get_one(Position, m.shop)
    values = deposits.PositionDeposit(
        title=stored.title,
        category="operations",
        city="meishan",
        headcount=1,
        min_salary=70_000,
        max_salary=120_000,
        requirements=[deposits.RequirementDeposit("platform_ops", 4)],
    )
    with pytest.raises(Invalid) as refused:
        deposits.change(m.enterprise, m.shop, values, stored.version)
    assert set(refused.value.errors) == {"headcount", "min_salary"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", " "),
        ("name", "x" * 121),
        ("objective", "luck"),
        ("must_have_on", "luck"),
        ("trust", 1.1),
        ("trust", None),
        ("trust", float("nan")),
        ("min_score", -0.1),
        ("offer_days", 0),
        ("offer_days", 61),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused_at_its_field(field: str, value: object) -> None:
    m = Market()
    with pytest.raises(Invalid) as refused:
        service.make_round(m.chamber, Policy(**{"name": "Round", field: value}))  # type: ignore[arg-type]
    assert set(refused.value.errors) == {field}
    assert not db.session.scalars(select(Round)).all()


def test_only_the_chamber_runs_rounds() -> None:
    m = Market()
    for actor in (m.enterprise, m.university, m.strong, SYSTEM):
        with pytest.raises(Forbidden):
            service.make_round(actor, Policy(name="Round"))
        with pytest.raises(Forbidden):
            service.open_round(actor, 1, 1, now() + WEEK)
        with pytest.raises(Forbidden):
            running.start(actor, 1, 1)
        with pytest.raises(Forbidden):
            offering.publish(actor, 1, 1)


def test_a_round_that_is_not_there_is_not_found() -> None:
    m = Market()
    acts = (
        service.freeze,
        service.cancel,
        running.start,
        offering.tell_unmatched,
        offering.publish,
        offering.close,
    )
    for act in acts:
        with pytest.raises(NotFound):
            act(m.chamber, 99, 1)
    for move in (service.open_round, service.change_deadline):
        with pytest.raises(NotFound):
            move(m.chamber, 99, 1, now() + WEEK)


def test_a_round_with_nobody_in_it_is_not_frozen_and_one_that_matches_nobody_has_an_empty_result() -> None:
    chamber = factories.person(Role.CHAMBER)
    found = opened(chamber)
    with pytest.raises(Conflict):
        service.freeze(chamber, found.id, found.version)
    found = queries.round_(found.id)
    assert found.state is RoundState.OPEN
    assert runs.snapshot(found.id) is None
    service.cancel(chamber, found.id, found.version)
    m = Market()
    competencies.save_profile(m.artist, Profile(available=False), version=1)
    found, run = published(m.chamber, trust=1.0)
    assert (run.matched, run.total_score, run.seats) == (0, 0.0, 3)
    assert found.state is RoundState.PUBLISHED
    assert not db.session.scalars(select(Offer)).all()


def test_placements_first_matches_more_people_than_the_best_score_does() -> None:
    m = Market()
    m.position({"procurement_negotiation": 4}, category="supply_chain", city="leshan")
    _, a = m.student({"procurement_negotiation": 4}, categories=["supply_chain"])
    found, run = solved(m.chamber, objective="placements")
    best = run_again(m.chamber, found.id, objective="score")
    assert a in pairs_of(run)
    assert run.matched >= best.matched
    assert run.bonus > 0
