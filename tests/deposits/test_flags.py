"""Reports about positions: made once, decided once, told; and what is blocked is out of the market."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from flask import Flask
from sqlalchemy import func, select

from talentbank.audit import AuditEntry
from talentbank.deposits import queries as positions
from talentbank.deposits import service as deposits
from talentbank.deposits.flags import queries, service
from talentbank.deposits.flags.models import Flag, FlagKind, FlagState
from talentbank.deposits.models import Position, PositionState
from talentbank.deposits.queries import PositionFilter
from talentbank.errors import Conflict, Forbidden, Invalid, NotFound
from talentbank.extensions import db
from talentbank.notices.models import Notice
from talentbank.permissions import GRANTS, STRANGER, Action, Actor, Role
from talentbank.rounds import queries as rounds
from talentbank.rounds import service as matching
from talentbank.rounds.offers import service as offers
from talentbank.rounds.offers.models import Offer, OfferState
from talentbank.rounds.preferences import service as preferences
from talentbank.rounds.runs import service as running
from talentbank.rounds.runs.models import MatchedPair, Run
from tests import factories
from tests.market import Market
from tests.rounds.life import chosen, frozen, opened, published, run_again, solved
from tests.rounds.test_races import at_once
from tests.test_queries import counted

LONG = "x" * 1001
WORDS = "They asked for 2000 RMB for training before the first day."


@pytest.fixture
def m(in_english: None) -> Market:
    return Market()


def report(m: Market, position_id: int, actor: Actor | None = None, words: str = WORDS) -> Flag:
    return service.make(actor or m.strong, position_id, "fees", words)


def block(m: Market, position_id: int, answer: str = "They do ask for money.") -> Flag:
    """A report that the chamber upholds."""
    return service.decide(m.chamber, report(m, position_id, m.artist).id, "uphold", answer)


def state(position_id: int) -> PositionState:
    db.session.rollback()
    return db.session.get_one(Position, position_id, populate_existing=True).state


def told(actor: Actor, kind: str) -> list[dict[str, object]]:
    query = select(Notice.data).where(Notice.user_id == actor.user_id, Notice.kind == kind).order_by(Notice.id)
    return list(db.session.scalars(query))


def trail(action: Action) -> Sequence[AuditEntry]:
    return db.session.scalars(select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.id)).all()


def placed(run: Run) -> dict[int, int]:
    """Which position each student of a run is matched with."""
    rows = db.session.execute(
        select(MatchedPair.student_id, MatchedPair.position_id).where(MatchedPair.run_id == run.id)
    ).all()
    return dict(rows)


# Made.


def test_a_report_is_kept_as_it_was_made_and_the_chamber_is_told(m: Market) -> None:
    colleague, elsewhere = factories.person(Role.CHAMBER), factories.person(Role.CHAMBER, active=False)
    flag = report(m, m.shop, words=f"  {WORDS} ")
    assert (flag.position_id, flag.user_id, flag.kind, flag.words) == (m.shop, m.strong.user_id, FlagKind.FEES, WORDS)
    assert (flag.state, queries.count_waiting()) == (FlagState.WAITING, 1)
    title = db.session.get_one(Position, m.shop).title
    for officer in (m.chamber, colleague):
        assert told(officer, "flag_made") == [{"title": title}]
    assert told(elsewhere, "flag_made") == told(m.enterprise, "flag_made") == []
    (entry,) = trail(Action.FLAG_POSITION)
    assert (entry.actor_id, entry.subject) == (m.strong.user_id, f"flag:{flag.id}")
    assert entry.detail == {"position": m.shop, "kind": "fees"}


@pytest.mark.parametrize("role", [Role.UNIVERSITY, Role.ZONE, Role.GOVERNMENT, Role.CHAMBER, Role.ADMINISTRATOR])
def test_anybody_who_is_signed_in_can_report_what_is_on_show(m: Market, role: Role) -> None:
    someone = factories.person(role)
    assert report(m, m.shop, someone).user_id == someone.user_id


def test_a_stranger_reports_nothing(m: Market) -> None:
    with pytest.raises(Forbidden):
        report(m, m.shop, STRANGER)


@pytest.mark.parametrize(
    ("kind", "words", "field"),
    [
        ("fees", "", "words"),
        ("fees", " \n", "words"),
        ("fees", LONG, "words"),
        ("", WORDS, "kind"),
        ("blocked", WORDS, "kind"),
    ],
)
def test_a_report_that_says_too_little_or_too_much_is_refused(m: Market, kind: str, words: str, field: str) -> None:
    before = factories.stored(Flag, Notice)
    with pytest.raises(Invalid) as refused:
        service.make(m.strong, m.shop, kind, words)
    assert list(refused.value.errors) == [field]
    assert factories.stored(Flag, Notice) == before
    assert len(report(m, m.shop, words=LONG[1:]).words) == 1000


def test_one_report_waits_a_person_and_position_and_the_next_can_be_made_once_it_is_decided(m: Market) -> None:
    first = report(m, m.shop)
    with pytest.raises(Conflict, match="still waits"):
        report(m, m.shop)
    report(m, m.studio)
    report(m, m.shop, m.weak)
    service.decide(m.chamber, first.id, "dismiss", "It is not so.")
    again = report(m, m.shop)
    assert [flag.id for flag in queries.own(m.strong, m.shop)] == [again.id, first.id]


def test_two_reports_of_one_person_at_once_are_one_report(app: Flask) -> None:
    with app.app_context():
        m = Market()
        for position in (m.shop, m.studio):
            make = lambda position=position: report(m, position)  # noqa: E731
            assert sorted(map(str, at_once(app, make, make))) == sorted(map(str, ["done", Conflict]))
        assert db.session.scalar(select(func.count()).select_from(Flag)) == 2
        assert len(trail(Action.FLAG_POSITION)) == len(told(m.chamber, "flag_made")) == 2


def test_nobody_reports_what_it_does_not_see_nor_its_own_enterprises(m: Market) -> None:
    deposits.set_state(m.enterprise, m.studio, PositionState.CLOSED)
    with pytest.raises(NotFound):
        report(m, m.studio)
    with pytest.raises(NotFound):
        report(m, 9999)
    with pytest.raises(NotFound):
        report(m, m.shop, factories.person(Role.ENTERPRISE))
    with pytest.raises(Conflict, match="own enterprise"):
        report(m, m.shop, m.enterprise)
    assert report(m, m.studio, m.chamber).position_id == m.studio


# Decided.


def test_a_dismissed_report_leaves_the_position_and_the_other_reports_as_they_are(m: Market) -> None:
    flag, other = report(m, m.shop), report(m, m.shop, m.weak)
    service.decide(m.chamber, flag.id, "dismiss", " We asked: it is free. ")
    title = db.session.get_one(Position, m.shop).title
    assert (flag.state, flag.answer, flag.decided_by) == (
        FlagState.DISMISSED,
        "We asked: it is free.",
        m.chamber.user_id,
    )
    assert state(m.shop) is PositionState.OPEN
    assert queries.flag(other.id).state is FlagState.WAITING
    assert told(m.strong, "flag_decided") == [{"position": m.shop, "title": title, "answer": "We asked: it is free."}]
    assert told(m.weak, "flag_decided") == told(m.enterprise, "position_blocked") == []
    (entry,) = trail(Action.DECIDE_FLAG)
    assert entry.detail == {"upheld": False, "position": m.shop, "reports": [flag.id]}


def test_an_upheld_report_blocks_the_position_and_decides_all_that_wait_with_one_answer(m: Market) -> None:
    colleague = factories.person(Role.ENTERPRISE, positions.position(m.chamber, m.shop).enterprise)
    old = report(m, m.shop)
    service.decide(m.chamber, old.id, "dismiss", "Not so.")
    flag, other, elsewhere = report(m, m.shop), report(m, m.shop, m.weak), report(m, m.studio, m.weak)
    before = db.session.get_one(Position, m.shop).version
    service.decide(m.chamber, flag.id, "uphold", "They do ask.")
    db.session.expire_all()
    assert {f.id: f.state for f in db.session.scalars(select(Flag))} == {
        old.id: FlagState.DISMISSED,
        flag.id: FlagState.UPHELD,
        other.id: FlagState.UPHELD,
        elsewhere.id: FlagState.WAITING,
    }
    assert {queries.flag(i).answer for i in (flag.id, other.id)} == {queries.why_blocked(m.shop)} == {"They do ask."}
    assert queries.flag(old.id).answer == "Not so."
    assert state(m.shop) is PositionState.BLOCKED
    assert db.session.get_one(Position, m.shop).version == before + 1
    assert [said["answer"] for said in told(m.strong, "flag_decided")] == ["Not so.", "They do ask."]
    assert [said["answer"] for said in told(m.weak, "flag_decided")] == ["They do ask."]
    title = db.session.get_one(Position, m.shop).title
    for member in (m.enterprise, colleague):  # what happened, and nothing of who reported
        assert told(member, "position_blocked") == [{"position": m.shop, "title": title}]
        assert told(member, "flag_decided") == told(member, "flag_made") == []
    blocked = [entry for entry in trail(Action.DECIDE_FLAG) if entry.subject == f"position:{m.shop}"]
    assert [entry.detail for entry in blocked] == [{"state": "blocked", "report": flag.id}]
    assert trail(Action.DECIDE_FLAG)[-1].detail["reports"] == [flag.id, other.id]


@pytest.mark.parametrize("decision", ["uphold", "dismiss"])
def test_a_report_is_decided_once(m: Market, decision: str) -> None:
    flag, other = report(m, m.shop), report(m, m.shop, m.weak)
    service.decide(m.chamber, flag.id, "uphold", "First.")
    before = factories.stored(Flag, Notice)
    for decided in (flag, other):  # the other one was decided with it
        with pytest.raises(Conflict, match="decided already"):
            service.decide(m.chamber, decided.id, decision, "Second.")
    assert factories.stored(Flag, Notice) == before
    assert queries.flag(flag.id).answer == "First."


def test_two_who_decide_at_once_decide_once(app: Flask) -> None:
    with app.app_context():
        m = Market()
        colleague = factories.person(Role.CHAMBER)
        for actor in (m.strong, m.weak, m.artist):
            flag = report(m, m.shop, actor)
            uphold = lambda flag=flag: service.decide(m.chamber, flag.id, "uphold", "So.")  # noqa: E731
            dismiss = lambda flag=flag: service.decide(colleague, flag.id, "dismiss", "No.")  # noqa: E731
            results = at_once(app, uphold, dismiss)
            assert sorted(map(str, results)) == sorted(map(str, ["done", Conflict]))
            upheld = results[0] == "done"
            assert queries.flag(flag.id).state is (FlagState.UPHELD if upheld else FlagState.DISMISSED)
            assert state(m.shop) is (PositionState.BLOCKED if upheld else PositionState.OPEN)
            assert len(told(actor, "flag_decided")) == 1
            if upheld:
                service.unblock(m.chamber, m.shop, "Again.")
                deposits.set_state(m.enterprise, m.shop, PositionState.OPEN)


@pytest.mark.parametrize(
    ("decision", "answer", "field"),
    [
        ("uphold", " ", "answer"),
        ("dismiss", "x" * 1001, "answer"),
        ("", "So.", "decision"),
        ("no", "So.", "decision"),
    ],
)
def test_a_decision_needs_an_answer(m: Market, decision: str, answer: str, field: str) -> None:
    flag = report(m, m.shop)
    before = factories.stored(Flag, Notice)
    with pytest.raises(Invalid) as refused:
        service.decide(m.chamber, flag.id, decision, answer)
    assert list(refused.value.errors) == [field]
    assert factories.stored(Flag, Notice) == before
    assert (state(m.shop), queries.count_waiting()) == (PositionState.OPEN, 1)


def test_the_chamber_alone_decides(m: Market) -> None:
    flag = report(m, m.shop)
    for actor in (m.strong, m.enterprise, factories.person(Role.ADMINISTRATOR), STRANGER):
        with pytest.raises(Forbidden):
            service.decide(actor, flag.id, "uphold", "So.")
        with pytest.raises(Forbidden):
            service.unblock(actor, m.shop, "So.")
    with pytest.raises(NotFound):
        service.decide(m.chamber, 9999, "uphold", "So.")


def test_the_list_has_what_waits_first_the_oldest_before_the_others_and_can_be_narrowed(m: Market) -> None:
    dismissed, first = report(m, m.shop), report(m, m.studio)
    service.decide(m.chamber, dismissed.id, "dismiss", "No.")
    upheld = block(m, m.position({"teamwork": 1}))
    second = report(m, m.shop, m.weak)
    found = {
        wanted: [flag.id for flag in queries.flags(wanted, None, 1).items]
        for wanted in ("", "waiting", "upheld", "dismissed", "nonsense")
    }
    every = [first.id, second.id, upheld.id, dismissed.id]
    assert found == {
        "": every,
        "waiting": every[:2],
        "upheld": [upheld.id],
        "dismissed": [dismissed.id],
        "nonsense": every,
    }
    assert [flag.id for flag in queries.flags("", m.shop, 1).items] == [second.id, dismissed.id]
    assert queries.count_waiting() == 2


def test_a_list_of_many_reports_asks_the_database_as_often_as_one_of_two(m: Market) -> None:
    def read() -> int:
        db.session.expire_all()
        db.session.rollback()
        with counted() as statements:
            page = queries.flags("", None, 1)
            assert all(f.user.name and f.position.enterprise.name for f in page.items)
            assert all(f.user.organisation is None or f.user.organisation.name for f in page.items)
        return len(statements)

    for actor in (m.strong, m.weak):
        report(m, m.shop, actor)
    few = read()
    for _ in range(5):
        report(m, m.position({"teamwork": 1}, of=factories.person(Role.ENTERPRISE)), factories.person(Role.STUDENT))
    assert read() == few


# Blocked.


@pytest.mark.parametrize("role", sorted(GRANTS[Action.READ_POSITIONS] - {Role.CHAMBER}))
def test_a_blocked_position_shows_to_its_own_enterprise_and_the_chamber_alone(m: Market, role: Role) -> None:
    block(m, m.shop)
    someone = factories.person(role)
    for wanted in (PositionFilter(), PositionFilter(state="blocked")):
        assert m.shop not in {p.id for p in positions.positions(someone, wanted, 1).items}
        assert m.shop not in {p.id for p in positions.all_positions(someone, wanted)}
        for actor in (m.enterprise, m.chamber):
            assert m.shop in {p.id for p in positions.positions(actor, wanted, 1).items}
    with pytest.raises(NotFound):
        positions.position(someone, m.shop)
    for other in ("open", "closed", "show", "free"):
        narrowed = positions.positions(m.chamber, PositionFilter(state=other), 1).items
        assert m.shop not in {p.id for p in narrowed}


def test_the_enterprise_can_do_nothing_with_a_blocked_position(m: Market) -> None:
    version = positions.position(m.enterprise, m.shop).version
    block(m, m.shop)
    before = factories.stored(Position)
    for act in (
        lambda: deposits.set_state(m.enterprise, m.shop, PositionState.OPEN),
        lambda: deposits.set_state(m.enterprise, m.shop, PositionState.CLOSED),
        lambda: deposits.change(m.enterprise, m.shop, factories.wanted(), version),
        lambda: deposits.change(m.enterprise, m.shop, factories.wanted(), version + 1),
    ):
        with pytest.raises(Conflict, match="blocked this position"):
            act()
    assert factories.stored(Position) == before
    assert state(m.shop) is PositionState.BLOCKED


def test_an_enterprise_does_not_block_its_own(m: Market) -> None:
    with pytest.raises(Invalid):
        deposits.set_state(m.enterprise, m.shop, PositionState.BLOCKED)
    assert state(m.shop) is PositionState.OPEN


def test_a_blocked_position_is_not_reported_again(m: Market) -> None:
    block(m, m.shop)
    with pytest.raises(Conflict, match="blocked already"):
        report(m, m.shop, m.chamber)
    with pytest.raises(NotFound):
        report(m, m.shop, m.weak)


def test_a_closed_position_can_be_blocked(m: Market) -> None:
    flag = report(m, m.shop)
    deposits.set_state(m.enterprise, m.shop, PositionState.CLOSED)
    service.decide(m.chamber, flag.id, "uphold", "So.")
    assert state(m.shop) is PositionState.BLOCKED


def test_an_unblocked_position_is_closed_and_its_enterprises_again(m: Market) -> None:
    block(m, m.shop)
    with pytest.raises(Invalid) as refused:
        service.unblock(m.chamber, m.shop, " ")
    assert list(refused.value.errors) == ["reason"]
    service.unblock(m.chamber, m.shop, " It was another firm. ")
    assert state(m.shop) is PositionState.CLOSED
    assert trail(Action.DECIDE_FLAG)[-1].detail == {"state": "closed", "reason": "It was another firm."}
    with pytest.raises(Conflict, match="not blocked"):
        service.unblock(m.chamber, m.shop, "Again.")
    with pytest.raises(NotFound):
        service.unblock(m.chamber, 9999, "Again.")
    deposits.set_state(m.enterprise, m.shop, PositionState.OPEN)
    assert positions.position(m.weak, m.shop).state is PositionState.OPEN
    block(m, m.shop, "Once more.")
    assert (state(m.shop), queries.why_blocked(m.shop)) == (PositionState.BLOCKED, "Once more.")
    assert len(told(m.enterprise, "position_blocked")) == 2


# Blocked while a round goes on.


def test_a_blocked_position_is_in_no_new_round(m: Market) -> None:
    block(m, m.shop)
    assert set(rounds.joining_positions()) == {m.studio}
    assert rounds.contents().positions == 1
    found, run = solved(m.chamber)
    assert [o.id for o in rounds.participants(found.id).openings] == [str(m.studio)]
    assert placed(run) == {m.artist_id: m.studio}


def test_what_is_blocked_while_a_round_is_open_is_not_frozen_and_places_nobody(m: Market) -> None:
    found = opened(m.chamber, weights=(0.5, 0.5, 0.0))
    preferences.rank(m.strong, found.id, 0, [m.shop], [], "any")
    block(m, m.shop)
    with pytest.raises(Invalid, match="Closed or filled meanwhile"):
        preferences.rank(m.weak, found.id, 0, [m.shop], [], "any")
    with pytest.raises(Conflict, match="takes part no longer"):
        preferences.shortlist(m.enterprise, found.id, m.shop, 0, [1], [])
    matching.freeze(m.chamber, found.id, found.version)
    assert placed(run_again(m.chamber, found.id)) == {m.artist_id: m.studio}


@pytest.mark.parametrize("method", ["optimum", "deferred_acceptance"])
def test_what_is_blocked_after_the_freeze_places_nobody(m: Market, method: str) -> None:
    found = frozen(m.chamber)
    block(m, m.shop)
    assert placed(run_again(m.chamber, found.id, method=method)) == {m.artist_id: m.studio}


def test_what_is_blocked_after_a_run_is_neither_told_nor_published_until_it_is_run_again(m: Market) -> None:
    found, run = solved(m.chamber)
    assert placed(run) == {m.strong_id: m.shop, m.weak_id: m.shop, m.artist_id: m.studio}
    block(m, m.shop)
    found = running.select_run(m.chamber, found.id, found.version, run.number)
    with pytest.raises(Conflict, match="lost the seats"):
        offers.tell_unmatched(m.chamber, found.id, found.version)
    again = run_again(m.chamber, found.id)
    found = chosen(m.chamber, found.id, again.number)
    offers.publish(m.chamber, found.id, found.version)
    assert set(db.session.scalars(select(Offer.position_id))) == {m.studio}


def test_what_is_blocked_once_people_are_told_is_not_published(m: Market) -> None:
    found, run = solved(m.chamber)
    found = chosen(m.chamber, found.id, run.number)
    block(m, m.shop)
    with pytest.raises(Conflict, match="lost the seats"):
        offers.publish(m.chamber, found.id, found.version)
    untold = offers.untell(m.chamber, found.id, found.version)
    again = run_again(m.chamber, untold.id)
    assert placed(again) == {m.artist_id: m.studio}


def test_publishing_while_the_chamber_blocks_makes_no_offer_there_or_it_cant_be_accepted(app: Flask) -> None:
    with app.app_context():
        m = Market()
        found, run = solved(m.chamber)
        found = chosen(m.chamber, found.id, run.number)
        flag = report(m, m.shop)
        publish = lambda: offers.publish(m.chamber, found.id, found.version)  # noqa: E731
        uphold = lambda: service.decide(m.chamber, flag.id, "uphold", "So.")  # noqa: E731
        first, second = at_once(app, publish, uphold)
        assert second == "done"
        made = db.session.scalars(select(Offer).where(Offer.position_id == m.shop, Offer.student_id == m.weak_id))
        offer = made.one_or_none()
        assert (offer is not None) == (first == "done")
        if offer is not None:
            with pytest.raises(Conflict):
                offers.answer_offer(m.weak, offer.id, accepted=True)


def test_an_offer_of_a_blocked_position_can_be_declined_but_not_accepted(m: Market) -> None:
    published(m.chamber)
    offer = db.session.scalars(select(Offer).where(Offer.student_id == m.strong_id)).one()
    block(m, m.shop)
    before = factories.stored(Offer)
    with pytest.raises(Conflict, match="blocked this position"):
        offers.answer_offer(m.strong, offer.id, accepted=True)
    assert factories.stored(Offer) == before
    offers.answer_offer(m.strong, offer.id, False, "other")
    assert offer.state is OfferState.DECLINED
    artists = db.session.scalars(select(Offer).where(Offer.student_id == m.artist_id)).one()
    offers.answer_offer(m.artist, artists.id, accepted=True)
    assert artists.state is OfferState.ACCEPTED


def test_an_offer_that_was_accepted_before_stands(m: Market) -> None:
    published(m.chamber)
    offer = db.session.scalars(select(Offer).where(Offer.student_id == m.strong_id)).one()
    offers.answer_offer(m.strong, offer.id, accepted=True)
    block(m, m.shop)
    db.session.expire_all()
    assert db.session.get_one(Offer, offer.id).state is OfferState.ACCEPTED
