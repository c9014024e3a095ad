"""A bilingual A4 sheet as PDF: Chinese above English, tables that go on over pages, the same bytes every time.

The typeface is Noto Sans SC (see static/vendor/README.md); the characters in use are embedded, so that the sheet
looks the same anywhere and its text can be searched and copied. Lengths are in millimetres, sizes in points.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from functools import cache
from typing import NamedTuple, cast

from fpdf import FPDF, ViewerPreferences
from fpdf.enums import Align
from fpdf.fonts import TTFFont

from talentbank.config import ROOT
from talentbank.credentials.transcript import Text

FONT = ROOT / "static" / "vendor" / "noto-sans-sc" / "NotoSansSC_400Regular.ttf"
GETA = "〓"
"""Stands for a character that the typeface lacks: U+3013 is made for this."""

LEFT, RIGHT, TOP, BOTTOM = 18.0, 192.0, 18.0, 262.0
WIDTH = RIGHT - LEFT
INK, GREY, BLUE, LINE, PALE = (28, 36, 46), (96, 106, 118), (15, 95, 140), (196, 206, 214), (238, 244, 248)
MOST_LINES = 6
"""Lines of a text in a cell; what is longer ends in an ellipsis."""


class Style(NamedTuple):
    """How a text looks: points, millimetres from line to line, red, green and blue."""

    size: float
    leading: float
    colour: tuple[int, int, int]


ZH, EN, SMALL = Style(8.5, 4.1, INK), Style(6.8, 3.2, GREY), Style(6.5, 3.2, GREY)


class Column(NamedTuple):
    """A column of a table; all columns together are WIDTH wide."""

    heading: Text
    width: float
    align: Align = Align.L


Cells = list[list[tuple[str, Style]]]
"""The cells of a row, each as its lines."""


@cache
def _covered() -> frozenset[int]:
    """Every code point that the typeface has."""
    pdf = FPDF()
    pdf.add_font("noto", fname=FONT)
    font = cast("TTFFont", pdf.fonts["noto"])
    with closing(font):
        return frozenset(font.cmap)


def tidy(text: str) -> str:
    """On one line, composed, without what is never seen: controls, formats, choices of a character's variant."""
    composed = unicodedata.normalize("NFC", " ".join(text.split()))
    return "".join(c for c in composed if unicodedata.category(c) not in ("Cc", "Cf") and not _chooses_variant(c))


def _chooses_variant(character: str) -> bool:
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


def lacking(text: str) -> set[str]:
    """The characters of a text that the typeface lacks."""
    return {c for c in tidy(text) if ord(c) not in _covered()}


def printable(text: str) -> str:
    """A text with 〓 for what the typeface lacks."""
    return "".join(c if ord(c) in _covered() else GETA for c in tidy(text))


_OPENING, _CLOSING = "（《〈「『【“‘([", "，。、；：？！）》〉」』】”’…—·"
_CHINESE = "\u2e80-\u9fff\uf900-\uffef\U00020000-\U0003ffff“‘"
_UNIT = re.compile(rf" |[{re.escape(_OPENING)}]*(?:[^ {_CHINESE}]+|.)[{_CLOSING}]*")
"""What a line is not broken in: a Latin word or a Chinese character, with the punctuation that belongs to it."""


def _height(cells: Cells) -> float:
    """What a row takes."""
    return max(sum(style.leading for _, style in cell) for cell in cells) + 2.6


