"""An invitation opens one account, once, and for whom it was meant only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import String, cast, inspect, select

from talentbank.accounts import queries, service
from talentbank.accounts.models import Invitation, User
from talentbank.audit import AuditEntry
from talentbank.errors import Conflict, Forbidden, Invalid, NotFound, Refusal
from talentbank.extensions import db
from talentbank.permissions import STRANGER, SYSTEM, Action, Actor, Role
from tests import factories
from tests.factories import PASSWORD

pytestmark = pytest.mark.usefixtures("app_context")

NOON = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
ADDRESS = "wei@bank.example"


@pytest.fixture
def university(app_context: None) -> Actor:
    return factories.person(Role.UNIVERSITY)


def invite_student(university: Actor) -> str:
    return service.invite(university, ADDRESS, "韦某", Role.STUDENT, university.organisation_id)


def test_an_invited_student_signs_in_after_accepting_under_the_name_that_the_university_gave(
    university: Actor,
) -> None:
    user = service.accept_invitation(STRANGER, invite_student(university), "别人的名字", PASSWORD)
    assert (user.email, user.name, user.role) == (ADDRESS, "韦某", Role.STUDENT)
    assert user.organisation_id == university.organisation_id
    assert service.sign_in(ADDRESS, PASSWORD) is not None


def test_only_a_digest_of_the_token_is_stored(university: Actor) -> None:
    token = invite_student(university)
    for model in (Invitation, AuditEntry):
        for column in inspect(model).columns:
            for value in db.session.scalars(select(cast(column, String))):
                assert token not in (value or "")


def test_two_invitations_never_share_a_token(university: Actor) -> None:
    assert invite_student(university) != invite_student(university)


def test_an_invitation_works_once(university: Actor) -> None:
    token = invite_student(university)
    service.accept_invitation(STRANGER, token, "韦某", PASSWORD)
    before = factories.stored(User)
    with pytest.raises(NotFound):
        service.accept_invitation(STRANGER, token, "别人", "somebody else's")
    assert factories.stored(User) == before
    assert service.sign_in(ADDRESS, PASSWORD) is not None


def test_a_refused_password_leaves_the_invitation_open(university: Actor) -> None:
    token = service.invite(SYSTEM, ADDRESS, "韦某", Role.ADMINISTRATOR, None)
    with pytest.raises(Invalid) as refused:
        service.accept_invitation(STRANGER, token, " ", "short")
    assert refused.value.errors.keys() == {"name", "password"}
    assert service.accept_invitation(STRANGER, token, "韦某", PASSWORD).email == ADDRESS


def test_once_one_is_accepted_the_others_to_that_address_open_nothing(university: Actor) -> None:
    earlier, later = invite_student(university), invite_student(university)
    service.accept_invitation(STRANGER, later, "韦某", PASSWORD)
    with pytest.raises(NotFound):
        service.accept_invitation(STRANGER, earlier, "别人", "somebody else's")
    assert service.sign_in(ADDRESS, PASSWORD) is not None


def test_an_invitation_lasts_fourteen_days(university: Actor) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        token = invite_student(university)
        clock.shift(timedelta(days=14, seconds=-1))
        assert service.open_invitation(token).email == ADDRESS
        clock.shift(timedelta(seconds=1))
        with pytest.raises(NotFound):
            service.open_invitation(token)
        with pytest.raises(NotFound):
            service.accept_invitation(STRANGER, token, "韦某", PASSWORD)


def test_a_token_that_never_was_opens_nothing(university: Actor) -> None:
    invite_student(university)
    digest = db.session.scalars(select(Invitation.digest)).one()
    for token in ("", "guess", digest):
        with pytest.raises(NotFound):
            service.open_invitation(token)


def test_a_second_invitation_gives_a_new_password_and_ends_the_sessions(university: Actor) -> None:
    first = service.accept_invitation(STRANGER, invite_student(university), "韦某", PASSWORD)
    session, user_id = first.get_id(), first.id
    again = service.accept_invitation(STRANGER, invite_student(university), "韦某", "another good one")
    assert again.id == user_id
    assert queries.person(session) is None
    assert service.sign_in(ADDRESS, PASSWORD) is None
    assert service.sign_in(ADDRESS, "another good one") is not None


def test_an_invitation_does_not_open_a_suspended_account(university: Actor) -> None:
    user = service.accept_invitation(STRANGER, invite_student(university), "韦某", PASSWORD)
    service.suspend(factories.person(Role.ADMINISTRATOR), user.id, active=False)
    service.accept_invitation(STRANGER, invite_student(university), "韦某", "another good one")
    assert service.sign_in(ADDRESS, "another good one") is None


@pytest.mark.parametrize("role", [Role.STUDENT, Role.UNIVERSITY])
def test_a_university_invites_its_own_students_and_colleagues(university: Actor, role: Role) -> None:
    token = service.invite(university, ADDRESS, "韦某", role, university.organisation_id)
    assert service.open_invitation(token).role is role


@pytest.mark.parametrize("role", sorted(set(service.ORGANISED) - {Role.STUDENT, Role.UNIVERSITY}))
def test_a_university_invites_nobody_of_another_kind(university: Actor, role: Role) -> None:
    elsewhere = factories.organisation(role)
    before = factories.stored(Invitation)
    with pytest.raises(Forbidden):
        service.invite(university, ADDRESS, "韦某", role, elsewhere.id)
    with pytest.raises(Forbidden):
        service.invite(university, ADDRESS, "韦某", role, university.organisation_id)
    with pytest.raises(Forbidden):
        service.invite(university, ADDRESS, "韦某", Role.ADMINISTRATOR, None)
    assert factories.stored(Invitation) == before


@pytest.mark.parametrize("role", [Role.STUDENT, Role.UNIVERSITY])
def test_a_university_invites_nobody_to_another_university(university: Actor, role: Role) -> None:
    other = factories.organisation(Role.UNIVERSITY)
    with pytest.raises(Forbidden):
        service.invite(university, ADDRESS, "韦某", role, other.id)


def test_a_university_gives_no_new_password_to_who_is_not_its_own(university: Actor) -> None:
    factories.person(Role.STUDENT, email=ADDRESS)
    with pytest.raises(Invalid) as refused:
        invite_student(university)
    assert refused.value.errors.keys() == {"email"}


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.ADMINISTRATOR, Role.UNIVERSITY, Role.SYSTEM}))
def test_other_roles_invite_nobody(university: Actor, role: Role) -> None:
    actor = STRANGER if role is Role.STRANGER else factories.person(role)
    with pytest.raises(Forbidden):
        service.invite(actor, ADDRESS, "韦某", Role.STUDENT, university.organisation_id)


def test_an_old_invitation_opens_no_account_that_became_another_ones(university: Actor) -> None:
    """Who sends a link can read it too: it must not become the key to what the address registered later."""
    token = invite_student(university)
    service.register_enterprise(STRANGER, factories.registration(email=ADDRESS))
    before = factories.stored(User)
    with pytest.raises(Conflict):
        service.accept_invitation(STRANGER, token, "韦某", "the sender's own")
    assert factories.stored(User) == before
    assert service.sign_in(ADDRESS, "the sender's own") is None
    assert service.sign_in(ADDRESS, PASSWORD) is not None


def test_of_two_universities_invitations_the_first_accepted_counts(university: Actor) -> None:
    other = factories.person(Role.UNIVERSITY)
    tokens = [invite_student(university), invite_student(other)]
    service.accept_invitation(STRANGER, tokens[0], "韦某", PASSWORD)
    with pytest.raises(NotFound):
        service.accept_invitation(STRANGER, tokens[1], "韦某", "the sender's own")
    user = service.sign_in(ADDRESS, PASSWORD)
    assert user is not None
    assert user.organisation_id == university.organisation_id


@pytest.mark.parametrize("role", [*service.ORGANISED, Role.ADMINISTRATOR])
def test_an_administrator_invites_anybody(role: Role) -> None:
    administrator = factories.person(Role.ADMINISTRATOR)
    kind = Role.UNIVERSITY if role is Role.STUDENT else role
    member_of = None if role is Role.ADMINISTRATOR else factories.organisation(kind).id
    token = service.invite(administrator, " Wei@Bank.Example", "韦某", role, member_of)
    user = service.accept_invitation(STRANGER, token, "韦某", PASSWORD)
    assert (user.email, user.role, user.organisation_id) == (ADDRESS, role, member_of)


def test_the_first_administrator_is_invited_by_the_system() -> None:
    token = service.invite(SYSTEM, ADDRESS, "韦某", Role.ADMINISTRATOR, None)
    assert service.accept_invitation(STRANGER, token, "韦某", PASSWORD).role is Role.ADMINISTRATOR


@pytest.mark.parametrize(
    ("email", "name", "role", "kind", "field"),
    [
        ("no address", "韦某", Role.ENTERPRISE, Role.ENTERPRISE, "email"),
        ("", "韦某", Role.ENTERPRISE, Role.ENTERPRISE, "email"),
        (ADDRESS, "  ", Role.ENTERPRISE, Role.ENTERPRISE, "name"),
        (ADDRESS, "韦" * 121, Role.ENTERPRISE, Role.ENTERPRISE, "name"),
        (ADDRESS, "韦某", Role.ENTERPRISE, Role.UNIVERSITY, "organisation"),
        (ADDRESS, "韦某", Role.STUDENT, Role.ENTERPRISE, "organisation"),
        (ADDRESS, "韦某", Role.ENTERPRISE, None, "organisation"),
        (ADDRESS, "韦某", Role.SYSTEM, None, "role"),
        (ADDRESS, "韦某", Role.STRANGER, None, "role"),
    ],
)
def test_an_invitation_that_fits_nobody_is_refused(
    email: str, name: str, role: Role, kind: Role | None, field: str
) -> None:
    administrator = factories.person(Role.ADMINISTRATOR)
    organisation_id = factories.organisation(kind).id if kind else None
    before = factories.stored(Invitation)
    with pytest.raises(Invalid) as refused:
        service.invite(administrator, email, name, role, organisation_id)
    assert refused.value.errors.keys() == {field}
    assert factories.stored(Invitation) == before


def test_nobody_closes_their_own_account() -> None:
    administrator = factories.person(Role.ADMINISTRATOR)
    before = factories.stored()
    with pytest.raises(Invalid):
        service.suspend(administrator, administrator.user_id, active=False)
    assert factories.stored() == before
    assert factories.user(administrator).active


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.ADMINISTRATOR, Role.STRANGER, Role.SYSTEM}))
def test_only_an_administrator_closes_accounts(role: Role) -> None:
    wei = factories.person(Role.STUDENT)
    with pytest.raises(Forbidden):
        service.suspend(factories.person(role), wei.user_id, active=False)
    assert factories.user(wei).active


def test_an_account_that_is_not_there_can_not_be_closed() -> None:
    with pytest.raises(NotFound):
        service.suspend(factories.person(Role.ADMINISTRATOR), 999, active=False)


def test_the_trail_says_who_invited_and_who_accepted(university: Actor) -> None:
    user = service.accept_invitation(STRANGER, invite_student(university), "韦某", PASSWORD)
    wanted = (Action.INVITE_PERSON, Action.ACCEPT_INVITATION)
    trail = db.session.scalars(select(AuditEntry).where(AuditEntry.action.in_(wanted)).order_by(AuditEntry.id)).all()
    invitation = db.session.scalars(select(Invitation)).one()
    assert [entry.subject for entry in trail] == [f"invitation:{invitation.id}"] * 2
    assert trail[0].actor_id == university.user_id
    assert trail[1].detail == {"user": user.id}


def test_refusals_speak_in_sentences(university: Actor) -> None:
    with pytest.raises(Refusal) as refused:
        service.open_invitation("guess")
    assert str(refused.value).strip()
    assert refused.value.status == 404
