"""The table of actions keeps to what the roles are."""

from __future__ import annotations

import pytest

from talentbank.errors import Forbidden
from talentbank.permissions import GRANTS, STRANGER, SYSTEM, Action, Actor, Role, allowed, require

PEOPLE = set(Role) - {Role.STRANGER, Role.SYSTEM}


def of(role: Role) -> set[Action]:
    return {action for action in Action if allowed(Actor(role), action)}


def reads(action: Action) -> bool:
    return action.endswith(":read")


def test_every_action_is_granted_to_somebody_and_named_by_scope_resource_and_verb() -> None:
    assert GRANTS.keys() == set(Action)
    for action in Action:
        scope, resource, verb = action.split(":")
        assert scope in {"public", "own", "member", "bank"}
        assert resource and verb
        assert GRANTS[action]


def test_a_stranger_may_do_what_is_public_and_nothing_else() -> None:
    assert of(Role.STRANGER) == {action for action in Action if action.startswith("public:")}


def test_everybody_has_a_home_an_account_and_a_way_out() -> None:
    for role in PEOPLE:
        assert {Action.READ_HOME, Action.CHANGE_ACCOUNT, Action.SIGN_OUT} <= of(role)


@pytest.mark.parametrize("role", [Role.ZONE, Role.GOVERNMENT])
def test_those_who_watch_change_nothing_and_see_no_persons(role: Role) -> None:
    changing = {action for action in of(role) if not reads(action) and not action.startswith(("public:", "own:"))}
    assert changing == set()
    assert not of(role) & {Action.READ_STUDENTS, Action.READ_OFFERS, Action.READ_ROUNDS, Action.READ_PEOPLE}


@pytest.mark.parametrize(
    ("action", "roles"),
    [
        (Action.ANSWER_OFFER, {Role.STUDENT}),
        (Action.CHANGE_PROFILE, {Role.STUDENT}),
        (Action.DEPOSIT_POSITION, {Role.ENTERPRISE}),
        (Action.CHANGE_POSITION, {Role.ENTERPRISE}),
        (Action.START_PLACEMENT, {Role.ENTERPRISE}),
        (Action.DECIDE_ORGANISATION, {Role.CHAMBER}),
        (Action.RUN_ROUND, {Role.CHAMBER}),
        (Action.PUBLISH_ROUND, {Role.CHAMBER}),
        (Action.READ_AUDIT, {Role.ADMINISTRATOR}),
        (Action.SUSPEND_PERSON, {Role.ADMINISTRATOR}),
        (Action.KEEP_DEMO, {Role.SYSTEM}),
    ],
)
def test_what_decides_about_people_is_one_role_s(action: Action, roles: set[Role]) -> None:
    assert GRANTS[action] == roles


def test_commands_do_only_what_commands_are_for() -> None:
    assert of(Role.SYSTEM) == {
        Action.LOAD_SEEDS,
        Action.KEEP_DEMO,
        Action.INVITE_PERSON,
        Action.ADD_ORGANISATION,
    }


def test_what_is_not_granted_is_refused_in_a_sentence() -> None:
    require(SYSTEM, Action.LOAD_SEEDS)
    with pytest.raises(Forbidden) as refused:
        require(STRANGER, Action.READ_AUDIT)
    assert refused.value.status == 403
