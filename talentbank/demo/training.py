"""The demo bank's term of practice, composed from one seed like the rest: resources, enrolments, and their logs.

Days are counted from the day on which the bank is built: −7 is a week before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from talentbank.demo import words
from talentbank.demo.dice import Dice
from talentbank.demo.recipe import UNIVERSITIES, DemoStudent, digest_of

VISITED = (1, 2, 6)
"""Training of the enterprise that visitors sign in as: a project and an internship, and a project in design."""
HOSTED = {0: ("zone", 0), 5: ("university", 0), 14: ("university", 1)}
"""Training that others than enterprises deposit."""
AGAIN = (1, 2, 6, 7, 11, 12, 15, 17)
"""Training that a second enterprise offers as well."""
PARTICIPANTS = 120
MOST_OF_THE_FIRST = 600
"""Up to here every student of the first university takes part, so that its page has something to show."""

FINISHED, RUNNING, TO_COME = (-110, -12), (-100, 50), (10, 70)
OVERDUE = 8
"""Days after which a log has waited too long."""


@dataclass(frozen=True, slots=True)
class DemoResource:
    """A training resource; owner is a kind of organisation and an index, teaches (competency code, level)."""

    owner: tuple[str, int]
    kind: str
    tier: str
    category: str
    title_zh: str
    title_en: str
    description: str
    hours: int
    seats: int
    chosen: bool
    credits: int
    starts: int
    ends: int
    teaches: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class DemoLog:
    """A stretch of practice; starts in minutes after midnight."""

    day: int
    starts: int
    minutes: int
    done: str
    competencies: tuple[str, ...]
    state: str


@dataclass(frozen=True, slots=True)
class DemoEnrolment:
    """A student on a resource, both by index; statement: "", "unanswered", "agreed" or "disagreed"."""

    student: int
    resource: int
    state: str
    asked: int
    logs: tuple[DemoLog, ...] = ()
    statement: str = ""


@dataclass(frozen=True, slots=True)
class Training:
    """A term of practice."""

    resources: tuple[DemoResource, ...]
    enrolments: tuple[DemoEnrolment, ...]

    @property
    def digest(self) -> str:
        """SHA-256 of the contents as canonical JSON."""
        return digest_of(asdict(self))


def compose(students: Sequence[DemoStudent], enterprises: int, seed: int) -> Training:
    """The term of a seed; a dice of its own, so that positions and students stay as they are."""
    dice = Dice(seed)
    resources = _resources(dice, enterprises)
    return Training(tuple(resources), tuple(_enrolments(dice, students, resources)))


def _resources(dice: Dice, enterprises: int) -> list[DemoResource]:
    rows = words.rows("training")
    made = []
    for turn, place in enumerate([*range(len(rows)), *AGAIN]):
        first = turn == place
        owner = ("enterprise", 0 if first and place in VISITED else (7 * turn + 3) % enterprises)
        row = rows[place]
        starts, ends = RUNNING
        if row["kind"] == "mentoring" and row["tier"] == "executive":
            starts, ends = TO_COME
        elif place % 5 == 1 or not first:
            starts, ends = FINISHED
        made.append(
            DemoResource(
                owner=HOSTED.get(place, owner) if first else owner,
                kind=row["kind"],
                tier=row["tier"],
                category=row["category"],
                title_zh=row["title_zh"],
                title_en=row["title_en"],
                description=row["work_zh"],
                hours=int(row["hours"]),
                seats=2 if row["kind"] == "mentoring" else 6 + dice.below(7),
                chosen=row["kind"] == "internship",
                credits=6000 + 1000 * dice.below(5),
                starts=starts,
                ends=ends,
                teaches=_teaches(row["teaches"]),
            )
        )
    return made


def _teaches(text: str) -> tuple[tuple[str, int], ...]:
    pairs = (part.split(":") for part in text.split(";"))
    return tuple((code, int(level)) for code, level in pairs)


def _enrolments(dice: Dice, students: Sequence[DemoStudent], resources: list[DemoResource]) -> list[DemoEnrolment]:
    """Everybody who takes part gets one or two resources in a category that they accept; seats may run out."""
    held = dict.fromkeys(range(len(resources)), 0)
    made = _of_the_star(dice, resources, held)
    beginning = _beginning(held)
    taken = {(enrolment.student, enrolment.resource) for enrolment in beginning}
    for place, student in enumerate(students[1:MOST_OF_THE_FIRST], start=1):
        if place > PARTICIPANTS and student.university != 0:
            continue
        days: set[int] = set()
        fitting = [r for r, resource in enumerate(resources) if resource.category in student.categories]
        for index in dice.some_of(fitting, 1 + dice.happens(0.3)):
            if (place, index) not in taken:
                made.append(_enrolment(dice, place, index, resources[index], held, days))
    return made + beginning


def _enrolment(
    dice: Dice, student: int, index: int, resource: DemoResource, held: dict[int, int], days: set[int]
) -> DemoEnrolment:
    asked = max(resource.starts, RUNNING[0]) - 5 + dice.below(6) if resource.starts < 0 else -1 - dice.below(9)
    if resource.starts > 0 and resource.chosen:
        return DemoEnrolment(student, index, "asked", asked)
    if (resource.starts, resource.ends) == FINISHED:
        if held[index] >= resource.seats:
            return DemoEnrolment(student, index, "refused", asked)
        held[index] += 1
        logs = _logs(dice, resource, days)
        statement = dice.one_of(["agreed"] * 8 + ["disagreed", "unanswered"]) if logs else ""
        return DemoEnrolment(student, index, "finished" if logs else "left", asked, logs, statement)
    if held[index] >= resource.seats:
        return DemoEnrolment(student, index, "waiting", asked)
    if resource.chosen and dice.happens(0.2):
        return DemoEnrolment(student, index, "asked", -1 - dice.below(6))
    held[index] += 1
    return DemoEnrolment(student, index, "accepted", asked, _logs(dice, resource, days))


def _beginning(held: dict[int, int]) -> list[DemoEnrolment]:
    """Of the first university: who has just got a seat on the visited internship, and who asks for one."""
    internship = VISITED[1]
    held[internship] += 1
    return [
        DemoEnrolment(2 * UNIVERSITIES, internship, "accepted", -4),
        DemoEnrolment(UNIVERSITIES, internship, "asked", -2),
    ]


def _of_the_star(dice: Dice, resources: list[DemoResource], held: dict[int, int]) -> list[DemoEnrolment]:
    """The student whom visitors sign in as: a project done, an internship that goes on, a place in a queue."""
    project, internship = VISITED[0], VISITED[1]
    mentoring = next(r for r, resource in enumerate(resources) if resource.kind == "mentoring")
    days: set[int] = set()
    done = [log for log in _logs(dice, resources[project], days) if log.state == "confirmed"]
    going = _logs(dice, resources[internship], days)[:-2]
    taught = tuple(code for code, _ in resources[internship].teaches)
    texts = _texts(resources[internship].category)
    recent = [
        DemoLog(-9, 840, 240, texts[5], taught[:1], "submitted"),
        DemoLog(-3, 540, 210, texts[2], taught, "sent_back"),
        DemoLog(-2, 540, 240, texts[3], taught[:1], "submitted"),
        DemoLog(-1, 840, 180, texts[4], taught[:1], "draft"),
    ]
    kept = [log for log in going if log.day < -9]
    held[project] += 1
    held[internship] += 1
    return [
        DemoEnrolment(0, project, "finished", -108, tuple(done), "unanswered"),
        DemoEnrolment(0, internship, "accepted", -99, (*kept, *recent)),
        DemoEnrolment(0, mentoring, "waiting", -6),
    ]


def _texts(category: str) -> list[str]:
    return [row["done_zh"] for row in words.rows("work") if row["category"] == category]


def _logs(dice: Dice, resource: DemoResource, days: set[int]) -> tuple[DemoLog, ...]:
    """Logs a few days apart until the hours are full; days: those on which the student did something already."""
    texts, codes = _texts(resource.category), [code for code, _ in resource.teaches]
    day, left, made = max(resource.starts, RUNNING[0]) + 1 + dice.below(12), 60 * resource.hours, []
    while day <= min(-1, resource.ends) and left > 0:
        if day not in days:
            days.add(day)
            minutes = min(left, 30 * (4 + dice.below(9)))
            competencies = codes if dice.happens(0.7) else [dice.one_of(codes)]
            made.append(DemoLog(day, 540, minutes, dice.one_of(texts), tuple(competencies), _state_after(dice, -day)))
            left -= minutes
        day += 3 + dice.below(5)
    return tuple(made)


def _state_after(dice: Dice, days: int) -> str:
    """Where a log stands so many days after the practice."""
    if days > 40:
        return "rejected" if dice.happens(0.02) else "declined" if dice.happens(0.03) else "confirmed"
    if days > 20:
        return "verified" if dice.happens(0.4) else "confirmed"
    if days > OVERDUE:
        return "submitted" if dice.happens(0.15) else "verified"
    return "sent_back" if dice.happens(0.1) else "submitted"
