"""What the table of actions promises, whatever is added to it."""

from __future__ import annotations

import pytest

from talentbank.errors import Forbidden
from talentbank.permissions import GRANTS, STRANGER, SYSTEM, Action, Actor, Role, allowed, require

OWN_SESSION = {Action.SIGN_OUT, Action.CHANGE_ACCOUNT}
"""What everybody who signs in may do with the session and account that are theirs."""


EVERYBODYS = {Action.MARK_NOTICES, Action.FLAG_POSITION}
"""What everybody who signs in may do beside: put away what they were told, and say that a position is false."""


def granted(role: Role) -> set[Action]:
    return {action for action, roles in GRANTS.items() if role in roles}


def scope(action: Action) -> str:
    return action.split(":")[0]


def writes(action: Action) -> bool:
    return not action.endswith(":read")


def test_every_action_is_granted_to_somebody_and_nothing_else_is_granted() -> None:
    assert GRANTS.keys() == set(Action)
    assert all(GRANTS.values())


@pytest.mark.parametrize("action", Action)
def test_an_action_is_named_by_scope_resource_and_verb(action: Action) -> None:
    assert [part.isalpha() for part in action.split(":")] == [True] * 3
    assert scope(action) in {"public", "own", "member", "bank"}


def test_a_stranger_asks_for_what_is_public_and_for_all_of_it() -> None:
    assert granted(Role.STRANGER) == {action for action in Action if scope(action) == "public"}


def test_the_system_does_what_no_session_belongs_to() -> None:
    assert {scope(action) for action in granted(Role.SYSTEM)} <= {"member", "bank"}
    assert granted(Role.SYSTEM) == {
        Action.ADD_ORGANISATION,
        Action.INVITE_PERSON,
        Action.LOAD_SEEDS,
        Action.KEEP_DEMO,
        Action.CHASE_LOGS,
        Action.SEND_MAIL,
        Action.KEEP_TIME,
        Action.PERFORM_RUN,
        Action.FREEZE_ROUND,
        Action.CLOSE_ROUND,
    }


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.STRANGER, Role.SYSTEM}))
def test_everybody_who_signs_in_has_a_home_an_account_and_a_way_out(role: Role) -> None:
    assert granted(role) >= OWN_SESSION | {Action.READ_HOME} | granted(Role.STRANGER)


def test_the_government_reads_and_changes_nothing_of_the_bank() -> None:
    beyond = {action for action in granted(Role.GOVERNMENT) if writes(action)} - granted(Role.STRANGER)
    assert beyond == OWN_SESSION | EVERYBODYS


def test_the_zone_changes_what_it_deposits_and_those_on_it_and_nothing_else() -> None:
    beyond = {action for action in granted(Role.ZONE) if writes(action)} - granted(Role.STRANGER) - OWN_SESSION
    beyond -= EVERYBODYS
    assert {scope(action) for action in beyond} == {"member"}
    assert {action.split(":")[1] for action in beyond} == {"resource", "enrolment", "agreement", "log", "statement"}


@pytest.mark.parametrize("role", [Role.ZONE, Role.GOVERNMENT])
def test_zone_and_government_read_of_no_single_person(role: Role) -> None:
    assert not granted(role) & {Action.READ_STUDENTS, Action.READ_PEOPLE, Action.READ_OFFERS, Action.READ_AUDIT}


@pytest.mark.parametrize(
    ("action", "roles"),
    [
        (Action.ANSWER_OFFER, {Role.STUDENT}),
        (Action.CHANGE_PROFILE, {Role.STUDENT}),
        (Action.DEPOSIT_POSITION, {Role.ENTERPRISE}),
        (Action.CHANGE_POSITION, {Role.ENTERPRISE}),
        (Action.CLOSE_POSITION, {Role.ENTERPRISE}),
        (Action.START_PLACEMENT, {Role.ENTERPRISE}),
        (Action.DECIDE_ORGANISATION, {Role.CHAMBER}),
        (Action.MAKE_ROUND, {Role.CHAMBER}),
        (Action.RUN_ROUND, {Role.CHAMBER}),
        (Action.PUBLISH_ROUND, {Role.CHAMBER}),
        (Action.OPEN_ROUND, {Role.CHAMBER}),
        (Action.SET_HINT, {Role.CHAMBER}),
        (Action.ANSWER_APPEAL, {Role.CHAMBER}),
        (Action.RANK_POSITIONS, {Role.STUDENT}),
        (Action.SHORTLIST_CANDIDATES, {Role.ENTERPRISE}),
        (Action.CANCEL_ROUND, {Role.CHAMBER}),
        (Action.SUSPEND_PERSON, {Role.ADMINISTRATOR}),
        (Action.KEEP_LOG, {Role.STUDENT}),
        (Action.CONFIRM_LOG, {Role.UNIVERSITY}),
        (Action.SET_RULES, {Role.UNIVERSITY}),
        (Action.WITHDRAW_CREDITS, {Role.STUDENT}),
        (Action.EXPORT_CREDITS, {Role.UNIVERSITY}),
        (Action.COUNTERSIGN_STATEMENT, {Role.STUDENT}),
        (Action.READ_AUDIT, {Role.ADMINISTRATOR}),
    ],
)
def test_what_decides_over_others_is_in_one_hand(action: Action, roles: set[Role]) -> None:
    assert GRANTS[action] == roles


def test_who_does_the_practice_never_verifies_confirms_or_reverses_it() -> None:
    judging = {Action.VERIFY_LOG, Action.CONFIRM_LOG, Action.REVERSE_LOG, Action.WRITE_STATEMENT}
    assert not granted(Role.STUDENT) & judging


def test_no_role_does_everything() -> None:
    assert all(granted(role) != set(Action) for role in Role)


def test_who_keeps_the_accounts_neither_matches_nor_answers() -> None:
    writing = {action for action in granted(Role.ADMINISTRATOR) if writes(action) and scope(action) != "public"}
    assert writing == {
        *OWN_SESSION,
        *EVERYBODYS,
        Action.ADD_ORGANISATION,
        Action.SUSPEND_PERSON,
        Action.INVITE_PERSON,
    }


@pytest.mark.parametrize("role", Role)
def test_asking_says_what_the_table_says(role: Role) -> None:
    actor = {Role.STRANGER: STRANGER, Role.SYSTEM: SYSTEM}.get(role) or Actor(role, 1, 1)
    for action in Action:
        assert allowed(actor, action) == (action in granted(role))
        if allowed(actor, action):
            require(actor, action)
        else:
            with pytest.raises(Forbidden):
                require(actor, action)
