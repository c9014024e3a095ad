"""What both sides prefer is stored whole, until the deadline, and whoever saves on what is past is told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from talentbank.deposits import service as deposits
from talentbank.deposits.models import PositionState
from talentbank.errors import Conflict, Forbidden, Invalid, NotFound
from talentbank.extensions import db, now
from talentbank.permissions import Role
from talentbank.rounds import queries as rounds
from talentbank.rounds import service as matching
from talentbank.rounds.models import Preference, Round, RoundPosition, RoundStudent, Shortlisted
from talentbank.rounds.preferences import queries, service
from talentbank.rounds.service import Policy
from tests import factories
from tests.market import Market
from tests.rounds.life import opened
from tests.rounds.test_races import at_once
from tests.test_queries import counted


def number(round_id: int, student_id: int) -> int:
    return db.session.get_one(RoundStudent, (round_id, student_id)).number


def pass_deadline(found: Round) -> None:
    db.session.execute(update(Round).where(Round.id == found.id).values(closes_at=now() - timedelta(seconds=1)))
    db.session.commit()


@pytest.mark.usefixtures("in_english")
class TestRanking:
    def test_what_is_said_reaches_the_snapshot_and_replaces_what_was_said_before(self) -> None:
        m = Market()
        found = opened(m.chamber)
        saved = service.rank(m.strong, found.id, 0, [m.studio, m.shop], [], "only")
        assert (saved.version, saved.others.value) == (1, "only")
        assert rounds.said_by_students(found.id)[m.strong_id].ranked == (m.studio, m.shop)
        service.rank(m.strong, found.id, 1, [m.shop], [m.studio], "any")
        said = rounds.participants(found.id).students[m.strong_id]
        assert (said.ranked, said.ruled_out, said.only) == ((m.shop,), frozenset({m.studio}), False)

    @pytest.mark.parametrize(
        ("ranked", "ruled_out", "others", "sentence"),
        [
            (("shop", "shop"), (), "any", "twice"),
            (("shop",), ("shop",), "any", "both ranked and ruled out"),
            (("shop", "studio"), (), "any", "at most 1 positions: these are 2"),
            (("absent",), (), "any", "not in this round"),
            ((), ("absent",), "any", "not in this round"),
            ((), (), "perhaps", "Choose what holds"),
            ((), (), "only", "nothing ranked"),
        ],
    )
    def test_what_makes_no_sense_is_refused_and_nothing_stored(
        self, ranked: tuple[str, ...], ruled_out: tuple[str, ...], others: str, sentence: str
    ) -> None:
        m = Market()
        found = opened(m.chamber, most_ranked=1)
        ids = {"shop": m.shop, "studio": m.studio, "absent": m.position({"platform_ops": 1})}
        before = factories.stored(Preference)
        with pytest.raises(Invalid, match=sentence):
            service.rank(m.strong, found.id, 0, [ids[n] for n in ranked], [ids[n] for n in ruled_out], others)
        assert factories.stored(Preference) == before

    def test_a_position_closed_meanwhile_is_named(self) -> None:
        m = Market()
        closing = m.position({"platform_ops": 1}, title="Night shift")
        found = opened(m.chamber)
        deposits.set_state(m.enterprise, closing, PositionState.CLOSED)
        with pytest.raises(Invalid, match="Night shift"):
            service.rank(m.strong, found.id, 0, [m.shop, closing], [], "any")

    def test_the_deadline_and_the_version_are_kept(self) -> None:
        m = Market()
        found = opened(m.chamber)
        service.rank(m.strong, found.id, 0, [m.shop], [], "any")
        with pytest.raises(Conflict, match="saved meanwhile"):
            service.rank(m.strong, found.id, 0, [m.studio], [], "any")
        pass_deadline(found)
        with pytest.raises(Conflict, match="deadline"):
            service.rank(m.strong, found.id, 1, [m.studio], [], "any")
        assert rounds.said_by_students(found.id)[m.strong_id].ranked == (m.shop,)

    def test_who_becomes_free_joins_by_saving(self) -> None:
        m = Market()
        found = opened(m.chamber)
        late, late_id = m.student({"platform_ops": 3})
        service.rank(late, found.id, 0, [m.shop], [], "any")
        assert number(found.id, late_id) == 4
        away, _ = m.student({"platform_ops": 3}, available=False)
        with pytest.raises(NotFound):
            service.rank(away, found.id, 0, [m.shop], [], "any")

    def test_only_students_with_a_profile_rank_and_never_in_a_draft(self) -> None:
        m = Market()
        draft = matching.make_round(m.chamber, Policy(name="Draft"))
        with pytest.raises(NotFound):
            service.rank(m.strong, draft.id, 0, [], [], "any")
        with pytest.raises(Conflict, match="profiles"):
            service.rank(factories.person(Role.STUDENT), draft.id, 0, [], [], "any")
        with pytest.raises(Forbidden):
            service.rank(m.enterprise, draft.id, 0, [], [], "any")


@pytest.mark.usefixtures("in_english")
class TestShortlisting:
    def test_candidates_are_ranked_by_number(self) -> None:
        m = Market()
        found = opened(m.chamber)
        strong, weak = number(found.id, m.strong_id), number(found.id, m.weak_id)
        service.shortlist(m.enterprise, found.id, m.shop, 0, [weak], [strong])
        said = rounds.said_by_positions(found.id)[m.shop]
        assert (said.ranked, said.ruled_out) == ((m.weak_id,), frozenset({m.strong_id}))
        assert queries.shortlisted(found.id, m.shop) == ([weak], [strong])
        service.shortlist(m.enterprise, found.id, m.shop, 1, [], [])
        assert not db.session.scalars(select(Shortlisted)).all()

    def test_only_eligible_candidates_and_own_positions(self) -> None:
        m = Market()
        found = opened(m.chamber)
        weak = number(found.id, m.weak_id)
        for forged in (weak, 999):
            with pytest.raises(Invalid, match=f"no candidates of this position: {forged}"):
                service.shortlist(m.enterprise, found.id, m.studio, 0, [forged], [])
        other = factories.person(Role.ENTERPRISE)
        with pytest.raises(NotFound):
            service.shortlist(other, found.id, m.shop, 0, [weak], [])
        m.position({"platform_ops": 1}, of=other)
        with pytest.raises(NotFound):
            service.shortlist(other, found.id, m.shop, 0, [weak], [])

    def test_the_deadline_the_version_and_a_closed_position(self) -> None:
        m = Market()
        found = opened(m.chamber)
        strong = number(found.id, m.strong_id)
        service.shortlist(m.enterprise, found.id, m.shop, 0, [strong], [])
        with pytest.raises(Conflict, match="saved meanwhile"):
            service.shortlist(m.enterprise, found.id, m.shop, 0, [], [strong])
        deposits.set_state(m.enterprise, m.shop, PositionState.CLOSED)
        with pytest.raises(Conflict, match="takes part no longer"):
            service.shortlist(m.enterprise, found.id, m.shop, 1, [], [strong])
        pass_deadline(found)
        with pytest.raises(Conflict, match="deadline"):
            service.shortlist(m.enterprise, found.id, m.shop, 1, [], [strong])

    def test_the_lowest_score_takes_out_only_whom_no_wish_could_lift_above_it(self) -> None:
        m = Market()
        weak_fit = 0.25 * 0.5  # half of one of two requirements, claimed only, trust 0.5
        strict = Scores(m, min_score=0.4)
        assert strict.numbers(m.shop) == {m.strong_id}
        matching.cancel(m.chamber, strict.found.id, strict.found.version)
        lifted = Scores(m, min_score=0.4, weights=(0.6, 0.4, 0.0))
        assert 0.6 * weak_fit + 0.4 >= 0.4
        assert lifted.numbers(m.shop) == {m.strong_id, m.weak_id}


class Scores:
    """A round opened under a policy, and whom it makes eligible."""

    def __init__(self, m: Market, **policy: object) -> None:
        self.m, self.found = m, opened(m.chamber, **policy)

    def numbers(self, position_id: int) -> set[int]:
        position = queries.own_positions(self.m.enterprise, self.found.id, position_id)[0][1]
        return {student.id for _, student, _ in queries.eligible(self.found, position)}


def test_two_who_save_at_once_on_one_version_are_one_who_saves(app: Flask) -> None:
    with app.app_context():
        m = Market()
        round_id = opened(m.chamber).id  # the threads must not read rows of this session
        strong = number(round_id, m.strong_id)
        late, late_id = m.student({"platform_ops": 3})
        for actor in (m.strong, late):
            first = lambda actor=actor: service.rank(actor, round_id, 0, [m.shop], [], "any")  # noqa: E731
            second = lambda actor=actor: service.rank(actor, round_id, 0, [m.studio], [], "any")  # noqa: E731
            assert sorted(map(str, at_once(app, first, second))) == sorted(map(str, ["done", Conflict]))
        assert len(db.session.scalars(select(Preference)).all()) == 2
        for_it = lambda: service.shortlist(m.enterprise, round_id, m.shop, 0, [strong], [])  # noqa: E731
        against = lambda: service.shortlist(m.enterprise, round_id, m.shop, 0, [], [strong])  # noqa: E731
        assert sorted(map(str, at_once(app, for_it, against))) == sorted(map(str, ["done", Conflict]))
        assert db.session.get_one(RoundPosition, (round_id, m.shop)).version == 1
        assert number(round_id, late_id) == 4


@pytest.mark.usefixtures("app_context")
def test_every_list_asks_as_often_for_many_rows_as_for_few() -> None:
    m = Market()

    def ask(count: int) -> list[int]:
        for _ in range(count):
            m.position({"platform_ops": 1, "teamwork": 1})
            m.student({"platform_ops": 4})
        found = opened(m.chamber, blind=False)
        student = queries.profile(m.strong)
        asked = []
        for read in (
            lambda: [p.opening() for p in queries.positions(found.id)],
            lambda: queries.offerings(m.enterprise, found.id),
            lambda: queries.candidacies(found, queries.own_positions(m.enterprise, found.id, m.shop)[0][1]),
            lambda: queries.student_standings(student),
            lambda: queries.enterprise_standings(m.enterprise),
        ):
            with counted() as statements:
                assert read()
            asked.append(len(statements))
        matching.cancel(m.chamber, found.id, found.version)
        return asked

    few = ask(2)
    assert ask(20) == few
    assert max(few) < 10


@pytest.mark.usefixtures("app_context")
def test_a_blind_round_gives_no_names() -> None:
    m = Market()
    for blind in (True, False):
        found = opened(m.chamber, blind=blind)
        position = queries.own_positions(m.enterprise, found.id, m.shop)[0][1]
        rows = queries.candidacies(found, position)
        assert len(rows) == 2
        assert all(bool(row.name) is not blind and bool(row.university) is not blind for row in rows)
        assert [row.fit.value for row in rows] == sorted((row.fit.value for row in rows), reverse=True)
        matching.cancel(m.chamber, found.id, found.version)
