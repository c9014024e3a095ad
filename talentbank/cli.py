"""The commands: each calls a service and says in one or two lines what came of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NoReturn, TextIO

import click
from flask import Flask
from flask.cli import with_appcontext
from flask_babel import force_locale

from talentbank.engine.assignment import Objective
from talentbank.errors import Refusal
from talentbank.exchange.match import Outcome, match_files
from talentbank.extensions import gettext as _

BAD_INPUT = 2
"""The exit code of a command that can't use what it was given, as click has it."""


def register(app: Flask) -> None:
    """Add the commands to `flask --app wsgi`."""
    app.cli.add_command(match)


def terminal_language(environ: Mapping[str, str]) -> Literal["zh", "en"]:
    """The language of the terminal, as POSIX orders its variables: Chinese or else English."""
    chosen = next((environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environ.get(name)), "")
    return "zh" if chosen.casefold().startswith("zh") else "en"


@click.command()
@click.argument("students", type=click.Path(path_type=Path))
@click.argument("positions", type=click.Path(path_type=Path))
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="Folder for the results; made if missing."
)
@click.option(
    "--objective",
    type=click.Choice(["score", "placements"]),
    default="score",
    show_default=True,
    help="The highest total score, or first as many people as possible.",
)
@click.option("--trust", type=float, default=0.5, show_default=True, help="Weight of verified levels, 0 to 1.")
@click.option("--min-score", type=float, default=0.0, show_default=True, help="Pairs that score less are ruled out.")
@with_appcontext
def match(
    students: Path, positions: Path, *, out: Path, objective: Objective, trust: float, min_score: float
) -> None:
    """Match the students of one CSV file to the positions of another, without a database.

    Writes matches.csv, positions.csv (seats filled, price) and report.json into the folder --out.
    """
    with force_locale(terminal_language(os.environ)):
        try:
            outcome = match_files(students, positions, out, objective=objective, trust=trust, min_score=min_score)
        except Refusal as refusal:
            _fail(str(refusal))
        except MemoryError:
            _fail(_("The files are too large for this machine's memory"))
        for note in outcome.notes:
            _say(str(note), sys.stderr)
        _say(_summary(outcome, out), sys.stdout)


def _summary(outcome: Outcome, out: Path) -> str:
    report = outcome.report
    summary: str = _(
        "Students matched: %(matched)s of %(students)s."
        " Seats filled: %(matched)s of %(seats)s, positions: %(positions)s.\n"
        "Total score %(total)s, optimal within %(certificate)s. The results are in %(out)s.",
        matched=report.matched,
        students=report.students,
        seats=report.seats,
        positions=report.positions,
        total=f"{report.total_score:.6f}",
        certificate=f"{report.certificate:.1g}",
        out=out,
    )
    return summary


def _fail(sentence: str) -> NoReturn:
    _say(sentence, sys.stderr)
    raise SystemExit(BAD_INPUT)


def _say(sentence: str, stream: TextIO) -> None:
    """A terminal that lacks a character shows its code instead of failing."""
    encoding = stream.encoding or "utf-8"
    click.echo(sentence.encode(encoding, "backslashreplace").decode(encoding), file=stream)
