"""The market's pages: who reads them, what their numbers open, and what can be tried."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from talentbank import create_app
from talentbank.accounts.models import User
from talentbank.extensions import db, limiter
from talentbank.permissions import Role
from talentbank.rounds import queries as rounds
from talentbank.rounds import service as matching
from talentbank.rounds.models import LIVE, Round
from talentbank.rounds.offers import service as publication
from talentbank.rounds.runs.models import PositionOutcome, Run
from tests import factories
from tests.market import Market
from tests.rounds.life import chosen, published, run_again, solved
from tests.web.conftest import DEMO, person
from tests.web.reader import ORIGIN, Page, Reader

MakeReader = Callable[..., Reader]
READERS = (Role.CHAMBER, Role.ZONE, Role.GOVERNMENT, Role.ADMINISTRATOR)


def round_named(bank: Flask, name: str) -> int:
    with bank.app_context():
        return db.session.scalars(select(Round).where(Round.name == name)).one().id


def cell(page: Page, figure: str, label: str, row: int = -1) -> object:
    """A number of a figure's table, by its column's label; of the last row unless told which."""
    rows = page.soup.select(f"#figure-{figure} tbody tr, #figure-{figure} tfoot tr")
    return rows[row].select_one(f'td[data-label="{label}"]')


def listed(reader: Reader, path: str) -> int:
    """How many rows a list has on all its pages."""
    count, number = 0, 1
    base, _, _anchor = path.partition("#")
    while True:
        page = reader.get(f"{base}{'&' if '?' in base else '?'}page={number}")
        count += len(page.soup.select("#list tbody tr"))
        if not page.soup.select("a[rel=next]"):
            return count
        number += 1


@pytest.mark.parametrize("role", READERS)
def test_each_of_those_who_may_reads_all_figures(reader: MakeReader, role: Role) -> None:
    someone = reader(role)
    keys = [str(section["id"]) for section in someone.glance("/market-figures").soup.select(".figure-card")]
    assert keys == ["figure-fill", "figure-rounds", "figure-days", "figure-scarcity", "figure-training"]
    assert someone.glance("/market-figures/try").soup.select("#try-seat")


def test_all_others_are_kept_out(reader: MakeReader) -> None:
    for role in (Role.STUDENT, Role.ENTERPRISE, Role.UNIVERSITY):
        reader(role).get("/market-figures", 403)
        reader(role).get("/market-figures/try", 403)


def test_a_number_is_as_many_as_the_list_that_it_opens_has(reader: MakeReader) -> None:
    chamber = reader(Role.CHAMBER)
    soup = chamber.get("/market-figures").soup
    tables = "#figure-fill tbody a, #figure-fill tfoot a, #figure-days tbody a, #figure-days tfoot a"
    links = soup.select(f"{tables}, #figure-rounds td[data-label=Matched] a")
    assert soup.select("#figure-days tbody a")
    counts = {str(a["href"]): int(a.get_text(strip=True).replace(",", "")) for a in links}
    kinds = {path.split("?")[0].rstrip("0123456789") for path in counts}
    assert kinds >= {"/offers", "/placements"}
    filled = {path: count for path, count in counts.items() if count}
    assert len(filled) > 5
    assert {path: listed(chamber, path) for path in filled} == filled


def test_seats_that_ask_for_a_competency_are_those_of_the_positions_listed(reader: MakeReader) -> None:
    zone = reader(Role.ZONE)
    link = zone.get("/market-figures").soup.select_one('#figure-training td[data-label="Seats that ask for it"] a')
    assert link
    seats = 0
    for number in (1, 2, 3, 4, 5, 6):
        cells = zone.get(f"{link['href']}&page={number}").soup.select('#list td[data-label="Seats"]')
        seats += sum(int(cell.get_text(strip=True)) for cell in cells)
    assert seats == int(link.get_text(strip=True).replace(",", "")) > 0


def test_open_resources_are_as_many_as_the_list_has(reader: MakeReader) -> None:
    zone = reader(Role.ZONE)
    links = zone.get("/market-figures").soup.select('#figure-training td[data-label="Open resources"] a')
    counts = {str(link["href"]): int(link.get_text(strip=True)) for link in links}
    most = max(counts, key=lambda href: counts[href])
    assert counts[most] > 0
    assert listed_resources(zone, most) == counts[most]


def listed_resources(reader: Reader, path: str) -> int:
    page = reader.get(path)
    assert not page.soup.select("a[rel=next]")
    return len({link for link in page.links() if link.startswith("/training/") and link[10:].isdigit()})


def test_who_may_not_see_the_people_gets_no_links_to_them(reader: MakeReader) -> None:
    for role in (Role.ZONE, Role.GOVERNMENT, Role.ADMINISTRATOR):
        for path in ("/market-figures", "/market-figures/try"):
            main = reader(role).get(path).soup.select("main a[href]")
            inside = [
                str(a["href"]) for a in main if str(a["href"]).startswith(("/offers", "/rounds", "/placements"))
            ]
            assert inside == []


def test_a_round_is_chosen_among_the_published_ones(bank: Flask, reader: MakeReader) -> None:
    found, waiting = round_named(bank, "Round Published"), round_named(bank, "Round Solved")
    zone, chamber = reader(Role.ZONE), reader(Role.CHAMBER)
    assert "«Round Published»" in zone.get(f"/market-figures?round={found}").text
    assert "Round Published" in zone.get(f"/market-figures/try?round={found}").text
    for path in ("/market-figures", "/market-figures/try"):
        zone.get(f"{path}?round={waiting}", 404)
        zone.get(f"{path}?round=999999", 404)
    chamber.get(f"/market-figures?round={waiting}", 404)
    assert "Round Solved" in chamber.get(f"/market-figures/try?round={waiting}").text


def test_figures_can_be_had_as_files(reader: MakeReader) -> None:
    government = reader(Role.GOVERNMENT)
    for key in ("fill", "rounds", "days", "scarcity", "training"):
        for kind in ("csv", "xlsx"):
            response = government.client.get(f"/market-figures?table={key}&as={kind}", base_url=ORIGIN)
            assert response.status_code == 200 and response.data[:2] in (b"\xef\xbb", b"PK")


@pytest.mark.parametrize("role", READERS)
def test_the_dearest_seat_is_tried_by_its_button(reader: MakeReader, role: Role) -> None:
    start = reader(role).get("/market-figures/try")
    buttons = start.soup.select("table a.btn")
    assert 0 < len(buttons) <= 10
    page = reader(role).get(str(buttons[0]["href"]))
    result = page.soup.select_one("#result")
    assert result and "1 seat more" in result.get_text(" ")
    assert "Both are the same: the price of a position" in page.text
    gains = [td.get_text(strip=True) for td in result.select('td[data-label="By solving again"]')]
    promised = [td.get_text(strip=True) for td in result.select('td[data-label="By the prices, at most"]')]
    assert gains[1] == promised[1] != "+0.000"


def test_a_course_and_a_subsidy_are_tried_by_their_forms(bank: Flask, reader: MakeReader) -> None:
    zone = reader(Role.ZONE)
    start = zone.get("/market-figures/try")
    code = str(start.soup.select_one("#course-competency option")["value"])  # type: ignore[index]
    for asked, said in (
        (f"kind=course&competency={code}&level=verified&seats=20", "students are taught"),
        (f"kind=course&competency={code}&level=claimed&seats=1", "Fewer than 5 students are taught"),
        ("kind=subsidy&rmb=20000&city=&category=", "It assumes that pay is what kept people away"),
        ("kind=seat&position=design&seats=2", "2 seats more in each position"),
    ):
        page = zone.get(f"/market-figures/try?{asked}")
        assert said in page.soup.select_one("#result").get_text(" "), asked  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ("kind=wish", "kind"),
        ("kind=seat&position=1&seats=0", "seats"),
        ("kind=seat&position=design&seats=21", "seats"),
        ("kind=seat&position=design&seats=²", "seats"),
        ("kind=seat&position=design", "seats"),
        ("kind=seat&position=nowhere&seats=1", "position"),
        ("kind=seat&position=99999999999999&seats=1", "position"),
        ("kind=seat&position=999999&seats=1", "position"),
        ("kind=course&competency=nothing&level=verified&seats=2", "competency"),
        ("kind=course&competency=platform_ops&level=high&seats=2", "level"),
        ("kind=course&competency=platform_ops&level=claimed&seats=501", "seats"),
        ("kind=subsidy&rmb=-5", "rmb"),
        ("kind=subsidy&rmb=500001", "rmb"),
        ("kind=subsidy&rmb=1&city=atlantis", "city"),
        ("kind=subsidy&rmb=1&category=poetry", "category"),
    ],
)
def test_bad_arguments_are_refused_by_their_names(reader: MakeReader, asked: str, named: str) -> None:
    page = reader(Role.GOVERNMENT).get(f"/market-figures/try?{asked}", 400)
    assert named in page.soup.select_one("main").get_text(" ")  # type: ignore[union-attr]


def test_nothing_is_stored_by_trying(bank: Flask, reader: MakeReader) -> None:
    def prices() -> list[tuple[int, int, int, float]]:
        with bank.app_context():
            o = PositionOutcome
            rows = db.session.execute(
                select(o.run_id, o.position_id, o.seats, o.price).order_by(o.run_id, o.position_id)
            )
            runs = db.session.execute(select(Run.id, Run.matched, Run.students, Run.total_score))
            return [tuple(row) for row in (*rows, *runs)]

    before = prices()
    reader(Role.ZONE).get("/market-figures/try?kind=seat&position=design&seats=3")
    assert prices() == before


def test_deferred_acceptance_has_no_prices_to_ask(bank: Flask, reader: MakeReader) -> None:
    with bank.app_context():
        chamber = person(f"chamber@{DEMO}").actor
        for held in rounds.rounds():
            if held.state in LIVE:
                matching.cancel(chamber, held.id, held.version)
        found, _ = solved(chamber, name="Round Stable")
        run = run_again(chamber, found.id, method="deferred_acceptance")
        ready = chosen(chamber, found.id, run.number)
        publication.publish(chamber, ready.id, ready.version)
    zone = reader(Role.ZONE)
    page = zone.get("/market-figures/try")
    assert "This round has no prices" in page.text
    assert not page.soup.select("#try-seat")
    assert "which has no prices" in zone.get("/market-figures").text


def test_a_bank_without_a_published_round_says_so(app: Flask) -> None:
    with app.app_context():
        address = factories.user(factories.person(Role.GOVERNMENT)).get_id()
    government = Reader(app, address)
    assert "No round has been published yet" in government.get("/market-figures").text
    assert "No round has been published yet" in government.get("/market-figures/try").text


def test_how_few_lack_a_competency_is_told_to_the_chamber_alone(app: Flask) -> None:
    with app.app_context():
        m = Market()
        published(m.chamber)
        session = person_id(m.chamber.user_id)
        watching = person_id(factories.person(Role.ZONE).user_id)
    asked = "/market-figures/try?kind=course&competency=platform_ops&level=claimed&seats=20"
    assert "2 students are taught" in Reader(app, session).get(asked).text
    zone = Reader(app, watching).get(asked).text
    assert "Fewer than 5 students are taught" in zone
    # and those three who are placed are not counted before her eyes
    before = Reader(app, watching).get(asked).soup.select_one('#result td[data-label="Before"]')
    assert before and "<" in before.get_text()


def test_trying_is_slowed_down_and_looking_is_not(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.app_context():
        m = Market()
        published(m.chamber)
        session = person_id(m.chamber.user_id)
    monkeypatch.setattr(limiter, "enabled", True)  # and back: it is one for all apps
    limited = create_app({**app.config, "RATELIMIT_ENABLED": True, "TESTING": True})
    client = Reader(limited, session).client
    asked = "/market-figures/try?kind=subsidy&rmb=1"
    assert [client.get(asked, base_url=ORIGIN).status_code for _ in range(21)] == [200] * 20 + [429]
    assert client.get("/market-figures/try", base_url=ORIGIN).status_code == 200
    limiter.reset()


def person_id(user_id: int | None) -> str:
    return str(db.session.get_one(User, user_id).get_id())
