"""Open Badges 3.0 credentials: made, signed, revoked and checked. Values in, JSON out.

A credential is a W3C Verifiable Credential (data model 2.0) that carries its proof: Data Integrity, cryptosuite
eddsa-rdfc-2022, Ed25519. What is signed is the RDF that the JSON stands for, so every JSON-LD context must be known:
openbadgeslib serves the published ones from its own package, refuses any other, and signs nothing of which a member
would stay unsigned. Nothing here asks the network or the database, and the same values give the same JSON.

Sources: 1EdTech Open Badges 3.0; W3C VC Data Integrity EdDSA Cryptosuites 1.0; W3C Bitstring Status List 1.0.
"""

from __future__ import annotations

import base64
import fcntl
import gzip
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from openbadgeslib import ob3
from openbadgeslib.errors import LibOpenBadgesException

from talentbank.engine.competency import MAX_LEVEL

STATUS_LIST_SIZE = 131_072  # entries; the standard's least, so that nobody is told apart by a small list
STATUS_LIST_LIFE = timedelta(days=1)  # an older copy could hide a revocation, so it counts for nothing
CONTEXTS = [ob3.VCDM_V2_CONTEXT, ob3.OB_V3_CONTEXT]

Json = dict[str, Any]
Credential = ob3.OpenBadgeCredential  # unsigned; to_vc() is its JSON


class Kind(StrEnum):
    """What is credited, in the standard's AchievementType; Fieldwork «includes internships and practicums»."""

    CREDIT = "Fieldwork"
    COMPETENCY = "Competency"


class Verdict(StrEnum):
    """What a check found. UNKNOWN: genuine, but its status list is another's, out of date or not genuine."""

    VALID = "valid"
    FORGED = "forged"
    REVOKED = "revoked"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


class Words(NamedTuple):
    """A text in Chinese and, if there is one, in English.

    Both stand in one string: the standard's JSON schema knows no tagged text, its JSON-LD context no language map.
    """

    zh: str
    en: str = ""

    def line(self) -> str:
        """Both on one line, as a name is shown."""
        return " · ".join(filter(None, self))

    def paragraphs(self) -> str:
        """Both as Markdown paragraphs."""
        return "\n\n".join(filter(None, self))


@dataclass(frozen=True, slots=True)
class Issuer:
    """The bank towards verifiers; url is its public address, such as https://bank.example. Raises ValueError.

    It is did:web, not the https address of its profile: openbadgeslib binds a key to an issuer by DID alone, and
    1EdTech's validator and Digital Bazaar's libraries take either. did:web is resolved by https only: credentials of
    a bank at http:// (the demo on one's own machine) can be checked by the bank, or with its key in hand.
    """

    url: str
    name: Words
    email: str = ""

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in self.url or parts.query:
            raise ValueError(f"{self.url!r} is no public address: it should look like https://bank.example")
        object.__setattr__(self, "url", self.url.rstrip("/"))

    @property
    def id(self) -> str:
        """did:web:bank.example; a port and a path become further parts."""
        parts = urlsplit(self.url)
        names = [parts.netloc.lower(), *filter(None, parts.path.split("/"))]
        return ":".join(["did:web", *(quote(name, safe="") for name in names)])

    @property
    def profile_url(self) -> str:
        """Where issuer_profile() is published."""
        return f"{self.url}/issuer"

    @property
    def did_document_url(self) -> str:
        """Where did_document() has to be published, as did:web says."""
        return f"{self.url}/did.json" if urlsplit(self.url).path else f"{self.url}/.well-known/did.json"

    def status_list_url(self, number: int) -> str:
        """Where the status list of that number, from 1, is published."""
        return f"{self.url}/credentials/status/{number}"

    def achievement_url(self, slug: str) -> str:
        """Where achievement_document() is published."""
        return f"{self.url}/achievements/{slug}"

    def credential_url(self, code: str) -> str:
        """Where the signed credential is published."""
        return f"{self.url}/credentials/{code}"


class Alignment(NamedTuple):
    """An entry of a competency framework that an achievement stands for; url is absolute."""

    name: str
    url: str
    code: str
    framework: str


