"""Small whole files of each kind that can be evidence, made here so that a test can break them."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

CONTENT_TYPES = "[Content_Types].xml"
_OFFICE = "http://schemas.openxmlformats.org"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def pdf() -> bytes:
    """One empty page, with cross-references that are right."""
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>",
    ]
    content, places = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", []
    for number, part in enumerate(parts, 1):
        places.append(len(content))
        content += b"%d 0 obj\n%b\nendobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return content + (
        b"xref\n0 4\n0000000000 65535 f \n%btrailer\n<< /Size 4 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
        % (table, len(content))
    )


def png() -> bytes:
    """Two by two grey dots."""
    header = struct.pack(">IIBBBBB", 2, 2, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        png_chunk(kind, data)
        for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0\x20\x40\0\x60\x80")), (b"IEND", b""))
    )


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk with its length and checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def jpeg() -> bytes:
    """One grey dot, baseline."""
    return bytes.fromhex(
        "ffd8ffe000104a46494600010100000100010000ffdb004300100b0c0e0c0a100e0d0e1211101318281a181616183123251d"
        "283a333d3c3933383740485c4e404457453738506d51575f626768673e4d71797064785c656763ffc0000b08000100010101"
        "1100ffc40014000100000000000000000000000000000000ffc40014100100000000000000000000000000000000ffda0008"
        "010100003f003fffd9"
    )


def zip_(members: dict[str, bytes] | None = None) -> bytes:
    """An archive of members by name; every time the same bytes."""
    file = BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        for name, content in (members or {"实训/说明.txt": "第一周：上架商品。".encode()}).items():
            archive.writestr(ZipInfo(name), content, ZIP_DEFLATED)
    return file.getvalue()


def docx(more: dict[str, bytes] | None = None) -> bytes:
    """A document of one paragraph, with further or other parts."""
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    document = (
        f'<w:document xmlns:w="{_OFFICE}/wordprocessingml/2006/main">'
        "<w:body><w:p><w:r><w:t>第一周：上架商品。</w:t></w:r></w:p></w:body></w:document>"
    )
    return zip_(
        _package("word/document.xml", kind) | {"word/document.xml": (_HEAD + document).encode()} | (more or {})
    )


def xlsx(more: dict[str, bytes] | None = None) -> bytes:
    """A workbook of one cell, with further or other parts."""
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    main = f"{_OFFICE}/spreadsheetml/2006/main"
    workbook = (
        f'<workbook xmlns="{main}" xmlns:r="{_OFFICE}/officeDocument/2006/relationships">'
        '<sheets><sheet name="工时" sheetId="1" r:id="rId1"/></sheets></workbook>'
    )
    relation = _relation(f"{_OFFICE}/officeDocument/2006/relationships/worksheet", "worksheets/sheet1.xml")
    sheet = f'<worksheet xmlns="{main}"><sheetData><row r="1"><c r="A1"><v>8</v></c></row></sheetData></worksheet>'
    return zip_(
        _package("xl/workbook.xml", f"{kind}.sheet.main+xml", ("xl/worksheets/sheet1.xml", f"{kind}.worksheet+xml"))
        | {
            "xl/workbook.xml": (_HEAD + workbook).encode(),
            "xl/_rels/workbook.xml.rels": relation,
            "xl/worksheets/sheet1.xml": (_HEAD + sheet).encode(),
        }
        | (more or {})
    )


def content_types(*parts: tuple[str, str]) -> bytes:
    """The part of an Office file that says what the others are."""
    said = "".join(f'<Override PartName="/{name}" ContentType="{kind}"/>' for name, kind in parts)
    relations = "application/vnd.openxmlformats-package.relationships+xml"
    types = f'<Default Extension="rels" ContentType="{relations}"/>{said}'
    return f'{_HEAD}<Types xmlns="{_OFFICE}/package/2006/content-types">{types}</Types>'.encode()


def _package(main: str, kind: str, *others: tuple[str, str]) -> dict[str, bytes]:
    return {
        CONTENT_TYPES: content_types((main, kind), *others),
        "_rels/.rels": _relation(f"{_OFFICE}/officeDocument/2006/relationships/officeDocument", main),
    }


def _relation(kind: str, target: str) -> bytes:
    one = f'<Relationship Id="rId1" Type="{kind}" Target="{target}"/>'
    return f'{_HEAD}<Relationships xmlns="{_OFFICE}/package/2006/relationships">{one}</Relationships>'.encode()
