"""The market on files: students.csv and positions.csv in; matches.csv, positions.csv and report.json out.

Nothing here needs a database. The columns are those of the README's chapter on the `match` command.
"""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from talentbank.engine.assignment import Progress, Result, Stopped, solve
from talentbank.engine.competency import Candidate, Opening
from talentbank.engine.policy import UNIT, Objective, Policy
from talentbank.engine.problem import Problem, pose
from talentbank.engine.scoring import DECIMALS
from talentbank.errors import Invalid
from talentbank.exchange import cells
from talentbank.exchange.results import write_together
from talentbank.exchange.tables import Problems, Row, Table, open_table, shown
from talentbank.extensions import lazy_gettext as _l

STUDENT_COLUMNS = ("id", "name", "categories", "cities", "min_salary", "competencies")
VERIFIED = "verified"
POSITION_COLUMNS = ("id", "enterprise", "title", "category", "city", "headcount", "max_salary", "requirements")

MATCHES, POSITIONS, REPORT = "matches.csv", "positions.csv", "report.json"

MOST_SCORE = UNIT
"""A score is from 0 to 1; what is far beyond was not meant as one."""

ROWS_A_TICK = 1000
"""Rows that are read between two words of progress."""

Tick = Callable[[float], object]
"""Hears the share that is read."""

T = TypeVar("T")
Entry = TypeVar("Entry", Candidate, Opening)


@dataclass(frozen=True, slots=True)
class Market:
    """Both files as the engine takes them, in the order of their rows; notes are what a person should know."""

    candidates: tuple[Candidate, ...]
    openings: tuple[Opening, ...]
    notes: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What report.json says.

    certificate is the largest violation of the optimality conditions, in whole 1/UNIT; seed is what the draw between
    equally good matchings hung on; under objective «placements» bonus is what each placed person adds to the
    objective, and prices are in its units.
    """

    students: int
    positions: int
    seats: int
    eligible_pairs: int
    matched: int
    total_score: float
    objective: Objective
    certificate: int
    seconds: float
    trust: float
    min_score: float
    seed: str
    bonus: float | None

    def as_json(self) -> str:
        """The report as a JSON object, one key a line; without a bonus under objective «score»."""
        values = {name: getattr(self, name) for name in self.__slots__}
        if self.bonus is None:
            del values["bonus"]
        return json.dumps(values, indent=2) + "\n"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A matching that was written."""

    report: Report
    notes: tuple[object, ...]


def match_files(
    students: Path,
    positions: Path,
    out: Path,
    *,
    objective: Objective = "score",
    trust: float = 0.5,
    min_score: float = 0.0,
    seed: str = "",
    progress: Progress | None = None,
) -> Outcome:
    """Match the students of one file to the positions of another and write the results into the folder out.

    Ids are written exactly as they were read, even where a spreadsheet would take one for a formula
    (`=…`), so that the results can be joined with the files. Scores and prices have as many decimals as
    the engine's scores, so that the written scores add up to the total. progress hears the phase «read»,
    then those of `solve`. Raises Invalid, and Stopped if progress returns False; then nothing is written,
    and what the folder held is still there.
    """
    started = time.perf_counter()
    policy = _policy(objective, trust, min_score, seed)
    _check_out(out, (students, positions))
    problem, notes = _posed(students, positions, progress)
    result = solve(problem, policy, progress)
    report = Report(
        students=problem.students,
        positions=problem.positions,
        seats=int(problem.headcount.sum()),
        eligible_pairs=int(result.eligible.sum()),
        matched=result.matched,
        total_score=result.total / UNIT,
        objective=objective,
        certificate=result.certificate,
        seconds=round(time.perf_counter() - started, 3),
        trust=trust,
        min_score=min_score,
        seed=seed,
        bonus=result.bonus / UNIT if objective == "placements" else None,
    )
    write_together(
        out,
        {
            MATCHES: _csv("student_id,position_id,score,fit", _matches(problem, result)),
            POSITIONS: _csv("id,headcount,filled,price", _positions(problem, result)),
            REPORT: report.as_json(),  # the last to appear, so that it speaks for the two others
        },
    )
    return Outcome(report, notes)


def _posed(students: Path, positions: Path, progress: Progress | None) -> tuple[Problem, tuple[object, ...]]:
    """Both files as the matcher takes them, and the notes; the values between are kept no longer than that."""

    def tick(share: float) -> None:
        if progress is not None and progress("read", share) is False:
            raise Stopped

    market = read_market(students, positions, tick)
    return pose(market.candidates, market.openings), market.notes


