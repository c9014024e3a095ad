"""The talent gap's tables: against the goal, month by month, turnover, the way to a year in the position, reasons.

sees: the reader may see the people that are counted (the chamber); for all others what few people's numbers would
tell of each of them is withheld.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

from talentbank.competencies.catalogue import CATEGORY_LABELS, Category
from talentbank.engine.indicators import Share, Turnover
from talentbank.extensions import lazy_gettext as _l
from talentbank.insight import figures
from talentbank.insight.gap import cases as counting
from talentbank.insight.gap.cases import CORE, CORE_GROUP, OLD, THERE, Case, Stage
from talentbank.insight.tables import FEW, HIDDEN, KEPT_BACK, SURE, Cell, Chart, Column, Kind, Table, hidden, withheld
from talentbank.placements.forms import REASON_LABELS
from talentbank.placements.models import CHECK_IN_DAYS

EMPLOYMENT = _l("Employment only: an internship is no placement.")
FEW_NOTE = _l("< %(few)s: a group of fewer than %(few)s people, too few to say.", few=FEW)
WITHHELD_NOTE = _l(
    "(…): withheld, for it is of fewer than %(few)s people, or would tell such a number. < %(few)s: so few people.",
    few=FEW,
)

STAGE_LABELS = {
    Stage.OFFERED: _l("Offered a position"),
    Stage.ACCEPTED: _l("Accepted"),
    Stage.WAITING: _l("Accepted, not started"),
    Stage.STARTED: _l("Started"),
    Stage.EMPLOYED: _l("Employed"),
    Stage.OLD_90: _l("Started 90 days ago or more"),
    Stage.OLD_180: _l("Started 180 days ago or more"),
    Stage.OLD_365: _l("Started 365 days ago or more"),
    Stage.THERE_90: _l("Still there after 90 days"),
    Stage.THERE_180: _l("Still there after 180 days"),
    Stage.THERE_365: _l("Still there after 365 days"),
    Stage.LEFT: _l("Left"),
    Stage.LEFT_YEAR: _l("Left in the last 365 days"),
}

GROUPS: tuple[tuple[str, tuple[Category, ...]], ...] = (*((c.value, (c,)) for c in Category), ("", ()))
"""How an address narrows a list: each category, and all of them."""


CORE_LABEL = _l("Operations and design")


def group_labels() -> list[tuple[str, object]]:
    """What a list can be narrowed to, as an address says it, with its name."""
    return [*((c.value, CATEGORY_LABELS[c]) for c in Category), (CORE_GROUP, CORE_LABEL)]


def shortage() -> dict[Category, int]:
    """Persons missing in 2025, by category (Table 1)."""
    return {row.category: row.shortage for row in figures.demand()}


def goal(missing: int) -> int:
    """How many may still be missing when the goal is reached."""
    return round(missing * (1 - figures.gap_goal()))


def remaining(cases: Sequence[Case], day: date, categories: Collection[Category] = ()) -> int:
    """The gap at the end of a day: the shortage less who is employed (DESIGN.md, section 6)."""
    missing = sum(n for category, n in shortage().items() if not categories or category in categories)
    return missing - len(counting.of(cases, Stage.EMPLOYED, day, categories))


def percent(name: str) -> float:
    """A figure of the paper that is a percentage, as a share."""
    return float(figures.baseline()[name].value) / 100


def by_category(cases: Sequence[Case], seats: Mapping[Category, int], today: date) -> Table:
    """The gap against its goal, by category."""
    missing = shortage()

    def row(name: str, categories: tuple[Category, ...]) -> tuple[Cell, ...]:
        of = categories or tuple(Category)
        lacking = sum(missing[category] for category in of)
        return (
            _name(categories),
            Cell(lacking),
            Cell(sum(seats[c] for c in of), "deposits.positions", {"state": "show", **_narrowed(name)}),
            _counted(cases, Stage.WAITING, name, categories, today),
            _counted(cases, Stage.EMPLOYED, name, categories, today),
            Cell(remaining(cases, today, of)),
            Cell(sum(goal(missing[category]) for category in of)),
        )

    *parts, total = (row(name, categories) for name, categories in GROUPS)
    return Table(
        key="gap",
        title=_l("The talent gap by category"),
        definition=_l(
            "Still missing = missing in 2025 − people who were placed and are still employed. The goal is half of "
            "what was missing. Figures of 2025: %(source)s, Table 1 and section 3.4.",
            source=figures.SOURCE,
        ),
        note=EMPLOYMENT,
        columns=(
            Column("category", _l("Category"), Kind.TEXT),
            Column("missing", _l("Missing in 2025")),
            Column("seats", _l("Seats on show")),
            Column("waiting", STAGE_LABELS[Stage.WAITING]),
            Column("employed", STAGE_LABELS[Stage.EMPLOYED]),
            Column("remaining", _l("Still missing")),
            Column("goal", _l("Goal")),
        ),
        rows=tuple(parts),
        total=total,
        chart=Chart("bar", "category", ("missing", "remaining", "goal")),
    )


def by_month(cases: Sequence[Case], today: date, *, sees: bool) -> Table:
    """The gap at each month's end since the first placement; lists of two days would tell who left between them."""
    rows = []
    for day in counting.month_ends(cases, today):
        employed = len(counting.of(cases, Stage.EMPLOYED, day))
        at = {"stage": Stage.EMPLOYED.value, "on": day.isoformat()}
        parts = (Cell(remaining(cases, day, categories)) for _, categories in GROUPS)
        rows.append((Cell(day), Cell(employed, "gap.outcomes", at) if sees else Cell(employed), *parts))
    wanted = sum(goal(missing) for missing in shortage().values())
    return Table(
        key="months",
        title=_l("The talent gap month by month"),
        definition=_l(
            "Who was missing at the end of each month, of this month until today: missing in 2025 − people placed "
            "and employed on that day. From the month of the first placement, the last %(months)s months at most.",
            months=counting.MOST_MONTHS,
        ),
        note=EMPLOYMENT,
        columns=(
            Column("month", _l("Month"), Kind.MONTH),
            Column("employed", STAGE_LABELS[Stage.EMPLOYED]),
            *(Column(category.value, CATEGORY_LABELS[category]) for category in Category),
            Column("all", _l("All missing")),
        ),
        rows=tuple(rows),
        chart=Chart(
            "line",
            "month",
            (*(category.value for category in Category), "all"),
            ((_l("Goal for all: %(goal)s", goal=wanted), wanted),),
        ),
    )