class Evidence(NamedTuple):
    """What stands behind a credential: told, never the files; url is an absolute address or empty."""

    name: str
    narrative: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Achievement:
    """What can be earned, by anybody. Credits are hundredths and what it can bring at most."""

    slug: str
    kind: Kind
    name: Words
    description: Words
    criteria: Words
    credits: int | None = None
    alignments: Sequence[Alignment] = ()


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who earned it. The address is written as a salted hash only; the name only if it is given."""

    email: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Award:
    """What one person earned: credits in hundredths, a competency's level from 1 to 5, times in UTC.

    code is the credential's own and hard to guess: it makes its address, and salts the hash of the recipient's.
    index counts the bank's credentials from 0, each once: it is the place in the status lists.
    """

    code: str
    index: int
    recipient: Recipient
    valid_from: datetime
    valid_until: datetime | None = None
    credits: int | None = None
    level: int | None = None
    evidence: Sequence[Evidence] = ()


def key_from_text(pem: str) -> Ed25519PrivateKey:
    """The signing key out of its PEM text (PKCS 8, without a password). Raises ValueError."""
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError) as error:
        raise ValueError("the signing key can't be read: it should be PEM (PKCS 8) without a password") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("the signing key is of another kind: it should be Ed25519")
    return key


_loaded: dict[Path, tuple[tuple[int, int], Ed25519PrivateKey]] = {}
"""Keys that this process has read, and what the file was then: its inode and the time of its last change."""


def load_key(path: Path) -> Ed25519PrivateKey | None:
    """The signing key kept in a file, which needs only be readable; None where there is none. Raises ValueError."""
    try:
        with path.open(encoding="ascii") as file:
            stored = os.fstat(file.fileno())
            seen = (stored.st_ino, stored.st_mtime_ns)
            if path in _loaded and _loaded[path][0] == seen:
                return _loaded[path][1]
            pem = file.read()
    except FileNotFoundError:
        return None
    if not pem:  # somebody is about to write it
        return None
    key = key_from_text(pem)
    _loaded[path] = (seen, key)
    return key


def load_or_make_key(path: Path) -> Ed25519PrivateKey:
    """The signing key kept in a file, made once; whoever comes second waits, and reads what the first wrote."""
    if found := load_key(path):
        return found
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if pem := file.read():
            return key_from_text(pem)
        key = Ed25519PrivateKey.generate()
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())
    return key


def public_key_multibase(key: Ed25519PublicKey) -> str:
    """The public key as a Multikey: z6Mk…"""
    return ob3.multikey_from_pem(_pem(key))


def verification_method(issuer: Issuer, key: Ed25519PublicKey) -> str:
    """The name of the key in proofs. Its fragment is the key itself, so that some verifiers need to fetch nothing."""
    return f"{issuer.id}#{public_key_multibase(key)}"


def did_document(issuer: Issuer, key: Ed25519PublicKey) -> Json:
    """The issuer's key, published at did_document_url (W3C DID 1.0, did:web)."""
    method = verification_method(issuer, key)
    return {
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"],
        "id": issuer.id,
        "alsoKnownAs": [issuer.profile_url],
        "verificationMethod": [
            {
                "id": method,
                "type": "Multikey",
                "controller": issuer.id,
                "publicKeyMultibase": public_key_multibase(key),
            }
        ],
        "assertionMethod": [method],
    }


def issuer_profile(issuer: Issuer) -> Json:
    """The issuer as an Open Badges Profile, published at profile_url; its key is in did_document()."""
    return {"@context": CONTEXTS, **_profile(issuer).to_dict()}


def achievement_document(issuer: Issuer, achievement: Achievement) -> Json:
    """What can be earned, published at achievement_url and the same as in every credential of it."""
    return {"@context": CONTEXTS, **_achievement(issuer, achievement).to_dict()}


