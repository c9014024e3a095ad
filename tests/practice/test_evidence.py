"""Evidence is told by its content; what is broken, dangerous or not what it says is refused with a sentence."""

from __future__ import annotations

import re
import stat
import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from urllib.parse import unquote
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talentbank.errors import Invalid
from talentbank.practice import evidence
from talentbank.practice.evidence import MOST_BYTES, Kind, Store, download_headers, plain_name, recognise
from tests.practice import samples

MADE: dict[Kind, Callable[[], bytes]] = {
    Kind.PDF: samples.pdf,
    Kind.PNG: samples.png,
    Kind.JPEG: samples.jpeg,
    Kind.DOCX: samples.docx,
    Kind.XLSX: samples.xlsx,
    Kind.ZIP: samples.zip_,
}
OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)


def refused(content: bytes, name: str = "周报.zip") -> str:
    """The sentence with which a file is refused."""
    with pytest.raises(Invalid) as refusal:
        recognise(content, name)
    assert refusal.value.errors.keys() == {"files"}
    sentence = str(refusal.value.errors["files"])
    assert plain_name(name) in sentence
    assert "%(" not in sentence
    return sentence


def stored(name: str, content: bytes = b"x", **attributes: int) -> bytes:
    """An archive of one member, packed without zipfile's own care for names."""
    member = ZipInfo("placeholder")
    member.filename = name
    for attribute, value in attributes.items():
        setattr(member, attribute, value)
    file = BytesIO()
    with ZipFile(file, "w") as archive:
        archive.writestr(member, content, ZIP_STORED)
    return file.getvalue()


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_is_recognised_whatever_the_case_of_its_name(kind: Kind) -> None:
    for suffix in kind.suffixes:
        assert recognise(MADE[kind](), f"第一周{suffix}") is kind
        assert recognise(MADE[kind](), f"C:\\照片\\A{suffix.upper()}") is kind
    assert recognise(MADE[kind](), "no end") is kind


@pytest.mark.parametrize("kind", Kind)
def test_a_name_that_says_another_kind_is_refused(kind: Kind) -> None:
    for other in [*(other.suffix for other in Kind if other is not kind), ".html", ".exe", ".svg"]:
        assert f"is a {kind.upper()} file" in refused(MADE[kind](), f"a{other}")
    assert f"is a {kind.upper()} file" in refused(MADE[kind](), f"a{kind.suffix}.exe")


@pytest.mark.parametrize("kind", Kind)
def test_a_file_that_was_cut_off_anywhere_is_refused(kind: Kind) -> None:
    content = MADE[kind]()
    # a PDF's last line may lack its end; nothing else can be missing
    for length in range(len(content.rstrip(b"\n"))):
        refused(content[:length], f"a{kind.suffix}")


def test_an_empty_and_a_too_large_file_are_refused() -> None:
    assert "is empty" in refused(b"")
    chunk = samples.png_chunk(b"teXt", bytes(MOST_BYTES - len(samples.png()) - 12))
    largest = samples.png()[:-12] + chunk + samples.png()[-12:]
    assert len(largest) == MOST_BYTES
    assert recognise(largest, "a.png") is Kind.PNG
    assert "larger than 10 MB" in refused(largest + b"x", "a.png")


@pytest.mark.parametrize(
    "content",
    [
        b"<!doctype html><script>alert(1)</script>",
        b"<html>" + samples.pdf(),
        b"<script>alert(1)</script>" + samples.zip_(),
        b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'><script/></svg>",
        b"#!/bin/sh\nrm -rf ~\n",
        b"@echo off\r\n" + samples.pdf(),
        b"MZ\x90\0" + bytes(200),
        b"\x7fELF" + bytes(200),
        b"GIF89a" + bytes(200),
        b"RIFF\0\0\0\0WEBPVP8 ",
        b"Rar!\x1a\x07\x01\0" + bytes(100),
        "今天上架了十件商品。".encode(),
    ],
)
def test_other_kinds_are_refused_under_any_name(content: bytes) -> None:
    for name in ("a.pdf", "a.png", "a.zip", "a.html", "a"):
        assert "PDF, PNG, JPEG, DOCX, XLSX or ZIP" in refused(content, name)


