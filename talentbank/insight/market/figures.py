"""The market's tables: what was filled and how soon, rounds side by side, what is scarce, training against need.

sees: the reader may see the people that are counted (the chamber); for all others what few people's numbers would
tell of each of them is withheld.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from talentbank.competencies.catalogue import CATEGORY_LABELS, Category
from talentbank.engine.indicators import Share, median_days
from talentbank.extensions import SHANGHAI
from talentbank.extensions import lazy_gettext as _l
from talentbank.insight.market.queries import Case, Held, Need
from talentbank.insight.tables import FEW, HIDDEN, Cell, Chart, Column, Kind, Table, hidden, withheld
from talentbank.placements.queries import PlacementState
from talentbank.rounds.explaining import Scarce
from talentbank.rounds.offers.models import OfferState
from talentbank.rounds.runs.models import Method

Seats = Mapping[tuple[int, Category], tuple[int, int]]
"""Seats and filled seats by run and category."""

FEW_NOTE = _l("< %(few)s: a group of fewer than %(few)s people, too few to say.", few=FEW)
TOLD_NOTE = _l("< %(few)s: fewer than %(few)s people, or a number that would tell it.", few=FEW)
LEVELS = _l("A level is the higher of what a student claims and what was verified.")


def fill(held: Held, seats: Seats, cases: Sequence[Case], today: date, *, sees: bool) -> Table:
    """What became of a round's seats, by category."""
    mine = [case for case in cases if case.run_id == held.run.id]

    def numbers(categories: Sequence[Category]) -> list[int]:
        """Seats, matched, accepted, started, still there."""
        both = [seats.get((held.run.id, category), (0, 0)) for category in categories]
        of = [case for case in mine if case.category in categories]
        people = (
            sum(case.accepted for case in of),
            sum(case.started_on is not None for case in of),
            sum(case.there(today) for case in of),
        )
        return [sum(offered for offered, _ in both), sum(filled for _, filled in both), *people]

    parts = [numbers([category]) for category in Category]
    kept_back = [withheld([part[step] for part in parts], sees=sees) for step in range(1, 5)]

    def row(label: object, counts: list[int], secret: Sequence[bool], name: str) -> tuple[Cell, ...]:
        offered = counts[0]
        links = _links(held, name) if sees else {}
        people = [
            Cell(HIDDEN) if secret[step] else Cell(counts[step + 1], *links.get(step, ()))
            for step in range(len(secret))
        ]
        rates = [
            Cell(HIDDEN if secret[step] else Share(counts[step + 1], offered) if offered else None) for step in (0, 1)
        ]
        return Cell(label), Cell(offered), *people, *rates

    total = numbers(list(Category))
    return Table(
        key="fill",
        title=_l("Seats filled, by category"),
        definition=_l(
            "Seats that «%(round)s» offered; people matched with them when it was published; offers accepted; people "
            "who started, and who are still in the position today. Employment and internships together. Rates are "
            "shares of the seats offered.",
            round=held.round.name,
        ),
        note="" if sees else TOLD_NOTE,
        columns=(
            Column("category", _l("Category"), Kind.TEXT),
            Column("seats", _l("Seats offered")),
            Column("matched", _l("Matched")),
            Column("accepted", _l("Accepted")),
            Column("started", _l("Started")),
            Column("there", _l("Still there")),
            Column("fill", _l("Share matched"), Kind.SHARE),
            Column("taken", _l("Share accepted"), Kind.SHARE),
        ),
        rows=tuple(
            row(CATEGORY_LABELS[category], part, [place in kept for kept in kept_back], category.value)
            for place, (category, part) in enumerate(zip(Category, parts, strict=True))
        ),
        total=row(_l("All"), total, [not sees and 0 < count < FEW for count in total[1:]], ""),
        chart=Chart("bar", "category", ("seats", "matched", "accepted", "started", "there")),
    )


def _links(held: Held, category: str) -> dict[int, tuple[str, dict[str, object]]]:
    """The lists of who is matched, who accepted, who started and who is still there."""
    only: dict[str, object] = {"category": category} if category else {}
    started = {"round": held.round.id, **only}
    return {
        0: ("rounds.round_", {"round_id": held.round.id, **only, "_anchor": "list"}),
        1: ("offers.offers", {**_accepted(held), **only}),
        2: ("placements.placements", started),
        3: ("placements.placements", {**started, "state": PlacementState.GOING_ON.value}),
    }


def _accepted(held: Held) -> dict[str, object]:
    return {"round": held.round.id, "state": OfferState.ACCEPTED.value}