def read_market(students: Path, positions: Path, tick: Tick = lambda share: None) -> Market:
    """Read both files. Raises Invalid with what is wrong in either, row by row."""
    with (
        open_table(students, STUDENT_COLUMNS, (VERIFIED,)) as student_table,
        open_table(positions, POSITION_COLUMNS) as position_table,
    ):
        tables = (student_table, position_table)
        problems, size = Problems(), sum(table.size for table in tables)

        def read() -> None:
            tick(sum(table.done for table in tables) / size)

        candidates = _entries(student_table, _candidate, problems, read)
        openings = _entries(position_table, _opening, problems, read)
        problems.refuse()
        notes = tuple(
            _l(
                "%(file)s: columns that are not used: %(columns)s",
                file=table.file,
                columns=", ".join(shown(name) for name in table.ignored),
            )
            for table in tables
            if table.ignored
        )
        return Market(candidates, openings, notes)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the cells of one row; what can't be read becomes a problem, and empty stands in until all is read."""

    row: Row
    problems: Problems

    def __call__(self, column: str, parse: Callable[[str], T], empty: T) -> T:
        try:
            return parse(self.row[column])
        except Invalid as refusal:
            self.problems.add(self.row.problem(column, refusal.message))
            return empty


def _candidate(read: _Reader) -> Candidate:
    return Candidate(
        id=read("id", cells.identity, ""),
        categories=read("categories", cells.categories, frozenset()),
        cities=read("cities", cells.cities, frozenset()),
        min_salary=read("min_salary", cells.floor_salary, 0),
        claimed=read("competencies", cells.levels, {}),
        verified=read(VERIFIED, cells.levels, {}),
    )


def _opening(read: _Reader) -> Opening:
    return Opening(
        id=read("id", cells.identity, ""),
        category=read("category", cells.category, ""),
        city=read("city", cells.city, ""),
        headcount=read("headcount", cells.headcount, 0),
        max_salary=read("max_salary", cells.top_salary, 0),
        requirements=read("requirements", cells.requirements, ()),
    )


def _entries(
    table: Table, build: Callable[[_Reader], Entry], problems: Problems, read: Callable[[], None]
) -> tuple[Entry, ...]:
    """Every row as a value; ids that differ only in outer space are the same. read is called now and then."""
    entries: list[Entry] = []
    first: dict[str, int] = {}
    for row in table.rows(problems):
        if len(entries) % ROWS_A_TICK == 0:
            read()
        entry = build(_Reader(row, problems))
        entries.append(entry)
        earlier = first.setdefault(entry.id.strip(), row.number) if entry.id else row.number
        if earlier != row.number:
            sentence = _l(
                "the id %(id)s already stands in row %(earlier)s; give each row one of its own",
                id=shown(entry.id),
                earlier=earlier,
            )
            problems.add(row.problem("id", sentence))
    read()
    return tuple(entries)


def _policy(objective: Objective, trust: float, min_score: float, seed: str) -> Policy:
    """The options as a policy. Raises Invalid with what to choose instead."""
    if not 0 <= trust <= 1:
        raise Invalid(_l("trust is %(value)s: choose a number from 0 to 1", value=trust))
    if not abs(min_score) <= MOST_SCORE:  # NaN is not
        raise Invalid(
            _l("min-score is %(value)s: choose a number from -%(most)s to %(most)s", value=min_score, most=MOST_SCORE)
        )
    if not seed.isprintable():
        raise Invalid(_l("the seed %(value)s can't be printed: choose another text", value=shown(seed)))
    return Policy(objective=objective, trust=trust, min_score=min_score, seed=seed)


def _check_out(out: Path, inputs: Iterable[Path]) -> None:
    """positions.csv is both read and written: a folder in which it would fall on what was read is refused."""
    for source in inputs:
        for name in (MATCHES, POSITIONS, REPORT):
            try:
                same = (out / name).samefile(source)
            except (OSError, ValueError):
                continue  # one of the two isn't there
            if same:
                raise Invalid(
                    _l("%(file)s would be overwritten by the results: choose another folder for them", file=source)
                )


def _matches(problem: Problem, result: Result) -> Iterable[tuple[object, ...]]:
    """Files name no wishes, so that the score is the fit."""
    for student, j, units in zip(problem.student_ids, result.position.tolist(), result.score.tolist(), strict=True):
        if j >= 0:
            score = _decimal(units)
            yield student, problem.position_ids[j], score, score


def _positions(problem: Problem, result: Result) -> Iterable[tuple[object, ...]]:
    columns = (problem.position_ids, problem.headcount.tolist(), result.filled.tolist(), result.price.tolist())
    for position, headcount, filled, price in zip(*columns, strict=True):
        yield position, headcount, filled, _decimal(price)


def _decimal(units: int) -> str:
    """1/UNIT as a number without exponent and without zeros at its end, exactly."""
    return f"{Decimal(units).scaleb(-DECIMALS).normalize():f}"


def _csv(header: str, rows: Iterable[tuple[object, ...]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header.split(","))
    writer.writerows(rows)
    return text.getvalue()
