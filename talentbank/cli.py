"""The commands: each calls a service and says in one or two lines what came of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import Literal, NoReturn, TextIO

import click
from flask import Flask, current_app
from flask.cli import with_appcontext
from flask_babel import force_locale
from flask_migrate import upgrade

from talentbank.accounts import service as accounts
from talentbank.competencies import service as catalogue
from talentbank.config import Mode, SettingError
from talentbank.credentials.bank import Bank
from talentbank.credentials.bank import prepare as prepare_key
from talentbank.demo import service as demo
from talentbank.engine import warm_up
from talentbank.engine.assignment import Progress
from talentbank.engine.policy import Objective
from talentbank.errors import NotFound, Refusal
from talentbank.exchange.match import Outcome, match_files
from talentbank.extensions import gettext as _
from talentbank.extensions import lazy_gettext as _l
from talentbank.jobs import schedule
from talentbank.ledger import service as ledger
from talentbank.ledger.wording import fault_sentence
from talentbank.permissions import SYSTEM, Role
from talentbank.practice.evidence import Store
from talentbank.practice.verification import service as verification
from talentbank.rounds import proof

NOT_WHOLE = 1
"""The exit code of `ledger verify` where the ledger is not what it must be."""
BAD_INPUT = 2
"""The exit code of a command that can't use what it was given, as click has it."""
INTERRUPTED = 130
"""The exit code of what Ctrl-C has ended, as shells have it."""

NOTICED = 2
"""Seconds after which somebody who waits is told what for."""

PHASES = {
    "read": _l("Reading the files"),
    "prices": _l("Estimating the prices"),
    "pairs": _l("Scoring all pairs"),
    "seats": _l("Giving out the seats"),
    "check": _l("Checking all pairs"),
    "draw": _l("Drawing among equals"),
}
BAR = 24
"""Signs of a whole progress bar."""

REST_OF_LINE = "\x1b[K"
"""Clears a terminal's line from where the cursor stands (ECMA-48, EL)."""


def register(app: Flask) -> None:
    """Add the commands to `flask --app wsgi`."""
    for command in (match, seeds, prepare, administrator, demo_bank, credit_ledger, chase, jobs, matching_round):
        app.cli.add_command(command)


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
@click.option("--seed", default="", help="Any text: the draw between equally good matchings hangs on it.")
@with_appcontext
def match(
    students: Path, positions: Path, *, out: Path, objective: Objective, trust: float, min_score: float, seed: str
) -> None:
    """Match the students of one CSV file to the positions of another, without a database.

    Writes matches.csv, positions.csv (seats filled, price) and report.json into the folder --out.
    """
    with force_locale(terminal_language(os.environ)):
        try:
            with _progress_on(sys.stderr) as progress:
                outcome = match_files(
                    students,
                    positions,
                    out,
                    objective=objective,
                    trust=trust,
                    min_score=min_score,
                    seed=seed,
                    progress=progress,
                )
        except Refusal as refusal:
            _fail(refusal)
        except MemoryError:
            _fail(_("The files are too large for this machine's memory"))
        except KeyboardInterrupt:
            _fail(_("Stopped. Nothing was written."), INTERRUPTED)
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
        certificate=report.certificate,
        out=out,
    )
    return summary


@contextmanager
def _progress_on(stream: TextIO) -> Iterator[Progress | None]:
    """A bar that a terminal shows while work goes on, drawn anew each time; nothing where it is no terminal."""
    if not stream.isatty():
        yield None
        return
    shown = ""

    def tell(phase: str, share: float) -> None:
        nonlocal shown
        done = round(share * BAR)
        line = f"[{'#' * done}{'-' * (BAR - done)}] {share:4.0%} {PHASES.get(phase, phase)}"
        if line != shown:
            _say(f"\r{line}{REST_OF_LINE}", stream, end="")
            shown = line

    try:
        yield tell
    finally:
        _say(f"\r{REST_OF_LINE}", stream, end="")


def _fail(sentence: object, code: int = BAD_INPUT) -> NoReturn:
    _say(sentence, sys.stderr)
    raise SystemExit(code)


def _say(said: object, stream: TextIO, end: str = "\n") -> None:
    """Print in the terminal's language; a terminal that lacks a character shows its code instead of failing."""
    with force_locale(terminal_language(os.environ)):
        sentence = str(said)
    encoding = stream.encoding or "utf-8"
    click.echo(sentence.encode(encoding, "backslashreplace").decode(encoding) + end, file=stream, nl=False)


@click.command()
@with_appcontext
def seeds() -> None:
    """Bring seeds/ into the catalogue: competencies and cities."""
    competencies, cities = catalogue.load_seeds(SYSTEM)
    counts = {"competencies": competencies, "cities": cities}
    _say(_l("In the catalogue: %(competencies)s competencies, %(cities)s cities.", **counts), sys.stdout)


@click.command()
@with_appcontext
def prepare() -> None:
    """Bring the database up to date, load seeds/, build the demo bank where it may be and nothing is yet, and compile
    the matcher for this machine."""
    upgrade()
    catalogue.load_seeds(SYSTEM)
    if current_app.config["BANK_MODE"] is Mode.PRODUCTION:
        _refuse_the_demo()
    prepare_key(current_app.config["BANK_ISSUER_KEY"])
    if current_app.config["BANK_MODE"] is Mode.DEMO and demo.vacant():
        _build_the_demo()
    if demo.present():
        _say_sign_ins()
    _compile_the_matcher()


