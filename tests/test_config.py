"""Settings that the bank can't start with are refused with a sentence; the demo's key makes itself."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from talentbank.config import SETTINGS, SHORTEST_SECRET, Mode, SettingError, settings

RANDOM = secrets.token_hex(32)


@pytest.fixture
def instance(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "instance"


def read(instance: Path, **environ: str) -> dict[str, Any]:
    return settings({"BANK_INSTANCE": str(instance), **environ})


def test_without_any_setting_the_bank_is_a_demo_on_its_own_database(instance: Path) -> None:
    found = read(instance)
    assert found["BANK_MODE"] is Mode.DEMO
    assert found["SQLALCHEMY_DATABASE_URI"] == f"sqlite:///{instance / 'bank.sqlite3'}"
    assert found["PROXIES"] == 0
    assert not found["SESSION_COOKIE_SECURE"]


def test_the_demos_key_is_made_once_and_kept_for_its_owner_only(instance: Path) -> None:
    key = read(instance)["SECRET_KEY"]
    file = instance / "secret_key"
    assert len(key) >= SHORTEST_SECRET
    assert file.read_text() == key
    assert file.stat().st_mode & 0o777 == 0o600
    assert read(instance)["SECRET_KEY"] == key
    assert [path.name for path in instance.iterdir()] == ["secret_key"]


def test_two_banks_have_two_keys(tmp_path: Path) -> None:
    assert read(tmp_path / "one")["SECRET_KEY"] != read(tmp_path / "two")["SECRET_KEY"]


def test_processes_that_start_together_have_the_same_key(instance: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: read(instance)["SECRET_KEY"], range(64)))
    assert len(keys) == 1
    assert "" not in keys


def test_a_key_of_which_nothing_was_written_is_made_anew(instance: Path) -> None:
    instance.mkdir(parents=True)
    (instance / "secret_key").touch()
    assert len(read(instance)["SECRET_KEY"]) >= SHORTEST_SECRET


def test_a_given_key_is_used_and_none_is_kept(instance: Path) -> None:
    assert read(instance, SECRET_KEY=f" {RANDOM}\n")["SECRET_KEY"] == RANDOM
    assert not (instance / "secret_key").exists()


@pytest.mark.parametrize(
    "key",
    ["", "   ", "change me", RANDOM[: SHORTEST_SECRET - 1], "a" * 64, "abcdefg" * 10],
    ids=["none", "blank", "short", "one too short", "one character", "seven characters"],
)
def test_production_refuses_a_weak_key_and_makes_none(instance: Path, key: str) -> None:
    with pytest.raises(SettingError, match="SECRET_KEY"):
        read(instance, BANK_MODE="production", SECRET_KEY=key)
    assert not (instance / "secret_key").exists()


def test_a_refusal_does_not_repeat_the_key(instance: Path) -> None:
    key = RANDOM[: SHORTEST_SECRET - 1]
    with pytest.raises(SettingError) as refused:
        read(instance, BANK_MODE="production", SECRET_KEY=key)
    assert key not in str(refused.value)


def test_production_starts_with_a_random_key_and_sends_cookies_over_https(instance: Path) -> None:
    found = read(instance, BANK_MODE="production", SECRET_KEY=RANDOM)
    assert found["BANK_MODE"] is Mode.PRODUCTION
    assert found["SECRET_KEY"] == RANDOM
    assert found["SESSION_COOKIE_SECURE"]


@pytest.mark.parametrize(
    ("mode", "https", "secure"),
    [("demo", "", False), ("demo", "1", True), ("production", "", True), ("production", "0", False)],
)
def test_cookies_go_over_https_where_it_is_said(instance: Path, mode: str, https: str, secure: bool) -> None:
    found = read(instance, BANK_MODE=mode, SECRET_KEY=RANDOM, BANK_HTTPS=https)
    assert found["SESSION_COOKIE_SECURE"] is secure
    assert found["SESSION_COOKIE_HTTPONLY"]


@pytest.mark.parametrize("mode", ["prod", "Production", "demo,production"])
def test_an_unknown_mode_is_refused(instance: Path, mode: str) -> None:
    with pytest.raises(SettingError, match="BANK_MODE") as refused:
        read(instance, BANK_MODE=mode)
    assert mode in str(refused.value)


@pytest.mark.parametrize("proxies", ["-1", "one", "1.5", "1 2", "²"])
def test_a_number_of_proxies_that_is_none_is_refused(instance: Path, proxies: str) -> None:
    with pytest.raises(SettingError, match="BANK_PROXIES") as refused:
        read(instance, BANK_PROXIES=proxies)
    assert proxies in str(refused.value)


def test_a_blank_setting_is_as_good_as_none(instance: Path) -> None:
    blank = {setting.name: " " for setting in SETTINGS if setting.name != "BANK_INSTANCE"}
    assert read(instance, **blank) == read(instance)


def test_settings_are_used_as_given(instance: Path) -> None:
    found = read(instance, DATABASE_URL="postgresql+psycopg://db/bank", BANK_PROXIES="2")
    assert found["SQLALCHEMY_DATABASE_URI"] == "postgresql+psycopg://db/bank"
    assert found["PROXIES"] == 2


def test_without_a_mail_server_notices_are_printed(instance: Path) -> None:
    found = read(instance)
    assert found["MAIL_BACKEND"] == "console"
    assert found["MAIL_DEFAULT_SENDER"] == "bank@localhost"


@pytest.mark.parametrize(
    ("address", "port", "starttls"),
    [("smtp://u%40x:p%2Fw@mail.example", 587, True), ("smtps://u%40x:p%2Fw@mail.example:4465", 4465, False)],
)
def test_a_mail_server_is_spoken_to_over_tls(instance: Path, address: str, port: int, starttls: bool) -> None:
    found = read(instance, BANK_SMTP=address, BANK_MAIL_FROM="bank@bank.example")
    assert (found["MAIL_SERVER"], found["MAIL_PORT"]) == ("mail.example", port)
    assert (found["MAIL_USERNAME"], found["MAIL_PASSWORD"]) == ("u@x", "p/w")
    assert found["MAIL_USE_TLS"] is starttls
    assert found["MAIL_USE_SSL"] is not starttls
    assert found["MAIL_DEFAULT_SENDER"] == "bank@bank.example"


@pytest.mark.parametrize(
    "address", ["mail.example", "http://mail", "smtp://", "smtp://u:hush@m:99999", "smtp://[hush"]
)
def test_a_mail_server_that_is_none_is_refused_without_its_password(instance: Path, address: str) -> None:
    with pytest.raises(SettingError, match="BANK_SMTP") as refused:
        read(instance, BANK_SMTP=address)
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize("sender", ["bank", "a@b@c", "bank@x\nBcc: y@z", "the bank@x"])
def test_a_sender_that_is_no_address_is_refused(instance: Path, sender: str) -> None:
    with pytest.raises(SettingError, match="BANK_MAIL_FROM"):
        read(instance, BANK_MAIL_FROM=sender)
