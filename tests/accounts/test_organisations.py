"""An enterprise registers, the chamber decides, and only what is approved is seen."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
import time_machine
from sqlalchemy import select

from talentbank.accounts import queries, service
from talentbank.accounts.models import Organisation, Standing, User
from talentbank.accounts.service import Registration
from talentbank.audit import AuditEntry
from talentbank.errors import Conflict, Forbidden, Invalid, NotFound
from talentbank.extensions import db
from talentbank.permissions import STRANGER, SYSTEM, Action, Actor, Role
from tests import factories
from tests.factories import PASSWORD

pytestmark = pytest.mark.usefixtures("app_context")

GOOD = Registration(
    " 眉山跨境 ",
    "Meishan Crossborder",
    "9151 1400 MA6D JXW0 00",
    " 韦某 028-3812 3456 ",
    "韦某",
    "Wei@Firm.example",
    PASSWORD,
)
NOON = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def chamber(app_context: None) -> Actor:
    return factories.person(Role.CHAMBER)


@pytest.fixture
def pending(app_context: None) -> Organisation:
    return factories.organisation(Role.ENTERPRISE, Standing.PENDING)


def everybody_but(*roles: Role) -> list[Role]:
    return sorted(set(Role) - set(roles))


def actor_of(role: Role) -> Actor:
    alone = {Role.STRANGER: STRANGER, Role.SYSTEM: SYSTEM}
    return alone.get(role) or factories.person(role)


def test_a_registered_enterprise_waits_for_the_chamber_and_its_person_can_sign_in() -> None:
    user = service.register_enterprise(STRANGER, GOOD)
    enterprise = db.session.get_one(Organisation, user.organisation_id)
    assert (enterprise.kind, enterprise.standing) == (Role.ENTERPRISE, Standing.PENDING)
    assert (enterprise.name_zh, enterprise.decided_at) == ("眉山跨境", None)
    assert (enterprise.licence, enterprise.contact) == ("91511400MA6DJXW000", "韦某 028-3812 3456")
    assert (user.role, user.email) == (Role.ENTERPRISE, "wei@firm.example")
    assert service.sign_in("wei@firm.example", PASSWORD) is not None


def test_registering_leaves_a_trace_without_the_password() -> None:
    user = service.register_enterprise(STRANGER, GOOD)
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == Action.REGISTER_ENTERPRISE)).one()
    assert entry.subject == f"organisation:{user.organisation_id}"
    assert entry.detail == {"name": "眉山跨境", "user": user.id}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name_zh": " "}, "name_zh"),
        ({"name_zh": "眉" * 121}, "name_zh"),
        ({"name_en": "m" * 121}, "name_en"),
        ({"contact": "韦某 028-3812 3456" + "0" * 121}, "contact"),
        ({"contact": "028-3812 3456"}, "contact"),
        ({"contact": ""}, "contact"),
        ({"licence": ""}, "licence"),
        ({"licence": "91511400MA6DJXW001"}, "licence"),
        ({"person": ""}, "person"),
        ({"email": "wei"}, "email"),
        ({"email": ""}, "email"),
        ({"email": "wei@firm.example\nBcc: all@firm.example"}, "email"),
        ({"password": "short"}, "password"),
        ({"password": "a" * 300}, "password"),
    ],
)
def test_a_bad_registration_names_the_field_and_stores_nothing(changes: dict[str, str], field: str) -> None:
    before = factories.stored(Organisation, User)
    with pytest.raises(Invalid) as refused:
        service.register_enterprise(STRANGER, replace(GOOD, **changes))
    assert refused.value.errors.keys() == {field}
    assert factories.stored(Organisation, User) == before


def test_all_that_is_wrong_with_a_registration_is_said_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        service.register_enterprise(STRANGER, Registration("", "", "", "", "", "", ""))
    assert refused.value.errors.keys() == {"name_zh", "licence", "contact", "person", "email", "password"}


@pytest.mark.parametrize("name", ["眉山跨境", "  眉山跨境  "])
def test_a_name_is_in_the_bank_once(name: str) -> None:
    service.register_enterprise(STRANGER, GOOD)
    before = factories.stored(Organisation, User)
    with pytest.raises(Invalid) as refused:
        service.register_enterprise(STRANGER, factories.registration(name_zh=name))
    assert refused.value.errors.keys() == {"name_zh"}
    assert factories.stored(Organisation, User) == before


def test_the_case_of_letters_makes_no_other_name() -> None:
    factories.organisation(Role.ENTERPRISE, name="Yibo 跨境")
    with pytest.raises(Invalid) as refused:
        service.register_enterprise(STRANGER, factories.registration(name_zh="YIBO 跨境"))
    assert refused.value.errors.keys() == {"name_zh"}


@pytest.mark.parametrize("email", ["wei@firm.example", " WEI@FIRM.EXAMPLE "])
def test_an_address_has_one_account(email: str) -> None:
    service.register_enterprise(STRANGER, GOOD)
    before = factories.stored(Organisation, User)
    with pytest.raises(Invalid) as refused:
        service.register_enterprise(STRANGER, factories.registration(email=email))
    assert refused.value.errors.keys() == {"email"}
    assert factories.stored(Organisation, User) == before


def test_who_registers_at_the_same_moment_is_told_so_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """The look before the write can come too early: then the database's own constraint speaks."""
    service.register_enterprise(STRANGER, GOOD)
    before = factories.stored(Organisation, User)
    monkeypatch.setattr(service, "_checked_names", lambda zh, en, problems: (zh.strip(), en))
    monkeypatch.setattr(service, "_check_new_person", lambda *args: None)
    with pytest.raises(Invalid) as refused:
        service.register_enterprise(STRANGER, replace(GOOD, licence=factories.licence()))
    assert refused.value.errors.keys() == {"name_zh"}
    with pytest.raises(Invalid) as refused:
        service.register_enterprise(STRANGER, factories.registration(email=GOOD.email))
    assert refused.value.errors.keys() == {"email"}
    assert factories.stored(Organisation, User) == before