def achievement_credential(issuer: Issuer, achievement: Achievement, award: Award) -> Credential:
    """The credential, not signed yet. Raises ValueError for a level that can't be or that no competency has."""
    if (award.level is not None) != (achievement.kind is Kind.COMPETENCY):
        raise ValueError("a competency has a level, and nothing else has")
    if award.level is not None and not 1 <= award.level <= MAX_LEVEL:
        raise ValueError(f"level {award.level} is not one of 1 to {MAX_LEVEL}")
    number, place = divmod(award.index, STATUS_LIST_SIZE)
    return Credential(
        id=issuer.credential_url(award.code),
        issuer=_profile(issuer),
        recipient_id=None,  # a mailto: address would be the address in plain sight
        identifiers=_identifiers(award),
        name=achievement.name.line(),
        achievement=_achievement(issuer, achievement),
        issuance_date=award.valid_from,
        expiration_date=award.valid_until,
        credits_earned=_credits(award.credits),
        results=[ob3.Result(value=str(award.level), result_description=_level_url(issuer, achievement))]
        if award.level
        else [],
        evidence=[ob3.Evidence(id=e.url or None, name=e.name, narrative=e.narrative) for e in award.evidence],
        credential_status=[ob3.status_entry(issuer.status_list_url(number + 1), "revocation", place)],
    )


def signed(credential: Credential, issuer: Issuer, key: Ed25519PrivateKey) -> Json:
    """The credential with its proof. Raises ValueError if the proof would leave a member of it uncovered.

    The proof is dated as the credential is, so that it can be made again at any time and is the same.
    """
    signer = ob3.OB3LdpSigner(_private_pem(key), verification_method(issuer, key.public_key()))
    try:
        return signer.sign(credential, created=credential.issuance_date)
    except LibOpenBadgesException as error:
        raise ValueError(f"the credential can't be signed: {error}") from error


def status_list(
    issuer: Issuer, revoked: Iterable[int], key: Ed25519PrivateKey, at: datetime, number: int = 1
) -> Json:
    """The signed list that says which credentials are revoked, as of a time in UTC; it is good for a day.

    revoked holds indices of awards; those that belong to another list than this number's are left out.
    """
    document = _status_list(issuer, number, _encoded(revoked, number), _time(at), _time(at + STATUS_LIST_LIFE))
    method = verification_method(issuer, key.public_key())
    return ob3.add_data_integrity_proof(document, _private_pem(key), method, created=at)


def check(document: Json | str | bytes, issuer: Issuer, key: Ed25519PublicKey, status: Json | None = None) -> Verdict:
    """Whether this is a credential that the issuer signed and that still holds, now.

    Without a status list nothing is said of revocation. Whatever else is handed in, of any form, is FORGED. A page
    should show what the bank keeps under the credential's id: in JSON-LD a list of one thing is that thing, so a
    VALID document may be spelled otherwise than it was written.
    """
    if not isinstance(document, dict):
        try:
            document = json.loads(document)
        except (ValueError, RecursionError):
            return Verdict.FORGED
        if not isinstance(document, dict):
            return Verdict.FORGED
    verdict = _genuine(document, issuer, key)
    if verdict is Verdict.FORGED or status is None:
        return verdict
    revoked = _is_revoked(document, status, issuer, key)
    if revoked is None:
        return Verdict.UNKNOWN
    return Verdict.REVOKED if revoked else verdict


def _genuine(document: Json, issuer: Issuer, key: Ed25519PublicKey) -> Verdict:
    """VALID, FORGED or EXPIRED. The verifier refuses an expired one before it says more, hence the second look."""
    if not _names(document, issuer, key):
        return Verdict.FORGED
    pem = _pem(key)
    try:
        ob3.OB3LdpVerifier(pem).verify(document)
    except ob3.OB3GuardUnavailable:
        raise  # the library can't work here at all: that tells nothing of the document
    except ob3.OB3VerificationError:
        if not _over(document.get("validUntil")):
            return Verdict.FORGED
        return Verdict.EXPIRED if _has_good_proof(document, pem) else Verdict.FORGED
    return Verdict.VALID


