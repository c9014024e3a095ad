"""The chamber's word on pairs and groups: with a reason, within the round, never against what somebody ruled out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import insert

from talentbank.errors import Conflict, Forbidden, Invalid, NotFound
from talentbank.extensions import db, transaction
from talentbank.permissions import Role
from talentbank.rounds import queries as rounds
from talentbank.rounds import service as life
from talentbank.rounds.models import Preference, Shortlisted
from talentbank.rounds.runs import hints
from talentbank.rounds.runs import service as runs
from talentbank.rounds.runs.models import Hint, RoundQuota, RunState
from tests import factories
from tests.market import Market
from tests.rounds.life import chosen, frozen, opened, solved

pytestmark = pytest.mark.usefixtures("app_context")


def refused(*values: Any) -> set[str]:
    """The fields that a hint is refused at."""
    with pytest.raises(Invalid) as refusal:
        hints.set_hint(*values)
    return set(refusal.value.errors)


def test_a_hint_has_a_pair_of_the_round_a_kind_an_amount_and_a_reason() -> None:
    m = Market()
    found = opened(m.chamber)
    late = m.position({"platform_ops": 1})
    assert refused(m.chamber, found.id, None, late, "praise", None, " ") == {
        "student_id",
        "position_id",
        "kind",
        "reason",
    }
    assert refused(m.chamber, found.id, m.weak_id, m.shop, "encourage", 1.5, "Good.") == {"amount"}
    assert factories.stored(Hint)[0] == 0
    first = hints.set_hint(m.chamber, found.id, m.weak_id, m.shop, "encourage", 0.2, "Good.")
    again = hints.set_hint(m.chamber, found.id, m.weak_id, m.shop, "forbid", 0.2, "After all.")
    assert (first.id, again.amount) == (again.id, 0.0)
    with pytest.raises(Forbidden):
        hints.set_hint(m.enterprise, found.id, m.weak_id, m.shop, "forbid", None, "Mine.")


def test_nobody_is_placed_against_what_either_side_ruled_out() -> None:
    m = Market()
    found = opened(m.chamber)
    with transaction():
        of = {"round_id": found.id, "student_id": m.weak_id, "position_id": m.shop, "rank": None}
        db.session.execute(insert(Preference), [of])
        db.session.execute(insert(Shortlisted), [{**of, "student_id": m.strong_id}])
    for kind in ("agreed", "require"):
        for student in (m.weak_id, m.strong_id):
            assert refused(m.chamber, found.id, student, m.shop, kind, None, "Agreed.") == {"kind"}
    hints.set_hint(m.chamber, found.id, m.weak_id, m.shop, "discourage", 0.5, "Ruled out anyway.")
    life.freeze(m.chamber, found.id, found.version)
    assert refused(m.chamber, found.id, m.weak_id, m.shop, "require", None, "Agreed.") == {"kind"}


def test_certain_pairs_fit_on_the_seats_and_a_student_has_one() -> None:
    m = Market()
    found = frozen(m.chamber)
    hints.set_hint(m.chamber, found.id, m.artist_id, m.studio, "agreed", None, "Signed.")
    assert refused(m.chamber, found.id, m.artist_id, m.shop, "require", None, "Too.") == {"student_id"}
    assert refused(m.chamber, found.id, m.weak_id, m.studio, "require", None, "Too.") == {"position_id"}


def test_a_quota_names_somebody_and_a_limit_and_a_reason() -> None:
    m = Market()
    found = opened(m.chamber)
    with pytest.raises(Invalid) as refusal:
        hints.set_quota(m.chamber, found.id, m.enterprise.organisation_id, 0, "magic", 3, 2, "")
    assert set(refusal.value.errors) == {"university_id", "enterprise_id", "category", "at_most", "reason"}
    with pytest.raises(Invalid) as refusal:
        hints.set_quota(m.chamber, found.id, None, None, "", None, None, "Why not.")
    assert set(refusal.value.errors) == {"university_id", "at_least"}
    made = hints.set_quota(m.chamber, found.id, m.university.organisation_id, None, "design", 1, 2, "Promised.")
    assert (made.at_least, made.at_most) == (1, 2)
    assert hints.remove_quota(m.chamber, made.id) == found.id
    with pytest.raises(NotFound):
        hints.remove_quota(m.chamber, made.id)
    assert factories.stored(RoundQuota)[0] == 0


def test_once_people_were_told_nothing_binds_any_more() -> None:
    m = Market()
    found, run = solved(m.chamber)
    hint = hints.set_hint(m.chamber, found.id, m.weak_id, m.shop, "forbid", None, "Why.")
    chosen(m.chamber, found.id, run.number)
    with pytest.raises(Conflict):
        hints.remove_hint(m.chamber, hint.id)
    with pytest.raises(Conflict):
        hints.set_quota(m.chamber, found.id, None, None, "design", 1, None, "Late.")
    assert rounds.round_(found.id).told_at


def test_a_quota_on_whom_the_round_does_not_have_binds_no_run_and_can_not_be_promised() -> None:
    m = Market()
    elsewhere = factories.person(Role.UNIVERSITY).organisation_id
    found = opened(m.chamber)
    hints.set_quota(m.chamber, found.id, elsewhere, None, "", None, 2, "No more than two.")
    of_category = hints.set_quota(m.chamber, found.id, None, None, "others", 1, None, "One of the others.")
    life.freeze(m.chamber, found.id, found.version)
    with pytest.raises(Conflict, match="One of the others"):
        runs.start(m.chamber, found.id, rounds.round_(found.id).version)
    hints.remove_quota(m.chamber, of_category.id)
    run = runs.start(m.chamber, found.id, rounds.round_(found.id).version)
    assert (run.state, json.loads(run.policy)["quotas"]) == (RunState.DONE, [])