def _compile_the_matcher() -> None:
    with force_locale(terminal_language(os.environ)):
        sentence = _("The matcher is compiled for this machine, once: this takes about half a minute.")
    notice = Timer(NOTICED, click.echo, (sentence,))
    notice.start()
    try:
        warm_up()
    finally:
        notice.cancel()


def _refuse_the_demo() -> None:
    try:
        demo.refuse_in_production()
    except SettingError as refused:
        _fail(refused)


@click.command()
@click.argument("email")
@click.argument("name")
@with_appcontext
def administrator(email: str, name: str) -> None:
    """Invite an administrator: prints the path at which the account is opened, once."""
    try:
        token = accounts.invite(SYSTEM, email, name, Role.ADMINISTRATOR, None)
    except Refusal as refusal:
        _fail(refusal)
    days = accounts.INVITATION_LASTS.days
    _say(
        _l("Open /invitation/%(token)s on the bank's site within %(days)s days.", token=token, days=days), sys.stdout
    )


@click.group("demo")
def demo_bank() -> None:
    """The demo bank: build it, take it out, or show its sign-ins."""


@demo_bank.command()
@with_appcontext
def build() -> None:
    """Build the demo bank in an empty database."""
    if current_app.config["BANK_MODE"] is Mode.PRODUCTION:
        _fail(_l("Production takes no demo bank: its sign-ins are public. Set BANK_MODE=demo."))
    try:
        catalogue.load_seeds(SYSTEM)
        _build_the_demo()
    except Refusal as refusal:
        _fail(refusal)
    _say_sign_ins()


@demo_bank.command()
@click.option("--everything", is_flag=True, help="Also what was added beside the demo: the bank is empty afterwards.")
@click.confirmation_option(prompt="This empties the bank of everything but its catalogue. Go on?")
@with_appcontext
def remove(*, everything: bool) -> None:
    """Take the demo bank out and leave nothing of it behind."""
    try:
        rows = demo.remove(SYSTEM, everything=everything)
        demo.sweep(_store())
    except Refusal as refusal:
        _fail(refusal)
    _say(_l("The demo bank is out: %(rows)s rows removed, nothing of it is left.", rows=rows), sys.stdout)


def _build_the_demo() -> None:
    demo.build(SYSTEM, _store())
    demo.take_out(Bank.at(current_app.config["BANK_URL"], current_app.config["BANK_ISSUER_KEY"]))


def _store() -> Store:
    return Store(current_app.config["BANK_EVIDENCE"])


def _say_sign_ins() -> None:
    _say(_l("Demo sign-ins, each with the password %(password)s:", password=demo.PASSWORD), sys.stdout)
    for person in demo.sign_ins():
        _say(f"  {person.email:<30}{person.role.value}", sys.stdout)


@click.group("ledger")
def credit_ledger() -> None:
    """The credit ledger."""


@credit_ledger.command()
@with_appcontext
def verify() -> None:
    """Walk the whole ledger: sums, balances, the chain, and no log paid twice; names the first bad row."""
    walked = ledger.verify()
    with force_locale(terminal_language(os.environ)):
        if walked.fault:
            _fail(fault_sentence(walked.fault), NOT_WHOLE)
        sentence = _l(
            "The ledger is whole: %(entries)s entries, %(accounts)s accounts, the last entry's digest is %(digest)s.",
            entries=walked.entries,
            accounts=walked.accounts,
            digest=walked.digest,
        )
        _say(str(sentence), sys.stdout)


@click.group("round")
def matching_round() -> None:
    """The matching rounds."""


@matching_round.command("verify")
@click.argument("number", type=int)
@with_appcontext
def verify_round(number: int) -> None:
    """Check round NUMBER from its snapshot: digest, commitment, the same result again, the offers made of it."""
    try:
        checked = proof.verify(number)
    except NotFound as missing:
        _fail(missing.message)
    with force_locale(terminal_language(os.environ)):
        if checked.fault is not None:
            _fail(_("Round %(round)s does not hold: %(what)s.", round=number, what=str(checked.fault)), NOT_WHOLE)
        sentence = _(
            "Round %(round)s holds: run %(run)s matched %(matched)s, total score %(total)s, again from snapshot "
            "%(digest)s.",
            round=number,
            run=checked.run,
            matched=checked.matched,
            total=f"{checked.total:.6f}",
            digest=checked.digest,
        )
        _say(sentence, sys.stdout)


@click.command()
@with_appcontext
def chase() -> None:
    """Remind supervisors of the logs that wait too long, as the schedule does every hour."""
    _say(_l("Reminders sent: %(count)s.", count=verification.chase(SYSTEM)), sys.stdout)


@click.command()
@with_appcontext
def jobs() -> None:
    """Keep the schedule: run what is due by itself, until stopped."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    consumer = schedule(app).create_consumer(workers=2, max_delay=1.0, check_worker_health=False)
    consumer.run()
