"""Figures as files: CSV for programs, XLSX for people, from the same tables as the page."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from io import BytesIO, StringIO
from typing import Any
from urllib.parse import quote

import xlsxwriter
from flask import Response, request

from talentbank.engine.indicators import Share, Turnover
from talentbank.errors import Invalid, NotFound
from talentbank.extensions import gettext as _
from talentbank.extensions import lazy_gettext as _l
from talentbank.extensions import today
from talentbank.insight.tables import Cell, Column, Kind, Table, Withheld
from talentbank.web import Page, answer

RISKY = ("=", "+", "-", "@", "\t", "\r", "\n")
"""How a text begins that a spreadsheet takes for a formula (OWASP, «CSV Injection»)."""

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def page(template: str, tables: Sequence[Table], **values: Any) -> Page:
    """A page with tables by their keys; or, asked for ?table=<key>&as=csv|xlsx, the file of one of them."""
    by_key = {table.key: table for table in tables}
    if not {"table", "as"} & request.args.keys():
        return answer(template, tables=by_key, **values)
    table = by_key.get(request.args.get("table", ""))
    if table is None:
        raise NotFound(_l("There is no such table on this page: go back, and use its own links."))
    write = WRITERS.get(request.args.get("as", ""))
    if write is None:
        raise Invalid(_l("A table can be had as CSV or as XLSX: go back, and use the page's own links."))
    suffix, media_type, content = write(table)
    return Response(content, headers=_headers(table, suffix, media_type))


def _headers(table: Table, suffix: str, media_type: str) -> dict[str, str]:
    """A name that every system takes, and the title for those that take it (RFC 6266, RFC 5987)."""
    day = today().isoformat()
    plain = re.sub(r"[^a-z0-9-]+", "-", table.key.lower())
    titled = re.sub(r'[\\/:*?"<>|\s]+', " ", str(table.title)).strip()
    full = quote(f"{titled} {day}.{suffix}", safe="")
    return {
        "Content-Type": media_type,
        "Content-Disposition": f"attachment; filename=\"{plain}-{day}.{suffix}\"; filename*=UTF-8''{full}",
    }


def csv_of(table: Table) -> bytes:
    """The table in UTF-8 with a byte order mark, without which Excel takes Chinese for something else.

    The first line names the columns, so that programs read the rest as it is: shares are numbers from 0 to 1 with
    what they count beside them, months and dates are ISO 8601. The last two columns say what is counted, and when.
    """
    out = StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([_safe(text) for text in (*_headings(table), _("As of"), _("Definition"))])
    for row in _rows(table):
        values = [value for column, cell in zip(table.columns, row, strict=True) for value in _values(column, cell)]
        writer.writerow([_csv_value(v) for v in (*values, today(), _definition(table))])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def xlsx_of(table: Table) -> bytes:
    """The table as a workbook: numbers are numbers, shares percent; the second sheet says what is counted."""
    out = BytesIO()
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(out, options) as book:
        formats = {
            "head": book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1}),
            "wrap": book.add_format({"text_wrap": True, "valign": "top"}),
            "percent": book.add_format({"num_format": "0.0%"}),
            "date": book.add_format({"num_format": "yyyy-mm-dd"}),
            "month": book.add_format({"num_format": "yyyy-mm"}),
        }
        sheet = book.add_worksheet(_sheet_name(str(table.title)))
        sheet.freeze_panes(1, 0)
        headings = _headings(table)
        sheet.set_column(0, 0, 28)
        sheet.set_column(1, len(headings), 14)
        for place, text in enumerate(headings):
            sheet.write_string(0, place, text, formats["head"])
        for line, row in enumerate(_rows(table), start=1):
            place = 0
            for column, cell in zip(table.columns, row, strict=True):
                for index, value in enumerate(_values(column, cell)):
                    _write(sheet, (line, place), value, _format(column, index, formats))
                    place += 1
        about = book.add_worksheet(_sheet_name(_("Definition")))
        about.set_column(0, 0, 16)
        about.set_column(1, 1, 90)
        for line, (label, text) in enumerate(_about(table)):
            about.write_string(line, 0, label, formats["head"])
            about.write_string(line, 1, text, formats["wrap"])
    return out.getvalue()


WRITERS: dict[str, Callable[[Table], tuple[str, str, bytes]]] = {
    "csv": lambda table: ("csv", "text/csv; charset=utf-8", csv_of(table)),
    "xlsx": lambda table: ("xlsx", XLSX, xlsx_of(table)),
}


def _about(table: Table) -> Iterator[tuple[str, str]]:
    yield _("Figure"), str(table.title)
    yield _("Definition"), str(table.definition)
    if table.note:
        yield _("Note"), str(table.note)
    yield _("As of"), today().isoformat()
    yield _("Source"), _("CBEC Talent Bank, Meishan Tianfu New Area")
    yield _("Address"), request.base_url


def _definition(table: Table) -> str:
    return " ".join(str(text) for text in (table.definition, table.note) if text)


def _rows(table: Table) -> Iterable[tuple[Cell, ...]]:
    return (*table.rows, *([table.total] if table.total else []))


def _headings(table: Table) -> list[str]:
    """A share takes five columns: what it is, what it counts of how many, and its interval."""
    headings = []
    for column in table.columns:
        label = str(column.label)
        headings.append(label)
        if column.kind is Kind.SHARE:
            headings += [
                _("%(figure)s: counted", figure=label),
                _("%(figure)s: of", figure=label),
                _("%(figure)s: 95 %% interval, low", figure=label),
                _("%(figure)s: 95 %% interval, high", figure=label),
            ]
    return headings


def _values(column: Column, cell: Cell) -> list[object]:
    value = cell.value
    if column.kind is not Kind.SHARE:
        return [value]
    if isinstance(value, Share):
        bounds = value.interval()
        low, high = (bounds.low, bounds.high) if bounds else (None, None)
        return [value.value, value.numerator, value.denominator, low, high]
    if isinstance(value, Turnover):
        return [value.value, value.leavers, value.headcount, None, None]
    return [value, None, None, None, None]


def _csv_value(value: object) -> object:
    if isinstance(value, bool | int) or value is None:
        return value
    if isinstance(value, float):
        return round(value, 4)
    return value.isoformat() if isinstance(value, date) else _safe(_words(value))


def _words(value: object) -> str:
    return str(value.value if isinstance(value, Withheld) else value)


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(RISKY) else text


def _format(column: Column, index: int, formats: dict[str, Any]) -> Any:
    if column.kind is Kind.SHARE and index in (0, 3, 4):
        return formats["percent"]
    return {Kind.DATE: formats["date"], Kind.MONTH: formats["month"]}.get(column.kind)


def _write(sheet: Any, at: tuple[int, int], value: object, look: Any) -> None:
    """A value as what it is; a text never as a formula, whatever it begins with."""
    if value is None:
        return
    if isinstance(value, int | float):
        sheet.write_number(*at, value, look)
    elif isinstance(value, date):
        sheet.write_datetime(*at, value, look)
    else:
        sheet.write_string(*at, _words(value))


def _sheet_name(text: str) -> str:
    """A name that Excel takes: 31 signs at most, none of []:*?/\\, no apostrophe at an end."""
    return re.sub(r"[\[\]:*?/\\\s]+", " ", text).strip("' ")[:31].strip("' ") or "1"
