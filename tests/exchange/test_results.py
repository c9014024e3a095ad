import errno
from pathlib import Path

import pytest

from talentbank.errors import Invalid
from talentbank.exchange.results import write_together

OLD = {"a.csv": "old a", "b.csv": "old b"}
NEW = {"a.csv": "新 a", "b.csv": "new b", "c.json": "new c"}


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


def test_a_missing_folder_is_made_with_those_above_it(tmp_path: Path) -> None:
    write_together(tmp_path / "x" / "y", NEW)
    assert contents(tmp_path / "x" / "y") == NEW


def test_new_files_take_the_place_of_old_ones_and_others_stay(tmp_path: Path) -> None:
    write_together(tmp_path, OLD | {"mine.txt": "kept"})
    write_together(tmp_path, NEW)
    assert contents(tmp_path) == NEW | {"mine.txt": "kept"}


@pytest.mark.parametrize("failing", ["write_bytes", "replace"])
@pytest.mark.parametrize("call", [1, 2, 3])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("before", [OLD, {}])
def test_a_failure_at_any_step_leaves_what_was_there(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    failing: str,
    call: int,
    error: BaseException,
    before: dict[str, str],
) -> None:
    write_together(tmp_path, before)
    real, calls = getattr(Path, failing), []

    def fail_once(self: Path, *arguments: object) -> object:
        calls.append(self)
        if len(calls) == call:
            raise error
        return real(self, *arguments)

    monkeypatch.setattr(Path, failing, fail_once)
    with pytest.raises((Invalid, KeyboardInterrupt)):
        write_together(tmp_path, NEW)
    assert contents(tmp_path) == before


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here")
    (tmp_path / "taken" / "b.csv").mkdir(parents=True)
    for folder, sentence in [
        (tmp_path / "file", "file is or goes through a file: choose a folder"),
        (tmp_path / "file" / "below", "below is or goes through a file: choose a folder"),
        (tmp_path / "taken", r"taken can't be written \(Is a directory\)"),
        (tmp_path / ("x" * 999), r"can't be written \(File name too long\)"),
        (Path("nul\0"), "can't be written"),
    ]:
        with pytest.raises(Invalid, match=sentence):
            write_together(folder, NEW)
    assert (tmp_path / "file").read_text() == "here"
    assert [path.name for path in (tmp_path / "taken").iterdir()] == ["b.csv"]
