"""Every setting, read from the environment in one place."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parent.parent
SEEDS = ROOT / "seeds"

SHORTEST_SECRET = 32


class Mode(StrEnum):
    """demo may hold the demo bank and its sign-ins; production refuses both."""

    DEMO = "demo"
    PRODUCTION = "production"


@dataclass(frozen=True, slots=True)
class Setting:
    """An environment variable; the README's table of settings is tested against these."""

    name: str
    default: str
    meaning: str


SETTINGS = (
    Setting("BANK_MODE", "demo", "`demo`, or `production`, which refuses the demo bank and a weak SECRET_KEY"),
    Setting("SECRET_KEY", "", "signs sessions and forms; in demo mode one is made and kept in the instance folder"),
    Setting("DATABASE_URL", "", "`postgresql+psycopg://…`; without it SQLite in the instance folder"),
    Setting("BANK_INSTANCE", "instance", "the folder of the embedded database and of the demo's secret key"),
    Setting("BANK_URL", "http://127.0.0.1:8000", "the public address, which stands in QR codes and credentials"),
    Setting("BANK_EVIDENCE", "", "the folder of uploaded evidence, `evidence` in the instance folder if not set"),
    Setting("BANK_ISSUER_KEY", "", "a file with the Ed25519 key (PEM) that signs credentials; made by `prepare`"),
    Setting("BANK_HTTPS", "", "`1` sends cookies over HTTPS only; production does so unless it says `0`"),
    Setting("BANK_PROXIES", "0", "how many reverse proxies stand in front and may say who the client is"),
    Setting("BANK_SMTP", "", "`smtp://user:password@host:587` sends notices by e-mail; without it they are printed"),
    Setting("BANK_MAIL_FROM", "bank@localhost", "the address that e-mails come from"),
    Setting("RATELIMIT_STORAGE_URI", "memory://", "where sign-in attempts an address are counted"),
    Setting("PORT", "8000", "where `make run` serves"),
    Setting("WORKERS", "2", "how many processes `make run` serves with"),
)


class SettingError(RuntimeError):
    """A setting that the bank can't start with."""


def settings(environ: Mapping[str, str]) -> dict[str, Any]:
    """Flask's configuration out of the environment. Raises SettingError with a sentence that says what to do."""
    value = {s.name: environ.get(s.name, "").strip() or s.default for s in SETTINGS}
    mode = _mode(value["BANK_MODE"])
    instance = ROOT / value["BANK_INSTANCE"]
    instance.mkdir(parents=True, exist_ok=True)
    https = value["BANK_HTTPS"] == "1" or (mode is Mode.PRODUCTION and value["BANK_HTTPS"] != "0")
    return {
        "BANK_MODE": mode,
        "SECRET_KEY": _secret_key(mode, value["SECRET_KEY"], instance),
        "SQLALCHEMY_DATABASE_URI": value["DATABASE_URL"] or f"sqlite:///{instance / 'bank.sqlite3'}",
        "BANK_URL": _address(value["BANK_URL"]),
        "BANK_EVIDENCE": ROOT / (value["BANK_EVIDENCE"] or instance / "evidence"),
        "BANK_ISSUER_KEY": ROOT / (value["BANK_ISSUER_KEY"] or instance / "issuer_key.pem"),
        "BANK_JOBS": instance / "jobs.sqlite3",
        **_mail(value["BANK_SMTP"], value["BANK_MAIL_FROM"]),
        "PROXIES": _whole("BANK_PROXIES", value["BANK_PROXIES"]),
        "RATELIMIT_STORAGE_URI": value["RATELIMIT_STORAGE_URI"],
        "RATELIMIT_HEADERS_ENABLED": True,
        "SESSION_COOKIE_SECURE": https,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_NAME": "talentbank",
        "PERMANENT_SESSION_LIFETIME": timedelta(hours=12),
        "WTF_CSRF_TIME_LIMIT": None,  # a form lives as long as its session, and no longer
        "MAX_CONTENT_LENGTH": 2 * 1024 * 1024,
        "BABEL_DEFAULT_LOCALE": "zh",
        "BABEL_DEFAULT_TIMEZONE": "Asia/Shanghai",
        "BABEL_TRANSLATION_DIRECTORIES": "translations",
    }


def _address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise SettingError(f"BANK_URL is {text!r}: set it to the bank's public address, such as https://bank.example")
    return text.rstrip("/")


SMTP_PORTS = {"smtp": 587, "smtps": 465}


def _mail(text: str, sender: str) -> dict[str, Any]:
    """Flask-Mailman's configuration: STARTTLS for smtp, TLS from the start for smtps, and print without either."""
    if sender.count("@") != 1 or not sender.isprintable() or " " in sender:
        raise SettingError(f"BANK_MAIL_FROM is {sender!r}: set it to an e-mail address, such as bank@bank.example")
    if not text:
        return {"MAIL_BACKEND": "console", "MAIL_DEFAULT_SENDER": sender}
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), 0
    if parts.scheme not in SMTP_PORTS or not parts.hostname or port == 0:
        # The text is not repeated: it may hold a password.
        raise SettingError("BANK_SMTP is no mail server: set it as smtp://user:password@host:587 or smtps://host")
    return {
        "MAIL_BACKEND": "talentbank.notices.smtp",
        "MAIL_SERVER": parts.hostname,
        "MAIL_PORT": port or SMTP_PORTS[parts.scheme],
        "MAIL_USERNAME": unquote(parts.username or "") or None,
        "MAIL_PASSWORD": unquote(parts.password or "") or None,
        "MAIL_USE_TLS": parts.scheme == "smtp",
        "MAIL_USE_SSL": parts.scheme == "smtps",
        "MAIL_TIMEOUT": 20,
        "MAIL_DEFAULT_SENDER": sender,
    }


def _mode(text: str) -> Mode:
    try:
        return Mode(text)
    except ValueError:
        raise SettingError(f"BANK_MODE is {text!r}: set it to demo or production") from None


def _whole(name: str, text: str) -> int:
    if not text.isdecimal():
        raise SettingError(f"{name} is {text!r}: set it to a whole number, 0 or more")
    return int(text)


def _secret_key(mode: Mode, given: str, instance: Path) -> str:
    if mode is Mode.PRODUCTION and len(given) < SHORTEST_SECRET:
        raise SettingError(
            f"SECRET_KEY is {'too short' if given else 'not set'}: production needs one of at least "
            f"{SHORTEST_SECRET} characters, such as `python -c 'import secrets; print(secrets.token_hex())'` makes"
        )
    if mode is Mode.PRODUCTION and len(set(given)) < SHORTEST_SECRET // 4:
        raise SettingError("SECRET_KEY repeats a few characters: production needs a random one")
    return given or _kept_secret(instance / "secret_key")


def _kept_secret(path: Path) -> str:
    """The demo's own key, made once; whoever comes second waits, and reads what the first wrote."""
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        key = file.read().strip()
        if not key:
            key = secrets.token_hex(32)
            file.write(key)
    return key
