"""Canonical content and hashes: what a signature is made over, and how events are chained.

Canonical JSON is RFC 8785 (JCS), so that anybody can recompute a hash from the published data.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from typing import Any

import rfc8785

from app.domain.entropy import token

GENESIS = "0" * 64


def canonical_json(value: Any) -> bytes:
    """The one RFC 8785 serialisation of a JSON value, as UTF-8.

    Raises `rfc8785.CanonicalizationError` for what JSON cannot say (a date, a set, an integer beyond 2**53).
    """
    if _is_plain(value):
        # the same bytes for such values, many times as fast: a round of eight hundred returns is hashed at once
        with suppress(UnicodeEncodeError):  # half a character, which the library refuses in its own way
            return _PLAIN.encode(value).encode()
    return rfc8785.dumps(value)


_PLAIN = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), check_circular=False)
_EXACT = 2**53  # integers from here on are floats to other programs


def _is_plain(value: Any) -> bool:
    """Whether the standard library writes a value as RFC 8785 does: no floats, and keys that sort alike everywhere.

    Only the very types: a subclass may write itself in another way.
    """
    kind = type(value)
    if kind is str:
        return True
    if kind is dict:
        return all(type(key) is str and key.isascii() and _is_plain(one) for key, one in value.items())
    if kind is list or kind is tuple:
        return all(map(_is_plain, value))
    return kind is bool or value is None or (kind is int and -_EXACT < value < _EXACT)


def sha256_hex(content: bytes) -> str:
    """SHA-256 of `content` as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def hash_of(value: Any) -> str:
    """SHA-256 of the canonical JSON of `value`."""
    return sha256_hex(canonical_json(value))


def chain_hash(previous: str, record: dict[str, Any]) -> str:
    """Hash of an event record that follows the event whose hash is `previous` (`GENESIS` for the first)."""
    return hash_of({"previous": previous, "record": record})


def submission_hash(*, content_hash: str, signatory: dict[str, Any], signed_at: str) -> str:
    """What the receipt carries: the content hash, who signed and when, in one hash.

    `signatory` holds name, post and the person's public id; `signed_at` is an ISO 8601 UTC instant.
    """
    return hash_of({"content": content_hash, "signatory": signatory, "signed_at": signed_at})


def new_salt() -> str:
    """A fresh random salt (32 hexadecimal digits) for `salted_digest`."""
    return token()


def salted_digest(salt: str, text: str) -> str:
    """Digest under which personal text enters an event chain.

    The text and its salt live beside the chain: erasing both leaves the chain verifiable and the text unguessable.
    """
    return sha256_hex(f"{salt}:{text}".encode())
