"""Files that appear together or not at all."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path

from talentbank.errors import Invalid
from talentbank.extensions import lazy_gettext as _l


def write_together(folder: Path, texts: Mapping[str, str]) -> None:
    """Write UTF-8 files, by name, into a folder, which is made if it isn't there.

    All are first written beside their places and then moved there in the order given; if a move fails, what
    was there before comes back. Raises Invalid if the folder can't be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _replace(folder, {name: text.encode() for name, text in texts.items()})
    except (FileExistsError, NotADirectoryError):
        raise Invalid(_l("%(folder)s is or goes through a file: choose a folder", folder=folder)) from None
    except (OSError, ValueError) as error:  # ValueError: a name that no folder can have
        reason = getattr(error, "strerror", None) or error
        raise Invalid(_l("%(folder)s can't be written (%(reason)s)", folder=folder, reason=reason)) from None


def _replace(folder: Path, contents: Mapping[str, bytes]) -> None:
    before = {name: _bytes_of(folder / name) for name in contents}
    staged = {name: folder / f".{name}.{secrets.token_hex(8)}" for name in contents}
    moved: list[str] = []
    try:
        for name, content in contents.items():
            staged[name].write_bytes(content)
        for name, path in staged.items():
            path.replace(folder / name)
            moved.append(name)
    except BaseException:  # also Ctrl-C
        for name in moved:
            _put_back(folder / name, before[name])
        raise
    finally:
        for path in staged.values():
            path.unlink(missing_ok=True)


def _bytes_of(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _put_back(path: Path, content: bytes | None) -> None:
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