def _is_revoked(document: Json, status: Json, issuer: Issuer, key: Ed25519PublicKey) -> bool | None:
    """Whether the list revokes a genuine credential; None if it can't tell.

    The list must be, member for member, what the bank writes: a proof covers RDF, and JSON could say it otherwise.
    """
    bare = {name: value for name, value in status.items() if name != "proof"}
    try:
        entry, subject = document["credentialStatus"], bare["credentialSubject"]
        number, place = int(entry["statusListCredential"].rpartition("/")[2]), int(entry["statusListIndex"])
        encoded, start, end = subject["encodedList"], bare["validFrom"], bare["validUntil"]
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    if not all(isinstance(text, str) for text in (encoded, start, end)):
        return None  # a list of one string would be the same RDF
    if bare != _status_list(issuer, number, encoded, start, end) or not _names(status, issuer, key):
        return None
    if not _has_good_proof(status, _pem(key)) or _over(end):
        return None
    return place in ob3.set_indices(ob3.decode_encoded_list(encoded))


def _names(document: Json, issuer: Issuer, key: Ed25519PublicKey) -> bool:
    """Whether a document says that it is the issuer's, by this key: what other verifiers go by."""
    named, proof = document.get("issuer"), document.get("proof")
    if not isinstance(proof, dict) or proof.get("verificationMethod") != verification_method(issuer, key):
        return False
    return (named.get("id") if isinstance(named, dict) else named) == issuer.id


def _has_good_proof(document: Json, pem: bytes) -> bool:
    try:
        ob3.verify_data_integrity_proof(document, pem)
    except ob3.OB3GuardUnavailable:
        raise
    except ob3.OB3VerificationError:
        return False
    return True


def _over(until: object) -> bool:
    """Whether a time as the standard writes it has passed; nonsense has not."""
    try:
        return datetime.fromisoformat(str(until)) < datetime.now(UTC)
    except (ValueError, TypeError):
        return False


def _profile(issuer: Issuer) -> ob3.Issuer:
    return ob3.Issuer(id=issuer.id, name=issuer.name.line(), url=issuer.url, email=issuer.email or None)


def _achievement(issuer: Issuer, achievement: Achievement) -> ob3.Achievement:
    levels = ob3.ResultDescription(
        id=_level_url(issuer, achievement),
        name=Words("等级", "Level").line(),
        result_type="PerformanceLevel",
        value_min="0",
        value_max=str(MAX_LEVEL),
    )
    return ob3.Achievement(
        id=issuer.achievement_url(achievement.slug),
        name=achievement.name.line(),
        description=achievement.description.paragraphs(),
        criteria_narrative=achievement.criteria.paragraphs(),
        achievement_type=achievement.kind.value,
        credits_available=_credits(achievement.credits),
        alignments=[
            ob3.Alignment(a.name, a.url, target_framework=a.framework, target_code=a.code)
            for a in achievement.alignments
        ],
        result_descriptions=[levels] if achievement.kind is Kind.COMPETENCY else [],
    )


def _level_url(issuer: Issuer, achievement: Achievement) -> str:
    return f"{issuer.achievement_url(achievement.slug)}#level"


def _identifiers(award: Award) -> list[ob3.IdentityObject]:
    found = [ob3.IdentityObject.create(award.recipient.email, salt=award.code)]
    if award.recipient.name:
        found.append(ob3.IdentityObject(award.recipient.name, identity_type="name", hashed=False))
    return found


def _credits(hundredths: int | None) -> float | None:
    return None if hundredths is None else hundredths / 100


def _status_list(issuer: Issuer, number: int, encoded: str, start: str, end: str) -> Json:
    url = issuer.status_list_url(number)
    return {
        "@context": [ob3.VCDM_V2_CONTEXT],
        "id": url,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": issuer.id,
        "validFrom": start,
        "validUntil": end,
        "credentialSubject": {
            "id": f"{url}#list",
            "type": "BitstringStatusList",
            "statusPurpose": "revocation",
            "encodedList": encoded,
        },
    }


def _encoded(revoked: Iterable[int], number: int) -> str:
    """Bits from the left, gzip without a time in it (openbadgeslib's has one), base64url as multibase."""
    bits = bytearray(STATUS_LIST_SIZE // 8)
    for index in revoked:
        if index // STATUS_LIST_SIZE + 1 == number:
            place = index % STATUS_LIST_SIZE
            bits[place // 8] |= 0x80 >> place % 8
    return "u" + base64.urlsafe_b64encode(gzip.compress(bits, mtime=0)).decode().rstrip("=")


def _time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _pem(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _private_pem(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
