"""Timestamps and random name suffixes in Kubernetes' formats."""

from __future__ import annotations

import datetime
import secrets

_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""The alphabet of suffixes has no vowels, so that no suffix is a word."""


def now() -> str:
    return stamp(datetime.datetime.now(datetime.UTC))


def stamp(when: datetime.datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def later(seconds: float) -> str:
    return stamp(datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds))


def parse(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text)


def age(text: str) -> float:
    """Return the seconds since a timestamp."""
    return (datetime.datetime.now(datetime.UTC) - parse(text)).total_seconds()


def suffix(length: int = 5) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def encode(number: int, length: int) -> str:
    """Encode a number in that alphabet, for names made from a hash."""
    return "".join(_ALPHABET[number // len(_ALPHABET) ** n % len(_ALPHABET)] for n in range(length))
