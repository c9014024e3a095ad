"""A university's figures: its cohorts compared, one cohort's destinations, days to placement, retention and reasons.

The university sees its own people, so nothing is withheld; rates of few people carry their interval.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from talentbank.engine.indicators import KNOWLEDGE_GOAL, Share, Turnover
from talentbank.extensions import lazy_gettext as _l
from talentbank.insight.cohorts.records import BAND, LAST_BAND, Group, Record, Step, graduated, latest
from talentbank.insight.tables import SURE, Cell, Chart, Column, Kind, Table
from talentbank.placements.destinations.forms import KIND_LABELS, KNOWN_LABELS, PART_LABELS
from talentbank.placements.destinations.models import DestinationKind
from talentbank.placements.destinations.queries import Known, Part
from talentbank.placements.forms import REASON_LABELS
from talentbank.placements.models import CHECK_IN_DAYS

GOAL = f"{KNOWLEDGE_GOAL:.0%}".replace("%", " %")

GROUP_LABELS: dict[Group, object] = {
    Group.BANK: PART_LABELS[Part.BANK],
    Group.ELSEWHERE: PART_LABELS[Part.ELSEWHERE],
    **{Group(kind.value): label for kind, label in KIND_LABELS.items() if kind is not DestinationKind.CBEC},
    Group.WAITING: KNOWN_LABELS[Known.WAITING],
    Group.NOTHING: PART_LABELS[Part.NOTHING],
}

THERE = dict(zip(CHECK_IN_DAYS, (Step.THERE_90, Step.THERE_180, Step.THERE_365), strict=True))

STEP_LABELS = {
    Step.STARTED: _l("Placed by the bank"),
    Step.TIMED: _l("Days to placement known"),
    Step.EMPLOYED: _l("Still employed"),
    Step.THERE_90: _l("Still there after 90 days"),
    Step.THERE_180: _l("Still there after 180 days"),
    Step.THERE_365: _l("Still there after 365 days"),
    Step.LEFT: _l("Left"),
    Step.LEFT_YEAR: _l("Left in the last 365 days"),
}

NO_PLACEMENT = _l("An internship or a practice credit is never a placement.")
NACE = _l(
    "Counted after NACE, «Standards and Protocols for the Collection and Dissemination of Graduating Student Initial "
    "Career Outcomes Information» (2014), which wants at least %(goal)s known. Its career outcomes rate is wider: it "
    "counts other work, service and further study too.",
    goal=GOAL,
)


@dataclass(frozen=True, slots=True)
class Summary:
    """One cohort in the figures that are asked for first."""

    cohort: int
    graduates: int
    placed: int
    knowledge: Share
    placement: Share
    sound: bool
    median: float | None
    timed: int
    stayed: Share
    turnover: Turnover

    @property
    def goal(self) -> str:
        """The knowledge rate below which the placement rate is not to be relied on, as a text."""
        return GOAL


def summary(record: Record, cohort: int, day: date) -> Summary:
    """A cohort in short; retention is that of 180 days."""
    own = record.of(cohort)
    return Summary(
        cohort=cohort,
        graduates=len(own.people),
        placed=own.placement.numerator,
        knowledge=own.knowledge,
        placement=own.placement,
        sound=own.sound,
        median=own.median,
        timed=len(own.listed(Step.TIMED, day)),
        stayed=own.stayed(180, day),
        turnover=own.turnover(day),
    )


def chosen(record: Record, asked: int | None, day: date) -> int | None:
    """The cohort asked for if there is one, else the latest that has graduated."""
    return asked if asked in record.cohorts else latest(record.cohorts, day)


def unsound(record: Record, day: date) -> list[tuple[int, Share]]:
    """The cohorts that have graduated and of which too little is known, with the share that is."""
    left = [cohort for cohort in record.cohorts if graduated(cohort, day)]
    return [(cohort, record.of(cohort).knowledge) for cohort in left if not record.of(cohort).sound]


def tables(record: Record, cohort: int, day: date) -> list[Table]:
    """The figures of the graduates, in the page's order."""
    own = record.of(cohort)
    return [
        rates(record, day),
        destinations(own, cohort),
        time_to_placement(own, cohort),
        retention(record, day),
        reasons(own, cohort, day),
    ]


