import pytest

from talentbank.engine.wording import Lexicon

LEXICON = Lexicon(
    [
        ("platform_ops", ["Platform Ops", "平台运营", "Platform Operations"]),
        ("data_analysis", ["Data Analysis", "数据分析"]),
        ("logistics_mgmt", ["Logistics Mgmt", "物流管理"]),
        ("copywriting", ["Copywriting", "文案策划"]),
    ]
)


@pytest.mark.parametrize(
    "text",
    ["platform_ops", "  platform   OPS ", "ＰＬＡＴＦＯＲＭ ｏｐｓ", "平台运营", "platform-operations"],
)
def test_code_names_and_aliases_lead_to_the_code(text: str) -> None:
    assert LEXICON.find(text) == "platform_ops"


def test_an_unknown_name_is_not_guessed() -> None:
    assert LEXICON.find("Platform Opps") is None


def test_nearest_names_one_name_a_code_best_first() -> None:
    assert LEXICON.find(LEXICON.nearest("Platfrom Opps")[0]) == "platform_ops"
    assert len(LEXICON.nearest("Data", 3)) == 3
    assert LEXICON.nearest("数据分折")[0] == "数据分析"


def test_a_name_of_two_codes_is_refused() -> None:
    with pytest.raises(ValueError, match="names both"):
        Lexicon([("a", ["Same"]), ("b", ["same"])])
