"""What anybody who has a code is told: whether it holds, what it says, and whether what it rests on still stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from talentbank.credentials import attesting, badges, queries
from talentbank.credentials.badges import STATUS_LIST_SIZE, Json
from talentbank.credentials.bank import Bank
from talentbank.credentials.codes import read_code
from talentbank.credentials.models import Credential, CredentialKind, IssuedTranscript
from talentbank.credentials.transcript import Transcript
from talentbank.extensions import now
from talentbank.practice.models import PROVEN

MOST_ID = 2**31 - 1
"""The largest id that every database takes."""


class Holds(StrEnum):
    """Whether a transcript holds. ALTERED: what the bank keeps is not what it issued."""

    VALID = "valid"
    ALTERED = "altered"


class Since(StrEnum):
    """What became of what a transcript rests on: the same, more of it, or some was taken back."""

    SAME = "same"
    MORE = "more"
    LESS = "less"


@dataclass(frozen=True, slots=True)
class CheckedTranscript:
    """A transcript as it was issued, and the totals of today: minutes, credits in hundredths."""

    holds: Holds
    transcript: Transcript
    since: Since
    minutes_now: int
    credit_now: int

    @property
    def minutes(self) -> int:
        """All verified minutes on the transcript."""
        return sum(line.minutes for line in self.transcript.lines)

    @property
    def credit(self) -> int:
        """All credit on the transcript, in hundredths."""
        return sum(line.credit for line in self.transcript.lines)


@dataclass(frozen=True, slots=True)
class TakenBack:
    """A transcript, or a credential of a kind, that counts no longer: nothing else of it is told."""

    code: str
    kind: CredentialKind | None
    issued_at: datetime
    revoked_at: datetime


@dataclass(frozen=True, slots=True)
class CheckedCredential:
    """A credential as it was signed: what it says of what was achieved, by whom and how much of it."""

    verdict: badges.Verdict
    credential: Credential
    achievement: str
    description: str
    recipient: str
    issuer: str
    credits: int | None
    level: int | None
    evidence: list[str]

    @property
    def slug(self) -> str:
        """The last part of the address of what was achieved."""
        slug = self.credential.document["credentialSubject"]["achievement"]["id"].rpartition("/")[2]
        return str(slug)

    @property
    def list_number(self) -> int:
        """The number of the status list that tells whether it is revoked."""
        return list_number(self.credential)


def check(find: Callable[[], Bank], code: str) -> CheckedTranscript | CheckedCredential | TakenBack | None:
    """What has this code, checked now; None where nothing has it. Only a credential that stands needs the bank's key.

    Raises what find() raises.
    """
    read = read_code(code)
    if not read:
        return None
    if issued := queries.transcript_by_code(read):
        if issued.revoked_at:
            return TakenBack(read, None, issued.issued_at, issued.revoked_at)
        return _checked_transcript(issued)
    if credential := queries.credential_by_code(read):
        if credential.revoked_at:
            return TakenBack(read, credential.kind, credential.issued_at, credential.revoked_at)
        return _checked_credential(find(), credential)
    return None


def list_number(credential: Credential) -> int:
    """The number of the status list, from 1, in which a credential has its place."""
    return credential.id // STATUS_LIST_SIZE + 1


def status_list(bank: Bank, number: int) -> Json | None:
    """The signed status list of this number, from 1, as it stands; None where it has no credential yet."""
    first = (number - 1) * STATUS_LIST_SIZE
    if number < 1 or first > MOST_ID:
        return None
    begun, revoked = queries.status_of(first, min(first + STATUS_LIST_SIZE - 1, MOST_ID))
    if not (begun or number == 1):
        return None
    return badges.status_list(bank.issuer, revoked, bank.key, now(), number)


def achievement(bank: Bank, slug: str) -> Json | None:
    """What was achieved, as every credential of it says; None where no credential of it was ever issued."""
    what, _, name = slug.partition("-")
    if what == "resource" and name.isdecimal() and len(name) < 10:
        resource = queries.attested_resource(int(name))
        if resource is not None:
            return badges.achievement_document(bank.issuer, attesting.credit_achievement(resource))
    if what == "competency":
        competency = queries.attested_competency(name)
        if competency is not None:
            return badges.achievement_document(bank.issuer, attesting.competency_achievement(competency))
    return None


def _checked_transcript(issued: IssuedTranscript) -> CheckedTranscript:
    kept = Transcript.read(issued.content)
    holds = Holds.VALID if kept.digest == issued.digest else Holds.ALTERED
    practice = queries.practised(issued.student_id)
    today = sum(row.minutes for row in practice), sum(row.credit for row in practice)
    then = sum(line.minutes for line in kept.lines), sum(line.credit for line in kept.lines)
    since = Since.SAME if today == then else Since.MORE
    fallen = today[0] < then[0] or today[1] < then[1]
    if fallen or queries.taken_back_since(issued.student_id, issued.issued_at, PROVEN):
        since = Since.LESS
    return CheckedTranscript(holds, kept, since, *today)


def _checked_credential(bank: Bank, credential: Credential) -> CheckedCredential:
    document: dict[str, Any] = credential.document
    status = status_list(bank, list_number(credential))
    verdict = badges.check(document, bank.issuer, bank.key.public_key(), status)
    subject = document["credentialSubject"]
    names = [who["identityHash"] for who in subject["identifier"] if who["identityType"] == "name"]
    results = [int(result["value"]) for result in subject.get("result", [])]
    earned = subject.get("creditsEarned")
    return CheckedCredential(
        verdict=verdict,
        credential=credential,
        achievement=subject["achievement"]["name"],
        description=subject["achievement"]["description"],
        recipient=names[0] if names else "",
        issuer=document["issuer"]["name"],
        credits=None if earned is None else round(earned * 100),
        level=results[0] if results else None,
        evidence=[row["narrative"] for row in document.get("evidence", [])],
    )
