"""A round's life: made, run, published or cancelled; what it freezes, and what can't be changed any more."""

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
from talentbank.extensions import db, transaction
from talentbank.permissions import SYSTEM, Actor, Role
from talentbank.rounds import queries, service
from talentbank.rounds.models import MatchedPair, Offer, PositionOutcome, Round, RoundState, Run
from talentbank.rounds.service import Policy
from talentbank.rounds.snapshot import Snapshot
from tests import factories
from tests.market import Market

pytestmark = pytest.mark.usefixtures("app_context")


def pairs_of(run: Run) -> dict[int, int]:
    rows = db.session.scalars(select(MatchedPair).where(MatchedPair.run_id == run.id))
    return {pair.student_id: pair.position_id for pair in rows}


def solved(chamber: Actor, **policy: object) -> tuple[Round, Run]:
    made = service.make_round(chamber, Policy(name="Round", **policy))  # type: ignore[arg-type]
    run = service.run_round(chamber, made.id, made.version)
    return queries.round_(made.id), run


def published(chamber: Actor, **policy: object) -> tuple[Round, Run]:
    found, run = solved(chamber, **policy)
    return service.publish(chamber, found.id, found.version), run


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
    service.publish(m.chamber, found.id, found.version)
    offers = db.session.scalars(select(Offer)).all()
    assert {(o.student_id, o.position_id) for o in offers} == set(pairs_of(run).items())
    assert queries.round_(found.id).state is RoundState.PUBLISHED


def test_scores_are_the_fit_and_the_total_their_sum() -> None:
    m = Market()
    _, run = solved(m.chamber, trust=0.0)
    scores = {p.student_id: p.score for p in db.session.scalars(select(MatchedPair))}
    assert scores == {m.strong_id: 1.0, m.weak_id: 0.25, m.artist_id: 1.0}
    assert run.total_score == pytest.approx(2.25)
    assert {c.category: (c.seats, c.filled, c.unfilled) for c in queries.by_category(run)}["design"] == (1, 1, 0)


def test_headcount_is_respected_and_the_better_ones_get_the_seats() -> None:
    m = Market()
    _, third = m.student({"platform_ops": 4, "data_analysis": 1})
    _, run = solved(m.chamber, trust=0.0)
    at_the_shop = {student for student, there in pairs_of(run).items() if there == m.shop}
    assert at_the_shop == {m.strong_id, third}
    outcome = queries.prices(run.id)[m.shop]
    assert (outcome.filled, outcome.seats) == (2, 2)
    assert outcome.price == pytest.approx(0.25), "what the third, left out, would have added"


def test_the_policy_decides_who_can_be_matched() -> None:
    m = Market()
    _, run = solved(m.chamber, trust=0.0, min_score=0.5)
    assert m.weak_id not in pairs_of(run)
    _, run = solved(m.chamber, trust=1.0)
    assert m.strong_id not in pairs_of(run), "nothing of this student is verified, and a score of 0 places nobody"
    assert m.artist_id in pairs_of(run)
    _, unproven = m.student({"visual_design": 5}, categories=["design"])
    _, run = solved(m.chamber, must_have_on="verified")
    assert m.artist_id in pairs_of(run)
    assert unproven not in pairs_of(run)


def test_what_changes_afterwards_does_not_reach_the_snapshot() -> None:
    m = Market()
    found, run = solved(m.chamber)
    before = queries.snapshot_text(run.id)
    competencies.save_profile(m.strong, Profile(levels=[ClaimedLevel("teamwork", 5)]), version=1)
    stored = Snapshot(queries.snapshot_text(run.id))
    assert stored.text == before
    assert stored.digest == run.digest
    again = stored.solve()
    ids = [int(c.id) for c in stored.candidates]
    openings = [int(o.id) for o in stored.openings]
    matched = {i: openings[j] for i, j in zip(ids, again.result.position.tolist(), strict=True) if j >= 0}
    assert matched == pairs_of(run)
    assert found.state is RoundState.SOLVED


def test_the_same_people_in_another_order_freeze_to_the_same_snapshot() -> None:
    Market()
    candidates, openings = queries.participants()
    policy = {"objective": "score", "trust": 0.5, "min_score": 0.0, "must_have_on": "claimed", "seed": "abc"}
    there = Snapshot.freeze(policy, candidates, openings)
    back = Snapshot.freeze(policy, candidates[::-1], openings[::-1])
    assert there.text == back.text


