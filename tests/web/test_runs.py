"""Runs on their pages: asked for, compared, chosen, shown as drafts; hints and quotas with their forms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import event

from talentbank.extensions import SHANGHAI, db, now
from talentbank.permissions import Actor
from talentbank.rounds.runs import drafts
from talentbank.rounds.runs import service as running
from talentbank.rounds.runs.service import RunOrder
from tests import factories
from tests.market import Market
from tests.rounds.life import frozen, run_again
from tests.web.reader import Reader


@dataclass
class Scene:
    """A market with a frozen round, and readers of it."""

    market: Market
    round_id: int
    reader: Callable[[Actor], Reader]


@pytest.fixture
def scene(app: Flask) -> Scene:
    with app.app_context():
        market = Market()
        round_id = frozen(market.chamber).id

    def reader(who: Actor) -> Reader:
        with app.app_context():
            return Reader(app, factories.user(who).get_id())

    return Scene(market, round_id, reader)


def test_runs_are_asked_for_on_a_form_filled_with_the_policy_compared_and_one_chosen(scene: Scene) -> None:
    chamber, at = scene.reader(scene.market.chamber), f"/rounds/{scene.round_id}"
    assert "No run yet" in chamber.get(f"{at}/runs").text
    page = chamber.get(f"{at}/runs/new")
    assert page.soup.select_one("#trust")["value"] == "0.5"  # type: ignore[index]
    done = chamber.submit(page, page.form(), label="First")
    assert done.path == f"{at}/runs/1"
    assert "People placed 3 / 3" in done.text
    page = chamber.get(f"{at}/runs/new?near=1")
    refused = chamber.submit(page, page.form(), 400, trust="7", near_weight="")
    assert "Trust in verification is a number from 0 to 1." in refused.text
    assert "How much staying close counts" in refused.text
    chamber.submit(page, page.form(), near="", method="deferred_acceptance")
    side = chamber.get(f"{at}/runs")
    assert "Deferred acceptance, students proposing" in side.text
    compared = chamber.get(f"{at}/compare?a=1&b=2")
    assert "Keep their position 3" in compared.text
    chamber.get(f"{at}/compare?a=1&b=9", 404)
    chamber.get(f"{at}/compare?a=x", 404)
    assert side.form("/runs/1/select")["action"] == f"{at}/runs/1/select"
    chamber.post(f"{at}/runs/1/select", 409, version="1")
    chamber.post(f"{at}/runs/9/stop", 404)
    chamber.post(f"{at}/runs/1/stop", 409)


def test_a_going_run_shows_its_progress_and_is_stopped(app: Flask, scene: Scene) -> None:
    with app.app_context():
        version = running.rounds.round_(scene.round_id).version
        number = running.commit(scene.market.chamber, scene.round_id, version, RunOrder()).number
    chamber, at = scene.reader(scene.market.chamber), f"/rounds/{scene.round_id}/runs/{number}"
    page = chamber.get(at)
    assert page.soup.select_one(f"#progress[hx-get='{at}/progress']")
    assert chamber.get(f"{at}/progress").path == at
    piece = chamber.client.get(f"{at}/progress", headers={"HX-Request": "true"}, base_url="http://bank.example")
    assert "Waiting" in piece.text
    assert "HX-Refresh" not in piece.headers
    assert "The run is stopped." in chamber.submit(page, page.form("/stop")).text
    piece = chamber.client.get(f"{at}/progress", headers={"HX-Request": "true"}, base_url="http://bank.example")
    assert piece.headers["HX-Refresh"] == "true"


def test_hints_and_quotas_are_given_with_a_reason_and_taken_back(scene: Scene) -> None:
    m, chamber, at = scene.market, scene.reader(scene.market.chamber), f"/rounds/{scene.round_id}"
    page = chamber.get(f"{at}/hints")
    values = {"student_id": str(m.weak_id), "position_id": str(m.shop), "kind": "forbid"}
    assert "Give the reason" in chamber.submit(page, page.form(), 400, **values).text
    kept = chamber.submit(page, page.form(), reason="Moves away.", **values)
    assert "Moves away." in kept.text
    assert "No hints" in chamber.submit(kept, kept.form("/remove")).text
    page = chamber.get(f"{at}/quotas")
    forged = chamber.submit(page, page.form(), 400, university_id="99999999999", at_most="1", reason="So.")
    assert "Choose one of the list." in forged.text
    kept = chamber.submit(page, page.form(), category="design", at_least="1", reason="Promised.")
    assert "at least 1" in kept.text
    assert "No quotas" in chamber.submit(kept, kept.form("/remove")).text
    for path in ("/hints/77/remove", "/quotas/77/remove"):
        chamber.post(path, 404)
    scene.reader(m.enterprise).get(f"{at}/hints", 403)


def test_a_draft_is_commented_on_by_those_whom_it_concerns(app: Flask, scene: Scene) -> None:
    m = scene.market
    with app.app_context():
        run_id = run_again(m.chamber, scene.round_id).id
        names = [factories.user(who).name for who in (m.strong, m.weak, m.artist)]
    chamber, enterprise = scene.reader(m.chamber), scene.reader(m.enterprise)
    enterprise.get(f"/drafts/{run_id}", 404)
    page = chamber.get(f"/rounds/{scene.round_id}/runs/1")
    assert "not yet past" in chamber.submit(page, page.form("/show"), 400, until="2020-01-01T00:00").text
    until = (now() + timedelta(days=1)).astimezone(SHANGHAI).strftime("%Y-%m-%dT%H:%M")
    shown = chamber.submit(page, page.form("/show"), until=until)
    assert "The draft is shown" in shown.text
    draft = enterprise.get(f"/drafts/{run_id}")
    assert "Candidate 1" in draft.text
    assert not [name for name in names if name in draft.text]
    assert "Write a comment" in enterprise.submit(draft, draft.form(), 400, words=" ").text
    assert "Fine with us." in enterprise.submit(draft, draft.form(), words="Fine with us.").text
    assert names[0] in scene.reader(m.university).get(f"/drafts/{run_id}").text
    page = chamber.get(f"/rounds/{scene.round_id}/runs/1")
    assert "Fine with us." in page.text
    assert "shown no longer" in chamber.submit(page, page.form("/show")).text
    enterprise.get(f"/drafts/{run_id}", 404)


def test_more_runs_and_more_comments_take_no_more_queries(app: Flask, scene: Scene) -> None:
    m, asked = scene.market, []
    with app.app_context():
        first = run_again(m.chamber, scene.round_id)
        drafts.show_draft(m.chamber, scene.round_id, first.number, now() + timedelta(days=1))
        engine = db.engine
    chamber, counts = scene.reader(m.chamber), []

    def note(*values: object) -> None:
        asked.append(values[2])

    event.listen(engine, "before_cursor_execute", note)
    try:
        for _again in range(2):
            for path in ("/runs", "/runs/1"):
                asked.clear()
                chamber.glance(f"/rounds/{scene.round_id}{path}")
                counts.append(len(asked))
            with app.app_context():
                for _each in range(3):
                    run_again(m.chamber, scene.round_id)
                    drafts.comment(m.enterprise, first.id, "Again.")
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert counts[:2] == counts[2:]