def test_the_chamber_approves(chamber: Actor, pending: Organisation) -> None:
    with time_machine.travel(NOON, tick=False):
        decided = service.decide_organisation(chamber, pending.id, Standing.APPROVED)
    assert (decided.standing, decided.decided_at) == (Standing.APPROVED, NOON)
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == Action.DECIDE_ORGANISATION)).one()
    assert entry.actor_id == chamber.user_id
    assert entry.detail == {"before": "pending", "after": "approved", "reason": ""}


@pytest.mark.parametrize("reason", ["", "  \n "])
def test_the_chamber_refuses_only_with_a_reason(chamber: Actor, pending: Organisation, reason: str) -> None:
    before = factories.stored()
    with pytest.raises(Invalid) as refused:
        service.decide_organisation(chamber, pending.id, Standing.REFUSED, reason)
    assert refused.value.errors.keys() == {"reason"}
    assert factories.stored() == before
    assert db.session.get_one(Organisation, pending.id, populate_existing=True).standing is Standing.PENDING
    decided = service.decide_organisation(chamber, pending.id, Standing.REFUSED, " no licence ")
    assert (decided.standing, decided.reason) == (Standing.REFUSED, "no licence")


@pytest.mark.parametrize("standing", [Standing.APPROVED, Standing.REFUSED])
def test_the_same_is_not_decided_twice(chamber: Actor, pending: Organisation, standing: Standing) -> None:
    service.decide_organisation(chamber, pending.id, standing, "no licence")
    before = factories.stored()
    with pytest.raises(Conflict):
        service.decide_organisation(chamber, pending.id, standing, "no licence")
    assert factories.stored() == before


def test_a_decision_can_be_turned_round(chamber: Actor, pending: Organisation) -> None:
    service.decide_organisation(chamber, pending.id, Standing.REFUSED, "no licence")
    decided = service.decide_organisation(chamber, pending.id, Standing.APPROVED)
    assert (decided.standing, decided.reason) == (Standing.APPROVED, "")


