"""Enterprises register and are decided about; people come by invitations that work once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import func, select

from talentbank.accounts import queries, service
from talentbank.accounts.models import Invitation, Organisation, Standing, User
from talentbank.accounts.service import Registration
from talentbank.audit import AuditEntry
from talentbank.errors import Conflict, Forbidden, Invalid, NotFound
from talentbank.extensions import db, now
from talentbank.permissions import STRANGER, SYSTEM, Actor, Role
from tests import market

pytestmark = pytest.mark.usefixtures("app_context")
GOOD = Registration("示例新企业", "New Firm (example)", "WeChat", "新示", "new@firm.example", "a good long one")


def rows() -> tuple[int, ...]:
    counts = [select(func.count()).select_from(model) for model in (Organisation, User, Invitation, AuditEntry)]
    return tuple(db.session.scalar(query) or 0 for query in counts)


@pytest.fixture
def chamber() -> Actor:
    return market.person(Role.CHAMBER, market.organisation(Role.CHAMBER))


def test_a_new_enterprise_waits_for_the_chamber(chamber: Actor) -> None:
    user = service.register_enterprise(STRANGER, GOOD)
    assert user.role is Role.ENTERPRISE
    enterprise = db.session.get_one(Organisation, user.organisation_id)
    assert enterprise.standing is Standing.PENDING
    assert service.sign_in("new@firm.example", "a good long one") == user
    assert queries.organisations(chamber, "", "pending", "", 1).items == [enterprise]
    zone = market.person(Role.ZONE)
    assert enterprise not in queries.organisations(zone, "", "", "", 1).items
    with pytest.raises(NotFound):
        queries.organisation(zone, enterprise.id)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name_zh": " "}, "name_zh"),
        ({"name_zh": "示例已有"}, "name_zh"),
        ({"name_en": "x" * 121}, "name_en"),
        ({"person": ""}, "person"),
        ({"email": "no address"}, "email"),
        ({"email": "taken@firm.example"}, "email"),
        ({"password": "short"}, "password"),
        ({"contact": "x" * 121}, "contact"),
    ],
)
def test_a_bad_registration_is_refused_at_its_field_and_stores_nothing(values: dict[str, str], field: str) -> None:
    taken = replace(GOOD, name_zh="示例已有", email="taken@firm.example")
    service.register_enterprise(STRANGER, taken)
    before = rows()
    with pytest.raises(Invalid) as refused:
        service.register_enterprise(STRANGER, replace(GOOD, **values))
    assert set(refused.value.errors) == {field}
    assert rows() == before


def test_everything_wrong_is_said_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        service.register_enterprise(STRANGER, Registration("", "", "", "", "", ""))
    assert set(refused.value.errors) == {"name_zh", "person", "email", "password"}


def test_the_chamber_decides_once_and_says_why_it_refuses(chamber: Actor) -> None:
    enterprise_id = service.register_enterprise(STRANGER, GOOD).organisation_id or 0
    with pytest.raises(Invalid) as refused:
        service.decide_organisation(chamber, enterprise_id, Standing.REFUSED, " ")
    assert set(refused.value.errors) == {"reason"}
    service.decide_organisation(chamber, enterprise_id, Standing.REFUSED, "No licence yet")
    decided = service.decide_organisation(chamber, enterprise_id, Standing.APPROVED)
    assert (decided.standing, decided.reason) == (Standing.APPROVED, "")
    with pytest.raises(Conflict):
        service.decide_organisation(chamber, enterprise_id, Standing.APPROVED)
    for actor in (market.person(Role.ZONE), market.person(Role.ADMINISTRATOR), STRANGER):
        with pytest.raises(Forbidden):
            service.decide_organisation(actor, enterprise_id, Standing.REFUSED, "No")
    university = market.organisation(Role.UNIVERSITY)
    for other in (university, 999):
        with pytest.raises(NotFound):
            service.decide_organisation(chamber, other, Standing.REFUSED, "No")


def test_an_administrator_adds_organisations_that_need_no_approval() -> None:
    administrator = market.person(Role.ADMINISTRATOR)
    made = service.add_organisation(administrator, Role.UNIVERSITY, "示例新大学", "")
    assert made.standing is Standing.APPROVED
    with pytest.raises(Invalid) as refused:
        service.add_organisation(administrator, Role.STUDENT, "示例新大学", "")
    assert set(refused.value.errors) == {"kind", "name_zh"}


def test_an_invitation_works_once_and_only_its_digest_is_kept() -> None:
    university_id = market.organisation(Role.UNIVERSITY)
    university = market.person(Role.UNIVERSITY, university_id)
    token = service.invite(university, "Xue@school.example", "学示", Role.STUDENT, university_id)
    stored = db.session.scalars(select(Invitation)).one()
    assert token not in {stored.digest, stored.email, stored.name}
    assert token not in str([entry.detail for entry in db.session.scalars(select(AuditEntry))])
    with pytest.raises(NotFound):
        service.open_invitation(token + "x")
    user = service.accept_invitation(STRANGER, token, "学示", "a good long one")
    assert (user.role, user.organisation_id, user.email) == (Role.STUDENT, university_id, "xue@school.example")
    with pytest.raises(NotFound):
        service.accept_invitation(STRANGER, token, "学示", "a good long one")


def test_an_invitation_grows_too_old() -> None:
    token = service.invite(SYSTEM, "guan@bank.example", "管示", Role.ADMINISTRATOR, None)
    with time_machine.travel(now() + timedelta(days=14, seconds=1), tick=False), pytest.raises(NotFound):
        service.accept_invitation(STRANGER, token, "管示", "a good long one")
    assert service.accept_invitation(STRANGER, token, "管示", "a good long one").role is Role.ADMINISTRATOR


def test_an_invitation_to_an_existing_account_sets_a_new_password() -> None:
    first = service.invite(SYSTEM, "guan@bank.example", "管示", Role.ADMINISTRATOR, None)
    user = service.accept_invitation(STRANGER, first, "管示", "a good long one")
    session = user.get_id()
    again = service.invite(SYSTEM, "guan@bank.example", "管示", Role.ADMINISTRATOR, None)
    same = service.accept_invitation(STRANGER, again, "管示", "another good one")
    assert same.id == user.id
    assert queries.person(session) is None
    assert service.sign_in("guan@bank.example", "another good one") == same


def test_a_university_invites_only_its_own_students_and_colleagues() -> None:
    own, other = market.organisation(Role.UNIVERSITY), market.organisation(Role.UNIVERSITY)
    university = market.person(Role.UNIVERSITY, own)
    service.invite(university, "a@school.example", "甲示", Role.UNIVERSITY, own)
    with pytest.raises(Forbidden):
        service.invite(university, "b@school.example", "乙示", Role.STUDENT, other)
    for role in (Role.ADMINISTRATOR, Role.CHAMBER):
        with pytest.raises((Forbidden, Invalid)):
            service.invite(university, "c@school.example", "丙示", role, own)
    student = market.person(Role.STUDENT, own)
    with pytest.raises(Forbidden):
        service.invite(student, "d@school.example", "丁示", Role.STUDENT, own)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        (("no address", "甲示", Role.ADMINISTRATOR, None), "email"),
        (("a@bank.example", "", Role.ADMINISTRATOR, None), "name"),
        (("a@bank.example", "甲示", Role.CHAMBER, None), "organisation"),
        (("a@bank.example", "甲示", Role.SYSTEM, None), "role"),
    ],
)
def test_a_bad_invitation_is_refused_at_its_field(values: tuple[str, str, Role, int | None], field: str) -> None:
    before = rows()
    with pytest.raises(Invalid) as refused:
        service.invite(SYSTEM, *values)
    assert set(refused.value.errors) == {field}
    assert rows() == before
