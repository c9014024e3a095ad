"""Evidence files: told by their content, kept outside static/, and sent so that no browser shows or runs them.

Sources: PNG (ISO/IEC 15948), JPEG (ITU-T T.81, annex B), PDF (ISO 32000-2, 7.5), ZIP (PKWARE APPNOTE 6.3),
Office files (ECMA-376, part 2), and the name in a header (RFC 6266 with RFC 8187).
"""

from __future__ import annotations

import os
import re
import secrets
import stat
import struct
import unicodedata
import zlib
from collections.abc import Iterator
from enum import Enum, StrEnum, auto
from io import BytesIO
from pathlib import Path, PurePosixPath
from urllib.parse import quote
from xml.parsers import expat
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from talentbank.errors import Invalid
from talentbank.extensions import lazy_gettext as _l

MOST_BYTES = 10 * 1024 * 1024
MOST_UNPACKED = 200 * 1024 * 1024
MOST_MEMBERS = 2_000
MOST_RATIO = 100
"""How many times its size an archive may unpack to; one that unpacks to less than MOST_BYTES may do as it likes."""
LONGEST_NAME = 80
CHUNK = 64 * 1024

_OFFICE = "application/vnd.openxmlformats-officedocument"


class Kind(StrEnum):
    """The kinds of file that can be evidence."""

    PDF = "pdf"
    PNG = "png"
    JPEG = "jpeg"
    DOCX = "docx"
    XLSX = "xlsx"
    ZIP = "zip"

    @property
    def media_type(self) -> str:
        """The type that it is sent as."""
        return {
            Kind.PDF: "application/pdf",
            Kind.PNG: "image/png",
            Kind.JPEG: "image/jpeg",
            Kind.DOCX: f"{_OFFICE}.wordprocessingml.document",
            Kind.XLSX: f"{_OFFICE}.spreadsheetml.sheet",
            Kind.ZIP: "application/zip",
        }[self]

    @property
    def suffix(self) -> str:
        """The end of its files' names, with the dot."""
        return self.suffixes[0]

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Every end that its files' names may have."""
        return (".jpg", ".jpeg", ".jpe", ".jfif") if self is Kind.JPEG else (f".{self}",)


class _Fault(Enum):
    """What keeps a content from being evidence."""

    FOREIGN = auto()
    OLD_OFFICE = auto()
    BROKEN = auto()
    LOCKED = auto()
    MACROS = auto()
    NOTHING_INSIDE = auto()
    TOO_MUCH_INSIDE = auto()
    LEAVES_FOLDER = auto()
    ODDLY_PACKED = auto()


def _sentence(fault: _Fault, name: str) -> object:
    """What to say of a fault, and what to do."""
    return {
        _Fault.FOREIGN: _l(
            "%(name)s can't be kept as evidence. Send it as PDF, PNG, JPEG, DOCX, XLSX or ZIP.", name=name
        ),
        _Fault.OLD_OFFICE: _l(
            "%(name)s is of an old Office format. Save it as DOCX or XLSX and send that.", name=name
        ),
        _Fault.BROKEN: _l(
            "%(name)s is broken or was cut off on its way. Open it, save it again, and send that.", name=name
        ),
        _Fault.LOCKED: _l("%(name)s is protected by a password. Save it without one and send that.", name=name),
        _Fault.MACROS: _l(
            "%(name)s contains macros. Save it without them, as DOCX or XLSX, and send that.", name=name
        ),
        _Fault.NOTHING_INSIDE: _l("There is nothing in %(name)s. Pack it again and send that.", name=name),
        _Fault.TOO_MUCH_INSIDE: _l(
            "%(name)s unpacks to too much. Send a smaller archive, or its files one by one.", name=name
        ),
        _Fault.LEAVES_FOLDER: _l(
            "%(name)s holds files that would be unpacked outside of their folder. Pack it again and send that.",
            name=name,
        ),
        _Fault.ODDLY_PACKED: _l(
            "%(name)s is packed in an unusual way. Pack it again as an ordinary ZIP and send that.", name=name
        ),
    }[fault]


class _Wrong(Exception):  # noqa: N818  (it becomes a refusal as soon as the name is known)
    """A content that can't be evidence, and why."""

    def __init__(self, fault: _Fault) -> None:
        super().__init__(fault)
        self.fault = fault


