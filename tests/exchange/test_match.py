import csv
import json
from collections.abc import Callable
from decimal import Decimal
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from talentbank.config import SEEDS
from talentbank.engine.assignment import Stopped
from talentbank.engine.competency import Candidate, Opening, Requirement
from talentbank.errors import Invalid
from talentbank.exchange.match import MATCHES, REPORT, Outcome, match_files, read_market
from talentbank.exchange.tables import MOST_PROBLEMS
from tests.exchange.conftest import POSITIONS, STUDENTS, Files

Write = Callable[..., Files]
EXAMPLES = SEEDS / "examples"
EXAMPLE = Files(EXAMPLES / "students.csv", EXAMPLES / "positions.csv", Path())
KEYS = (
    "students positions seats eligible_pairs matched total_score objective certificate seconds trust min_score seed"
)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def run(files: Files, **options: object) -> Outcome:
    return match_files(files.students, files.positions, files.out, **options)  # type: ignore[arg-type]


def refusal(files: Files, **options: object) -> list[str]:
    with pytest.raises(Invalid) as refused:
        run(files, **options)
    assert files.written() == []
    return str(refused.value).splitlines()


def best_total(market_of: Files, trust: float) -> float:
    """The best total by a way of its own: fits pair by pair as DESIGN.md writes them, every seat a column."""
    market = read_market(market_of.students, market_of.positions)
    seats = [opening for opening in market.openings for _ in range(opening.headcount)]
    return float(_best(np.array([[_fit(c, o, trust) for o in seats] for c in market.candidates])))


def _best(worth: np.ndarray) -> float:
    chosen = linear_sum_assignment(worth, maximize=True)
    return float(worth[chosen].sum())


def _fit(c: Candidate, o: Opening, v: float) -> float:
    held = {r: max(c.claimed.get(r.competency, 0), c.verified.get(r.competency, 0)) for r in o.requirements}
    takes = not (c.categories and o.category not in c.categories) and not (c.cities and o.city not in c.cities)
    if not takes or c.min_salary > o.max_salary or any(r.must_have and held[r] < r.level for r in o.requirements):
        return 0.0
    parts = [
        r.weight * ((1 - v) * min(1, held[r] / r.level) + v * min(1, c.verified.get(r.competency, 0) / r.level))
        for r in o.requirements
    ]
    return sum(parts) / sum(r.weight for r in o.requirements)


def test_rows_become_what_the_engine_takes(files: Write) -> None:
    written = files()
    market = read_market(written.students, written.positions)
    assert market.candidates == (
        Candidate(
            "s1",
            frozenset({"operations"}),
            frozenset({"meishan"}),
            80_000,
            {"platform_ops": 4, "data_analysis": 3},
            {"platform_ops": 4},
        ),
        Candidate("s2", claimed={"data_analysis": 3}),
    )
    assert market.openings[0] == Opening(
        "p1",
        "operations",
        "meishan",
        1,
        120_000,
        (Requirement("data_analysis", 3, 2.0, True), Requirement("platform_ops", 4)),
    )


def test_three_files_with_exactly_the_columns_of_the_readme(files: Write) -> None:
    written = files()
    run(written)
    assert written.written() == ["matches.csv", "positions.csv", "report.json"]
    assert (written.out / "matches.csv").read_text() == (
        "student_id,position_id,score,fit\ns1,p1,0.666667,0.666667\n"
    )
    assert (written.out / "positions.csv").read_text() == "id,headcount,filled,price\np1,1,1,0.333333\np2,2,0,0\n"
    report = json.loads((written.out / "report.json").read_text())
    assert list(report) == KEYS.split()
    assert report["seconds"] >= 0
    assert report | {"seconds": 0} == {
        "students": 2,
        "positions": 2,
        "seats": 3,
        "eligible_pairs": 4 - 1,
        "matched": 1,
        "total_score": 0.666667,
        "objective": "score",
        "certificate": 0,
        "seconds": 0,
        "trust": 0.5,
        "min_score": 0.0,
        "seed": "",
    }


def test_placements_come_first_when_asked_for_and_the_bonus_is_told(files: Write) -> None:
    written = files()
    outcome = run(written, objective="placements")
    report = json.loads((written.out / "report.json").read_text())
    assert list(report) == [*KEYS.split(), "bonus"]
    assert outcome.report.matched == 2
    assert report["bonus"] > 1
    assert [(r["student_id"], r["position_id"], r["score"]) for r in rows(written.out / "matches.csv")] == [
        ("s1", "p1", "0.666667"),
        ("s2", "p2", "0"),
    ]


