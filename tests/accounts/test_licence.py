"""The form of a unified social credit code and of a contact, and what is said of a wrong one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import uscc

from talentbank.accounts.licence import check_contact, check_licence, normal_licence
from talentbank.errors import Problems

pytestmark = pytest.mark.usefixtures("in_english")

SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def wrong(licence: str) -> str:
    problems = Problems()
    check_licence(licence, problems)
    return str(problems.errors.get("licence", ""))


def lacks(contact: str) -> str:
    problems = Problems()
    check_contact(contact, problems)
    return str(problems.errors.get("contact", ""))


@pytest.mark.parametrize("licence", ["91110000600037341L", "91350100M000100Y43"])
def test_codes_that_other_checkers_quote_are_right(licence: str) -> None:
    assert wrong(licence) == ""


@pytest.mark.parametrize(
    "typed",
    [
        "91110000600037341l",
        " 9111 0000 6000 3734 1L ",
        "91110000-60003734-1L",
        "９１１１００００６０００３７３４１Ｌ",
        "９１１１　００００ 6000\u20133734－1ｌ\n",
        "\ufeff91110000600037341L\u200b",
    ],
)
def test_a_code_may_be_typed_wide_small_or_in_groups(typed: str) -> None:
    assert normal_licence(typed) == "91110000600037341L"


@pytest.mark.parametrize(
    ("licence", "said"),
    [
        ("", "which stands on the business licence"),
        ("9111000060003734", "18 signs: this one has 16"),
        ("91110000600037341LL", "18 signs: this one has 19"),
        ("91110000600037341O", "«O» can't stand"),
        ("9111000060003734人L", "«人» can't stand"),
        ("91110000600037341M", "The last sign does not fit"),
        ("91110000600037431L", "The last sign does not fit"),
        ("A1110000600037341L", "The first eight signs"),
        ("٩1110000600037341L", "«٩» can't stand"),
    ],
)
def test_what_is_wrong_with_a_code_is_named(licence: str, said: str) -> None:
    assert said in wrong(licence)


@given(st.text("0123456789", min_size=7, max_size=7), st.text(SIGNS, min_size=9, max_size=9), st.data())
def test_one_wrong_sign_and_two_that_changed_places_are_noticed(
    division: str, body: str, data: st.DataObject
) -> None:
    right = f"9{division}{body}"
    right += uscc.calc_check_digit(right)
    assert wrong(right) == ""
    place = data.draw(st.integers(0, 17))
    other = data.draw(st.sampled_from([sign for sign in SIGNS if sign != right[place]]))
    assert wrong(right[:place] + other + right[place + 1 :])
    place = data.draw(st.integers(0, 16))
    swapped = right[:place] + right[place + 1] + right[place] + right[place + 2 :]
    assert bool(wrong(swapped)) is (swapped != right)


@pytest.mark.parametrize(
    "contact",
    [
        "韦某 028-3812 3456",
        "韦某，13800138000",
        "Wang Fang, +86 (28) 3812-3456",
        "王芳 wang@firm.cn",
        "wang@firm.cn（王芳）",
        "王芳　０２８－３８１２３４５６",
    ],
)
def test_a_contact_is_somebody_who_can_be_reached(contact: str) -> None:
    assert lacks(contact) == ""


@pytest.mark.parametrize(
    "contact",
    ["", "韦某", "028-3812 3456", "wang@firm.cn", "13800138000 x", "WeChat: wei8", "韦某 12345", "韦某 a@b"],
)
def test_a_contact_without_a_name_or_without_a_way_is_refused(contact: str) -> None:
    assert "Name a person" in lacks(contact)
