"""The talent gap's pages: figures that lead to lists, files of them, names for the chamber only."""

from __future__ import annotations

import json

import pytest
from flask import Flask

from talentbank.extensions import db, today
from talentbank.insight.gap.cases import Stage
from talentbank.permissions import Actor, Role
from talentbank.rounds.offers.models import OfferState
from tests import factories
from tests.insight.placed import Placed
from tests.web.reader import Reader

WATCHERS = (Role.GOVERNMENT, Role.ZONE, Role.ADMINISTRATOR)


def reader(app: Flask, actor: Actor, language: str = "en") -> Reader:
    with app.app_context():
        return Reader(app, factories.user(actor).get_id(), language)


@pytest.fixture
def placed(app: Flask) -> Placed:
    with app.app_context():
        w = Placed().fill()
        for _ in range(60):
            w.add(w.market.studio, OfferState.DECLINED)
        db.session.remove()
    return w


@pytest.fixture
def watcher(app: Flask, request: pytest.FixtureRequest) -> Reader:
    with app.app_context():
        actor = factories.person(getattr(request, "param", Role.GOVERNMENT))
    return reader(app, actor)


def test_each_number_of_the_page_opens_a_list_that_counts_as_many(app: Flask, placed: Placed) -> None:
    chamber = reader(app, placed.market.chamber)
    page = chamber.get("/gap")
    links = {str(a["href"]): a.get_text(strip=True) for a in page.soup.select(".figure-card td a[href^='/gap/']")}
    assert len(links) > 60
    for href, text in links.items():
        number = int(text.split("(")[1].split("/")[0]) if "(" in text else 0 if text == "–" else int(text)
        rows = chamber.glance(href).soup.select("#list tbody tr")
        assert len(rows) == min(number, 50), href


def test_a_long_list_has_pages(app: Flask, placed: Placed) -> None:
    chamber = reader(app, placed.market.chamber)
    first = chamber.get("/gap/outcomes?stage=offered")
    assert "88 in all" in first.text
    following = first.soup.select_one("a[rel=next]")
    assert following
    second = chamber.get(str(following["href"]))
    assert len(second.soup.select("#list tbody tr")) == 38


def test_the_chamber_sees_who_it_is(app: Flask, placed: Placed) -> None:
    chamber = reader(app, placed.market.chamber)
    page = chamber.get("/gap/outcomes?stage=left&reason=promotion")
    assert page.soup.select("thead th")[0].get_text(strip=True) == "Student"
    rows = page.soup.select("#list tbody tr")
    assert len(rows) == 2
    assert all("No prospect of promotion" in row.get_text() and row.select_one("a") for row in rows)
    assert str(rows[0].select("a")[0]["href"]).startswith("/placements/")
    waiting = chamber.get("/gap/outcomes?stage=waiting")
    assert str(waiting.soup.select("#list tbody a")[0]["href"]).startswith("/offers/")


@pytest.mark.parametrize("watcher", WATCHERS, indirect=True)
def test_those_who_only_count_never_see_a_name(placed: Placed, watcher: Reader) -> None:
    names = {"某人", "机构", "运营专员"}
    for path in ("/home", "/gap", "/gap/outcomes", "/gap/outcomes?stage=started", "/gap/outcomes?stage=offered"):
        main = watcher.get(path).soup.select_one("main")
        assert main
        assert path.startswith("/home") or not [name for name in names if name in main.get_text()], path
    page = watcher.get("/gap/outcomes?stage=started")
    assert len(page.soup.select("#list tbody tr")) == 25
    assert not page.soup.select("#list tbody a")
    assert not page.soup.select("select[name=reason]")
    assert {len(cell.get_text(strip=True)) for cell in page.soup.select("td[data-label='First day']")} == {7}
    for path in ("stage=left", "stage=left_year", "stage=started&reason=pay", "stage=started&category=design"):
        withheld = watcher.get(f"/gap/outcomes?{path}")
        assert "Not listed" in withheld.text
        assert not withheld.soup.select("#list table")


