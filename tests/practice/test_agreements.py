"""The three-party agreement: in force once student, university and host have signed the same words."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select

from talentbank.accounts.models import Organisation
from talentbank.audit import AuditEntry
from talentbank.deposits.resources.models import ResourceKind
from talentbank.errors import Conflict, Forbidden, Invalid, NotFound
from talentbank.extensions import db
from talentbank.permissions import Action, Actor, Role
from talentbank.practice import queries as practice
from talentbank.practice.enrolments import agreements, queries
from talentbank.practice.enrolments.steps import PARTIES, Part, Step, awaits_agreement, missing, what_now
from talentbank.practice.models import Agreement, EnrolmentState, PracticeRules
from tests import factories
from tests.practice.world import World

pytestmark = pytest.mark.usefixtures("in_english")

TERMS = "实习地点：1 号楼。保险：学校统一投保。报酬：每天 120 元。"
DIGEST = hashlib.sha256(TERMS.encode()).hexdigest()


def internship(w: World, state: EnrolmentState = EnrolmentState.ACCEPTED, **values: Any) -> int:
    """A student's enrolment on an internship."""
    return w.enrolment(w.resource(kind=ResourceKind.INTERNSHIP, **values), state=state)


def stored(enrolment_id: int) -> Agreement:
    db.session.rollback()
    db.session.expire_all()
    return db.session.get_one(Agreement, enrolment_id)


def sides(w: World) -> dict[Part, Actor]:
    return {Part.STUDENT: w.student, Part.UNIVERSITY: w.university, Part.HOST: w.host}


def step(actor: Actor, enrolment_id: int) -> tuple[Step, bool]:
    """What comes next, and whether the actor does it."""
    db.session.rollback()
    db.session.expire_all()
    following = what_now(actor, queries.standing(actor, practice.enrolment(actor, enrolment_id)))
    return following.step, following.mine


def test_it_is_in_force_from_the_third_signature_on(w: World) -> None:
    enrolment = internship(w)
    agreements.propose(w.host, enrolment, TERMS)
    waiting = set(PARTIES)
    for party, actor in sides(w).items():
        assert stored(enrolment).in_force_since is None
        assert missing(stored(enrolment)) == waiting
        agreements.sign(actor, enrolment, party.value, DIGEST)
        waiting.discard(party)
    found = stored(enrolment)
    assert found.in_force_since == found.host_signed_at
    assert found.digest == DIGEST
    signers = (found.student_signer_id, found.university_signer_id, found.host_signer_id)
    assert signers == (w.student.user_id, w.university.user_id, w.host.user_id)
    assert set(queries.signers(found)) == set(signers)


def test_each_step_is_somebodys_turn(w: World) -> None:
    enrolment = internship(w)
    assert [step(actor, enrolment) for actor in (w.student, w.university, w.host, w.chamber)] == [
        (Step.PROPOSE, False),
        (Step.PROPOSE, True),
        (Step.PROPOSE, True),
        (Step.PROPOSE, False),
    ]
    agreements.propose(w.university, enrolment, TERMS)
    agreements.sign(w.host, enrolment, "host", DIGEST)
    assert step(w.student, enrolment) == (Step.SIGN, True)
    assert step(w.host, enrolment) == (Step.SIGN, False)
    agreements.sign(w.student, enrolment, "student", DIGEST)
    agreements.sign(w.university, enrolment, "university", DIGEST)
    assert step(w.student, enrolment) == (Step.LOG, True)
    assert step(w.host, enrolment) == (Step.LOG, False)


def test_changed_terms_are_signed_by_all_three_again(w: World) -> None:
    enrolment = internship(w)
    agreements.propose(w.host, enrolment, TERMS)
    for party, actor in sides(w).items():
        agreements.sign(actor, enrolment, party.value, DIGEST)
    agreements.propose(w.university, enrolment, f"{TERMS}\r\n交通补贴：每天 10 元。\r\n", DIGEST)
    found = stored(enrolment)
    assert found.terms == f"{TERMS}\n交通补贴：每天 10 元。"
    assert missing(found) == set(PARTIES)
    assert found.in_force_since is None
    assert (found.student_signer_id, found.university_signer_id, found.host_signer_id) == (None, None, None)
    with pytest.raises(Conflict, match="read them again"):
        agreements.sign(w.student, enrolment, "student", DIGEST)
    agreements.sign(w.student, enrolment, "student", found.digest)