def compared(every: Sequence[Held], cases: Sequence[Case], *, sees: bool) -> Table:
    """The published rounds side by side, a row each, the latest first."""
    accepted = {held.run.id: 0 for held in every}
    for case in cases:
        accepted[case.run_id] += case.accepted

    def row(held: Held) -> tuple[Cell, ...]:
        run, at = held.run, {"round_id": held.round.id}
        first = run.choices[0] if run.choices else 0
        rate = Share(first, run.matched) if run.matched else None
        taken, few = accepted[run.id], not sees and 0 < run.matched < FEW
        return (
            Cell(held.round.name, *(("rounds.round_", at) if sees else ())),
            Cell(held.round.published_at.astimezone(SHANGHAI).date() if held.round.published_at else None),
            hidden(run.students, Cell(run.students, *(("rounds.students", at) if sees else ())), sees=sees),
            Cell(run.seats),
            hidden(run.matched, Cell(run.matched, *(("rounds.round_", at) if sees else ())), sees=sees),
            hidden(taken, Cell(taken, *(("offers.offers", _accepted(held)) if sees else ())), sees=sees),
            Cell(HIDDEN if few else f"{run.median:.3f}" if run.matched else None),
            Cell(HIDDEN) if few else hidden(first, Cell(rate), sees=sees),
        )

    return Table(
        key="rounds",
        title=_l("Rounds side by side"),
        definition=_l(
            "Each round as it was published: students and seats in it, people matched, offers accepted since, the "
            "median score of the matched pairs, and how many of the matched got their first choice."
        ),
        note="" if sees else FEW_NOTE,
        columns=(
            Column("round", _l("Round"), Kind.TEXT),
            Column("published", _l("Published"), Kind.DATE),
            Column("students", _l("Students")),
            Column("seats", _l("Seats offered")),
            Column("matched", _l("Matched")),
            Column("accepted", _l("Accepted")),
            Column("median", _l("Median score")),
            Column("first", _l("First choices"), Kind.SHARE),
        ),
        rows=tuple(row(held) for held in every),
        chart=Chart("bar", "round", ("students", "seats", "matched", "accepted")),
    )


def time_to_fill(held: Held, cases: Sequence[Case], *, sees: bool) -> Table:
    """Median days from a position's opening to the acceptance and to the first day, by category."""
    mine = [case for case in cases if case.run_id == held.run.id and case.accepted]
    of = {category: [case for case in mine if case.category is category] for category in Category}
    spans = [{c: _spans(found, first_day=first_day) for c, found in of.items()} for first_day in (False, True)]
    # Where `fill` withholds how many accepted or started, this table does too: their sums are nearly the same.
    people = [
        [len(found) for found in of.values()],
        [sum(case.started_on is not None for case in found) for found in of.values()],
    ]
    kept_back = [
        withheld(counts, sees=sees) | withheld([len(pairs) for pairs in found.values()], sees=sees)
        for counts, found in zip(people, spans, strict=True)
    ]

    def cells(pairs: list[tuple[date, date]], step: int, count: int, name: str, *, secret: bool) -> tuple[Cell, Cell]:
        """How many, with their list where none of it is left out of the median, and the median."""
        if secret:
            return Cell(HIDDEN), Cell(HIDDEN)
        link = _links(held, name)[step + 1] if sees and len(pairs) == count else ()
        return Cell(len(pairs), *link), Cell(median_days(pairs))

    rows = []
    for place, category in enumerate(Category):
        both = (
            cells(spans[step][category], step, people[step][place], category.value, secret=place in kept_back[step])
            for step in (0, 1)
        )
        rows.append((Cell(CATEGORY_LABELS[category]), *(cell for two in both for cell in two)))
    every = [[pair for pairs in found.values() for pair in pairs] for found in spans]
    together = (
        cells(every[step], step, sum(people[step]), "", secret=not sees and 0 < len(every[step]) < FEW)
        for step in (0, 1)
    )
    return Table(
        key="days",
        title=_l("Time to fill"),
        definition=_l(
            "Median days from the day on which a position of «%(round)s» opened to the day on which its offer was "
            "accepted, and to the first day in the position; beside each, how many people it is the median of. "
            "Positions whose opening was moved to a later day than that are left out.",
            round=held.round.name,
        ),
        note="" if sees else TOLD_NOTE,
        columns=(
            Column("category", _l("Category"), Kind.TEXT),
            Column("accepted", _l("Accepted")),
            Column("to_accepted", _l("Days to acceptance"), Kind.DAYS),
            Column("started", _l("Started")),
            Column("to_started", _l("Days to the first day"), Kind.DAYS),
        ),
        rows=tuple(rows),
        total=(Cell(_l("All")), *(cell for two in together for cell in two)),
        chart=Chart("bar", "category", ("to_accepted", "to_started")),
    )


