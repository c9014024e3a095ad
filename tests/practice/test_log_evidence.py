"""Files behind logs: kept with their rows or not at all, seen by whoever sees the log, and sent as they came."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import select

from talentbank.errors import Conflict, Invalid, NotFound
from talentbank.extensions import db, today
from talentbank.permissions import Role
from talentbank.practice.evidence import MOST_BYTES, Kind, Store
from talentbank.practice.logs import files, queries, service
from talentbank.practice.logs.files import MOST_FILES, Upload
from talentbank.practice.models import MENDABLE, Evidence, LogState, PracticeLog
from tests import factories
from tests.practice import samples
from tests.practice.logbook import TABLES, said, stored
from tests.practice.world import World

pytestmark = pytest.mark.usefixtures("in_english")

PDF = Upload("周报.pdf", samples.pdf())
PNG = Upload("截图.png", samples.png())


def keep(w: World, store: Store, enrolment: int, *uploads: Upload, **changes: Any) -> PracticeLog:
    return service.save_draft(w.student, None, said(enrolment, **changes), uploads, 0, store)


def add(w: World, store: Store, log: PracticeLog, *uploads: Upload) -> PracticeLog:
    now = stored(log)
    return service.save_draft(w.student, log.id, said(now.enrolment_id), uploads, now.version, store)


def held(store: Store) -> set[str]:
    return set(store.keys())


def rows() -> Sequence[Evidence]:
    db.session.rollback()
    db.session.expire_all()
    return db.session.scalars(select(Evidence).order_by(Evidence.id)).all()


def test_files_are_kept_with_a_log_under_keys_that_say_nothing(w: World, store: Store, enrolment: int) -> None:
    log = keep(w, store, enrolment, PDF, PNG)
    kept = stored(log).evidence
    assert [(e.name, e.kind, e.size) for e in kept] == [
        ("周报.pdf", Kind.PDF, len(PDF.content)),
        ("截图.png", Kind.PNG, len(PNG.content)),
    ]
    assert [e.digest for e in kept] == [hashlib.sha256(u.content).hexdigest() for u in (PDF, PNG)]
    assert {e.key for e in kept} == held(store)
    assert [files.read(store, e) for e in kept] == [PDF.content, PNG.content]


def test_files_are_added_later_and_while_a_log_is_mended(w: World, store: Store, enrolment: int) -> None:
    log = keep(w, store, enrolment, PDF)
    add(w, store, log, PNG)
    assert len(stored(log).evidence) == 2
    back = w.log(enrolment, today(), hours=0.02, state=LogState.SENT_BACK)
    service.save_draft(w.student, back, said(enrolment, starts=13 * 60, ends=14 * 60), [PDF], 1, store)
    assert [e.name for e in stored(back).evidence] == ["周报.pdf"]


def test_a_name_is_kept_without_its_path(w: World, store: Store, enrolment: int) -> None:
    log = keep(w, store, enrolment, Upload("C:\\Users\\me\\..\\周报.pdf", PDF.content))
    assert [e.name for e in stored(log).evidence] == ["周报.pdf"]


BAD: list[tuple[str, list[Upload]]] = [
    ("not what its name says", [Upload("周报.pdf", samples.png())]),
    ("can't be kept", [Upload("周报.pdf", b"<!DOCTYPE html><script>alert(1)</script>")]),
    ("is empty", [Upload("周报.pdf", b"")]),
    ("larger than 10 MB", [Upload("周报.pdf", PDF.content + b"\0" * MOST_BYTES)]),
    ("same file as", [PDF, Upload("又一份.pdf", PDF.content)]),
    ("at most 5 files", [Upload(f"{n}.zip", samples.zip_({f"{n}.txt": b"-"})) for n in range(MOST_FILES + 1)]),
    ("is broken", [PNG, Upload("周报.pdf", PDF.content[:-30])]),
]


@pytest.mark.parametrize(("sentence", "uploads"), BAD, ids=[sentence for sentence, _ in BAD])
def test_a_bad_file_is_named_and_neither_it_nor_its_log_nor_the_good_ones_are_stored(
    w: World, store: Store, enrolment: int, sentence: str, uploads: list[Upload]
) -> None:
    before = factories.stored(*TABLES)
    for save in (service.save_draft, service.save_and_send):
        with pytest.raises(Invalid) as refused:
            save(w.student, None, said(enrolment), uploads, 0, store)
        assert refused.value.errors.keys() == {"files"}
        assert sentence in str(refused.value.errors["files"])
    assert factories.stored(*TABLES) == before
    assert held(store) == set()


def test_what_a_log_has_already_counts(w: World, store: Store, enrolment: int) -> None:
    log = keep(w, store, enrolment, PDF)
    for uploads in (
        [Upload("再.pdf", PDF.content)],
        [Upload(f"{n}.zip", samples.zip_({f"{n}": b"-"})) for n in range(5)],
    ):
        with pytest.raises(Invalid) as refused:
            add(w, store, log, *uploads)
        assert refused.value.errors.keys() == {"files"}
    assert len(held(store)) == len(rows()) == 1
    other = keep(w, store, enrolment, PDF, starts=13 * 60, ends=14 * 60)
    assert len(stored(other).evidence) == 1


@pytest.mark.parametrize("changes", [{"day": None}, {"starts": 23 * 60, "ends": 0}, {"competencies": ("sorcery",)}])
def test_good_files_of_a_refused_log_are_not_kept(
    w: World, store: Store, enrolment: int, changes: dict[str, Any]
) -> None:
    with pytest.raises(Invalid):
        keep(w, store, enrolment, PDF, **changes)
    with pytest.raises(NotFound):
        service.save_draft(w.another_student()[0], None, said(enrolment), [PDF], 0, store)
    assert held(store) == set()


@pytest.mark.parametrize("where", ["flush", "commit"])
def test_a_transaction_that_fails_leaves_no_file(
    w: World, store: Store, enrolment: int, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = keep(w, store, enrolment, PDF)
    before = held(store)
    version = stored(log).version
    real, seen = getattr(db.session, where), []

    def fail(*arguments: Any) -> None:
        if held(store) > before:
            seen.append(held(store))
            raise OSError("the disk is full")
        real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(db.session, where, fail)
        with pytest.raises(OSError, match="full"):
            service.save_draft(w.student, log.id, said(enrolment, done="新"), [PNG], version, store)
    assert len(seen) == 1
    assert held(store) == before
    assert [e.key for e in rows()] == list(before)
    assert stored(log).done == said(enrolment).done


def test_a_store_that_fails_half_way_keeps_nothing(
    w: World, store: Store, enrolment: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = store.put

    def put(content: bytes) -> str:
        if content == PNG.content:
            raise OSError("the disk is full")
        return real(content)

    monkeypatch.setattr(store, "put", put)
    before = factories.stored(*TABLES)
    with pytest.raises(OSError, match="full"):
        keep(w, store, enrolment, PDF, PNG)
    assert factories.stored(*TABLES) == before
    assert held(store) == set()


@pytest.mark.parametrize("state", MENDABLE)
def test_a_file_is_removed_while_the_log_is_with_the_student(w: World, store: Store, state: LogState) -> None:
    log = keep(w, store, w.enrolment(w.resource()), PDF, PNG)
    stored(log).state = state
    db.session.commit()
    first, second = rows()
    service.remove_evidence(w.student, first.id, store)
    assert [e.id for e in rows()] == [second.id]
    assert held(store) == {second.key}
    assert stored(log).version == 2


@pytest.mark.parametrize("state", sorted(set(LogState) - set(MENDABLE)))
def test_a_file_of_a_log_that_was_sent_stays(w: World, store: Store, state: LogState) -> None:
    log = keep(w, store, w.enrolment(w.resource()), PDF)
    stored(log).state = state
    db.session.commit()
    with pytest.raises(Conflict):
        service.remove_evidence(w.student, rows()[0].id, store)
    assert held(store) == {rows()[0].key}


def test_a_file_that_could_not_be_unrowed_stays(
    w: World, store: Store, enrolment: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(w, store, enrolment, PDF)
    evidence_id = rows()[0].id

    def fail() -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(service.audit, "record", lambda *_, **__: fail())
        with pytest.raises(OSError, match="full"):
            service.remove_evidence(w.student, evidence_id, store)
    assert held(store) == {rows()[0].key}


def test_a_removed_draft_takes_its_files_along_and_no_others(w: World, store: Store, enrolment: int) -> None:
    log = keep(w, store, enrolment, PDF, PNG)
    other = keep(w, store, enrolment, PDF, starts=13 * 60, ends=14 * 60)
    service.remove(w.student, log.id, store)
    assert {e.key for e in rows()} == held(store) == {e.key for e in stored(other).evidence}


def test_a_file_that_the_store_does_not_let_go_is_left_behind_without_harm(
    w: World, store: Store, enrolment: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log = keep(w, store, enrolment, PDF)

    def refuse(_key: str) -> None:
        raise OSError("busy")

    monkeypatch.setattr(store, "remove", refuse)
    service.remove(w.student, log.id, store)
    assert rows() == []
    assert len(held(store)) == 1


def test_a_strangers_evidence_is_not_found(w: World, store: Store, enrolment: int) -> None:
    log = keep(w, store, enrolment, PDF)
    evidence_id = rows()[0].id
    strangers = [
        w.another_student()[0],
        factories.person(Role.ENTERPRISE),
        factories.person(Role.UNIVERSITY),
        factories.person(Role.ZONE),
    ]
    concerned = [w.host, w.university]
    strangers.append(w.chamber)  # sees the log, not what it rests on
    for someone in (*strangers, *concerned):  # a draft is the student's alone
        with pytest.raises(NotFound):
            queries.evidence(someone, evidence_id)
    with pytest.raises(NotFound):
        service.remove_evidence(strangers[0], evidence_id, store)
    service.send(w.student, log.id, stored(log).version)
    for someone in strangers:
        with pytest.raises(NotFound):
            queries.evidence(someone, evidence_id)
    for someone in (w.student, *concerned):
        assert queries.evidence(someone, evidence_id).log_id == log.id
    for missing in (0, evidence_id + 1):
        with pytest.raises(NotFound):
            queries.evidence(w.student, missing)


@pytest.mark.parametrize("change", ["other", "gone"])
def test_a_file_that_was_changed_on_the_disk_is_kept_back(
    w: World, store: Store, enrolment: int, change: str
) -> None:
    keep(w, store, enrolment, PDF)
    evidence = rows()[0]
    path = store.path(evidence.key)
    if change == "gone":
        path.unlink()
    else:
        path.write_bytes(PNG.content)
    with pytest.raises(Conflict):
        files.read(store, evidence)