def rates(record: Record, day: date) -> Table:
    """The cohorts beside each other: knowledge rate, placement rate, median days to placement."""
    return Table(
        key="rates",
        title=_l("The cohorts compared"),
        definition=_l(
            "Graduates: students by the year of graduation in their profile, from September before that year on. "
            "Knowledge rate: graduates whose destination is known, of all. Placement rate: graduates employed in "
            "cross-border e-commerce, through the bank or as they recorded or confirmed it themselves, of those "
            "whose destination is known. Days to placement: from the opening of the first round with the student "
            "in it to the first day in the first position; who began before it is left out. %(never)s %(nace)s",
            never=NO_PLACEMENT,
            nace=NACE,
        ),
        columns=(
            Column("cohort", _l("Cohort"), Kind.TEXT),
            Column("graduates", _l("Graduates")),
            Column("knowledge", _l("Knowledge rate"), Kind.SHARE),
            Column("placement", _l("Placement rate"), Kind.SHARE),
            Column("sound", _l("To be relied on?"), Kind.TEXT),
            Column("median", _l("Median days to placement"), Kind.DAYS),
            Column("timed", _l("People in the median")),
        ),
        rows=tuple(_rates(record.of(cohort), cohort, day) for cohort in reversed(record.cohorts)),
        total=_rates(record, None, day) if len(record.cohorts) > 1 else None,
        chart=Chart(
            "bar",
            "cohort",
            ("knowledge", "placement"),
            ((_l("Least knowledge rate: %(goal)s", goal=GOAL), KNOWLEDGE_GOAL),),
            percent=True,
        ),
    )


def _rates(own: Record, cohort: int | None, day: date) -> tuple[Cell, ...]:
    return (
        Cell(_named(cohort, day)),
        Cell(len(own.people), "destinations.destinations", _at(cohort)),
        Cell(own.knowledge, "destinations.destinations", _at(cohort, kind=Known.KNOWN.value)),
        Cell(own.placement, "destinations.destinations", _at(cohort, kind=DestinationKind.CBEC.value)),
        Cell(_relied(own, cohort, day)),
        Cell(own.median),
        _placed(own, Step.TIMED, cohort, day),
    )


def destinations(own: Record, cohort: int) -> Table:
    """What a cohort's graduates do."""
    return Table(
        key="destinations",
        title=_l("Where the graduates of %(cohort)s are", cohort=cohort),
        definition=_l(
            "Each graduate once. An employment that the bank placed somebody in goes before every record, also once "
            "it has ended. What the university recorded counts as known only once the student has confirmed it."
        ),
        note=NO_PLACEMENT,
        columns=(
            Column("group", _l("Destination"), Kind.TEXT),
            Column("people", _l("Graduates")),
            Column("share", _l("Of all graduates"), Kind.SHARE),
        ),
        rows=tuple(
            (
                Cell(GROUP_LABELS[group]),
                Cell(count, "destinations.destinations", _at(cohort, kind=group.value)),
                Cell(Share(count, len(own.people))),
            )
            for group, count in own.groups().items()
        ),
        total=(
            Cell(_l("All")),
            Cell(len(own.people), "destinations.destinations", _at(cohort)),
            Cell(Share(len(own.people), len(own.people))),
        ),
        chart=Chart("funnel", "group", ("people",)),
    )


def time_to_placement(own: Record, cohort: int) -> Table:
    """How many of a cohort were placed within how many days."""
    bands = own.bands()
    at = {"cohort": cohort, "step": Step.TIMED.value}
    return Table(
        key="days",
        title=_l("Days to placement, %(cohort)s", cohort=cohort),
        definition=_l(
            "Graduates whom the bank placed, by the days from the opening of the first round with them in it to the "
            "first day in the first position. The median is the middle one of them, or lies between the two there."
        ),
        note=_l("Median in days: %(days)s; people in it: %(people)s.", days=f"{own.median:g}", people=sum(bands))
        if own.median is not None
        else "",
        columns=(
            Column("band", _l("Days"), Kind.TEXT),
            Column("people", _l("People")),
        ),
        rows=tuple(
            (Cell(band_label(band)), Cell(count, "cohorts.placed", {**at, "band": band}))
            for band, count in enumerate(bands)
        ),
        total=(Cell(_l("All")), Cell(sum(bands), "cohorts.placed", at)),
        chart=Chart("bar", "band", ("people",)),
    )


