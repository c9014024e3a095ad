"""What the README says is so: its example runs, its settings and commands are those that there are."""

from __future__ import annotations

import csv
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
from flask import Flask

from talentbank.config import ROOT, SETTINGS
from talentbank.demo import service as demo
from talentbank.engine import assign

README = (ROOT / "README.md").read_text(encoding="utf-8")


def table(heading: str) -> dict[str, list[str]]:
    """The rows of the first table below a heading, by what stands first in them."""
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]
    return {row[0].strip("`"): row[1:] for row in rows[2:]}


def test_the_match_example_can_be_pasted(tmp_path: Path) -> None:
    [line] = re.findall(r"^    (flask --app wsgi match .*)$", README, flags=re.MULTILINE)
    command = shlex.split(line)
    assert command[-2:] == ["--out", "out"]
    flask = Path(sys.executable).with_name("flask")
    answer = subprocess.run(
        [flask, *command[1:-1], tmp_path / "out"],
        cwd=ROOT,
        env={"PATH": "", "LANG": "en_US.UTF-8", "BANK_INSTANCE": str(tmp_path / "instance")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert not list((tmp_path / "instance").glob("*.sqlite3")), "it needs no database"
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    named = table("Matching on files, without the web")["report.json"][0].strip("`").split(", ")
    assert list(report) == named
    with (tmp_path / "out" / "matches.csv").open(encoding="utf-8-sig", newline="") as file:
        matches = list(csv.DictReader(file))
    assert len(matches) == report["matched"] > 0
    assert report["certificate"] == 0
    assert (tmp_path / "out" / "positions.csv").exists()


def test_the_example_that_can_be_followed_by_hand_comes_out_as_told() -> None:
    rows = table("How matching works")
    score = [[float(cell.strip("*")) for cell in row] for row in rows.values()]
    result = assign(score, [1, 2])
    bold = [next((j for j, cell in enumerate(row) if cell.startswith("**")), -1) for row in rows.values()]
    assert result.position.tolist() == bold
    assert result.total == 2.15
    assert result.price.tolist() == [0.55, 0.45]
    assert result.surplus.round(2).tolist() == [0.35, 0.25, 0.10, 0.0]
    entry = [result.total - assign(score, seats).total for seats in ([0, 2], [1, 1])]
    drawn = (ROOT / ".docs" / "prices.svg").read_text(encoding="utf-8")
    for price, beaten in zip(result.price, entry, strict=True):
        assert f"price {price:.2f}" in drawn
        assert f"entry {beaten:.2f}" in drawn


def test_every_setting_stands_in_the_table_with_its_default_and_meaning() -> None:
    rows = table("Configuration")
    assert list(rows) == [setting.name for setting in SETTINGS]
    for setting in SETTINGS:
        default, meaning = rows[setting.name]
        assert default.strip("`") == setting.default
        assert meaning == setting.meaning


def test_every_command_stands_in_the_table(app: Flask) -> None:
    def names(group: click.Group, prefix: str = "") -> set[str]:
        found = set()
        for name, command in group.commands.items():
            found |= names(command, f"{name} ") if isinstance(command, click.Group) else {prefix + name}
        return found

    ours = {name for name in names(app.cli) if not name.startswith("db ")}  # type: ignore[arg-type]
    said = set()
    for row in table("Commands"):
        words = [word for word in row.split() if word.isalpha() and word.islower()]
        said.add(" ".join(words))
    assert ours <= said
    assert said - ours == {"db upgrade"}


def test_the_demo_sign_ins_are_as_it_says() -> None:
    assert f"`{demo.PASSWORD}`" in README
    assert set(re.findall(r"`(\w+)@demo\.example`", README)) == {
        "student",
        "enterprise",
        "university",
        "chamber",
        "zone",
        "government",
        "administrator",
    }


def test_every_make_target_explains_itself_and_those_named_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    explained = set(re.findall(r"^([a-z]+):.*## ", makefile, flags=re.MULTILINE))
    assert set(re.findall(r"`?make ([a-z]+)", README)) <= explained | {"it"}


def test_pictures_and_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if target.startswith("https://"):
            continue  # tests leave the machine alone
        assert (ROOT / target).exists(), target
