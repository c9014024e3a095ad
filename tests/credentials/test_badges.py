"""Credentials hold, here and in a second implementation; whatever is changed in them shows in both."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft201909Validator
from openbadgeslib.ob3.contexts import bundled_contexts

from talentbank.credentials import badges
from talentbank.credentials.badges import (
    STATUS_LIST_LIFE,
    STATUS_LIST_SIZE,
    Achievement,
    Alignment,
    Award,
    Evidence,
    Issuer,
    Json,
    Kind,
    Recipient,
    Verdict,
    Words,
    check,
)
from tests.credentials import second

PUBLISHED = Path(__file__).parent / "published"
ISSUED = datetime(2026, 1, 5, 2, 30, tzinfo=UTC)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key()
BANK = Issuer("https://bank.example/", Words("眉山跨境电商人才银行", "Meishan CBEC Talent Bank"), "bank@bank.example")
DID = badges.did_document(BANK, PUBLIC)
CONTEXTS = bundled_contexts()
ISSUED_BEFORE = json.loads((Path(__file__).parent / "issued.json").read_text(encoding="utf-8"))
STUDENT = Recipient("li.lei@university.example")

COMPETENCY = Achievement(
    "competency-store-operations",
    Kind.COMPETENCY,
    Words("店铺运营", "Store operations"),
    Words("能独立运营跨境店铺。", "Runs a cross-border store."),
    Words("实践经指导人核验。", "Practice that a supervisor verified."),
    alignments=[Alignment("店铺运营", "https://bank.example/competencies/OPS1", "OPS1", "CBEC")],
)
CREDIT = Achievement(
    "resource-7",
    Kind.CREDIT,
    Words("直播实训"),
    Words("四十小时直播实训。"),
    Words("每十六小时一学分。", "16 hours make one credit."),
    credits=250,
)
AWARDS = {
    Kind.COMPETENCY: Award(
        "rLx3mQ",
        9,
        Recipient(STUDENT.email, "李雷"),
        ISSUED,
        level=3,
        evidence=[
            Evidence("实训日志", "40 小时，指导人已核验", "https://bank.example/practice/12"),
            Evidence("说明", "双方同意"),
        ],
    ),
    Kind.CREDIT: Award("Zt81pa", STATUS_LIST_SIZE - 1, STUDENT, ISSUED, credits=115),
}


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def credential(kind: Kind = Kind.COMPETENCY, **changes: Any) -> Json:
    achievement = COMPETENCY if kind is Kind.COMPETENCY else CREDIT
    values = {name: getattr(AWARDS[kind], name) for name in Award.__slots__}
    return badges.signed(badges.achievement_credential(BANK, achievement, Award(**values | changes)), BANK, KEY)


def members(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of every member and item, the outer ones too."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in inner:
        yield (*path, name)
        yield from members(one, (*path, name))


def tampered(document: Json) -> Iterator[tuple[tuple[str | int, ...], Json]]:
    """The document with each of its members left out, and with each of its values changed."""
    for path in members(document):
        for change in (True, False):
            other = deepcopy(document)
            place: Any = other
            for name in path[:-1]:
                place = place[name]
            value = place[path[-1]]
            if change and isinstance(value, dict | list):
                continue
            if not change:
                del place[path[-1]]
            elif isinstance(value, bool):
                place[path[-1]] = not value
            else:
                place[path[-1]] = value + 1 if isinstance(value, int | float) else f"{value}x"
            yield path, other


def holds_in_second(document: Json) -> bool:
    try:
        second.verify(document, DID, CONTEXTS)
    except second.NotGenuineError:
        return False
    return True


@pytest.mark.parametrize("kind", Kind)
def test_a_credential_holds_here_and_in_a_second_implementation(kind: Kind, socket_disabled: None) -> None:
    document = credential(kind)
    nothing_revoked = badges.status_list(BANK, (), KEY, NOW)
    assert check(document, BANK, PUBLIC) is Verdict.VALID
    assert check(json.dumps(document), BANK, PUBLIC, nothing_revoked) is Verdict.VALID
    assert check(json.dumps(document, ensure_ascii=False).encode(), BANK, PUBLIC) is Verdict.VALID
    second.verify(document, DID, CONTEXTS)
    second.verify(nothing_revoked, DID, CONTEXTS)
    assert not second.is_revoked(document, nothing_revoked)


@pytest.mark.parametrize("kind", Kind)
def test_whatever_is_changed_shows_in_both(kind: Kind) -> None:
    document = credential(kind)
    seen = 0
    for path, other in tampered(document):
        assert check(other, BANK, PUBLIC) is Verdict.FORGED, path
        assert not holds_in_second(other), path
        seen += 1
    assert seen > 90


def test_what_the_proof_would_not_cover_is_forged() -> None:
    for name, value in (("honours", True), ("https://schema.org/name", "x"), ("validUntil", "2031-01-01")):
        assert check({**credential(), name: value}, BANK, PUBLIC) is Verdict.FORGED
    respelled = credential()
    respelled["https://schema.org/name"] = respelled.pop("name")
    assert holds_in_second(respelled)  # the same RDF, so the signature holds; who reads «name» would read nothing
    assert check(respelled, BANK, PUBLIC) is Verdict.FORGED


def test_a_credential_of_which_something_would_stay_unsigned_is_not_signed() -> None:
    with pytest.raises(ValueError, match="can't be signed"):
        credential(evidence=[Evidence("log", "seen", "no address")])


@pytest.mark.parametrize(
    "document",
    ["", "null", "[]", "{", "[" * 100_000, b"\xff", "{}", '{"issuer": {"id": 1}, "proof": {}}', {"proof": None}],
)
def test_whatever_is_no_credential_is_forged(document: Any) -> None:
    assert check(document, BANK, PUBLIC) is Verdict.FORGED


def test_another_key_another_issuer_and_another_context_are_forged() -> None:
    other = Ed25519PrivateKey.from_private_bytes(bytes(32))
    document = credential()
    assert check(document, BANK, other.public_key()) is Verdict.FORGED
    assert check(document, Issuer("https://park.example", BANK.name), PUBLIC) is Verdict.FORGED
    by_other = badges.signed(badges.achievement_credential(BANK, CREDIT, AWARDS[Kind.CREDIT]), BANK, other)
    by_other["proof"]["verificationMethod"] = document["proof"]["verificationMethod"]
    assert check(by_other, BANK, PUBLIC) is Verdict.FORGED
    document["@context"].append("https://elsewhere.example/context.json")
    assert check(document, BANK, PUBLIC) is Verdict.FORGED


@pytest.mark.parametrize("kind", Kind)
def test_a_revoked_credential_shows_in_both(kind: Kind) -> None:
    document, index = credential(kind), AWARDS[kind].index
    revoked = badges.status_list(BANK, [0, index, index + STATUS_LIST_SIZE], KEY, NOW)
    beside = badges.status_list(BANK, [index - 1, index + 1, index + STATUS_LIST_SIZE], KEY, NOW)
    second.verify(revoked, DID, CONTEXTS)
    assert check(document, BANK, PUBLIC, revoked) is Verdict.REVOKED
    assert second.is_revoked(document, revoked)
    assert check(document, BANK, PUBLIC, beside) is Verdict.VALID
    assert not second.is_revoked(document, beside)


@settings(max_examples=20)
@given(indices=st.sets(st.integers(0, 2 * STATUS_LIST_SIZE - 1), max_size=40))
def test_the_second_list_holds_what_the_first_has_no_room_for(indices: set[int]) -> None:
    for number in (1, 2):
        document = badges.status_list(BANK, indices, KEY, NOW, number)
        for index in sorted(indices | {0, STATUS_LIST_SIZE}):
            if index // STATUS_LIST_SIZE + 1 == number:
                entry = {
                    "statusListCredential": f"https://bank.example/credentials/status/{number}",
                    "statusListIndex": str(index % STATUS_LIST_SIZE),
                    "statusPurpose": "revocation",
                }
                assert second.is_revoked({"credentialStatus": entry}, document) == (index in indices)


def test_a_list_that_is_not_the_banks_own_or_out_of_date_decides_nothing(clock: time_machine.Traveller) -> None:
    document = credential()
    clean = badges.status_list(BANK, (), KEY, NOW)
    encoded = clean["credentialSubject"]["encodedList"]
    for path, other in tampered(clean):
        assert check(document, BANK, PUBLIC, other) is Verdict.UNKNOWN, path
        assert not holds_in_second(other), path
    for other in (
        {},
        {**clean, "credentialSubject": []},
        {**clean, "credentialSubject": clean["credentialSubject"] | {"encodedList": [encoded]}},
        badges.status_list(BANK, (), KEY, NOW, number=2),
        badges.status_list(BANK, (), Ed25519PrivateKey.from_private_bytes(bytes(32)), NOW),
    ):
        assert check(document, BANK, PUBLIC, other) is Verdict.UNKNOWN
    clock.shift(STATUS_LIST_LIFE + timedelta(seconds=1))
    assert check(document, BANK, PUBLIC, clean) is Verdict.UNKNOWN


def test_an_expired_credential_says_so_unless_it_is_worse(clock: time_machine.Traveller) -> None:
    document = credential(valid_until=NOW + timedelta(days=30))
    assert check(document, BANK, PUBLIC) is Verdict.VALID
    clock.shift(timedelta(days=31))
    revoked = badges.status_list(BANK, [9], KEY, NOW + timedelta(days=31))
    clean = badges.status_list(BANK, [], KEY, NOW + timedelta(days=31))
    assert check(document, BANK, PUBLIC) is Verdict.EXPIRED
    assert check(document, BANK, PUBLIC, clean) is Verdict.EXPIRED
    assert check(document, BANK, PUBLIC, revoked) is Verdict.REVOKED
    document["validUntil"] = "2026-03-30T00:00:00Z"
    assert check(document, BANK, PUBLIC, clean) is Verdict.FORGED


def schema(name: str, part: str = "") -> Draft201909Validator:
    whole = json.loads((PUBLISHED / f"ob_v3p0_{name}_schema.json").read_text(encoding="utf-8"))
    wanted = {"$schema": whole["$schema"], "$defs": whole["$defs"], "$ref": f"#/$defs/{part}"} if part else whole
    return Draft201909Validator(wanted, format_checker=Draft201909Validator.FORMAT_CHECKER)


def test_it_fits_the_schemas_that_1edtech_published() -> None:
    for kind in Kind:
        document = credential(kind, valid_until=NOW)
        schema("achievementcredential").validate(document)
        for name in ("issuer", "credentialSubject", "validFrom"):
            rest = {member: value for member, value in document.items() if member != name}
            assert not schema("achievementcredential").is_valid(rest)
    schema("profile").validate(badges.issuer_profile(BANK))
    schema("achievementcredential", "Achievement").validate(badges.achievement_document(BANK, CREDIT))
    assert not schema("achievementcredential", "Achievement").is_valid(badges.issuer_profile(BANK))


def test_it_says_what_was_earned() -> None:
    competency, credit = credential(Kind.COMPETENCY), credential(Kind.CREDIT)
    assert competency["name"] == "店铺运营 · Store operations"
    assert competency["id"] == "https://bank.example/credentials/rLx3mQ"
    assert competency["validFrom"] == "2026-01-05T02:30:00Z"
    subject = competency["credentialSubject"]
    assert subject["achievement"]["achievementType"] == "Competency"
    assert subject["achievement"]["criteria"] == {
        "narrative": "实践经指导人核验。\n\nPractice that a supervisor verified."
    }
    assert subject["achievement"]["alignment"][0]["targetCode"] == "OPS1"
    levels = subject["achievement"]["resultDescription"][0]
    assert (levels["valueMin"], levels["valueMax"]) == ("0", "5")
    assert subject["result"] == [{"type": ["Result"], "value": "3", "resultDescription": levels["id"]}]
    assert [one["name"] for one in competency["evidence"]] == ["实训日志", "说明"]
    assert credit["credentialSubject"]["achievement"]["achievementType"] == "Fieldwork"
    assert credit["credentialSubject"]["achievement"]["creditsAvailable"] == 2.5
    assert credit["credentialSubject"]["creditsEarned"] == 1.15
    assert "result" not in credit["credentialSubject"]
    whole = credential(Kind.CREDIT, credits=200)["credentialSubject"]["creditsEarned"]
    assert json.dumps(whole) == "2"  # 2.0 would be signed as another number than JavaScript reads


def test_the_recipient_is_known_by_a_hash_and_by_name_only_if_given() -> None:
    named, nameless = credential(Kind.COMPETENCY), credential(Kind.CREDIT)
    for document in (named, nameless):
        text = json.dumps(document, ensure_ascii=False)
        assert STUDENT.email not in text
        assert "university.example" not in text
        assert "id" not in document["credentialSubject"]
        identity = document["credentialSubject"]["identifier"][0]
        assert identity["hashed"] is True
        digest = sha256((STUDENT.email + identity["salt"]).encode()).hexdigest()
        assert identity["identityHash"] == f"sha256${digest}"
    names = [one["identityHash"] for one in named["credentialSubject"]["identifier"] if one["identityType"] == "name"]
    assert names == ["李雷"]
    assert "李雷" not in json.dumps(nameless, ensure_ascii=False)


def test_the_same_is_signed_the_same() -> None:
    for kind in Kind:
        assert json.dumps(credential(kind)) == json.dumps(credential(kind))
    lists = {json.dumps(badges.status_list(BANK, revoked, KEY, NOW)) for revoked in ([3, 5], [5, 3, 3])}
    assert len(lists) == 1


@pytest.mark.parametrize("name", ISSUED_BEFORE)
def test_what_was_issued_by_an_earlier_release_still_holds(name: str) -> None:
    """A library that reads a context or a number otherwise would turn all credentials out there into forgeries."""
    document = ISSUED_BEFORE[name]
    assert check(document, BANK, PUBLIC) is Verdict.VALID
    second.verify(document, DID, CONTEXTS)


@pytest.mark.parametrize(
    ("kind", "level"), [(Kind.COMPETENCY, None), (Kind.COMPETENCY, 0), (Kind.COMPETENCY, 6), (Kind.CREDIT, 3)]
)
def test_a_level_that_can_not_be_is_refused(kind: Kind, level: int | None) -> None:
    with pytest.raises(ValueError, match="level"):
        credential(kind, level=level)


@pytest.mark.parametrize(
    ("url", "did", "document"),
    [
        ("https://bank.example", "did:web:bank.example", "https://bank.example/.well-known/did.json"),
        ("https://bank.example/cbec/", "did:web:bank.example:cbec", "https://bank.example/cbec/did.json"),
        ("http://127.0.0.1:8000", "did:web:127.0.0.1%3A8000", "http://127.0.0.1:8000/.well-known/did.json"),
    ],
)
def test_the_issuers_did_and_where_its_document_stands(url: str, did: str, document: str) -> None:
    issuer = Issuer(url, Words("银行"))
    assert (issuer.id, issuer.did_document_url) == (did, document)
    award = AWARDS[Kind.CREDIT]
    signed = badges.signed(badges.achievement_credential(issuer, CREDIT, award), issuer, KEY)
    assert check(signed, issuer, PUBLIC, badges.status_list(issuer, (), KEY, NOW)) is Verdict.VALID
    second.verify(signed, badges.did_document(issuer, PUBLIC), CONTEXTS)


@pytest.mark.parametrize(
    "url", ["", "bank.example", "ftp://bank.example", "https://me:secret@bank.example", "https://"]
)
def test_an_issuer_needs_a_public_address(url: str) -> None:
    with pytest.raises(ValueError, match="public address"):
        Issuer(url, Words("银行"))


def test_a_key_is_made_once_whoever_comes_first(tmp_path: Path) -> None:
    path = tmp_path / "signing_key.pem"
    say = "import sys, pathlib; from talentbank.credentials.badges import *; print(public_key_multibase("
    say += "load_or_make_key(pathlib.Path(sys.argv[1])).public_key()))"
    others = [
        subprocess.Popen([sys.executable, "-c", say, path], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda _: badges.load_or_make_key(path), range(24)))
    found = {badges.public_key_multibase(key.public_key()) for key in keys}
    found |= {other.communicate(timeout=60)[0].strip() for other in others}
    assert len(found) == 1
    assert found.pop().startswith("z6Mk")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_key_of_another_kind_is_refused() -> None:
    other = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for text in ("", "no key", other.decode()):
        with pytest.raises(ValueError, match="signing key"):
            badges.key_from_text(text)