@pytest.mark.parametrize("hour", [15, 17])
def test_what_was_in_force_stays_so_while_changed_terms_wait(w: World, hour: int) -> None:
    enrolment = internship(w)
    first = datetime(2027, 3, 1, hour, tzinfo=UTC)  # from 16:00 on it is the next day in Meishan
    day = date(2027, 3, 1) if hour < 16 else date(2027, 3, 2)
    with time_machine.travel(first, tick=False):
        agreements.propose(w.host, enrolment, TERMS)
        for party, actor in sides(w).items():
            assert stored(enrolment).first_in_force_on is None
            agreements.sign(actor, enrolment, party.value, DIGEST)
    assert stored(enrolment).first_in_force_on == day
    with time_machine.travel(first + timedelta(days=9), tick=False):
        seen = agreements.propose(w.university, enrolment, "别的条款", DIGEST).digest
        assert stored(enrolment).first_in_force_on == day
        for party, actor in sides(w).items():
            agreements.sign(actor, enrolment, party.value, seen)
    assert stored(enrolment).first_in_force_on == day
    assert stored(enrolment).in_force_since == first + timedelta(days=9)


def test_changed_terms_are_signed_while_practice_goes_on(w: World) -> None:
    enrolment = internship(w)
    agreements.propose(w.host, enrolment, TERMS)
    for party, actor in sides(w).items():
        agreements.sign(actor, enrolment, party.value, DIGEST)
    seen = agreements.propose(w.host, enrolment, "别的条款", DIGEST).digest
    assert step(w.student, enrolment) == (Step.SIGN, True)
    agreements.sign(w.student, enrolment, "student", seen)
    assert step(w.student, enrolment) == (Step.LOG, True)
    assert step(w.university, enrolment) == (Step.SIGN, True)


def test_terms_that_were_never_in_force_cover_nothing(w: World) -> None:
    enrolment = internship(w)
    agreements.propose(w.host, enrolment, TERMS)
    agreements.sign(w.student, enrolment, "student", DIGEST)
    agreements.sign(w.university, enrolment, "university", DIGEST)
    seen = agreements.propose(w.host, enrolment, "别的条款", DIGEST).digest
    agreements.sign(w.host, enrolment, "host", seen)
    assert stored(enrolment).first_in_force_on is None
    assert awaits_agreement(practice.enrolment(w.host, enrolment))


def test_the_trail_keeps_the_words_that_were_replaced(w: World) -> None:
    enrolment = internship(w)
    agreements.propose(w.host, enrolment, TERMS)
    for party, actor in sides(w).items():
        agreements.sign(actor, enrolment, party.value, DIGEST)
    agreements.propose(w.university, enrolment, "别的条款", DIGEST)
    entries = db.session.scalars(select(AuditEntry).where(AuditEntry.action == Action.SIGN_AGREEMENT)).all()
    proposed = [e.detail for e in entries if e.detail["step"] == "proposed"]
    assert [(detail["before"], detail["replaced"]) for detail in proposed] == [(None, None), (DIGEST, TERMS)]


def test_the_same_terms_again_leave_the_signatures(w: World) -> None:
    enrolment = internship(w)
    agreements.propose(w.host, enrolment, TERMS)
    agreements.sign(w.host, enrolment, "host", DIGEST)
    with pytest.raises(Invalid, match="signatures stand"):
        agreements.propose(w.host, enrolment, f"  {TERMS}\r\n", DIGEST)
    assert missing(stored(enrolment)) == {Part.STUDENT, Part.UNIVERSITY}


def test_terms_that_somebody_else_changed_are_not_overwritten(w: World) -> None:
    enrolment = internship(w)
    agreements.propose(w.host, enrolment, TERMS)
    for seen in ("", "0" * 64):
        with pytest.raises(Conflict):
            agreements.propose(w.university, enrolment, "别的条款", seen)
    assert stored(enrolment).terms == TERMS


def test_nobody_signs_for_somebody_else_or_twice(w: World) -> None:
    enrolment = internship(w)
    with pytest.raises(Conflict):
        agreements.sign(w.host, enrolment, "host", DIGEST)
    agreements.propose(w.host, enrolment, TERMS)
    for party, actor in sides(w).items():
        for other in {*PARTIES, Part.SUPERVISOR, "anybody"} - {party}:
            with pytest.raises(Invalid):
                agreements.sign(actor, enrolment, str(other), DIGEST)
        agreements.sign(actor, enrolment, party.value, DIGEST)
        with pytest.raises(Conflict, match="already"):
            agreements.sign(actor, enrolment, party.value, DIGEST)


def test_a_university_that_is_the_host_signs_in_two_steps(w: World) -> None:
    enrolment = internship(w, host=w.university)
    agreements.propose(w.university, enrolment, TERMS)
    agreements.sign(w.university, enrolment, "host", DIGEST)
    assert missing(stored(enrolment)) == {Part.STUDENT, Part.UNIVERSITY}
    agreements.sign(w.university, enrolment, "university", DIGEST)
    agreements.sign(w.student, enrolment, "student", DIGEST)
    assert stored(enrolment).in_force_since is not None


