"""What employers ask that a university's students lack, a competency each, over plain values: no database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from talentbank.engine.indicators import Share
from talentbank.extensions import lazy_gettext as _l
from talentbank.insight import levels
from talentbank.insight.tables import Cell, Chart, Column, Kind, Table


@dataclass(frozen=True)
class Asked:
    """A competency as employers ask for it and students have it.

    seats: how many seats ask for which level, 1..5. claimed, verified: how many of the students have which level;
    claimed is the higher of what is claimed and what is verified. students: all of them, those without any level too.
    resources: how many training resources that are not over teach it.
    """

    code: str
    name: str
    seats: Mapping[int, int]
    claimed: Mapping[int, int]
    verified: Mapping[int, int]
    students: int
    resources: int

    @cached_property
    def demand(self) -> int:
        """Seats that ask for it, at any level."""
        return sum(self.seats.values())

    @cached_property
    def mean(self) -> float:
        """The mean level asked, each seat counted once. ValueError where no seat asks for it."""
        return levels.mean(self.seats)

    @property
    def level(self) -> int:
        """The mean level as a level: rounded, a half upwards."""
        return levels.whole(self.mean)

    def reaching(self, people: Mapping[int, int], level: int) -> Share:
        """The students who have a level or a higher one, of all."""
        return Share(levels.reaching(people, level), self.students)

    @cached_property
    def missing(self) -> float | None:
        """Seats whose level is out of a student's reach, on the average of all students; None without students.

        Σ over seats of the share of students below the seat's level: 0 if everybody reaches every seat, all seats if
        nobody reaches any. It does not hang on how many students the university has.
        """
        if not self.students:
            return None
        reached = {level: levels.reaching(self.claimed, level) for level in self.seats}
        return sum(seats * (self.students - reached[level]) for level, seats in self.seats.items()) / self.students


def ordered(asked: Sequence[Asked]) -> list[Asked]:
    """What is asked, the greatest lack first; without students, what most seats ask for."""
    return sorted((one for one in asked if one.demand), key=lambda one: (-(one.missing or 0), -one.demand, one.code))


def table(asked: Sequence[Asked]) -> Table:
    """The competencies that seats ask for, the greatest lack first."""
    return Table(
        key="lack",
        title=_l("What employers ask that our students lack"),
        definition=_l(
            "Seats of the positions on show and of those that took part in a round opened in the last 365 days, each "
            "position once. Students: all of the university who would take part in a round now. At that level: with "
            "the mean level asked, rounded, or a higher one; claimed counts a verified level too. Seats out of "
            "reach: each seat counts with the share of students whose level is below the one that it asks for."
        ),
        columns=(
            Column("competency", _l("Competency"), Kind.TEXT),
            Column("seats", _l("Seats that ask for it")),
            Column("level", _l("Mean level asked"), Kind.NUMBER),
            Column("claimed", _l("Students at that level, claimed"), Kind.SHARE),
            Column("verified", _l("Students at that level, verified"), Kind.SHARE),
            Column("missing", _l("Seats out of reach"), Kind.NUMBER),
            Column("resources", _l("Training open now")),
        ),
        rows=tuple(_row(one) for one in ordered(asked)),
        chart=Chart("funnel", "competency", ("missing",)),
    )


def _row(one: Asked) -> tuple[Cell, ...]:
    at = {"competency": one.code, "level": one.level}
    return (
        Cell(one.name),
        Cell(one.demand, "cohorts.asked", {"competency": one.code}),
        Cell(one.mean),
        Cell(one.reaching(one.claimed, one.level), "cohorts.reaching", {**at, "on": "claimed"}),
        Cell(one.reaching(one.verified, one.level), "cohorts.reaching", {**at, "on": "verified"}),
        Cell(one.missing),
        Cell(one.resources, "resources.resources", {"competency": one.code, "state": "open"}),
    )