def test_old_and_locked_office_files_say_how_to_save_them() -> None:
    assert "Save it as DOCX or XLSX" in refused(OLD_OFFICE, "a.doc")
    assert "Save it as DOCX or XLSX" in refused(OLD_OFFICE, "a.docx")
    assert "password" in refused(OLD_OFFICE + "EncryptedPackage".encode("utf-16-le"), "a.docx")


# pictures and PDF


def test_a_picture_with_a_wrong_checksum_or_without_its_parts_is_refused() -> None:
    whole = samples.png()
    header, data, end = whole[8:33], whole[33:-12], whole[-12:]
    assert recognise(whole[:8] + header + data + end, "a.png") is Kind.PNG
    flipped = bytearray(whole)
    flipped[45] ^= 1
    nothing_wide = samples.png_chunk(b"IHDR", bytes(4) + header[12:21])
    for broken in (
        bytes(flipped),
        whole[:8] + header + end,
        whole[:8] + data + header + end,
        whole[:8] + header + data,
        whole[:8] + nothing_wide + data + end,
        whole + samples.zip_(),
    ):
        assert "broken" in refused(broken, "a.png")


def test_a_jpeg_needs_a_frame_a_scan_and_an_end() -> None:
    whole = samples.jpeg()
    frame, scan = whole.index(b"\xff\xc0"), whole.index(b"\xff\xda")
    without_frame = whole[:frame] + whole[frame + 13 :]
    for broken in (without_frame, whole[:scan] + b"\xff\xd9", whole[:-2], whole[:2] + whole[-2:], whole[:20] + whole):
        assert "broken" in refused(broken, "a.jpg")


def test_a_jpeg_may_have_fill_bytes_restarts_and_a_telephones_second_picture() -> None:
    whole = samples.jpeg()
    assert recognise(whole[:2] + b"\xff\xff" + whole[2:], "a.jpg") is Kind.JPEG
    assert recognise(whole[:-2] + b"\xff\x00\xff\xd0?" + whole[-2:], "a.jpg") is Kind.JPEG
    assert recognise(whole + whole, "a.jpg") is Kind.JPEG


def test_a_pdf_may_have_blanks_around_it_but_needs_its_end() -> None:
    whole = samples.pdf()
    assert recognise(b"\xef\xbb\xbf\r\n" + whole + b"\r\n" * 100, "a.pdf") is Kind.PDF
    assert "broken" in refused(whole.replace(b"%%EOF", b""), "a.pdf")
    assert "broken" in refused(re.sub(rb"startxref\n\d+", b"startxref\n999999", whole), "a.pdf")
    assert "broken" in refused(whole + bytes(2000), "a.pdf")
    assert "can't be kept" in refused(b" " * 1024 + whole, "a.pdf")


# archives and Office files


def test_an_office_file_is_told_by_its_parts() -> None:
    assert recognise(samples.zip_({"word/document.xml": b"<w/>"}), "a.zip") is Kind.ZIP
    assert "is a ZIP file" in refused(samples.zip_(), "a.docx")
    assert "is a DOCX file" in refused(samples.docx(), "a.xlsx")
    assert "is a ZIP file" in refused(samples.docx({"xl/workbook.xml": b"<workbook/>"}), "a.docx")