def recognise(content: bytes, name: str) -> Kind:
    """What a file is, told by its content and confirmed by its name.

    Raises Invalid with a sentence for `files` when it is empty, larger than MOST_BYTES, broken, of no kind that is
    kept, or not what its name says. A name without an end says nothing and is not held against the file.
    """
    shown = plain_name(name)
    if not content:
        raise _refusal(_l("%(name)s is empty. Choose the file again.", name=shown))
    if len(content) > MOST_BYTES:
        raise _refusal(_l("%(name)s is larger than 10 MB. Make it smaller, or send it in parts.", name=shown))
    try:
        kind = _kind(content)
    except _Wrong as wrong:
        raise _refusal(_sentence(wrong.fault, shown)) from wrong
    end = PurePosixPath(shown).suffix.lower()
    if end and end not in kind.suffixes:
        raise _refusal(
            _l(
                "%(name)s is not what its name says: it is a %(kind)s file. Choose the right one, or rename it to end"
                " in %(suffix)s.",
                name=shown,
                kind=kind.upper(),
                suffix=kind.suffix,
            )
        )
    return kind


def _refusal(sentence: object) -> Invalid:
    return Invalid(errors={"files": sentence})


def _kind(content: bytes) -> Kind:
    if content.startswith(PNG_SIGNATURE):
        _check_png(content)
        return Kind.PNG
    if content.startswith(b"\xff\xd8\xff"):
        _check_jpeg(content)
        return Kind.JPEG
    if content.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _packed(content)
    if PDF_HEADER.match(content[:1024]):
        _check_pdf(content)
        return Kind.PDF
    if content.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        if "EncryptedPackage".encode("utf-16-le") in content:  # how Office locks DOCX and XLSX
            raise _Wrong(_Fault.LOCKED)
        raise _Wrong(_Fault.OLD_OFFICE)
    raise _Wrong(_Fault.FOREIGN)


# PDF

PDF_HEADER = re.compile(rb"(?:\xef\xbb\xbf)?[\0\t\n\f\r ]*%PDF-[12]\.\d")
"""Readers look for it in the first 1,024 bytes. Only blanks may stand before it, or the file is another thing too."""
PDF_END = re.compile(rb"startxref\s+(\d{1,10})\s+%%EOF")


def _check_pdf(content: bytes) -> None:
    """The end says where the cross-references are, within the file."""
    ends = PDF_END.findall(content[-1024:])
    if not ends or int(ends[-1]) >= len(content):
        raise _Wrong(_Fault.BROKEN)


# PNG

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def _check_png(content: bytes) -> None:
    """Chunks with their checksums, from IHDR by way of IDAT to IEND, and nothing behind it."""
    place = len(PNG_SIGNATURE)
    seen: set[bytes] = set()
    while b"IEND" not in seen:
        if place + 12 > len(content):
            raise _Wrong(_Fault.BROKEN)
        (length,) = struct.unpack_from(">I", content, place)
        kind, end = content[place + 4 : place + 8], place + 8 + length
        if end + 4 > len(content) or struct.unpack_from(">I", content, end)[0] != zlib.crc32(
            content[place + 4 : end]
        ):
            raise _Wrong(_Fault.BROKEN)
        if not seen and (kind != b"IHDR" or length != 13 or 0 in struct.unpack_from(">II", content, place + 8)):
            raise _Wrong(_Fault.BROKEN)
        seen.add(kind)
        place = end + 4
    if b"IDAT" not in seen or place != len(content):
        raise _Wrong(_Fault.BROKEN)


# JPEG

JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
JPEG_SCAN, JPEG_END = 0xDA, 0xD9
JPEG_NEXT = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")
"""A marker that ends a scan: neither a stuffed byte nor a restart."""


def _check_jpeg(content: bytes) -> None:
    """Segments from SOI to EOI with a frame and a scan. Telephones put more pictures behind the first: let them."""
    place, frame, scan = 2, False, False
    while True:
        while content[place : place + 2] == b"\xff\xff":
            place += 1
        if place + 2 > len(content) or content[place] != 0xFF:
            raise _Wrong(_Fault.BROKEN)
        marker = content[place + 1]
        if marker == JPEG_END:
            break
        if place + 4 > len(content):
            raise _Wrong(_Fault.BROKEN)
        (length,) = struct.unpack_from(">H", content, place + 2)
        if length < 2 or place + 2 + length > len(content):
            raise _Wrong(_Fault.BROKEN)
        if marker in JPEG_FRAMES:
            frame = frame or (length >= 11 and 0 not in struct.unpack_from(">HH", content, place + 5))
        place += 2 + length
        if marker == JPEG_SCAN:
            scan = frame
            following = JPEG_NEXT.search(content, place)
            if following is None:
                raise _Wrong(_Fault.BROKEN)
            place = following.start()
    if not scan:
        raise _Wrong(_Fault.BROKEN)


