"""Settings: production starts only with a real key, demo keeps one of its own, and a wrong word is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from talentbank.config import Mode, SettingError, settings

KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"BANK_INSTANCE": str(tmp_path)}


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"BANK_MODE": "production"}, "SECRET_KEY is not set"),
        ({"BANK_MODE": "production", "SECRET_KEY": KEY[:-1]}, "SECRET_KEY is too short"),
        ({"BANK_MODE": "production", "SECRET_KEY": "ab" * 20}, "SECRET_KEY repeats"),
        ({"BANK_MODE": "staging"}, "BANK_MODE is 'staging'"),
        ({"BANK_PROXIES": "-1"}, "BANK_PROXIES is '-1'"),
        ({"BANK_PROXIES": "one"}, "BANK_PROXIES is 'one'"),
    ],
)
def test_a_setting_that_can_not_be_used_is_named(environ: dict[str, str], values: dict[str, str], named: str) -> None:
    with pytest.raises(SettingError, match=named):
        settings({**environ, **values})


def test_production_with_a_real_key_sends_cookies_over_https_only(environ: dict[str, str]) -> None:
    chosen = settings({**environ, "BANK_MODE": "production", "SECRET_KEY": KEY})
    assert (chosen["BANK_MODE"], chosen["SECRET_KEY"]) == (Mode.PRODUCTION, KEY)
    assert chosen["SESSION_COOKIE_SECURE"]
    plain = settings({**environ, "BANK_MODE": "production", "SECRET_KEY": KEY, "BANK_HTTPS": "0"})
    assert not plain["SESSION_COOKIE_SECURE"]


def test_the_demo_makes_a_key_once_that_nobody_else_can_read(environ: dict[str, str], tmp_path: Path) -> None:
    first, second = settings(environ), settings(environ)
    assert first["SECRET_KEY"] == second["SECRET_KEY"]
    assert len(first["SECRET_KEY"]) == 64
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600


def test_without_a_database_s_address_it_is_embedded(environ: dict[str, str], tmp_path: Path) -> None:
    assert settings(environ)["SQLALCHEMY_DATABASE_URI"] == f"sqlite:///{tmp_path / 'bank.sqlite3'}"
    given = settings({**environ, "DATABASE_URL": "postgresql+psycopg://bank@127.0.0.1/bank"})
    assert given["SQLALCHEMY_DATABASE_URI"].startswith("postgresql")
