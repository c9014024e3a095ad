import io
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

from talentbank.cli import register, terminal_language
from talentbank.config import ROOT
from talentbank.extensions import babel
from tests.exchange.conftest import POSITIONS, STUDENTS, Files

Write = Callable[..., Files]
Run = Callable[..., Result]


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Flask:
    """An app that has no database, at an English terminal."""
    monkeypatch.delenv("LC_ALL", raising=False)
    monkeypatch.delenv("LC_MESSAGES", raising=False)
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    app = Flask(__name__)
    app.config |= {
        "BABEL_DEFAULT_LOCALE": "zh",
        "BABEL_TRANSLATION_DIRECTORIES": str(ROOT / "talentbank" / "translations"),
    }
    babel.init_app(app)
    register(app)
    return app


@pytest.fixture
def run(app: Flask) -> Run:
    """Calls a command with arguments of any type."""
    return lambda *arguments: app.test_cli_runner().invoke(args=[str(argument) for argument in arguments])


def test_a_match_is_summed_up_in_two_lines(files: Write, run: Run) -> None:
    written = files()
    result = run(*written.arguments)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (
        "Students matched: 1 of 2. Seats filled: 1 of 3, positions: 2.\n"
        f"Total score 0.666667, optimal within 0. The results are in {written.out}.\n"
    )


@pytest.mark.parametrize(
    "options",
    [
        ["--objective", "placements"],
        ["--objective", "score"],
        ["--trust", "1"],
        ["--min-score", "-0.5"],
        ["--seed", "2026 秋"],
    ],
)
def test_every_option_is_taken(files: Write, run: Run, options: list[str]) -> None:
    assert run(*files().arguments, *options).exit_code == 0


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--objective", "fairness"], "--objective"),
        (["--trust", "2"], "trust is 2.0: choose a number from 0 to 1"),
        (["--trust", "nan"], "trust is nan"),
        (["--trust", "much"], "--trust"),
        (["--min-score", "nan"], "min-score is nan: choose a number from -1000000 to 1000000"),
        (["--min-score", "inf"], "min-score is inf"),
        (["more.csv"], "unexpected extra argument"),
    ],
)
def test_a_bad_option_ends_with_2_and_a_sentence(files: Write, run: Run, options: list[str], sentence: str) -> None:
    written = files()
    result = run(*written.arguments, *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert sentence in result.stderr
    assert written.written() == []


def test_bad_files_end_with_2_a_line_for_each_problem_and_nothing_written(files: Write, run: Run) -> None:
    written = files(STUDENTS.replace("s1,", ","), POSITIONS.replace(",1,12,", ",0,12,"))
    result = run(*written.arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines() == [
        f"{written.students}, row 2, column id: there is no id; give each row one of its own",
        f"{written.positions}, row 2, column headcount: “0” is no headcount; write a whole number from 1 to 100000",
    ]
    assert written.written() == []


def test_missing_files_and_folders_that_are_files_end_with_2(files: Write, run: Run, tmp_path: Path) -> None:
    written = files()
    assert "does not exist" in run("match", tmp_path / "no.csv", written.positions, "--out", written.out).stderr
    result = run("match", written.students, written.positions, "--out", written.students)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "choose a folder" in result.stderr
    assert run("match", written.students, written.positions).exit_code == 2


def test_unused_columns_are_told_on_stderr(files: Write, run: Run) -> None:
    result = run(*files(STUDENTS.replace("verified", "phone")).arguments)
    assert result.exit_code == 0
    assert "columns that are not used: “phone”" in result.stderr


def test_too_large_a_market_ends_in_a_sentence(files: Write, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("talentbank.exchange.match.solve", exhausted)
    result = run(*files().arguments)
    assert (result.exit_code, result.stderr) == (2, "The files are too large for this machine's memory\n")


@pytest.mark.parametrize("at", ["talentbank.exchange.match.read_market", "talentbank.exchange.match.solve"])
def test_ctrl_c_ends_with_130_a_sentence_and_nothing_written(
    files: Write, run: Run, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(at, interrupted)
    written = files()
    result = run(*written.arguments)
    assert (result.exit_code, result.stdout) == (130, "")
    assert result.stderr == "Stopped. Nothing was written.\n"
    assert written.written() == []


class Terminal(io.StringIO):
    """Says that it is one."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("language", "reading"), [("en_US.UTF-8", "Reading the files"), ("zh_CN.UTF-8", "读取文件")])
def test_a_terminal_shows_a_bar_drawn_anew_and_leaves_the_line_clear(
    files: Write, app: Flask, monkeypatch: pytest.MonkeyPatch, language: str, reading: str
) -> None:
    monkeypatch.setenv("LANG", language)
    monkeypatch.setattr("talentbank.cli.sys.stderr", terminal := Terminal())
    written = files()
    with pytest.raises(SystemExit) as ended:
        app.cli.main(written.arguments)
    assert ended.value.code == 0
    said = terminal.getvalue()
    assert f"\r[{'#' * 24}] 100% {reading}\x1b[K" in said
    assert "\n" not in said
    assert said.endswith("\r\x1b[K")


def test_a_terminal_is_left_clear_before_a_sentence(
    files: Write, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("talentbank.cli.sys.stderr", terminal := Terminal())
    with pytest.raises(SystemExit) as ended:
        app.cli.main(files(STUDENTS.replace("s1,", ",")).arguments)
    assert ended.value.code == 2
    assert "\r\x1b[K" in terminal.getvalue().split("students.csv")[0]


def test_a_chinese_terminal_is_answered_in_chinese(files: Write, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    written = files(STUDENTS.replace("s1,", ","))
    assert "there is no id" in run(*written.arguments).stderr
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert "没有 id；请为每一行填写唯一的 id" in run(*written.arguments).stderr


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "ZH"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "", "LC_MESSAGES": "zh_TW.UTF-8"}, "zh"),
        ({"LC_CTYPE": "zh_CN.UTF-8"}, "en"),
    ],
)
def test_the_language_is_what_posix_says(environ: dict[str, str], language: str) -> None:
    assert terminal_language(environ) == language


def test_a_terminal_that_lacks_a_character_shows_its_code(files: Write, app: Flask, tmp_path: Path) -> None:
    result = app.test_cli_runner(charset="ascii").invoke(args=[*files().arguments, "--out", str(tmp_path / "结果")])
    assert result.exit_code == 0
    assert r"\u7ed3\u679c" in result.stdout
