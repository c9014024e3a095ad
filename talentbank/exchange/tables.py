"""CSV files as spreadsheets write them, in China too: rows of named cells, or sentences that say what to mend."""

from __future__ import annotations

import codecs
import csv
import io
import shutil
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

from talentbank.errors import Invalid
from talentbank.extensions import lazy_gettext as _l

MOST_PROBLEMS = 20
"""Enough to see what is wrong with a file; more would scroll the first ones away."""

SHOWN = 60
"""Characters of a cell that a sentence quotes at most."""

WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""How an Excel workbook begins, the new kind and the old."""

CHUNK = 1 << 20
"""Bytes that are looked at together to tell the encoding."""

Bytes = io.BufferedReader | io.BufferedRandom
"""A file that can be read twice."""


@dataclass(frozen=True, slots=True)
class Lines:
    """Several sentences as one message, one a line, each said in the reader's language when it is read."""

    sentences: tuple[object, ...]

    def __str__(self) -> str:
        return "\n".join(str(sentence) for sentence in self.sentences)


class Problems:
    """What is wrong with some files, gathered so that one attempt shows it all."""

    def __init__(self) -> None:
        self._sentences: list[object] = []

    def add(self, sentence: object) -> None:
        """Keep a sentence. Raises Invalid with all of them once there are MOST_PROBLEMS."""
        self._sentences.append(sentence)
        if len(self._sentences) == MOST_PROBLEMS:
            self._sentences.append(
                _l("These are the first %(count)s problems; there may be more", count=MOST_PROBLEMS)
            )
            self.refuse()

    def refuse(self) -> None:
        """Raise Invalid with every sentence, if there is one."""
        if self._sentences:
            raise Invalid(Lines(tuple(self._sentences)))


@dataclass(frozen=True, slots=True)
class Row:
    """A record by column name; number is the row that a spreadsheet shows, the header being row 1."""

    file: str
    number: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        """The cell, empty if it is of an optional column that the file or the row doesn't have."""
        return self.cells.get(column, "")

    def problem(self, column: str, sentence: object) -> object:
        """The sentence with the place that it speaks of."""
        return _l(
            "%(file)s, row %(row)s, column %(column)s: %(problem)s",
            file=self.file,
            row=self.number,
            column=column,
            problem=sentence,
        )


@dataclass(frozen=True, slots=True)
class Table:
    """An open file whose records are read when they are asked for, once.

    ignored are the columns that nobody asked for, size the file's bytes.
    """

    file: str
    ignored: tuple[str, ...]
    size: int
    _data: Bytes
    _records: Iterator[tuple[int, list[str]]]
    _columns: Mapping[str, int]
    _least: int
    _most: int

    @property
    def done(self) -> int:
        """How many of the bytes were read."""
        return self._data.tell()

    def rows(self, problems: Problems) -> Iterator[Row]:
        """The records without the blank ones; those that are wider than the header or end too early become problems.

        Raises Invalid where the file is no CSV any more.
        """
        for number, cells in self._records:
            if self._least <= len(cells) <= self._most:
                found = {name: cells[at] for name, at in self._columns.items() if at < len(cells)}
                yield Row(self.file, number, found)
            else:
                problems.add(
                    _l(
                        "%(file)s, row %(row)s: the number of cells is %(cells)s, in the header %(columns)s; put a"
                        " cell with a comma in it between quotation marks, and keep the commas around an empty one",
                        file=self.file,
                        row=number,
                        cells=len(cells),
                        columns=self._most,
                    )
                )


def plain(text: str) -> str:
    """Text with full-width forms as ASCII and without space around it: `；：＊！１２` become `;:*!12`."""
    return unicodedata.normalize("NFKC", text).strip()


def shown(text: str) -> str:
    """A text as a sentence quotes it: on one line, without control characters, and not too long."""
    clipped = text if len(text) <= SHOWN else text[:SHOWN] + "…"
    return "“" + "".join(c if c.isprintable() else ascii(c)[1:-1] for c in clipped) + "”"