def retention(record: Record, day: date) -> Table:
    """Who is still there after 90, 180 and 365 days, and who left within a year, by cohort."""

    def row(own: Record, cohort: int | None) -> tuple[Cell, ...]:
        return (
            Cell(_named(cohort, day)),
            _placed(own, Step.STARTED, cohort, day),
            _placed(own, Step.EMPLOYED, cohort, day),
            *(
                Cell(own.stayed(days, day), "cohorts.placed", _at(cohort, step=step.value))
                for days, step in THERE.items()
            ),
            Cell(own.turnover(day), "cohorts.placed", _at(cohort, step=Step.LEFT_YEAR.value)),
        )

    return Table(
        key="retention",
        title=_l("Retention and turnover"),
        definition=_l(
            "Employments that the bank placed graduates in. Still there: they went on for 90, 180 or 365 days after "
            "the first, of those that started so long ago or longer; of fewer than %(few)s the 95 %% interval "
            "(Wilson) stands below. Turnover: people who left in the last 365 days, of the average number employed "
            "on each of those days.",
            few=SURE,
        ),
        note=NO_PLACEMENT,
        columns=(
            Column("cohort", _l("Cohort"), Kind.TEXT),
            Column("placed", STEP_LABELS[Step.STARTED]),
            Column("employed", STEP_LABELS[Step.EMPLOYED]),
            *(Column(step.value, STEP_LABELS[step], Kind.SHARE) for step in THERE.values()),
            Column("turnover", _l("Turnover"), Kind.SHARE),
        ),
        rows=tuple(row(record.of(cohort), cohort) for cohort in reversed(record.cohorts)),
        total=row(record, None) if len(record.cohorts) > 1 else None,
        chart=Chart("bar", "cohort", tuple(step.value for step in THERE.values()), percent=True),
    )


def reasons(own: Record, cohort: int, day: date) -> Table:
    """Why people of a cohort left."""
    at = {"cohort": cohort, "step": Step.LEFT.value}
    counts = own.reasons(day)
    gone = sum(counts.values())
    return Table(
        key="reasons",
        title=_l("Why people left, %(cohort)s", cohort=cohort),
        definition=_l(
            "Employments through the bank that have ended, by the reason that weighed most for the side that "
            "recorded the end."
        ),
        columns=(
            Column("reason", _l("Reason"), Kind.TEXT),
            Column("people", _l("Left")),
            Column("share", _l("Of all who left"), Kind.SHARE),
        ),
        rows=tuple(
            (
                Cell(REASON_LABELS[reason]),
                Cell(count, "cohorts.placed", {**at, "reason": reason.value}),
                Cell(Share(count, gone)),
            )
            for reason, count in counts.items()
        ),
        total=(Cell(_l("All")), Cell(gone, "cohorts.placed", at), Cell(Share(gone, gone))),
        chart=Chart("funnel", "reason", ("people",)),
    )


def band_label(band: int) -> object:
    """The days of a band: «30–59»."""
    if band == LAST_BAND:
        return _l("%(days)s or more", days=band * BAND)
    return f"{band * BAND}–{(band + 1) * BAND - 1}"


def _relied(own: Record, cohort: int | None, day: date) -> object:
    if own.sound:
        return _l("yes")
    if cohort is not None and not graduated(cohort, day):
        return _l("too early")
    return _l("no: less than %(goal)s known", goal=GOAL)


def _named(cohort: int | None, day: date) -> object:
    if cohort is None:
        return _l("All cohorts")
    return str(cohort) if graduated(cohort, day) else _l("%(year)s, still studying", year=cohort)


def _at(cohort: int | None, **values: Any) -> dict[str, Any]:
    return values if cohort is None else {"cohort": cohort, **values}


def _placed(own: Record, step: Step, cohort: int | None, day: date) -> Cell:
    return Cell(len(own.listed(step, day)), "cohorts.placed", _at(cohort, step=step.value))
