"""The chamber takes a round through its whole life by its pages: each shows by its state what comes next."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from talentbank.extensions import SHANGHAI, db, now
from talentbank.permissions import Role
from talentbank.rounds.models import Round, RoundState
from tests.web.conftest import DEMO, person
from tests.web.reader import Reader

MakeReader = Callable[..., Reader]


def named(bank: Flask, name: str) -> Round:
    with bank.app_context():
        db.session.expire_all()
        return db.session.scalars(select(Round).where(Round.name == name)).one()


def primary(page: Reader | object) -> list[str]:
    """What the page's primary buttons say."""
    return [button.get_text(strip=True) for button in page.soup.select("main .page-header .btn-primary")]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "button"),
    [
        ("Round Draft", None),
        ("Round Open", "Freeze now"),
        ("Round Solved", "Tell those who get no offer"),
        ("Round Published", "Open the next round"),
        ("Round Cancelled", None),
    ],
)
def test_each_state_shows_the_one_thing_that_comes_next(
    bank: Flask, reader: MakeReader, name: str, button: str | None
) -> None:
    page = reader(Role.CHAMBER).get(f"/rounds/{named(bank, name).id}")
    assert primary(page) == ([button] if button else [])
    if name != "Round Cancelled":
        assert len(page.soup.select("main .steps .step-item")) == 6
        assert len(page.soup.select("main .step-item[aria-current=step]")) == 1


def test_from_a_draft_to_a_frozen_round(bank: Flask, reader: MakeReader) -> None:
    chamber = reader(Role.CHAMBER)
    chamber.post(
        f"/rounds/{named(bank, 'Round Open').id}/cancel", 200, version=str(named(bank, "Round Open").version)
    )
    draft = named(bank, "Round Draft")
    deadline = (now() + timedelta(days=3)).astimezone(SHANGHAI).replace(second=0, microsecond=0)
    asked = {"version": str(draft.version), "closes_at": deadline.strftime("%Y-%m-%dT%H:%M")}
    page = chamber.post(f"/rounds/{draft.id}/open", 200, **asked)
    assert deadline.strftime("%Y-%m-%d %H:%M") in page.text
    opened = named(bank, "Round Draft")
    assert (opened.state, opened.closes_at) == (RoundState.OPEN, deadline)
    chamber.post(f"/rounds/{draft.id}/open", 409, **asked)
    later = (deadline + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    chamber.post(f"/rounds/{draft.id}/deadline", 200, version=str(opened.version), closes_at=later)
    moved = named(bank, "Round Draft")
    page = chamber.post(f"/rounds/{draft.id}/freeze", 200, version=str(moved.version))
    assert "The round is frozen" in page.text
    assert primary(page) == ["Run it"]
    chamber.post(f"/rounds/{draft.id}/freeze", 409, version=str(moved.version))


def test_who_is_in_a_round_is_listed_as_it_is_counted(bank: Flask, reader: MakeReader) -> None:
    chamber = reader(Role.CHAMBER)
    found = named(bank, "Round Solved")
    for query in ("", "said=1", "said=0", "side=positions", "side=positions&said=0"):
        chamber.get(f"/rounds/{found.id}/entries?{query}")
    assert "Nothing fits" in chamber.get(f"/rounds/{found.id}/entries?said=1").text
    chamber.get("/rounds/99999/entries", 404)
    reader(Role.STUDENT).get(f"/rounds/{found.id}/entries", 403)


def test_one_button_opens_the_next_round_once(bank: Flask, reader: MakeReader) -> None:
    chamber = reader(Role.CHAMBER)
    for name in ("Round Open", "Round Solved"):
        live = named(bank, name)
        chamber.post(f"/rounds/{live.id}/cancel", 200, version=str(live.version))
    published = named(bank, "Round Published")
    page = chamber.post(f"/rounds/{published.id}/next", 200, version=str(published.version))
    assert "Round Published (2)" in page.text
    assert primary(page) == ["Freeze now"]
    chamber.post(f"/rounds/{published.id}/next", 409, version=str(published.version))
    assert "To the next round: Round Published (2)" in chamber.get(f"/rounds/{published.id}").text


def test_the_policy_is_shown_as_it_was_made(bank: Flask, reader: MakeReader) -> None:
    chamber = reader(Role.CHAMBER)
    page = chamber.get("/rounds/new")
    with bank.app_context():
        officer = person(f"chamber@{DEMO}").id
    weights = {"weight_fit": "0.5", "weight_student": "0.3", "weight_enterprise": "0.2"}
    made = chamber.submit(page, page.form(), name="Winter", most_ranked="4", officer=str(officer), **weights)
    assert "0.5 / 0.3 / 0.2" in made.text
    stored = named(bank, "Winter")
    assert (stored.most_ranked, stored.blind, stored.officer_id) == (4, True, officer)
    again = chamber.get(f"/rounds/{stored.id}/policy")
    assert again.soup.select_one("#weight_student")["value"] == "0.3"  # type: ignore[index]
