"""A transcript says everything in both languages, can be searched, checked and made again byte for byte."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from typing import Any

import pypdfium2
import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from talentbank.credentials import sheet as drawing
from talentbank.credentials.printing import missing, render
from talentbank.credentials.sheet import MOST_LINES, ZH, Sheet, printable, tidy
from talentbank.credentials.transcript import LevelLine, Line, Text, Transcript

ADDRESS = "https://bank.example/check/transcript/7f3k9qxm2b8d4c6e8f0a"
OPERATIONS, DESIGN = Text("运营类", "Operations"), Text("设计类", "Design")


def line(number: int = 1, category: Text = OPERATIONS, minutes: int = 750, credit: int = 78) -> Line:
    return Line(
        title=Text(f"第{number}期亚马逊 Listing 优化实战（含广告投放）", f"Amazon listings, course {number}."),
        kind=Text("真实项目", "Real project"),
        category=category,
        host=Text("川货出海科技", "Sichuan Goods Overseas"),
        begins=date(2026, 3, 1) + timedelta(number),
        ends=date(2026, 6, 30),
        minutes=minutes,
        credit=credit,
    )


TRANSCRIPT = Transcript(
    code="7F3K-9QXM-2B8D",
    bank=Text("眉山天府新区跨境电商人才银行", "CBEC Talent Bank, Meishan Tianfu New Area"),
    student=Text("王䶮𬍛", "Wáng Yǎnlì"),
    university=Text("眉山职业技术学院", "Meishan Vocational and Technical College"),
    major=Text("跨境电子商务", "Cross-border E-commerce"),
    year=2027,
    recognised=False,
    issued_at=datetime(2026, 7, 3, 16, 5, tzinfo=UTC),
    address=ADDRESS,
    lines=(line(1), line(2, DESIGN, 60, 6), line(3, OPERATIONS, 610, 64)),
    levels=(LevelLine(Text("平台运营", "Platform Operations"), 3, Text("独立完成", "independent")),),
)


def pages(transcript: Transcript) -> list[str]:
    """The text of each page, as another program finds it, without line ends."""
    return [page.extract_text().replace("\n", " ") for page in PdfReader(BytesIO(render(transcript))).pages]


@pytest.fixture(scope="module")
def sheet() -> Iterator[Sheet]:
    sheet = Sheet(title="", author="", made_at=TRANSCRIPT.issued_at, head="", foot=(), address=ADDRESS)
    yield sheet
    sheet.output()  # closes the typeface's file


def test_everything_stands_there_in_both_languages() -> None:
    (text,) = pages(TRANSCRIPT)
    spaced = re.sub(r"\s", "", text)  # the title's characters stand apart
    for expected in (
        "实践学分成绩单",
        "眉山天府新区跨境电商人才银行",
        "王䶮𬍛",
        "眉山职业技术学院",
        "跨境电子商务",
        "第1期亚马逊Listing优化实战（含广告投放）",
        "2026-03-02–2026-06-30",
        "核验能力等级",
    ):
        assert expected in spaced
    for expected in (
        "Transcript of Practical Credits",
        "CBEC Talent Bank, Meishan Tianfu New Area",
        "Wáng Yǎnlì",
        "Meishan Vocational and Technical College",
        "Cross-border E-commerce",
        "2027",
        "7F3K-9QXM-2B8D",
        "2026-07-04 00:05 (UTC+08:00)",  # in Meishan it is the next day already
        "Amazon listings, course 3.",
        "Real project",
        "Sichuan Goods Overseas",
        "Platform Operations",
        "independent",
        ADDRESS,
        TRANSCRIPT.digest,
        "Page 1 of 1",
    ):
        assert expected in text


def test_hours_and_credits_are_summed_exactly() -> None:
    (text,) = pages(TRANSCRIPT)
    assert "12:30 0.78" in text
    assert "1:00 0.06" in text
    practice, categories = text.split("Totals by category")
    assert "合计 Total 23:40 1.48" in practice
    assert "运营类 Operations 2 22:40 1.42" in categories
    assert "设计类 Design 1 1:00 0.06" in categories
    assert "合计 Total 3 23:40 1.48" in categories


def test_the_foot_says_whose_credits_they_are() -> None:
    (text,) = pages(TRANSCRIPT)
    assert "until the student's university recognises it as its own credit" in text
    assert "均用此称" in text
    (text,) = pages(replace(TRANSCRIPT, recognised=True))
    assert "are recognised by the university as its own" in text
    assert "认可为该校学分" in text
    assert "until" not in text


def test_a_long_transcript_repeats_its_headings_and_loses_no_line() -> None:
    texts = pages(replace(TRANSCRIPT, lines=tuple(line(number) for number in range(1, 61))))
    assert len(texts) > 3
    for number, text in enumerate(texts, 1):
        assert f"第 {number} 页，共 {len(texts)} 页" in text
        assert f"Page {number} of {len(texts)}" in text
        assert "until the student's university" in text
        assert text.count("实训资源 Training resource") == (1 if "course" in text else 0)
        assert ("(continued) | 王䶮𬍛 Wáng Yǎnlì" in text) == (number > 1)
    found = [int(number) for text in texts for number in re.findall(r"course (\d+)\.", text)]
    assert found == list(range(1, 61))
    assert "合计 Total 60 750:00 46.80" in texts[-1]


def test_a_transcript_without_practice_says_nothing_was_earned() -> None:
    (text,) = pages(replace(TRANSCRIPT, lines=(), levels=(), year=None))
    assert "合计 Total 0:00 0.00" in text
    assert "Totals by category" not in text
    assert "Verified competencies" not in text


def test_the_qr_code_leads_to_the_check_and_so_does_a_click() -> None:
    for address in (ADDRESS, ADDRESS + "?" + "a" * 150):
        content = render(replace(TRANSCRIPT, address=address))
        with pypdfium2.PdfDocument(content) as document:
            picture = document[0].render(scale=3, grayscale=True).to_numpy().copy()
        assert [found.text for found in zxingcpp.read_barcodes(picture)] == [address]
        links = [note["/A"]["/URI"] for note in PdfReader(BytesIO(content)).pages[0]["/Annots"]]
        assert links == [address, address]


def test_the_document_says_what_it_is_and_brings_its_typeface() -> None:
    reader = PdfReader(BytesIO(render(TRANSCRIPT)), strict=True)
    assert reader.metadata is not None
    assert reader.metadata.title == "实践学分成绩单 Transcript of Practical Credits 7F3K-9QXM-2B8D"
    assert reader.metadata.creation_date == TRANSCRIPT.issued_at
    assert reader.root_object["/Lang"] == "zh-CN"
    for page in reader.pages:
        assert page.mediabox.width == pytest.approx(210 / 25.4 * 72, abs=0.01)
        assert page.mediabox.height == pytest.approx(297 / 25.4 * 72, abs=0.01)
        for font in page["/Resources"]["/Font"].values():
            (descendant,) = font["/DescendantFonts"]
            assert "/FontFile2" in descendant["/FontDescriptor"]


def test_the_same_transcript_gives_the_same_bytes_in_any_process() -> None:
    program = (
        "import hashlib, json, sys; from talentbank.credentials.transcript import Transcript;"
        "from talentbank.credentials.printing import render;"
        "print(hashlib.sha256(render(Transcript.read(json.load(sys.stdin)))).hexdigest())"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", program],
            input=json.dumps(TRANSCRIPT.content()),
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
        ).stdout.strip()
        for seed, zone in (("1", "UTC"), ("2", "Asia/Shanghai"))
    }
    assert said == {hashlib.sha256(render(TRANSCRIPT)).hexdigest()}


def test_what_was_kept_gives_the_transcript_back() -> None:
    kept = json.loads(json.dumps(TRANSCRIPT.content()))
    assert Transcript.read(kept) == TRANSCRIPT
    assert Transcript.read(kept).digest == TRANSCRIPT.digest
    plain = json.dumps(kept, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert hashlib.sha256(plain.encode()).hexdigest() == TRANSCRIPT.digest


@pytest.mark.parametrize(
    "change",
    [
        {"recognised": True},
        {"code": "other"},
        {"lines": (line(1), line(2, DESIGN, 60, 7), line(3, OPERATIONS, 610, 64))},
        {"student": Text("王䶮𬍛", "Wang")},
        {"levels": ()},
    ],
)
def test_any_change_changes_the_digest(change: dict[str, Any]) -> None:
    assert replace(TRANSCRIPT, **change).digest != TRANSCRIPT.digest


# characters and lines


def test_a_character_that_the_typeface_lacks_is_marked_and_named() -> None:
    assert missing(TRANSCRIPT) == ()
    assert "〓" not in "".join(pages(TRANSCRIPT))
    odd = replace(TRANSCRIPT, student=Text("王😀\U00030000", "Wang"), major=Text("क"))
    assert missing(odd) == ("क", "😀", "\U00030000")
    text = " ".join(pages(odd))
    assert "王〓〓" in text
    assert "〓 代表字库中没有的字符" in text
    assert "U+0915, U+1F600, U+30000" in text


def test_the_typeface_has_what_names_are_written_in() -> None:
    common = b"".join(bytes((high, low)) for high in range(0xB0, 0xF8) for low in range(0xA1, 0xFF))
    characters = common.decode("gb2312", errors="ignore")
    assert len(characters) == 6763
    unified = "".join(map(chr, range(0x4E00, 0x9FA6)))
    pinyin = "āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜü"
    rare = "㛃㬎䲟䶮𠅤𫖯𫟹𬍛𬭎〇·"
    for text in (characters, unified, pinyin, pinyin.upper(), rare):
        assert printable(text) == tidy(text) == text


def test_invisible_characters_do_not_reach_the_sheet() -> None:
    assert tidy("王\u202e\u200b\x07\n 雷\ufe00\U000e0101") == "王 雷"
    assert tidy("Wang\u0301") == "Wanǵ"


@given(
    st.text(st.sampled_from("实践学分 ，。（）“”Listing-A/B:., 😀\n"), max_size=80) | st.text(max_size=80),
    st.floats(12, 60),
)
def test_lines_fit_and_lose_nothing(sheet: Sheet, text: str, width: float) -> None:
    lines = sheet.broken(text, ZH, width, most=1000)
    assert "".join(lines).replace(" ", "") == printable(text).replace(" ", "")
    for found in lines:
        assert sheet.get_string_width(found) <= width + 1e-6
    short = sheet.broken(text, ZH, width, most=2)
    assert short == lines if len(lines) <= 2 else (len(short) == 2 and short[1].endswith("…"))
    assert all(sheet.get_string_width(found) <= width + 1e-6 for found in short)


def test_a_line_does_not_begin_with_a_full_stop_nor_end_with_an_opening_bracket(sheet: Sheet) -> None:
    text = "实训（含投放）。" * 12
    for width in range(12, 60):
        for found in sheet.broken(text, ZH, width, most=1000):
            assert found[0] not in "）。"
            assert found[-1] != "（"


def test_a_title_without_end_stays_within_its_cell() -> None:
    endless = replace(line(), title=Text("字" * 500, "w" * 900), host=Text("", "W" * 300))
    (text,) = pages(replace(TRANSCRIPT, lines=(endless,)))
    assert 0 < text.count("字") < 500
    assert text.count("…") == 3
    with pypdfium2.PdfDocument(render(replace(TRANSCRIPT, lines=(endless,)))) as document:
        found = document[0].get_textpage()
        boxes = [found.get_charbox(at) for at in range(found.count_chars())]
    left, right = drawing.LEFT / 25.4 * 72 - 1, drawing.RIGHT / 25.4 * 72 + 1
    assert all(left <= box[0] and box[2] <= right for box in boxes if box[2] > box[0])
    assert text.count("字") <= MOST_LINES * 20
