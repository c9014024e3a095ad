"""Every page that anybody can reach is sound, in both languages, and every endpoint can be reached."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from urllib.parse import urljoin, urlsplit

import pytest
from babel.messages.pofile import read_po

from talentbank.config import ROOT
from talentbank.permissions import Role
from tests.web.reader import Page, Reader

MakeReader = Callable[..., Reader]
ROLES = [role for role in Role if role is not Role.SYSTEM]

REACHED_OTHERWISE = {
    "static": "by the pages' heads",
    "insight.health": "by whatever watches the service",
    "accounts.invitation": "by the link that was sent",
    "notices.open": "by the list of notices, from where it leads on",
    "preferences.rank": "only by those who hold no offer: tests/web/test_preferences.py",
    "offers.publish": "once those without an offer are told: tests/web/test_round_pages.py",
    "offers.untell": "once somebody who was told of has left: tests/rounds/test_publication.py",
    "rounds.close": "once no offer waits for an answer: tests/rounds/test_life.py",
    "runs.progress": "by the page itself while a run is solved: tests/web/test_runs.py",
    "flags.unblock": "from a blocked position: tests/web/test_flags.py",
    "placements.check_in": "once a check-in is due: tests/web/test_placements.py",
    "placements.confirm": "by a student who has started: tests/web/test_placements.py",
    "runs.stop": "while a run is solved: tests/web/test_runs.py",
}


MANY = {"/rounds/0": 9, "/enrolments/0": 4}
"""What looks otherwise in each state: more pages of that shape."""


def shape(path: str) -> str:
    """A path with its numbers taken out: one page of each shape is enough."""
    return re.sub(r"=[^&]*", "=", re.sub(r"\d+", "0", path))


def bare(path: str) -> str:
    """A path's shape whatever is asked of it: one of each page, rather than of each of its filters."""
    return shape(path.split("?", maxsplit=1)[0])


def crawl(fetch: Callable[[str], Page], most: int = 2, shape: Callable[[str], str] = shape) -> list[Page]:
    """The pages that can be reached by links from the home page, at most so many of each shape."""
    queue, seen, pages = deque(["/", "/home"]), {}, []
    while queue:
        path = queue.popleft().split("#")[0]
        enough = max(most, MANY.get(shape(path), 0))
        if seen.setdefault(shape(path), set()) and (path in seen[shape(path)] or len(seen[shape(path)]) >= enough):
            continue
        seen[shape(path)].add(path)
        page = fetch(path)
        pages.append(page)
        if "html" in page.html[:100].lower():
            queue.extend(page.links())
    return pages


def english_texts() -> set[str]:
    """Texts of the English catalogue that read otherwise in Chinese."""
    path = ROOT / "talentbank" / "translations" / "zh" / "LC_MESSAGES" / "messages.po"
    with path.open("rb") as file:
        catalogue = read_po(file, locale="zh")
    return {m.id for m in catalogue if isinstance(m.id, str) and m.id and "%(" not in m.id and m.id != m.string}


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("role", ROLES)
def test_every_page_is_sound_and_in_the_readers_language(reader: MakeReader, role: Role, language: str) -> None:
    someone = reader(role, language)
    # What is sound in English is sound in Chinese: the same templates, and texts that are escaped.
    pages = crawl(someone.get if language == "en" else someone.glance, shape=bare)
    assert len(pages) > (3 if role is Role.STRANGER else 10)
    english = english_texts()
    for page in pages:
        if not (page.soup.html and "<html" in page.html):
            continue  # a file
        assert page.soup.html["lang"] == {"zh": "zh-CN", "en": "en"}[language]
        if language == "zh":
            for technical in page.soup.select("[translate=no]"):
                technical.extract()
            texts = {text.strip() for text in page.soup.stripped_strings}
            assert not texts & english, f"{page.path} is not translated: {texts & english}"


def test_every_endpoint_can_be_reached_from_somebodys_home(reader: MakeReader) -> None:
    app = reader().app
    missing = {rule.endpoint for rule in app.url_map.iter_rules()} - REACHED_OTHERWISE.keys()
    adapter = app.url_map.bind("bank.example")
    for role in ROLES:
        for page in crawl(reader(role).glance, shape=bare):
            forms = [(f.get("action") or page.path, f.get("method", "get")) for f in page.soup.select("form")]
            for target, method in [(page.path, "get"), *forms]:
                path = urlsplit(urljoin(page.path, str(target))).path
                missing.discard(adapter.match(path, method=str(method).upper())[0])
        if not missing:
            return
    raise AssertionError(f"nobody gets to {sorted(missing)}")


@pytest.mark.parametrize("path", ["/nowhere", "/positions/999999", "/rounds/999999", "/offers/999999"])
def test_what_is_not_there_gets_a_page_that_says_so(reader: MakeReader, path: str) -> None:
    page = reader(Role.CHAMBER).get(path, 404)
    assert "There is no such" in page.text


def test_pages_hold_personal_data_and_are_not_kept_by_caches(reader: MakeReader) -> None:
    headers = reader(Role.CHAMBER).client.get("/home", base_url="http://bank.example").headers
    assert headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_the_flag_says_that_it_is_demo_data_on_every_page_and_only_while_it_is(
    reader: MakeReader, app: object
) -> None:
    for path in ("/", "/sign-in", "/home"):
        assert "every person, enterprise and university here is made up" in reader(Role.STRANGER).get(path).text
    plain = Reader(app, None)  # type: ignore[arg-type]
    for path in ("/", "/sign-in"):
        assert "made up" not in plain.get(path).text
        assert "demo.example" not in plain.get(path).html


def test_the_language_can_be_changed_and_is_kept(reader: MakeReader) -> None:
    someone = reader(Role.STUDENT, "zh")
    page = someone.get("/positions")
    form = page.soup.select_one("form[action^='/language/']")
    assert form
    changed = someone.submit(page, form)
    assert changed.path == "/positions"
    assert changed.soup.html and changed.soup.html["lang"] == "en"
    assert someone.get("/home").soup.html["lang"] == "en"  # type: ignore[index]
