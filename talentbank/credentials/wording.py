"""What stands on transcripts and credentials in both languages, whatever language the reader of a page has chosen."""

from __future__ import annotations

from talentbank.competencies.catalogue import Category
from talentbank.credentials.badges import Words
from talentbank.deposits.resources.models import ResourceKind

BANK = Words("跨境电商人才银行", "CBEC Talent Bank")

KINDS = {
    ResourceKind.COURSE: Words("课程", "Course"),
    ResourceKind.PROJECT: Words("真实项目", "Real project"),
    ResourceKind.INTERNSHIP: Words("实习", "Internship"),
    ResourceKind.MENTORING: Words("导师指导", "Mentoring"),
}
CATEGORIES = {
    Category.OPERATIONS: Words("运营", "Operations"),
    Category.DESIGN: Words("设计", "Design"),
    Category.SUPPLY_CHAIN: Words("供应链", "Supply Chain"),
    Category.OTHERS: Words("其他", "Others"),
}
LEVELS = (
    Words("未接触", "none"),
    Words("了解", "aware"),
    Words("在协助下完成", "assisted"),
    Words("独立完成", "independent"),
    Words("带领他人", "leads"),
    Words("专家", "expert"),
)

CREDIT_CRITERIA = Words(
    "在该实训资源上完成的实践，经指导人逐条核验，再由学生所在高校按其实训规定认定为学分。",
    "Practice on this training resource, verified log by log by its supervisor and then confirmed as credit by the"
    " student's university under its own rules.",
)
COMPETENCY_DESCRIPTION = Words(
    "跨境电商能力目录中的一项能力，分为五个等级：{levels}。",
    "An entry of the catalogue of competencies for cross-border e-commerce, in five levels: {levels}.",
)
COMPETENCY_CRITERIA = Words(
    "等级来自经指导人核验的实践：每达到实训资源所需时长的相应部分，升一个等级，以该资源所教等级为上限。学生自评不计入。",
    "The level rests on practice that a supervisor verified: each level is reached with its share of the training"
    " resource's hours, up to the level that the resource teaches. What a student claims does not count.",
)
CREDIT_EVIDENCE = Words("经认定的实践", "Confirmed practice")
COMPETENCY_EVIDENCE = Words("经核验的实践", "Verified practice")


def levels() -> Words:
    """The five levels in a line, in either language."""
    listed = list(enumerate(LEVELS))[1:]
    return Words(
        "、".join(f"{level} {name.zh}" for level, name in listed),
        ", ".join(f"{level} {name.en}" for level, name in listed),
    )
