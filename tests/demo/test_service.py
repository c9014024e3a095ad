"""The demo bank comes in whole, opens to whoever signs in, and goes without a trace."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Timer

import pytest
from flask import Flask
from sqlalchemy import func, select

from talentbank import create_app
from talentbank.accounts import service as accounts
from talentbank.accounts.models import Organisation, User
from talentbank.audit import AuditEntry
from talentbank.config import Mode, SettingError
from talentbank.demo import service, words
from talentbank.errors import Conflict
from talentbank.extensions import db
from talentbank.permissions import STRANGER, SYSTEM, Role
from talentbank.rounds import proof
from talentbank.rounds import queries as rounds
from talentbank.rounds import service as matching
from talentbank.rounds.models import LIVE, RoundState
from talentbank.rounds.offers import queries as offers
from talentbank.rounds.offers import service as answers
from tests import factories
from tests.conftest import copy, settings
from tests.rounds.life import published


@pytest.fixture
def demo(demo_database: Path, tmp_path: Path) -> Iterator[Flask]:
    app = create_app(settings(copy(demo_database, tmp_path)))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def rows_by_table() -> dict[str, int]:
    tables = db.metadata.sorted_tables
    return {t.name: db.session.scalar(select(func.count()).select_from(t)) or 0 for t in tables}


@pytest.mark.usefixtures("demo")
def test_each_role_can_sign_in_and_nobody_else_can() -> None:
    people = service.sign_ins()
    roles = set(Role) - {Role.STRANGER, Role.SYSTEM}
    assert {person.role for person in people} == roles
    assert len(people) == len(roles)
    for person in people:
        user = accounts.sign_in(person.email, service.PASSWORD)
        assert user is not None
        assert user.role is person.role
    with_password = db.session.scalar(select(func.count()).where(User.password_hash.is_not(None)))
    assert with_password == len(people)
    assert accounts.sign_in("student-5@demo.example", service.PASSWORD) is None


@pytest.mark.usefixtures("demo")
def test_the_closed_rounds_hold_when_they_are_checked_again() -> None:
    closed = [found.id for found in rounds.rounds() if found.state is RoundState.CLOSED]
    assert len(closed) == 2
    for round_id in closed:
        checked = proof.verify(round_id)
        assert checked.fault is None, str(checked.fault)
        assert checked.matched > 30


@pytest.mark.usefixtures("demo")
def test_a_bank_that_is_not_vacant_takes_no_demo() -> None:
    assert not service.vacant()
    before = rows_by_table()
    with pytest.raises(Conflict):
        service.build(SYSTEM)
    assert rows_by_table() == before


@pytest.mark.usefixtures("demo")
def test_the_demo_goes_with_all_that_was_done_in_it_and_leaves_only_the_note_that_it_went() -> None:
    chamber = accounts.sign_in("chamber@demo.example", service.PASSWORD)
    assert chamber
    for held in rounds.rounds():
        if held.state in LIVE:
            matching.cancel(chamber.actor, held.id, held.version)
    made, _ = published(chamber.actor, name="Autumn")
    offer = offers.offers(chamber.actor, "open", None, made.id, 1).items[0]
    student = offer.student.user
    answers.answer_offer(student.actor, offer.id, accepted=True)
    accounts.sign_in("chamber@demo.example", "wrong password")

    removed = service.remove(SYSTEM)

    left = {name: count for name, count in rows_by_table().items() if count}
    assert left.keys() == {"competency", "city", "audit_entry"}
    assert left["audit_entry"] == 1
    entry = db.session.scalars(select(AuditEntry)).one()
    assert entry.detail == {"built": False, "rows": removed}
    assert not service.present()
    assert service.vacant()
    service.build(SYSTEM)
    assert service.present()


@pytest.mark.usefixtures("demo")
def test_who_has_joined_beside_the_demo_is_taken_out_only_when_that_is_said() -> None:
    accounts.register_enterprise(STRANGER, factories.registration())
    before = rows_by_table()
    with pytest.raises(Conflict, match=r"\b2\b"):
        service.remove(SYSTEM)
    assert rows_by_table() == before
    service.remove(SYSTEM, everything=True)
    assert db.session.scalar(select(func.count()).select_from(Organisation)) == 0


@pytest.mark.usefixtures("demo")
def test_an_administrator_whose_domain_only_ends_like_the_demos_is_not_taken_out_unasked() -> None:
    token = accounts.invite(SYSTEM, "boss@notdemo.example", "Somebody", Role.ADMINISTRATOR, None)
    accounts.accept_invitation(STRANGER, token, "Somebody", "a good long one")
    before = rows_by_table()
    with pytest.raises(Conflict, match=r"\b1\b"):
        service.remove(SYSTEM)
    assert rows_by_table() == before


@pytest.mark.usefixtures("demo")
def test_a_demo_built_from_other_word_lists_goes_without_everything_being_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(words, "enterprise_names", lambda: [(f"示例{n}", f"{n} (example)") for n in range(71)])
    service.remove(SYSTEM)
    assert service.vacant()


@pytest.mark.usefixtures("app_context")
def test_there_is_nothing_to_take_out_where_no_demo_is() -> None:
    assert service.vacant()
    assert service.sign_ins() == []
    with pytest.raises(Conflict):
        service.remove(SYSTEM)


@pytest.mark.usefixtures("demo")
def test_production_refuses_a_database_with_the_demo_in_it() -> None:
    with pytest.raises(SettingError, match="demo remove"):
        service.refuse_in_production()
    service.remove(SYSTEM)
    service.refuse_in_production()


def test_the_command_and_the_server_refuse_as_well(demo_database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BANK_MODE", "production")
    monkeypatch.setenv("SECRET_KEY", "0123456789abcdef0123456789abcdef")
    with pytest.raises(SettingError, match="demo remove"):
        create_app(settings(demo_database))


def test_preparing_production_refuses_the_demo_with_a_sentence(
    demo_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "production.sqlite3"
    shutil.copy(demo_database, path)
    app = create_app(settings(path))
    app.config["BANK_MODE"] = Mode.PRODUCTION
    answer = app.test_cli_runner().invoke(args=["prepare"])
    assert answer.exit_code == 2
    assert "demo remove" in answer.stderr
    assert service.PASSWORD not in answer.output
    built = app.test_cli_runner().invoke(args=["demo", "build"])
    assert built.exit_code == 2
    with app.app_context():
        db.engine.dispose()


def test_preparing_twice_builds_the_demo_once_and_says_how_to_sign_in(app: Flask) -> None:
    runner = app.test_cli_runner()
    for _ in range(2):
        answer = runner.invoke(args=["prepare"])
        assert answer.exit_code == 0, answer.output
        assert "chamber@demo.example" in answer.stdout
        assert service.PASSWORD in answer.stdout
    with app.app_context():
        assert rows_by_table()["demo_bank"] == 1
    assert runner.invoke(args=["demo", "remove", "--yes"]).exit_code == 0
    assert runner.invoke(args=["demo", "remove", "--yes"]).exit_code == 2
    invited = runner.invoke(args=["administrator", "guan@bank.example", "管示"])
    assert "/invitation/" in invited.stdout


@pytest.mark.parametrize("long", [True, False])
def test_preparing_compiles_the_matcher_and_speaks_of_it_only_where_it_takes_long(
    app: Flask, monkeypatch: pytest.MonkeyPatch, *, long: bool
) -> None:
    spoken, called = Event(), []

    def compile_() -> None:
        called.append("once")
        if long:
            assert spoken.wait(60)

    def echo(sentence: str) -> None:
        print(sentence)  # noqa: T201  (what click does)
        spoken.set()

    monkeypatch.setattr("talentbank.cli.warm_up", compile_)
    monkeypatch.setattr("talentbank.cli.NOTICED", 0 if long else 10**6)
    monkeypatch.setattr("talentbank.cli.Timer", lambda seconds, _, words: Timer(seconds, echo, words))
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    answer = app.test_cli_runner().invoke(args=["prepare"])
    assert answer.exit_code == 0, answer.output
    assert called == ["once"]
    assert ("The matcher is compiled" in answer.stdout) is long
