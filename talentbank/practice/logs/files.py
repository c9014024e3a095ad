"""The files behind a log: looked at before anything is stored, and kept or removed together with their rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog

from talentbank.errors import Conflict, Invalid, Problems
from talentbank.extensions import lazy_gettext as _l
from talentbank.extensions import now
from talentbank.practice.evidence import MOST_BYTES, Kind, Store, plain_name, recognise
from talentbank.practice.models import Evidence, PracticeLog

MOST_FILES = 5
MOST_UPLOAD = MOST_FILES * MOST_BYTES + 1024 * 1024
"""What a form with files may weigh in bytes, its words included."""

trouble = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it was sent: the name that the sender gave it, and its content."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Looked:
    """An upload that can be kept."""

    name: str
    kind: Kind
    digest: str
    content: bytes


@dataclass(slots=True)
class Batch:
    """What was sent together: the files that can be kept, and what is wrong with the first that can't."""

    files: list[Looked] = field(default_factory=list)
    problem: object = None


@dataclass(slots=True)
class Shelf:
    """A store within one transaction: what is put goes again if that fails, what is taken goes once it holds."""

    store: Store
    put: list[str] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)

    def keep(self, log: PracticeLog, files: Sequence[Looked]) -> None:
        """Put files into the store and their rows to a log, whose evidence must be loaded."""
        for file in files:
            key = self.store.put(file.content)
            self.put.append(key)
            log.evidence.append(
                Evidence(
                    name=file.name,
                    kind=file.kind,
                    size=len(file.content),
                    digest=file.digest,
                    key=key,
                    added_at=now(),
                )
            )


@contextmanager
def shelf(store: Store) -> Iterator[Shelf]:
    """Around a whole transaction, its commit included."""
    within = Shelf(store)
    try:
        yield within
    except BaseException:
        _clear(store, within.put)
        raise
    _clear(store, within.taken)


def _clear(store: Store, keys: Sequence[str]) -> None:
    """Remove contents that no row speaks of. One that can't be removed is left to whoever reads the log of errors."""
    for key in keys:
        try:
            store.remove(key)
        except OSError:
            trouble.exception("evidence could not be removed", key=key)


def look(uploads: Sequence[Upload]) -> Batch:
    """Look at uploads, before anything is locked: an archive takes its time."""
    batch = Batch()
    for upload in uploads:
        try:
            kind = recognise(upload.content, upload.name)
        except Invalid as refusal:
            batch.problem = batch.problem or refusal.errors["files"]
            continue
        digest = hashlib.sha256(upload.content).hexdigest()
        batch.files.append(Looked(plain_name(upload.name), kind, digest, upload.content))
    return batch


def check_beside(batch: Batch, kept: Sequence[Evidence], problems: Problems) -> None:
    """Say under `files` why a batch can't be kept beside the files that a log has."""
    if batch.problem:
        problems.add("files", batch.problem)
    if len(batch.files) + len(kept) > MOST_FILES:
        problems.add("files", _l("A log takes at most %(most)s files: choose the best ones.", most=MOST_FILES))
    seen = {file.digest: file.name for file in kept}
    for file in batch.files:
        if file.digest in seen:
            twin = seen[file.digest]
            problems.add(
                "files", _l("%(name)s is the same file as %(twin)s: send it once.", name=file.name, twin=twin)
            )
        seen[file.digest] = file.name


def read(store: Store, evidence: Evidence) -> bytes:
    """A file's content, as it was when it was sent. Raises Conflict where the store has another or none."""
    try:
        content = store.read(evidence.key)
    except OSError as error:
        trouble.error("evidence is missing", evidence=evidence.id, key=evidence.key, error=type(error).__name__)
        raise Conflict(_l("This file is missing in the bank: ask whoever runs it, or send it again.")) from error
    if hashlib.sha256(content).hexdigest() != evidence.digest:
        trouble.error("evidence was changed", evidence=evidence.id, key=evidence.key)
        raise Conflict(_l("This file is not what was sent: the bank keeps it back. Ask whoever runs it."))
    return content