def test_the_months_are_drawn_as_the_table_has_them(placed: Placed, watcher: Reader) -> None:
    page = watcher.get("/gap")
    figure = page.soup.select_one("#figure-months")
    assert figure
    place = figure.select_one("[data-chart]")
    assert place and place.parent and place.parent.has_attr("hidden")
    drawn = json.loads(str(place["data-chart"]))
    rows = [[cell.get_text(strip=True) for cell in row.select("td")] for row in figure.select("tbody tr")]
    assert drawn["kind"] == "line"
    assert drawn["labels"] == [row[0] for row in rows]
    assert [[str(round(v)) for v in s["values"]] for s in drawn["series"]] == [
        [row[place] for row in rows] for place in range(2, 7)
    ]
    assert drawn["goals"] == [{"name": "Goal for all: 150", "value": 150}]
    scripts = [str(script["src"]) for script in page.soup.select("script[src]")]
    assert sum(script.endswith("js/charts.js") for script in scripts) == 1
    assert sum("echarts" in script for script in scripts) == 1


def test_each_figure_is_to_be_had_as_a_file(placed: Placed, watcher: Reader) -> None:
    page = watcher.get("/gap")
    links = [str(a["href"]) for a in page.soup.select(".figure-files a")]
    assert len(links) == 2 * len(page.soup.select(".figure-card")) == 12
    for link in links:
        response = watcher.client.get(link, base_url="http://bank.example")
        assert response.status_code == 200
        assert today().isoformat() in response.headers["Content-Disposition"]
        assert response.headers["Cache-Control"] == "no-store"
        assert response.data.startswith(b"\xef\xbb\xbf" if "as=csv" in link else b"PK")
    months = watcher.client.get("/gap?table=months&as=csv", base_url="http://bank.example").data.decode("utf-8-sig")
    shown = page.soup.select("#figure-months tbody tr")
    assert months.splitlines()[0].startswith("Month,Employed,Operations,Design,Supply Chain,Others,All missing")
    assert len(months.splitlines()) == len(shown) + 1


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("table=nothing&as=csv", 404),
        ("table=gap&as=exe", 400),
        ("table=gap", 400),
        ("as=csv", 404),
    ],
)
def test_what_is_no_file_is_refused(watcher: Reader, query: str, status: int) -> None:
    assert "go back" in watcher.get(f"/gap?{query}", status).text


def test_any_day_and_any_step_is_answered(app: Flask, placed: Placed) -> None:
    chamber = reader(app, placed.market.chamber)
    for step in (*Stage, "nonsense"):
        for day in ("0001-01-01", "9999-12-31", "2026-02-28"):
            chamber.glance(f"/gap/outcomes?stage={step}&on={day}&category=%27&reason=none")


def test_a_day_that_is_none_is_refused(watcher: Reader) -> None:
    assert "is none" in watcher.get("/gap/outcomes?on=2026-02-30", 400).text


@pytest.mark.parametrize("watcher", [Role.GOVERNMENT, Role.ZONE], indirect=True)
def test_home_says_how_far_the_gap_has_closed(placed: Placed, watcher: Reader) -> None:
    page = watcher.get("/home")
    stats = [stat.get_text(strip=True) for stat in page.soup.select(".stat-value")]
    assert stats[:2] == ["285", "15"]
    assert "of 300 in 2025; goal: 150" in page.text
    assert "5 of 8 who started so long ago; after 90 days: 85 %" in page.text
    chart = page.soup.select_one("#figure-months [data-chart]")
    assert chart
    for link in page.soup.select("#figure-months .figure-files a"):
        assert watcher.client.get(str(link["href"]), base_url="http://bank.example").status_code == 200
    assert "/gap" in page.links()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_empty_bank_has_a_page_too(app: Flask, language: str) -> None:
    with app.app_context():
        actor = factories.person(Role.GOVERNMENT)
    someone = reader(app, actor, language)
    assert "300" in someone.get("/home").text
    assert "300" in someone.get("/gap").text
    assert not someone.get("/gap/outcomes").soup.select("#list table")


@pytest.mark.parametrize("role", [Role.STUDENT, Role.ENTERPRISE, Role.UNIVERSITY])
def test_the_gap_is_not_everybodys(app: Flask, role: Role) -> None:
    with app.app_context():
        actor = factories.person(role)
    for path in ("/gap", "/gap/outcomes", "/gap?table=gap&as=csv"):
        reader(app, actor).get(path, 403)
