"""Checks a credential without openbadgeslib and PyLD: JSON-LD and RDFC-1.0 by Oxigraph, the rest by the standards.

Sources: W3C VC Data Integrity EdDSA Cryptosuites 1.0, section 3.2 (eddsa-rdfc-2022); W3C Bitstring Status List 1.0.
"""

from __future__ import annotations

import base64
import gzip
import json
from hashlib import sha256
from typing import Any

import pyoxigraph
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
ED25519 = b"\xed\x01"  # multicodec

Json = dict[str, Any]


class NotGenuineError(Exception):
    """The proof does not hold."""


def verify(document: Json, did_document: Json, contexts: dict[str, Json]) -> None:
    """Raise NotGenuineError unless the issuer of the DID document signed this document."""
    proof = document.get("proof")
    if not isinstance(proof, dict) or not isinstance(document.get("@context"), list):
        raise NotGenuineError("no proof")
    form = (proof.get("type"), proof.get("cryptosuite"), proof.get("proofPurpose"))
    if form != ("DataIntegrityProof", "eddsa-rdfc-2022", "assertionMethod"):
        raise NotGenuineError(f"another proof: {form}")
    issuer = document.get("issuer")
    if (issuer.get("id") if isinstance(issuer, dict) else issuer) != did_document["id"]:
        raise NotGenuineError("another issuer")
    config = {name: value for name, value in proof.items() if name != "proofValue"}
    config["@context"] = document["@context"]
    bare = {name: value for name, value in document.items() if name != "proof"}
    key = _key(did_document, proof.get("verificationMethod"))
    try:
        signed = sha256(_canonical(config, contexts)).digest() + sha256(_canonical(bare, contexts)).digest()
        key.verify(_multibase58(proof["proofValue"]), signed)
    except (InvalidSignature, ValueError, KeyError, SyntaxError) as error:
        raise NotGenuineError(str(error)) from error


def is_revoked(credential: Json, status_list: Json) -> bool:
    """The bit of a credential in a status list; both have been verified."""
    entry, subject = credential["credentialStatus"], status_list["credentialSubject"]
    assert entry["statusListCredential"] == status_list["id"]
    assert entry["statusPurpose"] == subject["statusPurpose"] == "revocation"
    encoded = subject["encodedList"]
    assert encoded[0] == "u"
    bits = gzip.decompress(base64.urlsafe_b64decode(encoded[1:] + "=" * (-len(encoded[1:]) % 4)))
    assert len(bits) * 8 >= 131_072
    byte, bit = divmod(int(entry["statusListIndex"]), 8)
    return bool(bits[byte] >> 7 - bit & 1)


def _canonical(document: Json, contexts: dict[str, Json]) -> bytes:
    """Canonical N-Quads. Oxigraph fetches nothing, so the contexts stand in the document itself."""
    inner = [contexts[url]["@context"] for url in document["@context"]]
    text = json.dumps({**document, "@context": inner})
    quads = pyoxigraph.Dataset(pyoxigraph.parse(text, pyoxigraph.RdfFormat.JSON_LD))
    quads.canonicalize(pyoxigraph.CanonicalizationAlgorithm.RDFC_1_0)
    return "".join(sorted(f"{quad} .\n" for quad in quads)).encode()


def _key(did_document: Json, name: object) -> Ed25519PublicKey:
    for method in did_document["verificationMethod"]:
        if method["id"] == name and name in did_document["assertionMethod"]:
            raw = _multibase58(method["publicKeyMultibase"])
            assert raw.startswith(ED25519)
            return Ed25519PublicKey.from_public_bytes(raw.removeprefix(ED25519))
    raise NotGenuineError(f"no such key: {name}")


def _multibase58(text: str) -> bytes:
    if not text.startswith("z"):
        raise ValueError("no base 58")
    number = 0
    for sign in text[1:]:
        number = number * 58 + ALPHABET.index(sign)
    zeros = len(text[1:]) - len(text[1:].lstrip("1"))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")
