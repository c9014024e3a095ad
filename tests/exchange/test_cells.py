from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talentbank.engine.competency import Requirement
from talentbank.errors import Invalid
from talentbank.exchange import cells
from talentbank.exchange.tables import shown

PARSERS = [
    cells.identity,
    cells.categories,
    cells.category,
    cells.cities,
    cells.city,
    cells.competency,
    cells.floor_salary,
    cells.top_salary,
    cells.headcount,
    cells.levels,
    cells.requirements,
]


@pytest.mark.parametrize("name", ["platform_ops", "Platform Ops", "平台运营", "店铺运营", "ＰＬＡＴＦＯＲＭ  ops"])
def test_a_competency_goes_by_code_chinese_english_or_alias(name: str) -> None:
    assert cells.competency(name) == "platform_ops"


def test_lists_take_full_width_signs_and_spaces_anywhere() -> None:
    assert cells.levels(" 平台运营 ： ４ ；； Data   Analysis:3 ; ") == {"platform_ops": 4, "data_analysis": 3}
    assert cells.categories("运营；Design;") == {"operations", "design"}
    assert cells.requirements("数据分析 ：３ ＊ ２．５ ！；文案: 2 !; 美工:1 * .5") == (
        Requirement("data_analysis", 3, 2.5, True),
        Requirement("copywriting", 2, 1.0, True),
        Requirement("visual_design", 1, 0.5, False),
    )


def test_empty_lists_are_any() -> None:
    assert cells.categories("") == cells.cities(" ; ") == frozenset()
    assert cells.levels("") == {}


def test_any_city_may_stand_in_a_file() -> None:
    assert cells.cities("眉山市; Chengdu;北京市;New  York") == {"meishan", "chengdu", "北京", "new york"}
    assert cells.city("北京") == cells.city("北京市")
    assert cells.city("市") == "市"


@pytest.mark.parametrize(("text", "rmb"), [("12", 120_000), ("8.5", 85_000), ("0.0001", 1), ("１２．３", 123_000)])
def test_salaries_are_whole_rmb_exactly(text: str, rmb: int) -> None:
    assert cells.floor_salary(text) == cells.top_salary(text) == rmb


@given(st.integers(0, 10_000_000))
def test_every_salary_in_rmb_survives_being_written_in_10k(rmb: int) -> None:
    assert cells.floor_salary(f"{rmb // 10_000}.{rmb % 10_000:04}") == rmb


def test_no_floor_is_zero() -> None:
    assert cells.floor_salary(" ") == 0


def test_whole_numbers_may_carry_a_spreadsheets_decimals() -> None:
    assert cells.headcount("3.0") == 3
    assert cells.levels("Teamwork:2.0") == {"teamwork": 2}


@pytest.mark.parametrize(
    ("parse", "text", "sentence"),
    [
        (cells.identity, "  ", "there is no id"),
        (cells.identity, "a\nb", r"the id “a\nb” has a line break in it"),
        (cells.category, "", "there is no category"),
        (cells.categories, "Design; Oprations", "“Oprations” is no category; the nearest are Operations, "),
        (cells.city, " - ", "there is no city in “ - ”"),
        (cells.levels, "Data Analysys:3", "the competency “Data Analysys” is not in the catalogue; the nearest are "),
        (cells.levels, "Data Analysis", "“Data Analysis” is no competency with its level"),
        (cells.levels, ":3", "“:3” is no competency with its level"),
        (cells.levels, "Data Analysis:6", "“6” is no level of “Data Analysis”; write a whole number from 0 to 5"),
        (cells.levels, "Data Analysis:-1", "“-1” is no level"),
        (cells.levels, "Data Analysis:2.5", "“2.5” is no level"),
        (cells.levels, "Data Analysis:", "“” is no level"),
        (cells.levels, "Data Analysis:" + "9" * 5000, "is no level"),
        (cells.levels, "Data Analysis:3; 数据分析:4", "the competency “数据分析” is named twice"),
        (cells.requirements, " ; ", "there are no requirements"),
        (cells.requirements, "Copywriting:0", "“0” is no level of “Copywriting”; write a whole number from 1 to 5"),
        (cells.requirements, "Copywriting:6", "“6” is no level"),
        (cells.requirements, "Copywriting", "“Copywriting” is no requirement; write it as in"),
        (cells.requirements, "Copywriting:2!*2", "is no requirement"),
        (cells.requirements, "Copywriting:2*0", "“0” is no weight of “Copywriting”; write a number above 0"),
        (cells.requirements, "Copywriting:2*-1", "“-1” is no weight"),
        (cells.requirements, "Copywriting:2*nan", "“nan” is no weight"),
        (cells.requirements, "Copywriting:2*inf", "“inf” is no weight"),
        (cells.requirements, "Copywriting:2*", "“” is no weight"),
        (cells.requirements, "Copywriting:2; 文案:3", "the requirement “文案” stands there twice"),
        (cells.requirements, "Juggling:2", "the competency “Juggling” is not in the catalogue"),
        (cells.headcount, "", "“” is no headcount; write a whole number from 1 to 100000"),
        (cells.headcount, "0", "“0” is no headcount"),
        (cells.headcount, "-2", "“-2” is no headcount"),
        (cells.headcount, "1.5", "“1.5” is no headcount"),
        (cells.headcount, "100001", "“100001” is no headcount"),
        (cells.headcount, "two", "“two” is no headcount"),
        (cells.top_salary, "", "“” is no salary in 10k RMB a year; write a number from 0 to 1000"),
        (cells.top_salary, "0", "the salary is 0; write what the position pays at most"),
        (cells.top_salary, "120000", "“120000” is no salary"),
        (cells.floor_salary, "-1", "“-1” is no salary"),
        (cells.floor_salary, "8.00001", "“8.00001” is no salary"),
        (cells.floor_salary, "1e1", "“1e1” is no salary"),
        (cells.floor_salary, "nan", "“nan” is no salary"),
    ],
)
def test_what_a_cell_cannot_say_is_refused_in_a_sentence(
    parse: Callable[[str], object], text: str, sentence: str
) -> None:
    with pytest.raises(Invalid) as refused:
        parse(text)
    assert sentence in str(refused.value)


def test_an_unknown_competency_comes_with_the_nearest_three() -> None:
    with pytest.raises(Invalid) as refused:
        cells.levels("Copyrighting:2")
    nearest = str(refused.value).split("the nearest are ")[1].split(", ")
    assert len(nearest) == 3
    assert nearest[0].casefold() == "copywriting"


def test_quoted_text_stays_on_one_line_and_short() -> None:
    assert shown("a\x1b[31m\nb") == r"“a\x1b[31m\nb”"
    assert len(shown("x" * 1000)) == 63


@given(st.text() | st.text(alphabet="data analysis文案:;*!；：＊！0123456789.-", max_size=40))
def test_no_text_raises_anything_but_invalid(text: str) -> None:
    for parse in PARSERS:
        try:
            parse(text)
        except Invalid as refused:
            assert "\n" not in str(refused)
