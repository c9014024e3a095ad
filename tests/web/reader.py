"""A reader of pages: fetches them, checks each as any page must be, follows links, fills forms."""

from __future__ import annotations

from collections import Counter
from typing import Protocol
from urllib.parse import urljoin, urlsplit

import html5lib
from bs4 import BeautifulSoup, Tag
from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from talentbank.permissions import Actor

ORIGIN = "http://bank.example"


class Page:
    """A fetched page."""

    def __init__(self, path: str, response: TestResponse) -> None:
        self.path = path
        self.status = response.status_code
        self.html = response.text if response.mimetype.startswith(("text/", "application/json")) else ""
        self.soup = BeautifulSoup(self.html, "lxml")

    @property
    def text(self) -> str:
        """What stands on the page, with spaces between the pieces."""
        return " ".join(self.soup.get_text(" ").split())

    def links(self) -> list[str]:
        """Paths of this site that the page links to."""
        targets = [str(a["href"]) for a in self.soup.select("a[href]")]
        return [t for t in targets if t.startswith("/") and not t.startswith("/static")]

    def form(self, action: str = "") -> Tag:
        """The form in the page's main part that goes to an action ending so."""
        forms = [f for f in self.soup.select("main form[method=post]") if str(f.get("action", "")).endswith(action)]
        assert forms, f"{self.path} has no form to {action!r}"
        return forms[0]


class Reader:
    """Somebody in front of a browser without scripts; session: what Flask-Login keeps of the person."""

    def __init__(self, app: Flask, session: str | None, language: str = "en") -> None:
        self.app = app
        self.client = app.test_client()
        with self.client.session_transaction(base_url=ORIGIN) as kept:
            kept["locale"] = language
            if session:
                kept["_user_id"], kept["_fresh"] = session, True

    def get(self, path: str, status: int = 200) -> Page:
        """Fetch a page, following redirects, and check it."""
        return self._page(path, self.client.get(path, base_url=ORIGIN, follow_redirects=True), status)

    def glance(self, path: str) -> Page:
        """Fetch a page without checking more than that it is there."""
        response = self.client.get(path, base_url=ORIGIN, follow_redirects=True)
        assert response.status_code == 200, f"{path}: {response.status}"
        return Page(response.request.full_path.rstrip("?"), response)

    def submit(self, page: Page, form: Tag, status: int = 200, /, **values: str | list[str]) -> Page:
        """Send a form as the browser would, with some of its values changed; a value of [] leaves a field out."""
        data = {**filled(form), **values}
        path = urljoin(page.path, str(form.get("action") or page.path))
        return self._page(path, self.client.post(path, data=data, base_url=ORIGIN, follow_redirects=True), status)

    def post(self, path: str, status: int, **values: str) -> Page:
        """Send a forged request that bears a good token."""
        token = self.get("/competencies").soup.select_one("input[name=csrf_token]")
        assert token
        data = {"csrf_token": str(token["value"]), **values}
        return self._page(path, self.client.post(path, data=data, base_url=ORIGIN, follow_redirects=True), status)

    def _page(self, path: str, response: TestResponse, status: int) -> Page:
        assert response.status_code == status, f"{path}: {response.status}\n{response.text[:3000]}"
        page = Page(response.request.full_path.rstrip("?"), response)
        if response.mimetype == "text/html":
            assert_sound(page, self.app)
        return page


class Reads(Protocol):
    """Signs somebody in, in front of a browser of one's own; a stranger for None."""

    def __call__(self, actor: Actor | None, language: str = "en") -> Reader: ...


def filled(form: Tag) -> dict[str, str | list[str]]:
    """What a browser would send of a form that nobody touched, without its buttons."""
    values: dict[str, str | list[str]] = {}
    for field in form.select("input[name], textarea[name], select[name]"):
        name, kind = str(field["name"]), field.get("type")
        if field.name == "select":
            chosen = field.select_one("option[selected]") or field.select_one("option")
            value = str(chosen.get("value", "")) if chosen else ""
        elif field.name == "textarea":
            value = field.get_text()
        elif kind in ("checkbox", "radio"):
            if not field.has_attr("checked"):
                continue
            value = str(field.get("value", "on"))
        else:
            value = str(field.get("value", ""))
        if kind == "checkbox" and name in values:
            values[name] = [*values[name], value]
        else:
            values[name] = [value] if kind == "checkbox" else value
    return values


def assert_sound(page: Page, app: Flask) -> None:
    """HTML5 without an error, a title, ids that stand once, labels, links and forms that lead somewhere."""
    html5lib.HTMLParser(strict=True).parse(page.html)
    soup = page.soup
    where = page.path
    assert soup.title and soup.title.get_text(strip=True).strip("·").strip(), f"{where} has no title"
    assert len(soup.select("h1")) == 1 or page.status >= 400, f"{where} has {len(soup.select('h1'))} main headings"
    twice = [i for i, n in Counter(str(tag["id"]) for tag in soup.select("[id]")).items() if n > 1]
    assert not twice, f"{where}: ids stand twice: {twice}"
    ids = {str(tag["id"]) for tag in soup.select("[id]")}
    for label in soup.select("label[for]"):
        assert label["for"] in ids, f"{where}: a label is for {label['for']}, which is not there"
    labelled = {str(label["for"]) for label in soup.select("label[for]")}
    for field in soup.select("input:not([type=hidden]), select, textarea"):
        named = field.get("aria-label") or field.get("id") in labelled or field.find_parent("label")
        assert named, f"{where}: a field has no label: {field}"
    for image in soup.select("img"):
        assert image.has_attr("alt"), f"{where}: an image without alt"
    for tag in soup.find_all(True):
        inline = [name for name in tag.attrs if name.startswith("on") or name == "style"]
        assert not inline, f"{where}: inline {inline}, which the content security policy stops"
    assert not [s for s in soup.select("script") if not s.get("src")], f"{where}: an inline script"
    _assert_leads_somewhere(page, app)


def _assert_leads_somewhere(page: Page, app: Flask) -> None:
    adapter = app.url_map.bind("bank.example")
    for link in page.links():
        assert _matches(adapter, urlsplit(link).path, "GET"), f"{page.path} links to {link}, which is nowhere"
    for form in page.soup.select("form"):
        target = urlsplit(urljoin(page.path, str(form.get("action") or page.path))).path
        method = str(form.get("method", "get")).upper()
        assert _matches(adapter, target, method), f"{page.path} has a form to {method} {target}, which is nowhere"
        if method == "POST":
            token = form.select("input[name=csrf_token]")
            assert token and token[0]["value"], f"{page.path} has a form without a token: {target}"


def _matches(adapter: object, path: str, method: str) -> bool:
    try:
        adapter.match(path, method=method)  # type: ignore[attr-defined]
    except HTTPException:
        return False
    return True