@pytest.mark.parametrize(("trust", "score"), [(0, "1"), (0.5, "0.666667"), (1, "0.333333")])
def test_trust_says_what_verified_levels_weigh(files: Write, trust: float, score: str) -> None:
    written = files()
    run(written, trust=trust)
    assert rows(written.out / "matches.csv")[0]["score"] == score


def test_pairs_below_the_least_score_are_ruled_out(files: Write) -> None:
    written = files()
    assert run(written, min_score=0.5).report.eligible_pairs == 1
    assert run(written, min_score=0.7).report.matched == 0


@pytest.mark.parametrize("trust", [0, 0.3, 1])
def test_the_example_is_matched_as_well_as_can_be(tmp_path: Path, trust: float) -> None:
    report = match_files(EXAMPLE.students, EXAMPLE.positions, tmp_path, trust=trust).report
    assert report.total_score == pytest.approx(best_total(EXAMPLE, trust), abs=1e-5)
    assert report.certificate == 0


def test_a_small_market_equals_the_best_of_all_permutations(files: Write) -> None:
    names = ["Platform Ops", "数据分析", "文案", "客服"]
    for seed in range(20):
        random = np.random.default_rng(seed)
        students = STUDENTS.splitlines()[0] + "".join(
            f"\ns{i},,,,,{';'.join(f'{n}:{random.integers(0, 6)}' for n in names)}," for i in range(5)
        )
        positions = POSITIONS.splitlines()[0] + "".join(
            f"\np{j},,,Design,Leshan,1,9,{random.choice(names)}:{random.integers(1, 6)}*{random.integers(1, 4)}"
            for j in range(4)
        )
        written = files(students, positions)
        market = read_market(written.students, written.positions)
        worth = [[_fit(c, o, 0.5) for o in market.openings] + [0.0] for c in market.candidates]
        best = max(sum(worth[i][j] for i, j in enumerate(order)) for order in permutations(range(5)))
        assert run(written).report.total_score == pytest.approx(best, abs=1e-5)


def test_the_written_scores_add_up_to_the_total(tmp_path: Path) -> None:
    match_files(EXAMPLE.students, EXAMPLE.positions, tmp_path)
    report = json.loads((tmp_path / REPORT).read_text(encoding="utf-8"), parse_float=Decimal)
    assert sum(Decimal(row["score"]) for row in rows(tmp_path / MATCHES)) == report["total_score"] > 0


ALIKE = STUDENTS.splitlines()[0] + "".join(f"\ns{i},,,,,Data Analysis:3," for i in range(12))


def test_the_seed_draws_between_equally_good_matchings(files: Write) -> None:
    """Twelve who are all alike want one seat."""

    def winner(seed: str, students: str = ALIKE) -> str:
        written = files(students)
        report = run(written, seed=seed).report
        assert (report.matched, report.total_score, report.seed) == (1, 0.333333, seed)
        return rows(written.out / MATCHES)[0]["student_id"]

    drawn = [winner(str(seed)) for seed in range(20)]
    assert drawn == [winner(str(seed)) for seed in range(20)]
    assert len(set(drawn)) > 3
    header, *lines = ALIKE.splitlines()
    assert drawn[:3] == [winner(str(seed), "\n".join([header, *lines[::-1]])) for seed in range(3)]


def test_the_example_shows_a_free_seat_a_price_a_must_have_and_somebody_unmatched(tmp_path: Path) -> None:
    report = match_files(EXAMPLE.students, EXAMPLE.positions, tmp_path).report
    positions = rows(tmp_path / "positions.csv")
    assert report.matched < report.students
    assert any(int(p["filled"]) < int(p["headcount"]) and p["price"] == "0" for p in positions)
    assert any(float(p["price"]) > 0 for p in positions)
    market = read_market(EXAMPLE.students, EXAMPLE.positions)
    ruled_out = [
        (c.id, o.id)
        for c in market.candidates
        for o in market.openings
        for r in o.requirements
        if r.must_have and c.level(r.competency) < r.level and o.category in c.categories and o.city in c.cities
    ]
    assert ("S06", "P01") in ruled_out


