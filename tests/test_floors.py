"""The house stands as it was drawn: who may import whom, how large a file and a function may grow."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from talentbank.config import ROOT

SOURCES = sorted([*(ROOT / "talentbank").rglob("*.py"), *(ROOT / "tests").rglob("*.py")])
LONGEST_FILE = 500
LONGEST_FUNCTION = 60
TOP_LEVEL = {
    "talentbank",
    "templates",
    "static",
    "seeds",
    "tests",
    "wsgi.py",
    "requirements.txt",
    "README.md",
    "Makefile",
    "pyproject.toml",
    "LICENSE",
    "CHANGELOG.md",
}


def test_the_import_contracts_are_kept() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    answer = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout
    assert "Contracts: 5 kept, 0 broken." in answer.stdout


def test_nothing_else_stands_at_the_top() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    top = {line.split("/")[0] for line in listed.splitlines()}
    assert {name for name in top if not name.startswith(".")} <= TOP_LEVEL


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_can_be_read_at_a_sitting(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if "migrations/versions" in str(path):
        return
    assert len(text.splitlines()) <= LONGEST_FILE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno < LONGEST_FUNCTION, node.name


def test_every_text_file_of_ours_ends_its_lines_as_unix_does() -> None:
    for folder in ("talentbank", "templates", "seeds"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in (".py", ".html", ".csv", ".po"):
                assert b"\r" not in path.read_bytes(), path
