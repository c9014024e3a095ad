"""A figure as a table with its definition and its chart: what a page shows of it, and what a file holds.

Neither Flask nor the database: a page's queries make the tables, downloads.py sends them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import Enum, StrEnum
from typing import Any, Literal

from talentbank.engine.indicators import Share, Turnover

FEW = 5
"""Groups of fewer people are not broken down for those who may not see the people."""
SURE = 100
"""A share of fewer people is shown with its interval."""


class Kind(StrEnum):
    """What a column holds: text, whole numbers, shares of people, other numbers, days, dates, months (a day)."""

    TEXT = "text"
    COUNT = "count"
    SHARE = "share"
    NUMBER = "number"
    DAYS = "days"
    DATE = "date"
    MONTH = "month"


class Withheld(Enum):
    """What stands in the place of a number: of so few people that it would tell of each of them (HIDDEN), or from
    which such a one could be worked out by subtraction (BESIDE)."""

    HIDDEN = f"< {FEW}"
    BESIDE = "(…)"


HIDDEN = Withheld.HIDDEN
BESIDE = Withheld.BESIDE


@dataclass(frozen=True, slots=True)
class Column:
    """A column with its heading."""

    key: str
    label: object
    kind: Kind = Kind.COUNT

    @property
    def is_text(self) -> bool:
        """Whether it reads as words rather than as numbers, which stand to the right."""
        return self.kind in (Kind.TEXT, Kind.DATE, Kind.MONTH)

    def text(self, cell: Cell) -> str:
        """A cell as a page shows it: «62 % (31/50)» for a share, «–» for what there is not."""
        return _text(cell.value, self.kind)

    def interval(self, cell: Cell) -> str:
        """The 95 % interval of a share of few people: «49–74 %»; "" for anything else."""
        if not isinstance(cell.value, Share) or cell.value.denominator >= SURE:
            return ""
        bounds = cell.value.interval()
        return f"{bounds.low:.0%}–{bounds.high:.0%}".replace("%–", "–").replace("%", " %") if bounds else ""


@dataclass(frozen=True, slots=True)
class Cell:
    """A value, and the list of what it counts: an endpoint with its values, where there is one.

    value: str (or lazy text), int, float, date, Share, Turnover, Withheld; None for what there is not, shown «–».
    """

    value: object
    endpoint: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Chart:
    """How a table is drawn: x and series name its columns; goals are dashed lines, each a label and a value.

    percent: the series and goals are shares, 0..1, drawn as percent.
    """

    kind: Literal["line", "bar", "stacked", "funnel"]
    x: str
    series: tuple[str, ...]
    goals: tuple[tuple[object, float], ...] = ()
    percent: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A figure: what is counted, over what and by which source (definition); rows, each a cell a column.

    ValueError for a row of another length, or a chart of columns that are not there.
    """

    key: str
    title: object
    definition: object
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: tuple[Cell, ...] | None = None
    chart: Chart | None = None
    note: object = ""

    def __post_init__(self) -> None:
        lengths = {len(row) for row in (*self.rows, *([self.total] if self.total else []))}
        if lengths - {len(self.columns)}:
            raise ValueError(f"{self.key}: rows of {sorted(lengths)} cells under {len(self.columns)} columns")
        drawn = {self.chart.x, *self.chart.series} if self.chart else set()
        if missing := drawn - {column.key for column in self.columns}:
            raise ValueError(f"{self.key}: there are no columns {sorted(missing)} to draw")

    def drawing(self) -> dict[str, Any] | None:
        """What charts.js draws, as JSON values; None without a chart or without a number to draw."""
        if self.chart is None:
            return None
        places = {column.key: place for place, column in enumerate(self.columns)}
        x, factor = self.columns[places[self.chart.x]], 100 if self.chart.percent else 1

        def numbers(key: str) -> list[float | None]:
            return [_number(row[places[key]].value, factor) for row in self.rows]

        drawn = {key: numbers(key) for key in self.chart.series}
        if not any(number is not None for values in drawn.values() for number in values):
            return None
        return {
            "kind": self.chart.kind,
            "labels": [x.text(row[places[x.key]]) for row in self.rows],
            "series": [
                {"name": str(self.columns[places[key]].label), "values": values} for key, values in drawn.items()
            ],
            "goals": [{"name": str(label), "value": _number(value, factor)} for label, value in self.chart.goals],
            "percent": self.chart.percent,
        }


def hidden(count: int, cell: Cell, *, sees: bool) -> Cell:
    """A cell about a group of `count` people, or HIDDEN in its place where they are few.

    sees: the reader may see the people themselves. A group of nobody tells of nobody, and stands.
    """
    return cell if sees or not 0 < count < FEW else Cell(HIDDEN)


def withheld(counts: Sequence[float], *, sees: bool) -> frozenset[int]:
    """The places of parts that are not shown beside their total: the few, and as many more as keep them from being
    worked out by subtraction, the smallest first."""
    if sees:
        return frozenset()
    order = sorted((place for place, count in enumerate(counts) if count), key=lambda place: counts[place])
    kept_back: list[int] = []
    for place in order:
        together = sum(counts[p] for p in kept_back)
        # As many people as parts: each of them would be known to be one.
        few = together < FEW or together == len(kept_back)
        if counts[place] < FEW or (kept_back and (len(kept_back) == 1 or few)):
            kept_back.append(place)
    return frozenset(kept_back)


KEPT_BACK = Cell(BESIDE)
"""What stands in the place of each number withheld beside a total: one mark, for two would bound what they hide."""


def _number(value: object, factor: int) -> float | None:
    number = value.value if isinstance(value, Share | Turnover) else value
    return round(number * factor, 4) if isinstance(number, int | float) else None


def _text(value: object, kind: Kind) -> str:
    if value is None:
        return "–"
    if isinstance(value, Withheld):
        return str(value.value)
    if isinstance(value, Share | Turnover):
        of = value.denominator if isinstance(value, Share) else value.headcount
        part = value.numerator if isinstance(value, Share) else value.leavers
        return "–" if value.value is None else f"{value.value * 100:.0f} % ({part}/{_plain(of)})"
    if isinstance(value, date):
        return value.strftime("%Y-%m" if kind is Kind.MONTH else "%Y-%m-%d")
    if isinstance(value, int | float):
        return f"{value * 100:.0f} %" if kind is Kind.SHARE else _plain(value)
    return str(value)


def _plain(number: float) -> str:
    """A number with at most one decimal, and none where it is whole."""
    return f"{number:,.1f}".removesuffix(".0")
