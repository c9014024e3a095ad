"""The pages of cohorts: each number leads to as many rows as it says, and to nobody else's people."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from bs4 import Tag
from flask import Flask

from talentbank.accounts.models import Organisation
from talentbank.extensions import db, today
from talentbank.permissions import Role
from tests import factories
from tests.insight.test_cohorts import BEFORE, LAST, peopled
from tests.market import Market
from tests.practice.world import World
from tests.web.reader import Page, Reads


@pytest.fixture
def m(app: Flask) -> Market:
    with app.app_context():
        return Market()


def figure(page: Page, key: str) -> Tag:
    found = page.soup.select_one(f"#figure-{key}")
    assert found, f"there is no figure {key}"
    return found


def said(text: str) -> int:
    """What a linked cell counts: «62 % (31/50)» 31 people, «1,200» as many, «–» nobody."""
    part = re.search(r"\((\d+)/", text)
    return 0 if text == "–" else int(part[1] if part else text.replace(",", ""))


def listed(page: Page) -> int:
    """How many a list has: what it says, else its rows, which one page holds."""
    if "Nobody here" in page.text or "None yet" in page.text or "Nobody yet" in page.text:
        return 0
    seats = re.search(r"Positions: \d+; seats: (\d+)", page.text)
    told = seats or re.search(r"(\d+) in all|(\d+) within", page.text)
    if told:
        return int(next(group for group in told.groups() if group))
    assert not page.soup.select("a[rel=next]")
    return len(page.soup.select("#list tbody tr"))


def test_every_number_leads_to_as_many_rows_as_it_says(app: Flask, m: Market, reads: Reads) -> None:
    with app.app_context():
        peopled(m)
        world = World()
        world.resource({"platform_ops": 3, "visual_design": 2})
        world.resource({"platform_ops": 4}, ends_on=today() - timedelta(days=1))
    university = reads(m.university)
    followed = 0
    for cohort in (LAST, BEFORE):
        page = university.get(f"/cohorts?cohort={cohort}")
        for link in page.soup.select(".figure-card table td a"):
            assert listed(university.get(str(link["href"]))) == said(link.get_text(strip=True)), link
            followed += 1
    assert followed > 60


def test_a_warning_in_words_stands_where_too_little_is_known(app: Flask, m: Market, reads: Reads) -> None:
    with app.app_context():
        peopled(m)
    page = reads(m.university).get("/cohorts")
    alerts = [alert.get_text(" ", strip=True) for alert in page.soup.select(".alert-warning")]
    assert any(f"Cohort {LAST}: the destination of only 40 % is known, less than 65 %" in text for text in alerts)
    assert not any(f"Cohort {BEFORE}" in text for text in alerts)
    rates = figure(page, "rates")
    words = {row.td.get_text(strip=True): row.get_text(" ", strip=True) for row in rates.select("tbody tr") if row.td}
    assert "no: less than 65 % known" in words[str(LAST)]
    assert "no:" not in words[str(BEFORE)]
    assert "An internship or a practice credit is never a placement." in rates.get_text()
    assert "Initial Career Outcomes Information» (2014)" in rates.get_text()
    assert "Median in days: 200; people in it: 2." in figure(page, "days").get_text()
    drawn = rates.select_one("[data-chart]")
    assert drawn and "Least knowledge rate: 65 %" in str(drawn["data-chart"])


def test_the_latest_graduated_cohort_is_shown_unless_another_is_chosen(app: Flask, m: Market, reads: Reads) -> None:
    with app.app_context():
        peopled(m)
    university = reads(m.university)
    assert f"Cohort {LAST}" in [h.get_text(strip=True) for h in university.get("/cohorts").soup.select("h2")]
    page = university.get(f"/cohorts?cohort={BEFORE}")
    assert f"Cohort {BEFORE}" in [h.get_text(strip=True) for h in page.soup.select("h2")]
    assert f"Nobody of the cohort 1999 is in the bank; this is {LAST}." in university.get("/cohorts?cohort=1999").text
    for query in ("?cohort=nonsense", "?cohort=99999999999", "?cohort=²"):
        university.get(f"/cohorts{query}")
    university.get("/cohorts?table=nonsense&as=csv", 404)
    university.get("/cohorts?table=rates&as=nonsense", 400)


def test_files_hold_the_cohort_that_the_page_shows(app: Flask, m: Market, reads: Reads) -> None:
    with app.app_context():
        peopled(m)
    university = reads(m.university)
    page = university.get(f"/cohorts?cohort={BEFORE}")
    link = page.soup.select_one("#figure-destinations .figure-files a")
    assert link
    lines = university.get(str(link["href"])).html.splitlines()
    shown = figure(page, "destinations").select("tbody tr")
    assert len(lines) == 1 + len(shown) + 1  # the heading, and the total
    assert lines[-1].split(",")[1] == "8"
    files = [str(one["href"]) for one in page.soup.select(".figure-files a")]
    assert len(files) == 2 * len(page.soup.select(".figure-card"))
    for path in files:
        assert university.get(path).status == 200


def test_without_graduates_the_page_says_when_there_will_be_some(app: Flask, m: Market, reads: Reads) -> None:
    with app.app_context():
        newcomer = factories.person(Role.UNIVERSITY)
        later = factories.person(Role.UNIVERSITY)
        own = db.session.get(Organisation, later.organisation_id)
        factories.student(factories.person(Role.STUDENT, own), cohort=2090)
    for actor in (newcomer, later):
        page = reads(actor).get("/cohorts")
        assert "No graduates yet" in page.text
        assert "/students" in page.links()
        assert figure(page, "lack")  # what employers ask concerns those who still study
        assert not page.soup.select("#figure-rates")
        assert "Where our students stand" in reads(actor).get("/home").text


def test_home_begins_with_the_latest_cohort(app: Flask, m: Market, reads: Reads) -> None:
    with app.app_context():
        peopled(m)
    page = reads(m.university).get("/home")
    assert page.soup.select_one("h1") and f"Cohort {LAST}" in page.soup.select("h1")[0].get_text()
    first = page.soup.select(".card")[:4]
    assert [card.select(".stat-value")[0].get_text(strip=True) for card in first] == ["100 %", "40 %", "200", "50 %"]
    assert "stat-warn" in str(first[1]["class"])
    assert "/cohorts" in page.links()


def test_lists_of_a_competency_and_of_placements_take_what_is_asked(app: Flask, m: Market, reads: Reads) -> None:
    with app.app_context():
        peopled(m)
    university = reads(m.university)
    for path in ("/cohorts/asked", "/cohorts/asked?competency=nothing", "/cohorts/reaching?competency="):
        university.get(path, 404)
    assert "Nobody asks for it" in university.get("/cohorts/asked?competency=innovative_thinking").text
    for query in ("level=99999999999", "level=²&on=nonsense", "on=verified&page=99"):
        university.get(f"/cohorts/reaching?competency=platform_ops&{query}")
    for query in ("step=nonsense", "reason=nonsense", "step=timed&band=99", "cohort=²", "page=99"):
        university.get(f"/cohorts/placements?{query}")
    assert "1 in all" in university.get("/cohorts/placements?step=left&reason=housing").text


def test_only_a_university_reads_them_and_only_of_its_own(app: Flask, m: Market, reads: Reads) -> None:
    with app.app_context():
        peopled(m)
        other = factories.person(Role.UNIVERSITY)
    paths = ("/cohorts", "/cohorts/placements", "/cohorts/reaching?competency=platform_ops")
    for path in paths:
        for actor in (m.strong, m.enterprise, m.chamber):
            reads(actor).get(path, 403)
    assert "None yet" in reads(other).get(paths[1]).text
    assert "Nobody yet" in reads(other).get(paths[2]).text
