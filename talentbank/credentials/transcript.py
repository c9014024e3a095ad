"""What a transcript of practical credits says, Chinese and English side by side, as values to keep and to print."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Text:
    """Something in Chinese and in English; where one is missing the other stands alone."""

    zh: str
    en: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """Practice on one resource, from its first day to its last: verified minutes, credits in hundredths."""

    title: Text
    kind: Text
    category: Text
    host: Text
    begins: date
    ends: date
    minutes: int
    credit: int


@dataclass(frozen=True, slots=True)
class LevelLine:
    """A competency and its verified level, 1 to 5, with what the level means."""

    competency: Text
    level: int
    meaning: Text


@dataclass(frozen=True, slots=True)
class Transcript:
    """What a transcript says. student: the name in characters and in Latin letters; year: of graduation.

    recognised: the university counts practice credits as its own. issued_at is aware; address: where the transcript
    can be checked.
    """

    code: str
    bank: Text
    student: Text
    university: Text
    major: Text
    year: int | None
    recognised: bool
    issued_at: datetime
    address: str
    lines: tuple[Line, ...]
    levels: tuple[LevelLine, ...]

    def content(self) -> dict[str, Any]:
        """The transcript as JSON values, to keep."""
        return json.loads(_json(asdict(self)))  # type: ignore[no-any-return]

    @classmethod
    def read(cls, content: dict[str, Any]) -> Transcript:
        """The transcript out of what content() gave."""
        return cls(
            **content
            | _texts(content, "bank", "student", "university", "major")
            | {
                "issued_at": datetime.fromisoformat(content["issued_at"]),
                "lines": tuple(_line(line) for line in content["lines"]),
                "levels": tuple(
                    LevelLine(**line | _texts(line, "competency", "meaning")) for line in content["levels"]
                ),
            }
        )

    @property
    def digest(self) -> str:
        """SHA-256, hexadecimal, of the content as JSON in UTF-8 with sorted keys and no blanks."""
        return hashlib.sha256(_json(self.content()).encode()).hexdigest()


def _json(content: dict[str, Any]) -> str:
    return json.dumps(
        content, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=lambda moment: moment.isoformat()
    )


def _texts(content: dict[str, Any], *names: str) -> dict[str, Text]:
    return {name: Text(**content[name]) for name in names}


def _line(content: dict[str, Any]) -> Line:
    days = {name: date.fromisoformat(content[name]) for name in ("begins", "ends")}
    return Line(**content | _texts(content, "title", "kind", "category", "host") | days)
