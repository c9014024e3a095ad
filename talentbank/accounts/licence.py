"""The number of a Chinese business licence, and what a contact of an enterprise has to say."""

from __future__ import annotations

import re
import unicodedata

from stdnum.cn import uscc
from stdnum.exceptions import InvalidChecksum, ValidationError

from talentbank.errors import Problems
from talentbank.extensions import lazy_gettext as _l

SIGNS = 18
_OTHER_SIGN = re.compile(r"[^0-9A-HJ-NP-RTUWXY]")
_BETWEEN = re.compile(r"[\s\-\u2010-\u2015\u200b-\u200d\ufeff]+")
_MAIL = re.compile(r"[\w.+\-]+@[\w.\-]+\.[a-z]{2,}", re.ASCII | re.IGNORECASE)
_TELEPHONE = re.compile(r"\+?\d(?:[\s()\-]*\d){6,}")
_LETTERS = 2
"""Letters of the shortest name that a person has."""


def normal_licence(text: str) -> str:
    """A unified social credit code as it is stored: half-width capitals and digits, nothing between them."""
    return _BETWEEN.sub("", unicodedata.normalize("NFKC", text)).upper()


def check_licence(licence: str, problems: Problems) -> None:
    """Note what is wrong with the form of a normal unified social credit code (GB 32100-2015) at «licence».

    Checked are its length, its 31 signs, the digits of its first eight, and its check digit (weights 3^n modulo 31).
    The standard lets the codes of some registers begin with a letter, such as N for rural collectives. Enterprises'
    come from market regulation: 9, a digit for the kind, six for the administrative division; so the library's rule
    of eight digits is right for every enterprise. Whether a code was ever given out is for the chamber to see.
    """
    if not licence:
        problems.add("licence", _l("Give the unified social credit code, which stands on the business licence."))
    elif strange := _OTHER_SIGN.search(licence):
        problems.add(
            "licence",
            _l(
                "«%(sign)s» can't stand in a unified social credit code: it has digits and the letters without I, O, "
                "S, V and Z.",
                sign=strange.group(),
            ),
        )
    elif len(licence) != SIGNS:
        problems.add(
            "licence", _l("A unified social credit code has 18 signs: this one has %(count)s.", count=len(licence))
        )
    else:
        _check_digits(licence, problems)


def _check_digits(licence: str, problems: Problems) -> None:
    try:
        uscc.validate(licence)
    except InvalidChecksum:
        problems.add(
            "licence",
            _l("The last sign does not fit the others, so one of them is wrong: compare it with the licence."),
        )
    except ValidationError:
        problems.add(
            "licence",
            _l("The first eight signs of a unified social credit code are digits: compare it with the licence."),
        )


def check_contact(text: str, problems: Problems) -> None:
    """Note at «contact» that a person's name is missing, or a telephone number or an e-mail address."""
    plain = unicodedata.normalize("NFKC", text)
    reached = _MAIL.search(plain) or _TELEPHONE.search(plain)
    name = _TELEPHONE.sub(" ", _MAIL.sub(" ", plain))
    if not reached or sum(sign.isalpha() for sign in name) < _LETTERS:
        problems.add(
            "contact",
            _l("Name a person and a telephone number or an e-mail address, such as: Wang Fang, 028-3812 3456."),
        )