def test_a_snapshot_names_the_organisations_and_one_of_old_that_does_not_still_loads() -> None:
    m = Market()
    _, run = solved(m.chamber)
    content = json.loads(queries.snapshot_text(run.id))
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
    assert old.solve().result.total == stored.solve().result.total
    assert old.scores(m.shop) == stored.scores(m.shop)


def test_the_scores_of_a_position_are_those_of_the_pairs_and_of_nobody_who_could_not_be_matched() -> None:
    m = Market()
    _, run = solved(m.chamber)
    stored = Snapshot(queries.snapshot_text(run.id))
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
        content = json.loads(queries.snapshot_text(run.id))
        assert content["policy"]["seed"] == found.seed
        assert len(found.seed) == 32
        [artist] = [student for student, there in pairs_of(run).items() if there == m.studio]
        again = service.run_round(m.chamber, found.id, found.version)
        assert pairs_of(again) == pairs_of(run)
        changed = service.change_policy(m.chamber, found.id, Policy(name="New"), queries.round_(found.id).version)
        assert changed.seed == found.seed
        seeds.add(found.seed)
        drawn.add(artist)
    assert len(seeds) == 12
    assert drawn <= equals
    assert len(drawn) > 1


def test_those_who_hold_an_offer_and_their_seats_are_not_in_the_next_round() -> None:
    m = Market()
    _, run = published(m.chamber)
    assert (queries.contents().students, queries.contents().seats) == (0, 0)
    offer = db.session.scalars(select(Offer).where(Offer.student_id == m.artist_id)).one()
    service.answer_offer(m.artist, offer.id, accepted=False, reason="Too far")
    contents = queries.contents()
    assert (contents.students, contents.seats) == (1, 1)
    _, second = solved(m.chamber)
    assert pairs_of(second) == {m.artist_id: m.studio}
    assert run.id != second.id


def test_a_published_round_stays_as_it_is() -> None:
    m = Market()
    found, _ = published(m.chamber)
    for act in (service.run_round, service.publish, service.cancel):
        with pytest.raises(Conflict):
            act(m.chamber, found.id, found.version)
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
    found, _ = solved(m.chamber)
    service.cancel(m.chamber, found.id, found.version)
    with pytest.raises(Conflict):
        service.publish(m.chamber, found.id, queries.round_(found.id).version)
    assert not db.session.scalars(select(Offer)).all()


def test_a_changed_policy_makes_the_result_count_no_more() -> None:
    m = Market()
    found, _ = solved(m.chamber)
    changed = service.change_policy(m.chamber, found.id, Policy(name="Stricter", min_score=0.9), found.version)
    assert changed.state is RoundState.DRAFT
    with pytest.raises(Conflict):
        service.publish(m.chamber, changed.id, changed.version)
    run = service.run_round(m.chamber, changed.id, changed.version)
    assert m.weak_id not in pairs_of(run)


def test_what_no_longer_holds_is_not_published() -> None:
    m = Market()
    found, _ = solved(m.chamber)
    competencies.save_profile(m.weak, Profile(available=False), version=1)
    with pytest.raises(Conflict, match="1"):
        service.publish(m.chamber, found.id, found.version)
    assert not db.session.scalars(select(Offer)).all()
    again = queries.round_(found.id)
    assert again.state is RoundState.SOLVED
    service.run_round(m.chamber, again.id, again.version)
    deposits.set_state(m.enterprise, m.studio, PositionState.CLOSED)
    with pytest.raises(Conflict):
        service.publish(m.chamber, again.id, queries.round_(again.id).version)


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
            service.run_round(actor, 1, 1)


def test_a_round_that_is_not_there_is_not_found() -> None:
    m = Market()
    for act in (service.run_round, service.publish, service.cancel):
        with pytest.raises(NotFound):
            act(m.chamber, 99, 1)


def test_a_round_with_nobody_in_it_has_an_empty_result() -> None:
    chamber = factories.person(Role.CHAMBER)
    found, run = published(chamber)
    assert (run.matched, run.total_score, run.seats) == (0, 0.0, 0)
    assert found.state is RoundState.PUBLISHED


def test_placements_first_matches_more_people_than_the_best_score_does() -> None:
    m = Market()
    m.position({"procurement_negotiation": 4}, category="supply_chain", city="leshan")
    _, a = m.student({"procurement_negotiation": 4}, categories=["supply_chain"])
    _, run = solved(m.chamber, objective="placements")
    _, best = solved(m.chamber)
    assert a in pairs_of(run)
    assert run.matched >= best.matched
    assert run.bonus > 0