@contextmanager
def open_table(path: Path, required: Sequence[str], optional: Sequence[str] = ()) -> Iterator[Table]:
    """Open a CSV file with a header: UTF-8 with or without BOM, else GB18030, which all of it must be.

    Column names are compared without case and outer space; their order is free. A header alone is a table
    without rows. Raises Invalid with a sentence for each thing to mend: no such file, not readable, empty,
    no CSV, columns missing or named twice.
    """
    file = str(path)
    with _opened(path) as data:
        encoding = _encoding(file, data)
        size = data.seek(0, io.SEEK_END)
        data.seek(0)
        with io.TextIOWrapper(data, encoding, newline="") as text:
            records = _records(file, text)
            names = _header(file, records, required)
            known = {name: names.index(name) for name in (*required, *optional) if name in names}
            least = 1 + max((known[name] for name in required), default=-1)
            ignored = tuple(name for name in names if name and name not in known)
            yield Table(file, ignored, size, data, records, known, least, len(names))


def _named(file: str, columns: Sequence[str]) -> dict[str, str]:
    return {"file": file, "columns": ", ".join(shown(name) for name in columns)}


def _opened(path: Path) -> Bytes:
    """The file; of a pipe, which can't be read twice, a copy."""
    try:
        source = path.open("rb")
        if source.seekable():
            return source
        with source:
            copy = TemporaryFile()  # noqa: SIM115  (whoever asked closes it)
            shutil.copyfileobj(source, copy)
            copy.seek(0)
            return copy
    except FileNotFoundError:
        raise Invalid(_l("%(file)s does not exist: check the name and the folder", file=path)) from None
    except IsADirectoryError:
        raise Invalid(_l("%(file)s is a folder: name the CSV file in it", file=path)) from None
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        raise _unreadable(str(path), error) from None


def _unreadable(file: str, error: Exception) -> Invalid:
    reason = getattr(error, "strerror", None) or error
    return Invalid(_l("%(file)s can't be read (%(reason)s)", file=file, reason=reason))


def _no_csv(file: str) -> Invalid:
    return Invalid(_l("%(file)s is no CSV file in UTF-8 or GB18030: save it as “CSV UTF-8”", file=file))


def _encoding(file: str, data: Bytes) -> str:
    """How the text is encoded.

    What is marked as UTF-8 is never taken for GB18030, which accepts much that it isn't.
    """
    try:
        beginning = data.read(max(map(len, WORKBOOKS)))
        if beginning.startswith(WORKBOOKS):
            raise Invalid(_l("%(file)s is an Excel workbook: save it as “CSV UTF-8” and use that file", file=file))
        marked = beginning.startswith(codecs.BOM_UTF8)
        for encoding in ("utf-8-sig",) if marked else ("utf-8", "gb18030"):
            if _is_text(data, encoding):
                return encoding
    except OSError as error:
        raise _unreadable(file, error) from None
    raise _no_csv(file)


def _is_text(data: Bytes, encoding: str) -> bool:
    """Whether the whole file is text in this encoding."""
    data.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        while chunk := data.read(CHUNK):
            if "\0" in decoder.decode(chunk):
                return False
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _records(file: str, text: io.TextIOWrapper) -> Iterator[tuple[int, list[str]]]:
    """Every record that isn't blank, with its row: blank rows and line breaks inside a cell are counted right."""
    number = 0
    try:
        for number, cells in enumerate(csv.reader(text, strict=True), 1):
            if any(cell.strip() for cell in cells):
                yield number, cells
    except csv.Error:
        raise Invalid(
            _l(
                "%(file)s, row %(row)s: it is no CSV, as a quotation mark is never closed or followed by more text;"
                " put the whole cell between quotation marks and double those inside it",
                file=file,
                row=number + 1,
            )
        ) from None
    except UnicodeDecodeError:  # it was text a moment ago: somebody has written to the file
        raise _no_csv(file) from None
    except OSError as error:
        raise _unreadable(file, error) from None


def _header(file: str, records: Iterator[tuple[int, list[str]]], required: Sequence[str]) -> list[str]:
    """The names of the columns, as they are compared."""
    header = next(records, None)
    if header is None:
        raise Invalid(
            _l("%(file)s is empty: it needs a header with the columns %(columns)s", **_named(file, required))
        )
    names = [plain(name).casefold() for name in header[1]]
    missing = [name for name in required if name not in names]
    if missing:
        raise Invalid(
            _l(
                "%(file)s, row 1: missing columns: %(columns)s;"
                " the first row names the columns, with commas between them",
                **_named(file, missing),
            )
        )
    twice = [name for name, count in Counter(names).items() if name and count > 1]
    if twice:
        raise Invalid(
            _l("%(file)s, row 1: columns named twice: %(columns)s; keep one of each", **_named(file, twice))
        )
    return names