def core_turnover(cases: Sequence[Case], today: date) -> Turnover | None:
    """Turnover of operations and design together; None of so few people that it says nothing."""
    found = counting.turned_over(cases, today, CORE)
    return found if found.headcount >= FEW else None


def turnover(cases: Sequence[Case], today: date, *, sees: bool) -> Table:
    """Turnover of the year to today, together and by category, beside the paper's figures."""
    found = {category: counting.turned_over(cases, today, (category,)) for category in Category}
    # Operations and design stand beside their sum: one of them alone is not withheld.
    kept_back = withheld([found[category].headcount for category in CORE], sees=sees)
    secret = {category for place, category in enumerate(CORE) if place in kept_back}
    secret |= {c for c in Category if not sees and c not in CORE and 0 < found[c].headcount < FEW}

    def row(label: object, name: str, counted: Turnover, *, withhold: bool) -> tuple[Cell, ...]:
        if withhold:
            return Cell(label), *[KEPT_BACK] * 3
        leavers = Cell(counted.leavers, "gap.outcomes", {"stage": Stage.LEFT_YEAR.value, "category": name})
        few = 0 < counted.headcount < FEW
        rate = Cell(HIDDEN if few else counted if counted.headcount else None)
        return Cell(label), Cell(counted.headcount), leavers if sees else Cell(counted.leavers), rate

    together = counting.turned_over(cases, today, CORE)
    baseline, industry = percent("turnover_core_positions"), percent("turnover_industry")
    aim = figures.baseline()["turnover_goal"].value
    return Table(
        key="turnover",
        title=_l("Turnover"),
        definition=_l(
            "People who left in the last 365 days, of the average number employed on each of those days. The figures "
            "of 2025, of the industry and the goal: %(source)s.",
            source=figures.SOURCE,
        ),
        note=FEW_NOTE if sees else WITHHELD_NOTE,
        columns=(
            Column("group", _l("Positions"), Kind.TEXT),
            Column("headcount", _l("Average headcount"), Kind.NUMBER),
            Column("leavers", STAGE_LABELS[Stage.LEFT_YEAR]),
            Column("turnover", _l("Turnover"), Kind.SHARE),
        ),
        rows=(
            row(
                _l("Operations and design together"),
                CORE_GROUP,
                together,
                withhold=not sees and 0 < together.headcount < FEW,
            ),
            *(row(CATEGORY_LABELS[c], c.value, found[c], withhold=c in secret) for c in Category),
            (Cell(_l("Operations and design in 2025")), Cell(None), Cell(None), Cell(baseline)),
            (Cell(_l("Average of the industry")), Cell(None), Cell(None), Cell(industry)),
        ),
        chart=Chart(
            "bar",
            "group",
            ("turnover",),
            ((_l("Goal: not above %(goal)s %%", goal=aim), percent("turnover_goal")),),
            percent=True,
        ),
    )