@pytest.mark.parametrize("made", [samples.docx, samples.xlsx])
def test_macros_are_refused_however_they_are_named(made: Callable[..., bytes]) -> None:
    folder = "word" if made is samples.docx else "xl"
    macro = "application/vnd.ms-office.vbaProject"
    enabled = "application/vnd.ms-word.document.macroEnabled.main+xml"
    escaped = samples.content_types((f"{folder}/a.bin", macro)).replace(b"vbaP", b"&#118;baP")
    wide = samples.content_types(("word/document.xml", enabled)).decode().replace("UTF-8", "UTF-16").encode("utf-16")
    for more in (
        {f"{folder}/vbaProject.bin": b"x"},
        {f"{folder}/VBAPROJECT.BIN": b"x"},
        {samples.CONTENT_TYPES: escaped},
        {samples.CONTENT_TYPES: wide},
    ):
        for name in ("a.docx", "a.xlsx", "a.docm", "a.zip"):
            assert "macros" in refused(made(more), name)
    assert "macros" in refused(samples.zip_({"word/vbaProject.bin": b"x"}), "a.zip")


def test_broken_content_types_are_refused() -> None:
    entity = b'<!DOCTYPE t [<!ENTITY e "macroEnabled">]><Types/>'
    for types in (b"", b"<Types>", b"\xff\xff", entity):
        assert "broken" in refused(samples.docx({samples.CONTENT_TYPES: types}), "a.docx")
    long = b"<Types>" + b"<a/>" * 300_000 + b"</Types>"
    assert "unpacks to too much" in refused(samples.docx({samples.CONTENT_TYPES: long}), "a.docx")


def test_an_archive_without_a_file_in_it_is_refused() -> None:
    empty = BytesIO()
    ZipFile(empty, "w").close()
    for content in (empty.getvalue(), samples.zip_({"folder/": b""})):
        assert "nothing in" in refused(content)


@pytest.mark.parametrize(
    "name", ["../a.txt", "a/../../b", "/etc/passwd", "\\a", "C:\\a", "c:a", "..\\a", "a\\..\\b", "a/..", ".."]
)
def test_members_that_leave_their_folder_are_refused(name: str) -> None:
    assert "outside of their folder" in refused(stored(name))


def test_names_with_dots_and_chinese_names_are_no_paths() -> None:
    for name in ("a..b.txt", "…/…", "实训/第一周/说明.txt", "a\\b.txt"):
        assert recognise(stored(name), "a.zip") is Kind.ZIP
    from_windows = stored("xxxx.txt").replace(b"xxxx.txt", "誠表.txt".encode("gbk"))  # its second byte is a backslash
    assert b"\\" in from_windows
    assert recognise(from_windows, "a.zip") is Kind.ZIP


def test_links_and_cut_names_are_refused() -> None:
    link = stored("a", b"/etc/passwd", external_attr=(stat.S_IFLNK | 0o777) << 16, create_system=3)
    assert "outside of their folder" in refused(link)
    assert "outside of their folder" in refused(stored("a.txtx.exe").replace(b"a.txtx.exe", b"a.txt\0.exe"))


def test_encrypted_archives_are_refused() -> None:
    for flag in (0x1, 0x41, 0x2001):
        content = bytearray(samples.zip_())
        struct.pack_into("<H", content, 6, flag)
        struct.pack_into("<H", content, content.index(b"PK\x01\x02") + 8, flag)
        assert "password" in refused(bytes(content))


def test_unusual_packing_is_refused() -> None:
    file = BytesIO()
    with ZipFile(file, "w") as archive:
        archive.writestr("a", b"x" * 100, ZIP_BZIP2)
    assert "ordinary ZIP" in refused(file.getvalue())