@pytest.mark.parametrize("role", everybody_but(Role.CHAMBER))
def test_nobody_but_the_chamber_decides(pending: Organisation, role: Role) -> None:
    with pytest.raises(Forbidden):
        service.decide_organisation(actor_of(role), pending.id, Standing.APPROVED)
    assert db.session.get_one(Organisation, pending.id, populate_existing=True).standing is Standing.PENDING


@pytest.mark.parametrize("kind", [Role.UNIVERSITY, Role.CHAMBER, Role.ZONE, Role.GOVERNMENT, None])
def test_the_chamber_decides_on_enterprises_only(chamber: Actor, kind: Role | None) -> None:
    organisation_id = factories.organisation(kind).id if kind else 999
    with pytest.raises(NotFound):
        service.decide_organisation(chamber, organisation_id, Standing.REFUSED, "no licence")


@pytest.mark.parametrize("role", everybody_but(Role.ADMINISTRATOR, Role.SYSTEM))
def test_nobody_but_an_administrator_adds_organisations(role: Role) -> None:
    actor = actor_of(role)
    before = factories.stored(Organisation)
    with pytest.raises(Forbidden):
        service.add_organisation(actor, Role.UNIVERSITY, "某大学", "")
    assert factories.stored(Organisation) == before


@pytest.mark.parametrize("kind", [Role.STUDENT, Role.ADMINISTRATOR, Role.STRANGER, Role.SYSTEM])
def test_not_every_role_is_a_kind_of_organisation(kind: Role) -> None:
    with pytest.raises(Invalid) as refused:
        service.add_organisation(factories.person(Role.ADMINISTRATOR), kind, "某某", "")
    assert refused.value.errors.keys() == {"kind"}


@pytest.mark.parametrize("role", [Role.ZONE, Role.GOVERNMENT, Role.CHAMBER, Role.ADMINISTRATOR])
def test_zone_and_government_see_only_approved_organisations(role: Role, pending: Organisation) -> None:
    refused = factories.organisation(Role.ENTERPRISE, Standing.REFUSED)
    approved = factories.organisation(Role.ENTERPRISE)
    actor = actor_of(role)
    all_of_them = {pending.id, refused.id, approved.id}
    expected = all_of_them if role in (Role.CHAMBER, Role.ADMINISTRATOR) else {approved.id}

    listed = queries.organisations(actor, Role.ENTERPRISE, "", "", 1)
    assert {found.id for found in listed.items} == expected
    asked_for = queries.organisations(actor, Role.ENTERPRISE, Standing.PENDING, "", 1)
    assert {found.id for found in asked_for.items} == expected & {pending.id}
    for organisation_id in all_of_them:
        if organisation_id in expected:
            assert queries.organisation(actor, organisation_id).id == organisation_id
        else:
            with pytest.raises(NotFound):
                queries.organisation(actor, organisation_id)


def test_who_waits_for_a_decision_comes_first(chamber: Actor, pending: Organisation) -> None:
    factories.organisation(Role.ENTERPRISE)
    assert queries.organisations(chamber, "", "", "", 1).items[0].id == pending.id


def test_a_sign_of_the_database_language_in_a_search_is_only_a_letter(chamber: Actor) -> None:
    sought = factories.organisation(Role.ENTERPRISE, name="百分百%")
    factories.organisation(Role.ENTERPRISE, name="另一家")
    assert [found.id for found in queries.organisations(chamber, "", "", "%", 1).items] == [sought.id]


def test_an_organisation_is_chosen_for_an_invitation_only_where_one_may_invite() -> None:
    university, administrator = factories.person(Role.UNIVERSITY), factories.person(Role.ADMINISTRATOR)
    other = factories.organisation(Role.UNIVERSITY)
    pending = factories.organisation(Role.ENTERPRISE, Standing.PENDING)
    assert [key for key, _ in queries.choices_of_organisations(university)] == [university.organisation_id]
    offered = {key for key, _ in queries.choices_of_organisations(administrator)}
    assert {university.organisation_id, other.id} <= offered
    assert pending.id not in offered
