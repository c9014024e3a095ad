"""The bank as those who check know it: its public address and the key that it signs with.

A key is made only where somebody issues, and only as long as no credential was ever signed: with another key, none of
those that people hold would be genuine any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from talentbank.credentials import badges, queries, wording
from talentbank.errors import NotFound, Refusal
from talentbank.extensions import lazy_gettext as _l

log = structlog.get_logger()


class KeyMissing(Refusal):
    """Credentials are out, but the key that signed them is not where it should be."""

    status = 503


@dataclass(frozen=True, slots=True)
class Bank:
    """Who issues: services take it as a value, so that they know no settings."""

    issuer: badges.Issuer
    key: Ed25519PrivateKey

    @classmethod
    def at(cls, url: str, key: Path) -> Bank:
        """The bank at its public address, for who issues: with the key of a file, made before the first credential.

        Whoever calls it has seen to it that no credential is out yet, or calls `issuing` instead.
        """
        return cls(badges.Issuer(url, wording.BANK), badges.load_or_make_key(key))

    @classmethod
    def issuing(cls, url: str, key: Path) -> Bank:
        """The bank for who issues now. Raises KeyMissing."""
        return cls(badges.Issuer(url, wording.BANK), prepare(key))

    @classmethod
    def known(cls, url: str, key: Path) -> Bank | None:
        """The bank for who only checks; None where there is no key. Raises KeyMissing if it can't be read."""
        found = _load(key)
        return None if found is None else cls(badges.Issuer(url, wording.BANK), found)

    def check_url(self, code: str) -> str:
        """Where anybody checks what has this code."""
        return check_url(self.issuer.url, code)


def check_url(url: str, code: str) -> str:
    """Where anybody checks what has this code, at the bank's public address."""
    return f"{url.rstrip('/')}/check/{code}"


def prepare(path: Path) -> Ed25519PrivateKey:
    """The signing key, made where there is none and no credential is out. Raises KeyMissing."""
    found = _load(path)
    if found is not None:
        return found
    if queries.any_credential():
        raise _missing(path, "no file")
    try:
        return badges.load_or_make_key(path)
    except OSError as error:
        raise _missing(path, str(error)) from error


def absent(path: Path) -> Refusal:
    """Why nothing is published where there is no key: nothing was ever signed, or the key is gone."""
    if queries.any_credential():
        return _missing(path, "no file")
    return NotFound(_l("There is no such document."))


def _load(path: Path) -> Ed25519PrivateKey | None:
    try:
        return badges.load_key(path)
    except (OSError, ValueError) as error:
        raise _missing(path, str(error)) from error


def _missing(path: Path, why: str) -> KeyMissing:
    log.error("signing_key_missing", path=str(path), why=why)
    return KeyMissing(
        _l("The bank's signing key is missing: nothing can be signed or checked until its keeper puts it back.")
    )
