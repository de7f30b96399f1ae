"""What is signed has one form: content that was signed before keeps its hash, whatever can be signed since."""

from __future__ import annotations

from typing import Any

from app.domain.content import return_content
from app.domain.integrity import hash_of

SIGNED: dict[str, Any] = {
    "audit_round": {"key": "r", "name": "Round"},
    "agency": {"code": "a-1", "name": "Agency", "type": "trust", "subtype": ""},
    "template": {"pack": "p", "version": 1, "sha256": "0" * 64},
    "answers": [
        {"criterion": "b", "scope": "", "type": "grade", "value": {"grade": "green"}},
        {"criterion": "a", "scope": "", "type": "grade", "value": {}},
    ],
    "vouches": [{"standard": "s", "name": "Vera", "post": "Chair", "at": "2003-05-12T09:00:00+00:00"}],
    "areas": [{"scope": "x", "code": "mere", "name": "Mereland"}],
}
# of this content as it was made before sites could be signed
BEFORE_SITES = "aa7875b792618d211f2efe5c465481903db73e63b320cd8f0ab9815c8ca12515"


def test_content_without_questions_about_sites_has_the_hash_that_it_always_had() -> None:
    assert hash_of(return_content(**SIGNED)) == BEFORE_SITES


def test_saying_that_there_are_no_sites_is_not_the_same_as_not_being_asked() -> None:
    none = return_content(**SIGNED, sites=[])
    assert none["sites"] == []
    one = {"scope": "rx1", "code": "RX1", "name": "Northern clinic"}
    other = {"scope": "rx2", "code": "RX2", "name": "Annexe"}
    hashes = {BEFORE_SITES, hash_of(none), hash_of(return_content(**SIGNED, sites=[one]))}
    assert len(hashes) == 3
    # the order in which they are listed changes nothing
    assert return_content(**SIGNED, sites=[one, other]) == return_content(**SIGNED, sites=[other, one])
