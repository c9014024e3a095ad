"""The transcript of practical credits on paper, Chinese and English side by side.

What stands on it comes as values; nothing here reads the database or asks for the reader's language.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO

import segno
from fpdf.enums import Align

from talentbank.config import ROOT
from talentbank.credentials.sheet import (
    BLUE,
    EN,
    GETA,
    GREY,
    INK,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    ZH,
    Column,
    Sheet,
    Style,
    lacking,
    tidy,
)
from talentbank.credentials.transcript import Line, Text, Transcript
from talentbank.engine.units import credits_text
from talentbank.extensions import SHANGHAI

MARK = ROOT / "static" / "img" / "mark.svg"
QR_SIDE = 30.0


def missing(transcript: Transcript) -> tuple[str, ...]:
    """The characters that the typeface lacks, in order; the sheet shows 〓 for each and names them at its end."""
    return tuple(sorted(set().union(*(lacking(text) for text in _strings(transcript.content())))))


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings(inner)


def hours(minutes: int) -> str:
    """Minutes as hours and minutes: 750 → 12:30."""
    return f"{minutes // 60}:{minutes % 60:02}"


# The page

NOT_YET = (
    "本行以“实践学分”称呼实训所得；学生所在高校认可为本校学分之前，均用此称。",
    "Practice credit is this bank's word for what is earned in practice, used until the student's university"
    " recognises it as its own credit.",
)
RECOGNISED = (
    "本成绩单所列实践学分已由学生所在高校认可为该校学分。",
    "The practice credits on this transcript are recognised by the university as its own.",
)
_AMOUNTS = (
    Column(Text("核验时长", "Hours (h:min)"), 20, Align.R),
    Column(Text("实践学分", "Credits"), 15, Align.R),
)
PRACTICE = (
    Column(Text("序号", "No."), 9, Align.C),
    Column(Text("实训资源", "Training resource"), 52),
    Column(Text("类型", "Kind"), 19),
    Column(Text("实训单位", "Host organisation"), 37),
    Column(Text("起止日期", "From – to"), 22),
    *_AMOUNTS,
)
CATEGORIES = (
    Column(Text("类别", "Category"), 115),
    Column(Text("项数", "Entries"), 24, Align.R),
    *_AMOUNTS,
)
LEVELS = (
    Column(Text("能力", "Competency"), 107),
    Column(Text("等级（1–5）", "Level (1–5)"), 22, Align.C),
    Column(Text("含义", "Meaning"), 45),
)


def render(transcript: Transcript) -> bytes:
    """The transcript as PDF. The same transcript gives the same bytes."""
    name = f"{transcript.student.zh} {transcript.student.en}"
    sheet = Sheet(
        title=f"实践学分成绩单 Transcript of Practical Credits {transcript.code}",
        author=f"{transcript.bank.zh} {transcript.bank.en}",
        made_at=transcript.issued_at,
        head=f"实践学分成绩单（续） Transcript of Practical Credits (continued) | {name} | {transcript.code}",
        foot=(
            *(RECOGNISED if transcript.recognised else NOT_YET),
            f"查验网址 Check at {transcript.address}",
            f"内容摘要 Digest of the content: SHA-256 {transcript.digest}",
            f"编号 No. {transcript.code}",
        ),
        address=transcript.address,
    )
    _title(sheet, transcript)
    _person(sheet, transcript)
    _practice(sheet, transcript.lines)
    if transcript.levels:
        levels = [(line.competency, Text(str(line.level)), line.meaning) for line in transcript.levels]
        sheet.rows(Text("核验能力等级", "Verified competencies"), LEVELS, levels)
    _unprinted(sheet, missing(transcript))
    return bytes(sheet.output())


def _title(sheet: Sheet, transcript: Transcript) -> None:
    bank = transcript.bank
    sheet.image(MARK, LEFT, TOP - 4, 11, 11, alt_text=tidy(f"{bank.zh} {bank.en}"))
    sheet.write_at(LEFT + 14, TOP - 3.5, bank.zh, Style(11, 5, BLUE))
    sheet.write_at(LEFT + 14, TOP + 2, bank.en, Style(8, 4, GREY))
    sheet.rule(TOP + 10, 0.7)
    sheet.rule(TOP + 11.2, 0.2)
    sheet.set_char_spacing(4)
    sheet.write_at(LEFT, TOP + 16, "实践学分成绩单", Style(21, 10, INK), WIDTH, Align.C)
    sheet.set_char_spacing(0)
    sheet.write_at(LEFT, TOP + 26, "Transcript of Practical Credits", Style(11, 5, GREY), WIDTH, Align.C)
    sheet.y = TOP + 36


def _person(sheet: Sheet, transcript: Transcript) -> None:
    """Who it is about, on the left; the QR code that leads to the check, on the right."""
    top, issued = sheet.y, transcript.issued_at.astimezone(SHANGHAI)
    details = (
        (Text("姓名", "Name"), transcript.student),
        (Text("学校", "University"), transcript.university),
        (Text("专业", "Major"), transcript.major),
        (Text("毕业年份", "Year of graduation"), Text(str(transcript.year or "—"))),
        (Text("编号", "Transcript No."), Text(transcript.code)),
        (Text("出具时间", "Issued at"), Text(f"{issued:%Y-%m-%d %H:%M} (UTC+08:00)")),
    )
    width = WIDTH - QR_SIDE - 42
    for label, said in details:
        y = sheet.y
        sheet.write_at(LEFT, y + 0.4, label.zh, ZH)
        sheet.write_at(LEFT + 15, y + 0.9, label.en, EN)
        sheet.paragraph(LEFT + 40, said.zh, Style(10, 4.8, INK), width, 2)
        sheet.paragraph(LEFT + 40, said.en, Style(8, 3.8, GREY), width, 2)
        sheet.y = max(sheet.y, y + 4.8) + 1.2
    picture = BytesIO()
    code = segno.make(transcript.address, error="m", micro=False)
    code.save(picture, kind="png", scale=8, border=4)
    x = RIGHT - QR_SIDE + QR_SIDE * 4 / code.symbol_size(border=4)[0]  # its quiet zone reaches into the margin
    sheet.image(picture, x, top - 2, QR_SIDE, QR_SIDE, link=transcript.address, alt_text=f"QR: {transcript.address}")
    sheet.write_at(x, top + QR_SIDE - 2, "扫码查验", Style(7.5, 3.6, INK), QR_SIDE, Align.C)
    sheet.write_at(x, top + QR_SIDE + 1.4, "Scan to check", EN, QR_SIDE, Align.C)
    sheet.y = max(sheet.y, top + QR_SIDE + 5)


def _practice(sheet: Sheet, lines: Sequence[Line]) -> None:
    """Every line of practice and the total, then the totals by category."""
    rows = [
        (
            Text(str(number)),
            line.title,
            line.kind,
            line.host,
            Text(str(line.begins) if line.begins == line.ends else f"{line.begins} – {line.ends}"),
            *_amounts([line])[1:],
        )
        for number, line in enumerate(lines, 1)
    ]
    total, nothing = Text("合计", "Total"), Text("")
    all_amounts = _amounts(lines)
    sheet.rows(
        Text("实训明细", "Practice"), PRACTICE, rows, (nothing, total, nothing, nothing, nothing, *all_amounts[1:])
    )
    by_category: dict[Text, list[Line]] = {}
    for line in lines:
        by_category.setdefault(line.category, []).append(line)
    if by_category:
        totals = [(category, *_amounts(its)) for category, its in by_category.items()]
        sheet.rows(Text("分类合计", "Totals by category"), CATEGORIES, totals, (total, *all_amounts))


def _amounts(lines: Sequence[Line]) -> tuple[Text, Text, Text]:
    """How many lines, their hours and their credits."""
    minutes, credit = sum(line.minutes for line in lines), sum(line.credit for line in lines)
    return Text(str(len(lines))), Text(hours(minutes)), Text(credits_text(credit))


def _unprinted(sheet: Sheet, characters: Sequence[str]) -> None:
    """Which characters could not be printed, if any."""
    if characters:
        codes = ", ".join(f"U+{ord(character):04X}" for character in characters)
        sheet.room(14)
        sheet.y += 3
        sentence = f"{GETA} 代表字库中没有的字符 stands for characters that the typeface lacks: {codes}"
        sheet.paragraph(LEFT, sentence, EN, WIDTH, 3)
