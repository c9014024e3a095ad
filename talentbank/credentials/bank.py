"""The bank as those who check know it: its public address and the key that it signs with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from talentbank.credentials import badges, wording


@dataclass(frozen=True, slots=True)
class Bank:
    """Who issues: services take it as a value, so that they know no settings."""

    issuer: badges.Issuer
    key: Ed25519PrivateKey

    @classmethod
    def at(cls, url: str, key: Path) -> Bank:
        """The bank at its public address, with the key of a file, which is made if it is not there yet."""
        return cls(badges.Issuer(url, wording.BANK), badges.load_or_make_key(key))

    def check_url(self, code: str) -> str:
        """Where anybody checks what has this code."""
        return f"{self.issuer.url}/check/{code}"
