"""What a transcript or a credential says, made out of what is stored; nothing here writes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from talentbank.accounts.models import Organisation
from talentbank.competencies.models import Competency, Student, StudentLevel
from talentbank.credentials import wording
from talentbank.credentials.badges import Achievement, Award, Evidence, Kind, Recipient, Words
from talentbank.credentials.models import Credential
from talentbank.credentials.queries import Practised, Reached
from talentbank.credentials.transcript import LevelLine, Line, Text, Transcript
from talentbank.deposits.resources.models import TrainingResource
from talentbank.engine.units import credits_text, hours_text
from talentbank.practice.verification.levels import EnrolmentShare


def transcript(
    student: Student,
    practice: Sequence[Practised],
    levels: Sequence[StudentLevel],
    *,
    recognised: bool,
    code: str,
    address: str,
    at: datetime,
) -> Transcript:
    """A student's verified practice and levels as a transcript; the student comes with person and university."""
    return Transcript(
        code=code,
        bank=Text(*wording.BANK),
        student=Text(student.user.name, student.user.name_latin),
        university=Text(student.university.name_zh, student.university.name_en),
        major=Text(student.major_zh, student.major_en),
        year=student.cohort,
        recognised=recognised,
        issued_at=at,
        address=address,
        lines=tuple(_line(row) for row in practice),
        levels=tuple(
            LevelLine(
                Text(row.competency.name_zh, row.competency.name_en),
                row.verified,
                Text(*wording.LEVELS[row.verified]),
            )
            for row in levels
        ),
    )


def _level(row: StudentLevel) -> LevelLine:
    name = Text(row.competency.name_zh, row.competency.name_en)
    return LevelLine(name, row.verified, Text(*wording.LEVELS[row.verified]))


def _line(row: Practised) -> Line:
    resource = row.enrolment.resource
    return Line(
        title=Text(resource.title, resource.title_en),
        kind=Text(*wording.KINDS[resource.kind]),
        category=Text(*wording.CATEGORIES[resource.category]),
        host=Text(resource.owner.name_zh, resource.owner.name_en),
        begins=row.begins,
        ends=row.ends,
        minutes=row.minutes,
        credit=row.credit,
    )


def credit_slug(resource: TrainingResource) -> str:
    """The last part of the address of what practice on a resource earns."""
    return f"resource-{resource.id}"


def competency_slug(competency: Competency) -> str:
    """The last part of the address of what a competency is."""
    return f"competency-{competency.code}"


def credit_achievement(resource: TrainingResource) -> Achievement:
    """What practice on a resource earns, whoever does it; the resource comes with its owner."""
    kind, owner = wording.KINDS[resource.kind], _name(resource.owner)
    zh = f"{owner.zh}的{kind.zh}：{resource.title}。{resource.description}"
    title = resource.title_en or resource.title
    return Achievement(
        slug=credit_slug(resource),
        kind=Kind.CREDIT,
        name=Words(resource.title, resource.title_en),
        description=Words(zh.strip(), f"{kind.en} of {owner.en or owner.zh}: {title}."),
        criteria=wording.CREDIT_CRITERIA,
    )


def competency_achievement(competency: Competency) -> Achievement:
    """What a competency is, whoever has it, with its levels."""
    levels, said = wording.levels(), wording.COMPETENCY_DESCRIPTION
    return Achievement(
        slug=competency_slug(competency),
        kind=Kind.COMPETENCY,
        name=Words(competency.name_zh, competency.name_en),
        description=Words(said.zh.format(levels=levels.zh), said.en.format(levels=levels.en)),
        criteria=wording.COMPETENCY_CRITERIA,
    )


def credit_award(credential: Credential, student: Student, row: Practised, *, recognised: bool) -> Award:
    """What a student earned on one enrolment, and what stands behind it."""
    university, spent, amount = _name(student.university), hours_text(row.confirmed_minutes), credits_text(row.credit)
    word = Words("学分", "credits") if recognised else Words("实践学分", "practice credits")
    zh = f"{row.confirmed} 篇实训日志，共 {spent} 小时，经{university.zh}认定为 {amount} {word.zh}。"
    name = university.en or university.zh
    en = f"Practice logs {row.confirmed}, hours {spent}, confirmed by {name} as {word.en} {amount}."
    evidence = Evidence(wording.CREDIT_EVIDENCE.line(), Words(zh, en).paragraphs())
    return _award(credential, student, evidence=[evidence], credits=row.credit)


def competency_award(credential: Credential, student: Student, found: Reached) -> Award:
    """The level that a student's practice has reached, and the enrolments that stand behind it."""
    return _award(credential, student, evidence=[_share(share) for share in found.shares], level=found.level)


def _award(
    credential: Credential,
    student: Student,
    *,
    evidence: Sequence[Evidence],
    credits: int | None = None,
    level: int | None = None,
) -> Award:
    name = f"{student.user.name} {student.user.name_latin}".strip()
    return Award(
        code=credential.code,
        index=credential.id,
        recipient=Recipient(student.user.email, name),
        valid_from=credential.issued_at.replace(microsecond=0),
        credits=credits,
        level=level,
        evidence=evidence,
    )


def _share(share: EnrolmentShare) -> Evidence:
    resource, spent = share.enrolment.resource, hours_text(share.minutes)
    owner, level = _name(resource.owner), wording.LEVELS[share.level]
    zh = f"{owner.zh}《{resource.title}》，经核验 {spent} 小时，达到 {share.level} {level.zh}。"
    title = resource.title_en or resource.title
    en = f"{title}, {owner.en or owner.zh}: verified {spent} hours, which reaches {share.level} {level.en}."
    return Evidence(wording.COMPETENCY_EVIDENCE.line(), Words(zh, en).paragraphs())


def _name(organisation: Organisation) -> Words:
    return Words(organisation.name_zh, organisation.name_en)
