"""Figures as files, read back as the programs of those who fetch them would."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date
from io import BytesIO, StringIO
from xml.etree import ElementTree
from zipfile import ZipFile

import pytest
from flask import Flask
from flask_babel import force_locale

from talentbank.engine.indicators import Share, Turnover
from talentbank.errors import Invalid, NotFound
from talentbank.extensions import lazy_gettext as _l
from talentbank.extensions import today
from talentbank.insight import downloads
from talentbank.insight.tables import HIDDEN, Cell, Chart, Column, Kind, Table

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
ATTACK = '=HYPERLINK("http://evil.example","x")'

TABLE = Table(
    "by_city",
    "Fill: by city/总览",
    "Seats filled, of all seats.",
    (
        Column("name", "Name", Kind.TEXT),
        Column("month", "Month", Kind.MONTH),
        Column("seats", "Seats"),
        Column("rate", "Rate", Kind.SHARE),
    ),
    (
        (Cell("运营, “a”"), Cell(date(2026, 3, 31)), Cell(50), Cell(Share(31, 50))),
        (Cell(ATTACK), Cell(None), Cell(HIDDEN), Cell(HIDDEN)),
        (Cell("-1"), Cell(date(2026, 4, 30)), Cell(-7), Cell(Turnover(1, 12.5))),
        (Cell("@x"), Cell(None), Cell(0), Cell(Share(0, 0))),
    ),
    total=(Cell("All"), Cell(None), Cell(43), Cell(0.15)),
    note="A note.",
)


@pytest.fixture(autouse=True)
def asked(app: Flask) -> Iterator[None]:
    with app.test_request_context("/gap?table=by_city&as=csv"), force_locale("en"):
        yield


def test_a_csv_is_read_back_as_it_was() -> None:
    content = downloads.csv_of(TABLE)
    assert content.startswith(b"\xef\xbb\xbf")
    head, *rows = list(csv.reader(StringIO(content.decode("utf-8-sig"), newline="")))
    assert head == [
        "Name",
        "Month",
        "Seats",
        "Rate",
        "Rate: counted",
        "Rate: of",
        "Rate: 95 % interval, low",
        "Rate: 95 % interval, high",
        "As of",
        "Definition",
    ]
    tail = [today().isoformat(), "Seats filled, of all seats. A note."]
    assert rows == [
        ["运营, “a”", "2026-03-31", "50", "0.62", "31", "50", "0.4815", "0.7414", *tail],
        ["'" + ATTACK, "", "< 5", "< 5", "", "", "", "", *tail],
        ["'-1", "2026-04-30", "-7", "0.08", "1", "12.5", "", "", *tail],
        ["'@x", "", "0", "", "0", "0", "", "", *tail],
        ["All", "", "43", "0.15", "", "", "", "", *tail],
    ]


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_text_of_a_csv_is_a_formula(sign: str) -> None:
    table = Table("t", "T", "=D", (Column("a", f"{sign}A", Kind.TEXT),), ((Cell(f"{sign}1+1"),),))
    rows = list(csv.reader(StringIO(downloads.csv_of(table).decode("utf-8-sig"), newline="")))
    assert rows[0][0] == f"'{sign}A"
    assert rows[1][0] == f"'{sign}1+1"
    assert rows[1][-1] == "'=D"


def test_a_workbook_holds_numbers_percent_and_no_formula() -> None:
    book = ZipFile(BytesIO(downloads.xlsx_of(TABLE)))
    names = [sheet.get("name") for sheet in _xml(book, "xl/workbook.xml").iter(f"{MAIN}sheet")]
    assert names == ["Fill by city 总览", "Definition"]
    rows = cells(book, 1)
    assert rows[0][:4] == ["Name", "Month", "Seats", "Rate"]
    bounds = [pytest.approx(0.4815, abs=1e-4), pytest.approx(0.7414, abs=1e-4)]
    assert rows[1] == ["运营, “a”", 46112.0, 50.0, 0.62, 31.0, 50.0, *bounds]
    assert rows[2] == [ATTACK, "< 5", "< 5"]
    assert rows[3][0] == "-1"
    assert rows[5] == ["All", 43.0, 0.15]
    text = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in text
    assert not [name for name in book.namelist() if "rels" in name and b"http://evil" in book.read(name)]
    assert _formats(book) == {"0.0%", "yyyy-mm"}
    about = {str(row[0]): str(row[1]) for row in cells(book, 2)}
    assert about["Definition"] == "Seats filled, of all seats."
    assert about["Note"] == "A note."
    assert about["As of"] == today().isoformat()
    assert about["Address"].endswith("/gap")


def test_the_file_has_a_name_for_every_system() -> None:
    sent = downloads.page("gap/gap.html", [TABLE])
    assert not isinstance(sent, str | tuple)
    day = today().isoformat()
    assert sent.headers["Content-Type"] == "text/csv; charset=utf-8"
    full = f"Fill%20by%20city%20%E6%80%BB%E8%A7%88%20{day}.csv"
    named = f"attachment; filename=\"by-city-{day}.csv\"; filename*=UTF-8''{full}"
    assert sent.headers["Content-Disposition"] == named


@pytest.mark.parametrize(
    ("query", "refusal"),
    [
        ("table=nothing&as=csv", NotFound),
        ("as=csv", NotFound),
        ("table=by_city&as=pdf", Invalid),
        ("table=by_city", Invalid),
    ],
)
def test_what_is_not_there_is_refused_with_a_sentence(app: Flask, query: str, refusal: type[Exception]) -> None:
    with app.test_request_context(f"/gap?{query}"), pytest.raises(refusal, match="go back"):
        downloads.page("gap/gap.html", [TABLE])


def test_a_lazy_text_with_a_name_in_it_is_escaped_on_the_page(app: Flask) -> None:
    """Flask-Babel's lazy texts say of themselves that they are safe HTML."""
    named = _l("Seats of %(name)s", name="<b>Evil</b>")
    columns = (Column("a", named), Column("b", "B", Kind.TEXT))
    table = Table("t", named, named, columns, ((Cell(1), Cell(named)),), note=named, chart=Chart("bar", "b", ("a",)))
    with app.test_request_context("/gap"):
        sent = downloads.page("gap/gap.html", [table])
    assert isinstance(sent, tuple)
    assert "Evil" in sent[0]
    assert "<b>" not in sent[0]


def _xml(book: ZipFile, name: str) -> ElementTree.Element:
    return ElementTree.fromstring(book.read(name))  # noqa: S314  (our own file)


def _formats(book: ZipFile) -> set[str]:
    return {str(one.get("formatCode")) for one in _xml(book, "xl/styles.xml").iter(f"{MAIN}numFmt")}


def cells(book: ZipFile, sheet: int) -> list[list[object]]:
    """The cells of a sheet that hold something: numbers as numbers, texts as texts."""
    rows: list[list[object]] = []
    for row in _xml(book, f"xl/worksheets/sheet{sheet}.xml").iter(f"{MAIN}row"):
        rows.append([])
        for cell in row.iter(f"{MAIN}c"):
            texts = [part.text or "" for part in cell.iter(f"{MAIN}t")]
            value = cell.find(f"{MAIN}v")
            rows[-1].append("".join(texts) if texts else float(str(value.text)) if value is not None else None)
    return rows