def test_an_archive_that_starts_or_lists_otherwise_than_it_says_is_refused() -> None:
    whole = samples.zip_({"a": b"x" * 100, "b": b"y"})
    junk = b"PK\x03\x04" + bytes(26)
    assert "broken" in refused(junk + whole)
    file = BytesIO()
    with ZipFile(file, "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("a", b"one")
        archive.writestr("a", b"two")
    assert "broken" in refused(file.getvalue())
    assert "broken" in refused(stored(""))
    assert "broken" in refused(stored("aa").replace(b"aa", b"..", 1))  # the directory says a better name


def bomb(zeros: int, **declared: int) -> bytes:
    """An archive of a member of zeros, which may declare another size or checksum than it has."""
    whole = bytearray(samples.zip_({"a": bytes(zeros)}))
    directory = whole.index(b"PK\x01\x02")
    for field, at in (("crc", 0), ("size", 8)):
        if field in declared:
            struct.pack_into("<I", whole, 14 + at, declared[field])
            struct.pack_into("<I", whole, directory + 16 + at, declared[field])
    return bytes(whole)


def test_bombs_are_refused_by_what_they_declare() -> None:
    assert recognise(bomb(1_000_000), "a.zip") is Kind.ZIP
    assert "unpacks to too much" in refused(bomb(MOST_BYTES + 1))
    assert "unpacks to too much" in refused(bomb(10, size=evidence.MOST_UNPACKED + 1))
    many = samples.zip_({str(number): b"" for number in range(evidence.MOST_MEMBERS + 1)})
    assert "unpacks to too much" in refused(many)


def test_bombs_are_refused_by_what_they_unpack_to(monkeypatch: pytest.MonkeyPatch) -> None:
    modest = bomb(MOST_BYTES * 3, size=10, crc=zlib.crc32(bytes(10)))
    with ZipFile(BytesIO(modest)) as archive:
        assert archive.read("a") == bytes(10)  # zipfile believes it
    inflated = []
    inflater = zlib.decompressobj
    monkeypatch.setattr(evidence.zlib, "decompressobj", lambda bits: Counting(inflater(bits), inflated))
    assert "unpacks to too much" in refused(modest)
    assert MOST_BYTES < sum(inflated) <= MOST_BYTES + evidence.CHUNK
    assert "broken" in refused(bomb(100, size=10, crc=zlib.crc32(bytes(10))))
    assert "broken" in refused(bomb(100, size=10_000))


class Counting:
    """An inflater that notes how much it gives."""

    def __init__(self, inflater: zlib._Decompress, given: list[int]) -> None:
        self.inflater, self.given = inflater, given

    def decompress(self, data: bytes, most: int) -> bytes:
        piece = self.inflater.decompress(data, most)
        self.given.append(len(piece))
        return piece

    def __getattr__(self, name: str) -> object:
        return getattr(self.inflater, name)


def test_several_members_share_one_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "MOST_BYTES", 1_000)
    monkeypatch.setattr(evidence, "MOST_UNPACKED", 1_000)
    assert recognise(samples.zip_({"a": bytes(600), "b": bytes(400)}), "a.zip") is Kind.ZIP
    assert "unpacks to too much" in refused(samples.zip_({"a": bytes(600), "b": bytes(401)}))


def test_large_members_are_unpacked_whole() -> None:
    ones = b"".join(struct.pack("<I", zlib.crc32(number.to_bytes(4, "big"))) for number in range(150_000))
    file = BytesIO()
    with ZipFile(file, "w") as archive:
        archive.writestr("dense", ones, ZIP_DEFLATED)
        archive.writestr("stored", ones, ZIP_STORED)
        archive.writestr("runs", b"a" * MOST_BYTES + ones[:1000], ZIP_DEFLATED)
    assert recognise(file.getvalue(), "a.zip") is Kind.ZIP


@given(st.data())
def test_nothing_but_a_refusal_comes_of_a_mutation(data: st.DataObject) -> None:
    content = bytearray(MADE[data.draw(st.sampled_from(Kind))]())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content)))
        until = data.draw(st.integers(at, min(len(content), at + 8)))
        content[at:until] = data.draw(st.binary(max_size=8))
    try:
        assert recognise(bytes(content), "a") in Kind
    except Invalid as refusal:
        assert refusal.errors.keys() == {"files"}


@given(
    st.sampled_from(
        [b"", b"PK\x03\x04", b"PK\x05\x06", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"%PDF-1.7", OLD_OFFICE]
    ),
    st.binary(max_size=300),
    st.text(max_size=20).filter(lambda name: "%(" not in name),  # which is what `refused` looks for
)
def test_nothing_but_a_refusal_comes_of_random_bytes(start: bytes, rest: bytes, name: str) -> None:
    refused(start + rest, name)


