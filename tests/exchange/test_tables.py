import os
import threading
import tracemalloc
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from talentbank.errors import Invalid
from talentbank.exchange.tables import MOST_PROBLEMS, Problems, Row, Table, open_table

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"


def opened(tmp_path: Path, content: str | bytes) -> AbstractContextManager[Table]:
    path = tmp_path / "table.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return open_table(path, ["id", "name"], ["note"])


def read(tmp_path: Path, content: str | bytes) -> list[Row]:
    with opened(tmp_path, content) as table:
        return all_rows(table)


def all_rows(table: Table) -> list[Row]:
    problems = Problems()
    rows = list(table.rows(problems))
    problems.refuse()
    return rows


def refusal(tmp_path: Path, content: str | bytes) -> str:
    with pytest.raises(Invalid) as refused:
        read(tmp_path, content)
    return str(refused.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_chinese_reads_the_same_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    rows = read(tmp_path, "id,name\n一,示例学生甲㐀\n".encode(encoding))
    assert [row.cells for row in rows] == [{"id": "一", "name": "示例学生甲㐀"}]


def test_what_is_marked_as_utf8_is_not_guessed_to_be_gb18030(tmp_path: Path) -> None:
    assert "no CSV file in UTF-8 or GB18030" in refusal(tmp_path, b"\xef\xbb\xbfid,name\n1,\xc0\xd6\n")


def test_row_numbers_are_those_of_a_spreadsheet(tmp_path: Path) -> None:
    rows = read(tmp_path, 'id,name\r\n\r\n1,"two\r\nlines"\r\n,\r\n2,x\r\n')
    assert [(row.number, row["id"]) for row in rows] == [(3, "1"), (5, "2")]


def test_a_header_alone_is_a_table_without_rows(tmp_path: Path) -> None:
    assert read(tmp_path, "id,name") == []


def test_columns_are_found_in_any_order_case_and_width(tmp_path: Path) -> None:
    [row] = read(tmp_path, " Name ,ＩＤ\nx,1\n")
    assert (row["id"], row["name"], row["note"]) == ("1", "x", "")


def test_an_optional_cell_may_be_left_out_at_the_end(tmp_path: Path) -> None:
    assert [row["note"] for row in read(tmp_path, "id,name,note\n1,x\n2,y,z\n")] == ["", "z"]


def test_other_columns_are_ignored_and_named(tmp_path: Path) -> None:
    with opened(tmp_path, "id,phone,name,,\n1,2,3,,\n") as table:
        assert table.ignored == ("phone",)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty: it needs a header with the columns “id”, “name”"),
        (b" \r\n\r\n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (PNG, "is no CSV file in UTF-8 or GB18030"),
        (b"PK\x03\x04\x14\x00", "is an Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "is an Excel workbook"),
        ("id,name\n1,x\n".encode("utf-16"), "is no CSV file"),
        (b"id,name\n1,\x00\n", "is no CSV file"),
        (b"id,name\n1,\xff\xff\n", "is no CSV file"),
        ("just some words", "row 1: missing columns: “id”, “name”;"),
        ("id;name\n1;x\n", "missing columns: “id”, “name”"),
        ("id,note\n", "row 1: missing columns: “name”;"),
        ("id,name,ID\n", "row 1: columns named twice: “id”;"),
        ('id,name\n1,x\n2,"open\n', "row 3: it is no CSV, as a quotation mark"),
        ('id,name\n1,"x"y\n', "row 2: it is no CSV, as a quotation mark"),
        ("id,name\n1,x,y\n", "row 2: the number of cells is 3, in the header 2"),
        ("id,name\n1,x\n2\n", "row 3: the number of cells is 1, in the header 2"),
    ],
)
def test_what_is_no_table_is_refused_with_what_to_mend(tmp_path: Path, content: str | bytes, sentence: str) -> None:
    said = refusal(tmp_path, content)
    assert sentence in said
    assert str(tmp_path / "table.csv") in said


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    for path, sentence in [
        (tmp_path / "none.csv", "does not exist"),
        (tmp_path, "is a folder"),
        (tmp_path / ("x" * 999), "can't be read"),
        (Path("nul\0.csv"), "can't be read"),
    ]:
        with pytest.raises(Invalid, match=sentence), open_table(path, ["id"]):
            pass


def test_every_bad_row_is_named_up_to_a_limit(tmp_path: Path) -> None:
    assert refusal(tmp_path, "id,name\n1\n2,x\n3\n").count("\n") == 1
    said = refusal(tmp_path, "id,name\n" + "1\n" * 100).splitlines()
    assert len(said) == MOST_PROBLEMS + 1
    assert said[-1] == "These are the first 20 problems; there may be more"


LONG = "id,name\n" + "1,示例学生\n" * 200_000
"""More than is looked at together, and in no encoding a whole number of its characters."""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_long_file_is_read_row_by_row_and_never_held_whole(tmp_path: Path, encoding: str) -> None:
    with opened(tmp_path, LONG.encode(encoding)) as table:
        before = table.done
        tracemalloc.start()
        try:
            count = sum(row["name"] == "示例学生" for row in table.rows(Problems()))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert before < table.done == table.size
    assert count == 200_000
    assert peak < table.size / 10


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("wrong", [b"1,\xff\n", b"1,\x00\n", b"1,\x81"])
def test_a_wrong_byte_at_the_very_end_refuses_the_file_before_its_first_row(
    tmp_path: Path, encoding: str, wrong: bytes
) -> None:
    with (
        pytest.raises(Invalid, match="is no CSV file in UTF-8 or GB18030"),
        opened(tmp_path, LONG.encode(encoding) + wrong),
    ):
        pass


def test_what_is_written_into_a_file_while_it_is_read_is_refused_as_well(tmp_path: Path) -> None:
    with opened(tmp_path, LONG) as table:
        (tmp_path / "table.csv").write_bytes(LONG.encode()[:-1] + b"\xff")
        with pytest.raises(Invalid, match="is no CSV file in UTF-8 or GB18030"):
            all_rows(table)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_a_pipe_is_read_as_a_file_is(tmp_path: Path, encoding: str) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=("id,name\n一,甲\n".encode(encoding),))
    writer.start()
    with open_table(pipe, ["id", "name"]) as table:
        assert [row["name"] for row in all_rows(table)] == ["甲"]
    writer.join()


@given(st.binary(max_size=200) | st.text(alphabet='id,name\r\n"é\x1f…', max_size=80).map(str.encode))
@example(b"id,name\n" + b'"' + b"x" * 200_000)
def test_no_bytes_raise_anything_but_invalid(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "table.csv"
    for data in (content, b"id,name\n" + content):
        path.write_bytes(data)
        try:
            with open_table(path, ["id", "name"]) as table:
                all_rows(table)
        except Invalid as refused:
            assert str(refused)