def way(cases: Sequence[Case], today: date, *, sees: bool) -> Table:
    """The gap as a ledger: how many of those who are missing came how far."""
    stages = (Stage.OFFERED, Stage.ACCEPTED, Stage.STARTED, *THERE.values(), Stage.EMPLOYED)
    days = {stage: days for days, stage in THERE.items()}
    missing = shortage()
    rows = [
        (
            Cell(_l("Missing in 2025")),
            *(Cell(sum(missing[c] for c in categories or Category)) for _, categories in GROUPS),
        )
    ]
    for stage in stages:
        kept_back = set() if sees else _kept_back(cases, stage, today)
        rows.append(
            (
                Cell(STAGE_LABELS[stage] if stage is not Stage.EMPLOYED else _l("Still there today")),
                *(
                    KEPT_BACK
                    if name in kept_back
                    or (stage in days and counting.untold(cases, days[stage], today, categories, sees=sees))
                    else _counted(cases, stage, name, categories, today)
                    for name, categories in GROUPS
                ),
            )
        )
    return Table(
        key="way",
        title=_l("From the gap to a year in the position"),
        definition=_l(
            "People whom rounds offered a position, who accepted one, who started; then placements that went on for "
            "90, 180 and 365 days, and those that go on today. Who started less than 90, 180 or 365 days ago can't "
            "be in those rows yet. Somebody offered positions in two categories counts in both, and once in all. "
            "Employment only."
        ),
        note=EMPLOYMENT if sees else WITHHELD_NOTE,
        columns=(
            Column("stage", _l("Step"), Kind.TEXT),
            *(Column(category.value, CATEGORY_LABELS[category]) for category in Category),
            Column("all", _l("All")),
        ),
        rows=tuple(rows),
        chart=Chart("funnel", "stage", ("all",)),
    )


def _kept_back(cases: Sequence[Case], stage: Stage, today: date) -> set[str]:
    """The groups whose number of a step is withheld: few, or few of them left, which the gap beside it would tell."""

    def numbers(of: Stage) -> list[int]:
        return [len(counting.of(cases, of, today, (category,))) for category in Category]

    found = withheld(numbers(stage), sees=False)
    if stage is Stage.STARTED:
        left = [
            max(0, started - still) for started, still in zip(numbers(stage), numbers(Stage.EMPLOYED), strict=True)
        ]
        found |= withheld(left, sees=False)
        if 0 < sum(left) < FEW:
            return {name for name, _ in GROUPS}
    return {category.value for place, category in enumerate(Category) if place in found}