def test_another_person_of_the_host_signs_too_but_a_fellow_student_does_not(w: World) -> None:
    enrolment = internship(w)
    agreements.propose(w.host, enrolment, TERMS)
    colleague = factories.person(Role.ENTERPRISE, db.session.get(Organisation, w.host.organisation_id))
    agreements.sign(colleague, enrolment, "host", DIGEST)
    assert stored(enrolment).host_signer_id == colleague.user_id
    with pytest.raises(NotFound):
        agreements.sign(w.another_student()[0], enrolment, "student", DIGEST)


def test_the_student_reads_the_terms_and_does_not_write_them(w: World) -> None:
    enrolment = internship(w)
    with pytest.raises(Invalid, match="read and sign"):
        agreements.propose(w.student, enrolment, TERMS)
    with pytest.raises(Forbidden):
        agreements.propose(w.chamber, enrolment, TERMS)
    for stranger in (factories.person(Role.ENTERPRISE), factories.person(Role.UNIVERSITY)):
        with pytest.raises(NotFound):
            agreements.propose(stranger, enrolment, TERMS)
        with pytest.raises(NotFound):
            agreements.sign(stranger, enrolment, "host", DIGEST)


@pytest.mark.parametrize("terms", ["", "  \r\n ", "保险：____", "长" * 8001])
def test_terms_are_written_whole(w: World, terms: str) -> None:
    enrolment = internship(w)
    before = factories.stored(Agreement)
    with pytest.raises(Invalid) as refused:
        agreements.propose(w.host, enrolment, terms)
    assert set(refused.value.errors) == {"terms"}
    assert factories.stored(Agreement) == before


def test_only_an_internship_asks_for_one(w: World) -> None:
    for kind in set(ResourceKind) - {ResourceKind.INTERNSHIP}:
        enrolment = w.enrolment(w.resource(kind=kind))
        with pytest.raises(Invalid, match="internship"):
            agreements.propose(w.host, enrolment, TERMS)
        assert step(w.student, enrolment) == (Step.LOG, True)


@pytest.mark.parametrize("state", sorted(set(EnrolmentState) - {EnrolmentState.ACCEPTED}))
def test_it_is_for_somebody_who_has_a_seat(w: World, state: EnrolmentState) -> None:
    enrolment = internship(w, state)
    with pytest.raises(Conflict):
        agreements.propose(w.host, enrolment, TERMS)
    with pytest.raises(Conflict):
        agreements.sign(w.student, enrolment, "student", DIGEST)


def test_the_usual_terms_hold_what_the_bank_knows_and_leave_the_rest_blank(w: World) -> None:
    enrolment = practice.enrolment(w.host, internship(w, description="值守店铺，处理差评。", hours=160))
    rules = PracticeRules(university_id=0, hours_a_day=7, hours_a_week=35, night_work=False)
    terms = agreements.usual_terms(enrolment, rules)
    resource = enrolment.resource
    for known in (
        enrolment.student.user.shown_name,
        enrolment.student.university.name,
        resource.owner.name,
        resource.supervisor.shown_name,
        resource.starts_on.isoformat(),
        resource.ends_on.isoformat(),
        "160",
        "7",
        "35",
        "1 号楼",
        "值守店铺，处理差评。",
    ):
        assert known in terms
    assert terms.count(agreements.BLANK) == 3  # the major, insurance, and pay
    with pytest.raises(Invalid):
        agreements.propose(w.host, enrolment.id, terms)


def test_the_trail_has_the_digest_of_what_was_proposed_and_signed(w: World) -> None:
    enrolment = internship(w)
    agreements.propose(w.host, enrolment, TERMS)
    for party, actor in sides(w).items():
        agreements.sign(actor, enrolment, party.value, DIGEST)
    entries = db.session.scalars(select(AuditEntry).where(AuditEntry.action == Action.SIGN_AGREEMENT)).all()
    assert {entry.subject for entry in entries} == {f"enrolment:{enrolment}"}
    assert [(e.detail["step"], e.detail.get("party"), e.detail["digest"]) for e in entries] == [
        ("proposed", None, DIGEST),
        *[("signed", party.value, DIGEST) for party in PARTIES],
    ]
    assert [e.detail.get("in_force") for e in entries] == [None, False, False, True]
    assert [e.actor_id for e in entries[1:]] == [w.student.user_id, w.university.user_id, w.host.user_id]