def _spans(cases: Sequence[Case], *, first_day: bool) -> list[tuple[date, date]]:
    """From the opening to the acceptance or the first day; a day before the opening is no time to fill."""
    ends = ((case.opens_on, case.started_on if first_day else case.answered_on) for case in cases)
    return [(opens, end) for opens, end in ends if end is not None and end >= opens]


def scarcity(held: Held, rows: Sequence[Scarce], names: Mapping[str, str], *, sees: bool) -> Table:
    """What a round's prices say was scarce, the dearest competency first."""
    priced = held.run.method is Method.OPTIMUM
    return Table(
        key="scarcity",
        title=_l("Scarce competencies"),
        definition=_l(
            "What each filled seat of «%(round)s» cost, by the prices of its run, shared among the competencies that "
            "the position asks for, by their weights: each competency's part in all that was paid. Nothing, where "
            "it was there in plenty, or asked for where seats stayed free. Beside it the seats that asked for it, "
            "the lowest level asked for, and the students of the round who have that.",
            round=held.round.name,
        ),
        note=" ".join(
            str(text)
            for text in (
                LEVELS,
                "" if priced else _l("This run used deferred acceptance, which has no prices."),
                "" if sees else FEW_NOTE,
            )
            if text
        ),
        columns=(
            Column("competency", _l("Competency"), Kind.TEXT),
            Column("share", _l("Part in the price of all seats"), Kind.SHARE),
            Column("seats", _l("Seats that ask for it")),
            Column("level", _l("Lowest level asked for")),
            Column("able", _l("Students who have that")),
        ),
        rows=tuple(
            (
                Cell(
                    names.get(row.competency, row.competency),
                    *(("offers.scarcity", {"round_id": held.round.id}) if sees else ()),
                ),
                Cell(row.share if priced else None),
                Cell(row.seats),
                Cell(row.level),
                Cell(HIDDEN if _tells_few(row.able, held.run.students, sees=sees) else row.able),
            )
            for row in rows
        ),
        chart=Chart("bar", "competency", ("share",), percent=True) if priced else None,
    )


def _tells_few(able: int, everybody: int, *, sees: bool) -> bool:
    """Whether who is able, or who of them all is not, are too few to be told."""
    return not sees and any(0 < count < FEW for count in (able, everybody - able))


def training(needs: Sequence[Need], parts: Mapping[str, float], names: Mapping[str, str], *, sees: bool) -> Table:
    """Training on show against what positions on show ask for, the least covered first; parts: of `scarcity`."""

    def people(need: Need, *counts: int) -> list[Cell]:
        """Who has and who lacks it sum up to all who are free, so that few of either withhold both."""
        few = not sees and any(0 < count < FEW for count in (need.able, need.lacking))
        return [Cell(HIDDEN if few else count) for count in counts]

    return Table(
        key="training",
        title=_l("Training against need"),
        definition=_l(
            "Today. Seats of positions on show that ask for the competency, and the mean level that they ask for; "
            "rounded to a whole level, that is what «have it», «lack it» and «teach it» mean. Who has or lacks it: "
            "students who are free for a round. Free training seats: of open resources that teach it to that level. "
            "Not covered: seats for which there is neither a free student who has it nor a training seat."
        ),
        note=" ".join(str(text) for text in (LEVELS, "" if sees else TOLD_NOTE) if text),
        columns=(
            Column("competency", _l("Competency"), Kind.TEXT),
            Column("seats", _l("Seats that ask for it")),
            Column("level", _l("Mean level"), Kind.NUMBER),
            Column("able", _l("Free students who have it")),
            Column("lacking", _l("Free students who lack it")),
            Column("resources", _l("Open resources")),
            Column("training", _l("Free training seats")),
            Column("uncovered", _l("Not covered")),
            Column("share", _l("Part in the price of all seats"), Kind.SHARE),
        ),
        rows=tuple(
            (
                Cell(names.get(need.code, need.code)),
                Cell(need.seats, "deposits.positions", {"competency": need.code, "state": "show"}),
                Cell(need.mean),
                *people(need, need.able, need.lacking),
                Cell(need.resources, "resources.resources", {"competency": need.code, "state": "open"}),
                Cell(need.training),
                *people(need, need.uncovered),
                Cell(parts.get(need.code)),
            )
            for need in needs
        ),
        chart=Chart("bar", "competency", ("seats", "able", "training")),
    )
