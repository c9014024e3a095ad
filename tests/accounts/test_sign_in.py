"""Who signs in, who does not, and what the bank lets on about it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import argon2
import pytest
import time_machine
from sqlalchemy import select

from talentbank.accounts import passwords, queries, service
from talentbank.accounts.models import SignInGuard
from talentbank.audit import AuditEntry
from talentbank.errors import Conflict, Invalid
from talentbank.extensions import db
from talentbank.permissions import Action, Role
from tests import factories
from tests.factories import PASSWORD

pytestmark = pytest.mark.usefixtures("app_context")

NOON = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
ADDRESS = "wei@bank.example"


def fail(email: str, times: int = service.FAILURES_ALLOWED) -> None:
    for _ in range(times):
        assert service.sign_in(email, "not the password") is None


def test_the_right_password_signs_in_however_the_address_is_written() -> None:
    wei = factories.person(Role.CHAMBER, email=ADDRESS)
    with time_machine.travel(NOON, tick=False):
        user = service.sign_in("  Wei@Bank.Example ", PASSWORD)
    assert user is not None
    assert user.actor == wei
    assert user.last_sign_in_at == NOON


def test_a_long_address_signs_in_like_any_other() -> None:
    address = f"{'w' * 60}@{'b' * 60}.{'c' * 60}.example"
    factories.person(Role.CHAMBER, email=address)
    assert service.sign_in(address, PASSWORD) is not None


def test_a_wrong_password_and_an_unknown_address_look_alike() -> None:
    factories.person(Role.CHAMBER, email=ADDRESS)
    for email in (ADDRESS, "nobody@bank.example"):
        fail(email, service.FAILURES_ALLOWED)
        with pytest.raises(Conflict):
            service.sign_in(email, "not the password")
    known, unknown = db.session.scalars(select(SignInGuard).order_by(SignInGuard.email))
    assert known.failures == unknown.failures
    assert known.locked_until
    assert unknown.locked_until


def test_an_unknown_address_costs_the_same_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    factories.person(Role.CHAMBER, email=ADDRESS)
    compared: list[str | None] = []
    matches = passwords.matches

    def watched(password_hash: str | None, password: str) -> bool:
        compared.append(password_hash)
        return matches(password_hash, password)

    monkeypatch.setattr(passwords, "matches", watched)
    fail(ADDRESS, 1)
    fail("nobody@bank.example", 1)
    assert len(compared) == 2
    assert compared[1] is None
    assert not matches(None, "nobody signs in with this")


@pytest.mark.parametrize("email", [ADDRESS, "nobody@bank.example"])
def test_five_failures_lock_an_address_for_a_quarter_of_an_hour(email: str) -> None:
    factories.person(Role.CHAMBER, email=ADDRESS)
    with time_machine.travel(NOON, tick=False) as clock:
        fail(email)
        clock.shift(timedelta(minutes=14, seconds=59))
        with pytest.raises(Conflict):
            service.sign_in(email, PASSWORD)
        clock.shift(timedelta(seconds=1))
        assert (service.sign_in(email, PASSWORD) is not None) == (email == ADDRESS)


def test_an_attempt_while_locked_does_not_make_the_lock_longer() -> None:
    factories.person(Role.CHAMBER, email=ADDRESS)
    with time_machine.travel(NOON, tick=False) as clock:
        fail(ADDRESS)
        clock.shift(timedelta(minutes=14))
        with pytest.raises(Conflict):
            service.sign_in(ADDRESS, "not the password")
        clock.shift(timedelta(minutes=1))
        assert service.sign_in(ADDRESS, PASSWORD) is not None


def test_a_locked_address_locks_no_other() -> None:
    factories.person(Role.CHAMBER, email=ADDRESS)
    fail("nobody@bank.example")
    assert service.sign_in(ADDRESS, PASSWORD) is not None


def test_a_success_forgets_the_failures_before_it() -> None:
    factories.person(Role.CHAMBER, email=ADDRESS)
    for _ in range(3):
        fail(ADDRESS, service.FAILURES_ALLOWED - 1)
        assert service.sign_in(ADDRESS, PASSWORD) is not None


def test_failures_leave_a_trace_without_address_or_password() -> None:
    wei = factories.person(Role.CHAMBER, email=ADDRESS)
    fail(ADDRESS, 1)
    fail("nobody@bank.example", 1)
    trail = db.session.scalars(
        select(AuditEntry).where(AuditEntry.action == Action.SIGN_IN).order_by(AuditEntry.id)
    ).all()
    assert [entry.subject for entry in trail] == [f"user:{wei.user_id}", "user:none"]
    assert [entry.detail for entry in trail] == [{"failed": True, "locked": False}] * 2


def test_a_suspended_person_does_not_sign_in_until_the_account_is_open_again() -> None:
    administrator, wei = factories.person(Role.ADMINISTRATOR), factories.person(Role.CHAMBER, email=ADDRESS)
    session = factories.user(wei).get_id()
    service.suspend(administrator, wei.user_id, active=False)
    assert service.sign_in(ADDRESS, PASSWORD) is None
    assert queries.person(session) is None
    service.suspend(administrator, wei.user_id, active=True)
    assert service.sign_in(ADDRESS, PASSWORD) is not None
    assert queries.person(session) is None


def test_a_new_password_ends_the_sessions_before_it() -> None:
    wei = factories.person(Role.CHAMBER, email=ADDRESS)
    before = factories.user(wei)
    session, version = before.get_id(), before.session_version
    assert queries.person(session) is before

    after = service.change_password(wei, PASSWORD, "another good one")

    assert after.session_version == version + 1
    assert queries.person(session) is None
    assert queries.person(after.get_id()) is after
    assert service.sign_in(ADDRESS, PASSWORD) is None
    assert service.sign_in(ADDRESS, "another good one") is not None


@pytest.mark.parametrize("session", ["", "1", "x.1", "1.x", "-1.1", "1.", "999.1"])
def test_a_session_of_nobody_is_nobodys(session: str) -> None:
    factories.person(Role.CHAMBER)
    assert queries.person(session) is None


@pytest.mark.parametrize(
    "bad",
    ["", "ninechars", "aaaaaaaaaaaaaaaa", "abcdabcdabcd", f"long{'xyz!' * 64}", "Zhang.Wei2027!"],
    ids=["empty", "short", "one character", "four characters", "over 256", "own address"],
)
def test_a_weak_password_is_refused_and_the_old_one_stays(bad: str) -> None:
    wei = factories.person(Role.CHAMBER, email="zhang.wei@bank.example")
    before = factories.stored()
    with pytest.raises(Invalid) as refused:
        service.change_password(wei, PASSWORD, bad)
    assert refused.value.errors.keys() == {"new"}
    assert factories.stored() == before
    assert service.sign_in("zhang.wei@bank.example", PASSWORD) is not None


@pytest.mark.parametrize(
    "good", ["tenletters", "密码要有十个字才算够长", "abcdefgh" * 32], ids=["10", "Chinese", "256"]
)
def test_a_password_of_any_letters_between_the_lengths_is_taken(good: str) -> None:
    wei = factories.person(Role.CHAMBER, email=ADDRESS)
    service.change_password(wei, PASSWORD, good)
    assert service.sign_in(ADDRESS, good) is not None


def test_a_short_address_does_not_forbid_its_letters() -> None:
    li = factories.person(Role.CHAMBER, email="e@bank.example")
    service.change_password(li, PASSWORD, "another good one")
    assert service.sign_in("e@bank.example", "another good one") is not None


def test_a_new_password_needs_the_current_one() -> None:
    wei = factories.person(Role.CHAMBER, email=ADDRESS)
    with pytest.raises(Invalid) as refused:
        service.change_password(wei, "not the password", "another good one")
    assert refused.value.errors.keys() == {"current"}
    assert service.sign_in(ADDRESS, PASSWORD) is not None


def test_a_hash_of_weaker_parameters_is_renewed_at_sign_in(monkeypatch: pytest.MonkeyPatch) -> None:
    wei = factories.person(Role.CHAMBER, email=ADDRESS)
    old = factories.user(wei).password_hash
    monkeypatch.setattr(passwords, "_hasher", argon2.PasswordHasher(time_cost=2, memory_cost=8, parallelism=1))
    assert service.sign_in(ADDRESS, PASSWORD) is not None
    renewed = factories.user(wei).password_hash
    assert renewed is not None
    assert renewed != old
    assert not passwords.outdated(renewed)
    assert service.sign_in(ADDRESS, PASSWORD) is not None


def test_what_is_stored_is_no_password(real_hasher: argon2.PasswordHasher) -> None:
    stored = real_hasher.hash(PASSWORD)
    assert PASSWORD not in stored
    parameters = argon2.extract_parameters(stored)
    assert parameters == argon2.profiles.get_default_parameters()
    assert parameters.type is argon2.Type.ID