def test_the_order_of_the_rows_changes_no_total(files: Write) -> None:
    totals = set()
    for seed in range(5):
        lines = [path.read_text(encoding="utf-8").splitlines() for path in (EXAMPLE.students, EXAMPLE.positions)]
        shuffled = [[text[0], *np.random.default_rng(seed).permutation(text[1:])] for text in lines]
        totals.add(run(files(*("\n".join(text) for text in shuffled))).report.total_score)
    assert len(totals) == 1


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        match_files(EXAMPLE.students, EXAMPLE.positions, tmp_path / name)
    for name in ("matches.csv", "positions.csv"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_matches_stand_in_the_order_of_the_students(tmp_path: Path) -> None:
    match_files(EXAMPLE.students, EXAMPLE.positions, tmp_path)
    ids = [row["student_id"] for row in rows(tmp_path / "matches.csv")]
    assert ids == sorted(ids)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_what_excel_writes_matches_as_utf8_does(files: Write, encoding: str) -> None:
    students, positions = (p.read_text(encoding="utf-8") for p in (EXAMPLE.students, EXAMPLE.positions))
    plain = run(files(students, positions)).report.total_score
    excel = files(students.replace("\n", "\r\n").encode(encoding), positions.replace("\n", "\r\n").encode(encoding))
    assert run(excel).report.total_score == plain


def test_the_verified_column_may_be_missing_and_may_exceed_the_claim(files: Write) -> None:
    without = "\n".join(line.rpartition(",")[0] for line in STUDENTS.splitlines())
    assert run(files(without)).report.matched == 1
    above = files(STUDENTS.replace("Platform Ops:4\n", "Platform Ops:5\n"))
    assert read_market(above.students, above.positions).candidates[0].level("platform_ops") == 5


def test_ids_are_written_as_they_were_read(files: Write) -> None:
    written = files(STUDENTS.replace("s1,", '"=1+1, ""甲""  ",'), POSITIONS.replace("p1,", "@p1,"))
    run(written)
    assert rows(written.out / "matches.csv")[0] | {"score": "", "fit": ""} == {
        "student_id": '=1+1, "甲"  ',
        "position_id": "@p1",
        "score": "",
        "fit": "",
    }


@pytest.mark.parametrize("objective", ["score", "placements"])
def test_nobody_and_nothing_make_an_empty_result(files: Write, objective: str) -> None:
    for students, positions in [
        (STUDENTS.splitlines()[0], POSITIONS),
        (STUDENTS, POSITIONS.splitlines()[0]),
        (STUDENTS.splitlines()[0], POSITIONS.splitlines()[0]),
    ]:
        written = files(students, positions)
        report = run(written, objective=objective).report
        assert (report.matched, report.total_score, report.certificate) == (0, 0, 0)
        assert rows(written.out / "matches.csv") == []
        assert len(rows(written.out / "positions.csv")) == report.positions


def test_unused_columns_are_told(files: Write) -> None:
    written = files(STUDENTS.replace(",verified", ",verifed"))
    assert [str(note) for note in run(written).notes] == [f"{written.students}: columns that are not used: “verifed”"]


@pytest.mark.parametrize(
    ("old", "new", "place", "sentence"),
    [
        ("s1,", ",", "students.csv, row 2, column id", "there is no id"),
        ("s2,", "s1,", "students.csv, row 3, column id", "the id “s1” already stands in row 2"),
        ("s2,", " s1 ,", "students.csv, row 3, column id", "the id “ s1 ” already stands in row 2"),
        (",Operations,Meishan,8", ",Ops,Meishan,8", "students.csv, row 2, column categories", "“Ops” is no category"),
        (",8,", ",-8,", "students.csv, row 2, column min_salary", "“-8” is no salary"),
        ("Ops:4; D", "Ops:7; D", "students.csv, row 2, column competencies", "“7” is no level of “Platform Ops”"),
        (
            "3,Platform Ops:4",
            "3,Platform Ops:x",
            "students.csv, row 2, column verified",
            "“x” is no level of “Platform Ops”",
        ),
        (",,,,Data", ",,,,Dada", "students.csv, row 3, column competencies", "the nearest are Data Analysis, "),
        ("p2,", "p1,", "positions.csv, row 3, column id", "the id “p1” already stands in row 2"),
        (",Design,", ",,", "positions.csv, row 3, column category", "there is no category"),
        (",Chengdu,", ",,", "positions.csv, row 3, column city", "there is no city"),
        (",1,12,", ",0,12,", "positions.csv, row 2, column headcount", "“0” is no headcount"),
        (",1,12,", ",1.5,12,", "positions.csv, row 2, column headcount", "“1.5” is no headcount"),
        (",1,12,", ",1,0,", "positions.csv, row 2, column max_salary", "the salary is 0"),
        (",1,12,", ",1,,", "positions.csv, row 2, column max_salary", "“” is no salary"),
        ("Copywriting:2", "", "positions.csv, row 3, column requirements", "there are no requirements"),
        ("Copywriting:2", "Copywriting:0", "positions.csv, row 3, column requirements", "“0” is no level"),
        ("Copywriting:2", "Copywriting:2*0", "positions.csv, row 3, column requirements", "“0” is no weight"),
        ("Copywriting:2", "文案:2;文案:3", "positions.csv, row 3, column requirements", "stands there twice"),
    ],
)
def test_bad_input_is_refused_with_file_row_and_column_and_nothing_is_written(
    files: Write, old: str, new: str, place: str, sentence: str
) -> None:
    written = files(STUDENTS.replace(old, new, 1), POSITIONS.replace(old, new, 1))
    said = refusal(written)
    assert len(said) == 1
    assert said[0].startswith(f"{written.students.parent}/{place}: ")
    assert sentence in said[0]


def test_all_problems_of_both_files_are_told_at_once(files: Write) -> None:
    written = files(STUDENTS.replace(",8,", ",x,").replace("s2,", ","), POSITIONS.replace(",1,12,", ",0,0,"))
    said = refusal(written)
    assert [line.split(": ")[0].rpartition("/")[2] for line in said] == [
        "students.csv, row 2, column min_salary",
        "students.csv, row 3, column id",
        "positions.csv, row 2, column headcount",
        "positions.csv, row 2, column max_salary",
    ]


def test_no_more_problems_are_told_than_a_person_reads(files: Write) -> None:
    header = STUDENTS.splitlines()[0]
    assert len(refusal(files(header + "\n,,,,x,y," * 1000))) == MOST_PROBLEMS + 1


@pytest.mark.parametrize("options", [{"trust": float("nan")}, {"trust": 1.5}, {"trust": -0.1}])
def test_trust_outside_0_to_1_is_refused(files: Write, options: dict[str, float]) -> None:
    assert "trust is " in refusal(files(), **options)[0]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), 2e6])
