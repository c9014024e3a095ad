"""Every route of the url map, walked by every role and by a stranger, does as permissions.py says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from talentbank import permissions
from talentbank.permissions import Action, Actor, Role
from tests.web.reader import ORIGIN, Reader

MakeReader = Callable[..., Reader]
ROLES = [role for role in Role if role is not Role.SYSTEM]
ARGUMENTS: dict[str, Any] = {"code": "en", "token": "no-such-token", "filename": "css/bank.css"}


def walk(app: Flask, readers: dict[Role, Reader]) -> list[str]:
    """What is wrong, a line each: routes that nobody declared, and answers that the table does not give."""
    wrong = []
    adapter = app.url_map.bind("bank.example")
    for rule in app.url_map.iter_rules():
        if rule.endpoint == "static":
            continue
        action = getattr(app.view_functions[rule.endpoint], "action", None)
        if action is None:
            wrong.append(f"{rule.endpoint} declares no action")
            continue
        path = adapter.build(rule.endpoint, {name: ARGUMENTS.get(name, 1) for name in rule.arguments})
        path = path.removeprefix(ORIGIN)
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            for role, someone in readers.items():
                may = permissions.allowed(Actor(role), action)
                status = someone.client.open(path, method=method, base_url=ORIGIN).status_code
                if not fits(may, role, method, status):
                    wrong.append(f"{method} {path} ({action}) answers {role.value} with {status}")
    return wrong


def fits(may: bool, role: Role, method: str, status: int) -> bool:
    """Whether a status is what one who may, or may not, must get."""
    if may:
        return status in (200, 302, 400, 404, 409)
    if role is Role.STRANGER and method == "GET":
        return status == 302
    return status == 403


@pytest.fixture
def readers(bank: Flask, reader: MakeReader) -> dict[Role, Reader]:
    """One of each role; forms need no token here, so that permissions alone decide."""
    bank.config["WTF_CSRF_ENABLED"] = False
    return {role: reader(role) for role in ROLES}


def test_every_route_answers_each_role_as_the_table_says(bank: Flask, readers: dict[Role, Reader]) -> None:
    leaving = bank.view_functions.pop("accounts.sign_out")
    bank.view_functions["accounts.sign_out"] = kept = lambda: "stays signed in for the walk"
    kept.action = leaving.action  # type: ignore[attr-defined]
    assert walk(bank, readers) == []


def test_the_walk_finds_a_route_that_nobody_declared(bank: Flask, readers: dict[Role, Reader]) -> None:
    bank.view_functions["insight.health"] = lambda: "ok"
    assert "insight.health declares no action" in walk(bank, {Role.STRANGER: readers[Role.STRANGER]})


def test_the_walk_finds_a_door_left_open(bank: Flask, readers: dict[Role, Reader]) -> None:
    bank.before_request_funcs[None] = [f for f in bank.before_request_funcs[None] if f.__name__ != "guard"]
    bank.config["PROPAGATE_EXCEPTIONS"] = False
    wrong = walk(bank, {Role.STUDENT: readers[Role.STUDENT]})
    assert any(str(Action.READ_AUDIT) in line for line in wrong)


def test_a_route_without_an_action_is_closed_to_everybody(bank: Flask, reader: MakeReader) -> None:
    bank.view_functions["insight.health"] = lambda: "open to all"
    for role in (None, Role.ADMINISTRATOR):
        assert reader(role).client.get("/health", base_url=ORIGIN).status_code == 403


def test_a_stranger_is_sent_to_sign_in_and_comes_back_where_they_were_going(reader: MakeReader) -> None:
    page = reader().get("/positions?category=design")
    assert page.path.startswith("/sign-in?next=")
    assert "Please sign in to go there." in page.text
    field = page.soup.select_one("main input[name=next]")
    assert field and field["value"] == "/positions?category=design"
