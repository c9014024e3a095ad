"""Every text is in both catalogues, filled, with the same placeholders, and nothing else is."""

from __future__ import annotations

import re
from functools import cache

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from talentbank.config import ROOT
from talentbank.insight.wording import ACTION_LABELS
from talentbank.permissions import Action

LANGUAGES = ("zh", "en")
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%%")


@cache
def extracted() -> frozenset[str | tuple[str, ...]]:
    """Every text that code and templates ask for."""
    methods = [("talentbank/**.py", "python"), ("templates/**.html", "jinja2")]
    keywords = {"_": None, "_l": None, "ngettext": (1, 2), "gettext": None, "lazy_gettext": None}
    found = extract_from_dir(ROOT, method_map=methods, keywords=keywords, directory_filter=_inside)
    return frozenset(message for _, _, message, _, _ in found)


def _inside(folder: str) -> bool:
    return not any(part in folder for part in ("/.", "/static", "/tests", "/seeds"))


def catalogue(language: str) -> Catalog:
    path = ROOT / "talentbank" / "translations" / language / "LC_MESSAGES" / "messages.po"
    with path.open("rb") as file:
        return read_po(file, locale=language)


def test_texts_are_found_in_code_and_in_templates() -> None:
    assert "Please sign in to go there." in extracted()
    assert "Demo sign-ins" in extracted()
    assert len(extracted()) > 500


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_missing_empty_fuzzy_or_left_over(language: str) -> None:
    messages = {m.id: m for m in catalogue(language) if m.id}
    assert extracted() - messages.keys() == set(), "run `make texts`, then translate"
    assert messages.keys() - extracted() == set(), "run `make texts`"
    for message in messages.values():
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        assert all(strings), f"{message.id!r} is empty"
        assert not message.fuzzy, f"{message.id!r} is fuzzy"


@pytest.mark.parametrize("language", LANGUAGES)
def test_placeholders_survive_translation(language: str) -> None:
    for message in catalogue(language):
        if not message.id:
            continue
        asked = message.id if isinstance(message.id, str) else message.id[-1]
        for string in message.string if isinstance(message.string, tuple) else (message.string,):
            assert set(PLACEHOLDER.findall(string)) == set(PLACEHOLDER.findall(asked)), message.id


def test_chinese_texts_are_chinese() -> None:
    signs = {"%(student)s → %(position)s", "%(name)s: %(standing)s.", "%(held)s of %(seats)s", "SHA-256"}
    for message in catalogue("zh"):
        if message.id and message.id not in signs:
            string = message.string if isinstance(message.string, str) else message.string[0]
            assert re.search(r"[一-鿿、，。：]", string), message.id


def test_the_trail_has_a_name_for_every_action() -> None:
    assert ACTION_LABELS.keys() == set(Action)