def test_a_least_score_that_no_score_can_have_is_refused(files: Write, value: float) -> None:
    assert "min-score is " in refusal(files(), min_score=value)[0]


@pytest.mark.parametrize("seed", ["a\nb", "\udcff"])
def test_a_seed_that_cannot_be_printed_is_refused(files: Write, seed: str) -> None:
    assert "the seed “" in refusal(files(), seed=seed)[0]


def test_progress_is_told_phase_by_phase(files: Write) -> None:
    heard: list[tuple[str, float]] = []
    run(files(), progress=lambda phase, share: heard.append((phase, share)))
    shares = [share for phase, share in heard if phase == "read"]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert heard[-1] == ("draw", 1)
    assert all(0 <= share <= 1 for _, share in heard)


@pytest.mark.parametrize("phase", ["read", "draw"])
def test_who_says_stop_gets_nothing(files: Write, phase: str) -> None:
    written = files()
    with pytest.raises(Stopped):
        run(written, progress=lambda heard, share: heard != phase)
    assert written.written() == []


def test_results_never_overwrite_what_was_read(files: Write) -> None:
    written = files()
    with pytest.raises(Invalid, match=r"positions\.csv would be overwritten by the results"):
        match_files(written.students, written.positions, written.positions.parent)
    assert written.positions.read_text() == POSITIONS


def test_bad_input_leaves_old_results_as_they_were(files: Write) -> None:
    run(files())
    kept = {path: path.read_bytes() for path in files().out.iterdir()}
    with pytest.raises(Invalid):
        run(files(STUDENTS.replace(",8,", ",x,")))
    assert {path: path.read_bytes() for path in files().out.iterdir()} == kept


def test_equal_cells_are_read_once_and_shared(files: Write) -> None:
    """100,000 students name the same few cities."""
    written = files(STUDENTS.splitlines()[0] + "".join(f"\ns{i},,Design,眉山;成都,7.5,," for i in range(3)))
    first, *others = read_market(written.students, written.positions).candidates
    assert first.cities == {"meishan", "chengdu"}
    for other in others:
        assert other.cities is first.cities
        assert other.categories is first.categories