# ZIP, and what Office makes of it

CONTENT_TYPES = "[Content_Types].xml"
MAIN_PARTS = {"word/document.xml": Kind.DOCX, "xl/workbook.xml": Kind.XLSX}
ACTIVE = re.compile(r"macroenabled|vbaproject|macrosheet", re.IGNORECASE)
MOST_CONTENT_TYPES = 1024 * 1024
ENCRYPTED = 0x1 | 0x40 | 0x2000


def _packed(content: bytes) -> Kind:
    """ZIP, or DOCX and XLSX, which are ZIPs with named parts in them."""
    try:
        with ZipFile(BytesIO(content)) as archive:
            members = archive.infolist()
            _check_members(members, len(content))
            for member in members:
                archive.open(member).close()  # its own header says the same as the directory
    except (BadZipFile, EOFError, OSError, OverflowError, RuntimeError, ValueError, struct.error) as error:
        raise _Wrong(_Fault.BROKEN) from error
    left = _most(len(content))
    for member in members:
        left -= _check_content(content, member, left)

    parts = {member.filename: member for member in members}
    if any(PurePosixPath(part).name.lower() == "vbaproject.bin" for part in parts):
        raise _Wrong(_Fault.MACROS)
    kinds = [kind for part, kind in MAIN_PARTS.items() if part in parts]
    if CONTENT_TYPES not in parts or len(kinds) != 1:
        return Kind.ZIP
    if any(ACTIVE.search(said) for said in _content_types(content, parts[CONTENT_TYPES])):
        raise _Wrong(_Fault.MACROS)
    return kinds[0]


def _most(size: int) -> int:
    """The most bytes that an archive of a size may unpack to."""
    return min(MOST_UNPACKED, max(MOST_BYTES, MOST_RATIO * size))


def _check_members(members: list[ZipInfo], size: int) -> None:
    """What an archive says of itself, before anything is unpacked."""
    if all(member.filename.endswith("/") for member in members):
        raise _Wrong(_Fault.NOTHING_INSIDE)
    if len(members) > MOST_MEMBERS or sum(member.file_size for member in members) > _most(size):
        raise _Wrong(_Fault.TOO_MUCH_INSIDE)
    if any(member.flag_bits & ENCRYPTED for member in members):
        raise _Wrong(_Fault.LOCKED)
    if any(_leaves(member) for member in members):
        raise _Wrong(_Fault.LEAVES_FOLDER)
    if any(member.compress_type not in (ZIP_STORED, ZIP_DEFLATED) for member in members):
        raise _Wrong(_Fault.ODDLY_PACKED)
    names = {member.filename for member in members}
    if "" in names or len(names) < len(members) or min(member.header_offset for member in members) != 0:
        raise _Wrong(_Fault.BROKEN)


def _leaves(member: ZipInfo) -> bool:
    """Whether a careless unpacker would write outside of its folder: by the name, or through a link."""
    name = member.orig_filename
    outside = name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", name) or ".." in re.split(r"[/\\]", name)
    return bool(outside) or "\0" in name or stat.S_ISLNK(member.external_attr >> 16)


def _check_content(content: bytes, member: ZipInfo, most: int) -> int:
    """The true size of a member, in bytes; it must be what was declared, whatever the packed bytes pretend."""
    size, checksum = 0, 0
    for piece in _pieces(content, member):
        size += len(piece)
        checksum = zlib.crc32(piece, checksum)
        if size > most:
            raise _Wrong(_Fault.TOO_MUCH_INSIDE)
    if size != member.file_size or checksum != member.CRC:
        raise _Wrong(_Fault.BROKEN)
    return size