class Sheet(FPDF):
    """Pages with a running head (but for the first) and a foot; self.y is where the next block begins.

    foot: its sentences, the last of which shares its line with the number of the page; address: where the sentence
    that holds it leads to.
    """

    def __init__(
        self, *, title: str, author: str, made_at: datetime, head: str, foot: Sequence[str], address: str
    ) -> None:
        super().__init__(format="A4")
        self._head, self._foot, self._address = head, foot, address
        self.set_auto_page_break(False)
        self.c_margin = 0
        self.set_creation_date(made_at)
        self.set_lang("zh-CN")
        self.set_title(tidy(title))
        self.set_author(tidy(author))
        self.viewer_preferences = ViewerPreferences(display_doc_title=True)
        self.add_font("noto", fname=FONT)
        self.add_page()

    def header(self) -> None:
        """The running head, from the second page on."""
        if self.page_no() > 1:
            self.write_at(LEFT, TOP - 4, self.broken(self._head, SMALL, WIDTH, 1)[0], SMALL)
            self.rule(TOP + 0.5, 0.3)
        self.y = TOP + (4 if self.page_no() > 1 else 0)

    def footer(self) -> None:
        """The foot with the number of the page, which knows how many there are."""
        page, top = self.page_no(), BOTTOM + 4.5
        self.rule(BOTTOM + 3, 0.3)
        self.y = top
        for sentence in self._foot:
            top = self.y
            self.paragraph(LEFT, sentence, SMALL, WIDTH, 2)
            if self._address in sentence:
                self.link(LEFT, top, WIDTH, self.y - top, self._address)
        self.set_xy(RIGHT - 31, top - 0.3)
        self.cell(31, SMALL.leading, f"第 {page} 页，共 {{nb}} 页  Page {page} of {{nb}}")

    def write_at(self, x: float, y: float, text: str, style: Style, width: float = 0, align: Align = Align.L) -> None:
        """One line whose top is y, within a width."""
        self.set_font("noto", size=style.size)
        self.set_text_color(*style.colour)
        shown = printable(text)
        free = width - self.get_string_width(shown)
        self.text(x + {Align.R: free, Align.C: free / 2}.get(align, 0), y + 0.3 * style.size, shown)

    def broken(self, text: str, style: Style, width: float, most: int = MOST_LINES) -> list[str]:
        """A text in lines that fit a width; what doesn't fit the most lines ends in an ellipsis."""
        self.set_font("noto", size=style.size)
        lines, line = [], ""
        for unit in _UNIT.findall(printable(text)):
            for part in [unit] if self.get_string_width(unit) <= width else unit:
                if self.get_string_width(line + part) > width:
                    lines.append(line.rstrip())
                    line = ""
                line += "" if part == " " and not line else part
        lines = [line for line in [*lines, line.rstrip()] if line]
        if len(lines) > most:
            lines = lines[:most]
            while self.get_string_width(lines[-1] + "…") > width:
                lines[-1] = lines[-1][:-1]
            lines[-1] += "…"
        return lines

    def paragraph(self, x: float, text: str, style: Style, width: float, most: int = MOST_LINES) -> None:
        """Lines from self.y on, which ends below them."""
        for line in self.broken(text, style, width, most):
            self.write_at(x, self.y, line, style)
            self.y += style.leading

    def rule(self, y: float, thickness: float, colour: tuple[int, int, int] = BLUE) -> None:
        """A line from margin to margin."""
        self.set_draw_color(*colour)
        self.set_line_width(thickness)
        self.line(LEFT, y, RIGHT, y)

    def room(self, height: float) -> bool:
        """Make room for a block; True if that took a new page."""
        if self.y + height <= BOTTOM:
            return False
        self.add_page()
        return True

    def rows(
        self,
        heading: Text,
        columns: Sequence[Column],
        rows: Sequence[Sequence[Text]],
        total: Sequence[Text] = (),
    ) -> None:
        """A table under a heading; its columns' headings stand again on each page. total: a last row, set off."""
        headings = self.cells(columns, [column.heading for column in columns])
        laid = [self.cells(columns, texts) for texts in ([*rows, total] if total else rows)]
        self.room(12 + _height(headings) + _height(laid[0]))
        self.y += 5
        self.write_at(LEFT, self.y, heading.zh, Style(10.5, 5, BLUE))
        behind = LEFT + self.get_string_width(heading.zh) + 2.5
        self.write_at(behind, self.y + 0.75, heading.en, Style(8, 4, GREY))
        self.y += 7
        self.row(columns, headings, PALE)
        for number, cells in enumerate(laid, 1):
            if self.room(_height(cells)):
                self.row(columns, headings, PALE)
            self.row(columns, cells, PALE if number > len(rows) else None)

    def cells(self, columns: Sequence[Column], texts: Sequence[Text]) -> Cells:
        """Each cell's lines: Chinese above English."""
        return [
            [
                (line, style)
                for text, style in ((cell.zh, ZH), (cell.en, EN))
                for line in self.broken(text, style, column.width - 3)
            ]
            for column, cell in zip(columns, texts, strict=True)
        ]

    def row(self, columns: Sequence[Column], cells: Cells, fill: tuple[int, int, int] | None) -> None:
        """One row with a line beneath it."""
        height, x = _height(cells), LEFT
        if fill:
            self.set_fill_color(*fill)
            self.rect(LEFT, self.y, WIDTH, height, style="F")
        for column, cell in zip(columns, cells, strict=True):
            y = self.y + 1.3
            for line, style in cell:
                self.write_at(x + 1.5, y, line, style, column.width - 3, column.align)
                y += style.leading
            x += column.width
        self.y += height
        self.rule(self.y, 0.15, LINE)