# names and sending


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("第一周.pdf", "第一周.pdf"),
        ("C:\\Users\\李雷\\a b.pdf", "a b.pdf"),
        ("../../etc/passwd", "passwd"),
        ("a\r\nSet-Cookie: x.pdf", "aSet-Cookie_ x.pdf"),
        ("evil\u202efdp.exe", "evilfdp.exe"),
        ('a"b;c.pdf', "a_b;c.pdf"),
        (" ..a.pdf. ", "a.pdf"),
        ("\ud800.pdf", "pdf"),
        ("", "file"),
        ("/", "file"),
        ("长" * 300 + ".docx", "长" * 80 + ".docx"),
        ("a." + "b" * 300, "a." + "b" * 78),
    ],
)
def test_names_are_plain(name: str, plain: str) -> None:
    assert plain_name(name) == plain


@given(st.text(max_size=200))
def test_a_plain_name_stays_plain(name: str) -> None:
    plain = plain_name(name)
    assert plain
    assert plain_name(plain) == plain
    assert not re.search(r'[/\\\x00-\x1f\x7f<>:"|?*]', plain)


def test_headers_keep_the_chinese_name_and_run_nothing() -> None:
    headers = download_headers("../第一周 (改).pdf", Kind.PDF)
    assert headers["Content-Type"] == "application/pdf"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    disposition = headers["Content-Disposition"]
    assert disposition.startswith('attachment; filename="')
    assert unquote(disposition.split("filename*=UTF-8''")[1]) == "第一周 (改).pdf"
    assert download_headers("报告", Kind.DOCX)["Content-Disposition"].endswith(".docx")


@given(st.text(max_size=100), st.sampled_from(Kind))
def test_headers_hold_no_line_ends_and_the_right_end(name: str, kind: Kind) -> None:
    disposition = download_headers(name, kind)["Content-Disposition"]
    matched = re.fullmatch(
        r"attachment; filename=\"([\w.\- ]+)\"; filename\*=UTF-8''([\w.~%-]+)", disposition, re.ASCII
    )
    assert matched is not None
    assert matched[1].lower().endswith(kind.suffixes)
    assert matched[2].lower().endswith(kind.suffixes)


# keeping


def test_the_store_keeps_reads_lists_and_removes(tmp_path: Path) -> None:
    store = Store(tmp_path / "evidence")
    assert list(store.keys()) == []
    contents = {store.put(content): content for content in (b"one", b"two", b"one", b"")}
    assert len(contents) == 4
    assert list(store.keys()) == sorted(contents)
    assert {key: store.read(key) for key in contents} == contents
    first = next(iter(contents))
    store.remove(first)
    store.remove(first)
    assert first not in list(store.keys())
    with pytest.raises(FileNotFoundError):
        store.read(first)


def test_the_stores_files_are_the_banks_alone(tmp_path: Path) -> None:
    store = Store(tmp_path / "evidence")
    key = store.put(b"one")
    path = store.path(key)
    assert re.fullmatch("[0-9a-f]{32}", key)
    assert path == tmp_path / "evidence" / key[:2] / key[2:4] / key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("key", ["", "..", "../" * 10 + "a", "a" * 31, "A" * 32, "a" * 32 + "\n", "a" * 31 + "/"])
def test_what_is_no_key_opens_nothing(tmp_path: Path, key: str) -> None:
    store = Store(tmp_path)
    for ask in (store.path, store.read, store.remove):
        with pytest.raises(ValueError, match="no key"):
            ask(key)


def test_a_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_handle: int) -> None:
        raise OSError("no space left on device")

    store = Store(tmp_path)
    monkeypatch.setattr(evidence.os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        store.put(b"one")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert list(store.keys()) == []