def _pieces(content: bytes, member: ZipInfo) -> Iterator[bytes]:
    """A member in pieces of at most CHUNK bytes. Unpacked here, as zipfile stops at the size that was declared."""
    name, extra = struct.unpack_from("<HH", content, member.header_offset + 26)
    start = member.header_offset + 30 + name + extra
    packed = memoryview(content)[start : start + member.compress_size]
    if len(packed) != member.compress_size:
        raise _Wrong(_Fault.BROKEN)
    if member.compress_type == ZIP_STORED:
        yield from (bytes(packed[at : at + CHUNK]) for at in range(0, len(packed), CHUNK))
        return
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for at in range(0, len(packed), CHUNK):
            rest: bytes | memoryview = packed[at : at + CHUNK]
            while rest:
                if inflater.eof:
                    raise _Wrong(_Fault.BROKEN)
                yield inflater.decompress(rest, CHUNK)
                rest = inflater.unconsumed_tail
        yield inflater.flush()
    except zlib.error as error:
        raise _Wrong(_Fault.BROKEN) from error
    if not inflater.eof or inflater.unused_data:
        raise _Wrong(_Fault.BROKEN)


def _content_types(content: bytes, member: ZipInfo) -> list[str]:
    """The content types that an Office file gives its parts."""
    if member.file_size > MOST_CONTENT_TYPES:
        raise _Wrong(_Fault.TOO_MUCH_INSIDE)
    found: list[str] = []
    parser = expat.ParserCreate()

    def doctype(*_: object) -> None:
        raise _Wrong(_Fault.BROKEN)  # ECMA-376 allows none, and entities could hide a type

    parser.StartDoctypeDeclHandler = doctype
    parser.StartElementHandler = lambda _name, attributes: found.append(attributes.get("ContentType", ""))
    try:
        parser.Parse(b"".join(_pieces(content, member)), True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise _Wrong(_Fault.BROKEN) from error
    return found


# Names and sending

INVISIBLE = frozenset({"Cc", "Cf", "Cs"})
"""Controls, formats (some turn the direction of writing, and so hide a name's end) and halves of characters."""


def plain_name(name: str) -> str:
    """A file's name as it is kept and shown: no path, nothing invisible, at most LONGEST_NAME letters and an end."""
    seen = "".join(c for c in re.split(r"[/\\]", name)[-1] if unicodedata.category(c) not in INVISIBLE)
    path = PurePosixPath(re.sub(r"\s+", " ", re.sub(r'[<>:"|?*]', "_", seen)).strip(" ."))
    end = path.suffix if len(path.suffix) <= 10 else ""
    stem = path.name.removesuffix(end)[:LONGEST_NAME].strip()
    return f"{stem or 'file'}{end}"


def download_headers(name: str, kind: Kind) -> dict[str, str]:
    """What an answer with the file must say: keep it, take it for nothing else, run nothing of it."""
    plain = plain_name(name)
    if not plain.lower().endswith(kind.suffixes):
        plain += kind.suffix
    plainest = re.sub(r"[^A-Za-z0-9._ -]", "_", plain)
    return {
        "Content-Type": kind.media_type,
        "Content-Disposition": f"attachment; filename=\"{plainest}\"; filename*=UTF-8''{quote(plain, safe='')}",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }


# Keeping

KEY = re.compile(r"[0-9a-f]{32}")


class Store:
    """Contents in a folder, each under a random key of 32 hexadecimal digits, readable by the bank alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, key: str) -> Path:
        """Where a content lies. Raises ValueError for what is no key."""
        if not KEY.fullmatch(key):
            raise ValueError(f"{key!r} is no key of the store")
        return self.folder / key[:2] / key[2:4] / key

    def put(self, content: bytes) -> str:
        """Keep a content and return its key. Once this returns it is on the disk; nobody ever sees half of it."""
        path = self.path(secrets.token_hex(16))
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        try:
            with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            unfinished.rename(path)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
        _sync(path.parent)
        return path.name

    def read(self, key: str) -> bytes:
        """A content. Raises FileNotFoundError if there is none, ValueError for what is no key."""
        return self.path(key).read_bytes()

    def remove(self, key: str) -> None:
        """Remove a content, if it is there."""
        self.path(key).unlink(missing_ok=True)

    def keys(self) -> Iterator[str]:
        """The keys of all contents, in order."""
        return (path.name for path in sorted(self.folder.glob("??/??/*")) if KEY.fullmatch(path.name))


def _sync(folder: Path) -> None:
    """Have the folder's entries on the disk too, else a rename could be lost with the power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
