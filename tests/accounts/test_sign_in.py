"""Signing in: the right password only, the same answer whether or not there is an account, locked when guessed at."""

from __future__ import annotations

from datetime import timedelta

import argon2
import pytest
import time_machine
from sqlalchemy import func, select

from talentbank.accounts import passwords, queries, service
from talentbank.accounts.models import SignInGuard, User
from talentbank.audit import AuditEntry
from talentbank.errors import Conflict, Forbidden, Invalid, NotFound
from talentbank.extensions import db, now, transaction
from talentbank.permissions import Actor, Role
from tests import market

pytestmark = pytest.mark.usefixtures("app_context")
PASSWORD = "a long way to Meishan"


@pytest.fixture
def user() -> User:
    actor = market.person(Role.CHAMBER, market.organisation(Role.CHAMBER))
    with transaction():
        found = db.session.get_one(User, actor.user_id)
        found.email, found.password_hash = "shang@chamber.example", passwords.hashed(PASSWORD)
    return found


def fail(email: str, times: int) -> None:
    for _ in range(times):
        assert service.sign_in(email, "not this one") is None


def test_passwords_are_kept_as_argon2id_with_the_librarys_own_parameters() -> None:
    kept = argon2.extract_parameters(passwords.hashed(PASSWORD))
    assert kept == argon2.profiles.RFC_9106_LOW_MEMORY
    assert passwords.hashed(PASSWORD) != passwords.hashed(PASSWORD)


def test_the_right_password_opens_and_the_address_is_read_generously(user: User) -> None:
    assert service.sign_in("  Shang@Chamber.example ", PASSWORD) == user
    assert user.last_sign_in_at is not None


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer_and_an_entry(user: User) -> None:
    assert service.sign_in(user.email, "wrong") is None
    assert service.sign_in("nobody@nowhere.example", "wrong") is None
    entries = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(2)).all()
    assert [entry.detail["failed"] for entry in entries] == [True, True]
    assert "nobody@nowhere.example" not in str([(e.subject, e.detail) for e in entries])


@pytest.mark.parametrize("email", ["shang@chamber.example", "nobody@nowhere.example"])
def test_five_failures_lock_an_address_for_a_quarter_of_an_hour(user: User, email: str) -> None:
    fail(email, service.FAILURES_ALLOWED)
    with pytest.raises(Conflict, match="15"):
        service.sign_in(email, PASSWORD)
    with time_machine.travel(now() + timedelta(minutes=15, seconds=1), tick=False):
        opened = service.sign_in(email, PASSWORD)
    assert opened == (user if email == user.email else None)


def test_a_success_in_between_starts_the_count_anew(user: User) -> None:
    fail(user.email, service.FAILURES_ALLOWED - 1)
    assert service.sign_in(user.email, PASSWORD)
    assert db.session.scalar(select(func.count()).select_from(SignInGuard)) == 0
    fail(user.email, service.FAILURES_ALLOWED - 1)
    assert service.sign_in(user.email, PASSWORD)


def test_whoever_has_no_password_yet_can_not_sign_in() -> None:
    actor = market.person(Role.ZONE)
    stored = db.session.get_one(User, actor.user_id)
    for guess in ("", "None", "nobody signs in with this"):
        assert service.sign_in(stored.email, guess) is None


def test_a_closed_account_stays_out_and_its_sessions_end(user: User) -> None:
    administrator = market.person(Role.ADMINISTRATOR)
    session = user.get_id()
    assert queries.person(session) == user
    service.suspend(administrator, user.id, active=False)
    assert queries.person(session) is None
    assert service.sign_in(user.email, PASSWORD) is None
    service.suspend(administrator, user.id, active=True)
    assert service.sign_in(user.email, PASSWORD) is not None
    with pytest.raises(Invalid):
        service.suspend(administrator, administrator.user_id or 0, active=False)
    with pytest.raises(NotFound):
        service.suspend(administrator, 999, active=False)
    with pytest.raises(Forbidden):
        service.suspend(user.actor, administrator.user_id or 0, active=False)


def test_a_changed_password_ends_the_other_sessions(user: User) -> None:
    session = user.get_id()
    service.change_password(user.actor, PASSWORD, "another long way home")
    assert queries.person(session) is None
    assert queries.person(user.get_id()) == user
    assert service.sign_in(user.email, PASSWORD) is None
    assert service.sign_in(user.email, "another long way home") == user


@pytest.mark.parametrize(
    ("current", "new", "field"),
    [
        ("wrong", "another long way home", "current"),
        (PASSWORD, "too short", "new"),
        (PASSWORD, "x" * 257, "new"),
        (PASSWORD, "aaaaaaaaaaaa", "new"),
        (PASSWORD, "shang1234567", "new"),
    ],
)
def test_a_bad_new_password_is_refused_at_its_field(user: User, current: str, new: str, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        service.change_password(user.actor, current, new)
    assert set(refused.value.errors) == {field}
    assert service.sign_in(user.email, PASSWORD) == user


@pytest.mark.parametrize("session", ["", "1", "x.1", "1.x", "1.99", "999.1", "1.1.1"])
def test_a_forged_session_is_nobodys(user: User, session: str) -> None:
    assert queries.person(session) is None


def test_an_actor_carries_what_permissions_ask_for(user: User) -> None:
    assert user.actor == Actor(Role.CHAMBER, user.id, user.organisation_id, user.name)
