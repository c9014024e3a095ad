from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

STUDENTS = """\
id,name,categories,cities,min_salary,competencies,verified
s1,示例甲,Operations,Meishan,8,Platform Ops:4; Data Analysis:3,Platform Ops:4
s2,示例乙,,,,Data Analysis:3,
"""
POSITIONS = """\
id,enterprise,title,category,city,headcount,max_salary,requirements
p1,示例企业,运营专员,Operations,Meishan,1,12,Data Analysis:3*2!; Platform Ops:4
p2,示例企业,文案,Design,Chengdu,2,9,Copywriting:2
"""


@dataclass(frozen=True)
class Files:
    """The three paths of a match, in a folder of their own."""

    students: Path
    positions: Path
    out: Path

    @property
    def arguments(self) -> list[str]:
        return ["match", str(self.students), str(self.positions), "--out", str(self.out)]

    def written(self) -> list[str]:
        return sorted(path.name for path in self.out.iterdir()) if self.out.exists() else []


@pytest.fixture
def files(tmp_path: Path) -> Callable[..., Files]:
    """Writes the two files, good ones unless told otherwise; bytes are written as they are."""

    def write(students: str | bytes = STUDENTS, positions: str | bytes = POSITIONS) -> Files:
        made = Files(tmp_path / "in" / "students.csv", tmp_path / "in" / "positions.csv", tmp_path / "out")
        made.students.parent.mkdir(exist_ok=True)
        for path, content in ((made.students, students), (made.positions, positions)):
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return made

    return write