def retention(cases: Sequence[Case], today: date, *, sees: bool) -> Table:
    """Who is still there after 90, 180 and 365 days, of those who started so long ago."""

    def cells(name: str, categories: tuple[Category, ...]) -> tuple[Cell, ...]:
        row = [_name(categories)]
        for days in CHECK_IN_DAYS:
            row.append(_counted(cases, OLD[days], name, categories, today))
            stayed = counting.stayed(cases, days, today, categories)
            at = {"stage": THERE[days].value, **_narrowed(name)}
            secret = counting.untold(cases, days, today, categories, sees=sees)
            row.append(KEPT_BACK if secret else Cell(stayed, "gap.outcomes", at))
        return tuple(row)

    *parts, total = (cells(name, categories) for name, categories in GROUPS)
    return Table(
        key="retention",
        title=_l("Retention"),
        definition=_l(
            "Placements that went on for 90, 180 or 365 days after the first, of those that started so long ago or "
            "longer. Of fewer than %(sure)s people the 95 %% interval (Wilson) stands below the rate.",
            sure=SURE,
        ),
        note=FEW_NOTE if sees else WITHHELD_NOTE,
        columns=(
            Column("category", _l("Category"), Kind.TEXT),
            *(
                column
                for days in CHECK_IN_DAYS
                for column in (
                    Column(f"old_{days}", STAGE_LABELS[OLD[days]]),
                    Column(f"there_{days}", STAGE_LABELS[THERE[days]], Kind.SHARE),
                )
            ),
        ),
        rows=tuple(parts),
        total=total,
        chart=Chart("bar", "category", tuple(f"there_{days}" for days in CHECK_IN_DAYS), percent=True),
    )


def reasons(cases: Sequence[Case], today: date, *, sees: bool) -> Table:
    """Why people left."""
    counts = counting.reasons(cases, today)
    kept_back = withheld(list(counts.values()), sees=sees)
    total = sum(counts.values())
    few = not sees and 0 < total < FEW  # where nobody gave a reason would tell which one the few gave
    stage = Stage.LEFT.value
    rows = []
    for place, (reason, count) in enumerate(counts.items()):
        at: dict[str, Any] = {"stage": stage, "reason": reason.value}
        told = Cell(count, "gap.outcomes", at) if sees else Cell(count)
        rows.append((Cell(REASON_LABELS[reason]), KEPT_BACK if place in kept_back or few else told))
    all_of_them = Cell(total, "gap.outcomes", {"stage": stage}) if sees else hidden(total, Cell(total), sees=sees)
    baseline = figures.baseline()
    return Table(
        key="reasons",
        title=_l("Why people left"),
        definition=_l(
            "Placements that have ended, by the reason that weighed most for the side that recorded the end. The "
            "paper's causes: %(path)s %% of small enterprises have no path of promotion; pay is %(pay)s %% below "
            "comparable positions in Chengdu (%(source)s).",
            path=baseline["smes_without_promotion_path"].value,
            pay=baseline["salary_below_chengdu"].value,
            source=figures.SOURCE,
        ),
        note="" if sees else WITHHELD_NOTE,
        columns=(Column("reason", _l("Reason for leaving"), Kind.TEXT), Column("people", STAGE_LABELS[Stage.LEFT])),
        rows=tuple(rows) if total else (),
        total=(Cell(_l("All")), all_of_them) if total else None,
        chart=Chart("funnel", "reason", ("people",)),
    )


def share_stayed(cases: Sequence[Case], days: int, today: date, *, sees: bool) -> Share | None:
    """Retention of all; None of so few people that the reader may not know."""
    found = counting.stayed(cases, days, today)
    return None if counting.untold(cases, days, today, (), sees=sees) else found


def tables(cases: Sequence[Case], seats: Mapping[Category, int], today: date, *, sees: bool) -> list[Table]:
    """All of them, in the order of the page."""
    return [
        by_category(cases, seats, today),
        by_month(cases, today, sees=sees),
        turnover(cases, today, sees=sees),
        way(cases, today, sees=sees),
        retention(cases, today, sees=sees),
        reasons(cases, today, sees=sees),
    ]


def _name(categories: tuple[Category, ...]) -> Cell:
    return Cell(CATEGORY_LABELS[categories[0]] if categories else _l("All"))


def _narrowed(name: str) -> dict[str, str]:
    return {"category": name} if name else {}


def _counted(cases: Sequence[Case], stage: Stage, name: str, categories: Collection[Category], today: date) -> Cell:
    count = len(counting.of(cases, stage, today, categories))
    return Cell(count, "gap.outcomes", {"stage": stage.value, **_narrowed(name)})
