# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Korean particles, whose form depends on whether the word before them ends with a consonant."""

from __future__ import annotations

#: The form in the catalogue: the particle after a consonant, and after a vowel.
FORMS = {
    "을(를)": ("을", "를"),
    "은(는)": ("은", "는"),
    "이(가)": ("이", "가"),
    "와(과)": ("과", "와"),
    "(으)로": ("으로", "로"),
    "(이)라는": ("이라는", "라는"),
}
#: Digits whose Korean names end with a consonant: 0 (영), 1 (일), 3 (삼), 6 (육), 7 (칠), 8 (팔).
_CLOSED_DIGITS = "013678"
#: Final letters of English words that Korean ends with a consonant, such as green (그린) and staging (스테이징).
_CLOSED_LETTERS = ("m", "n", "ng")
#: 로 follows these digits (일, 칠, 팔) directly, as it follows any word that ends with ㄹ.
_RIEUL_DIGITS = "178"


def particle(before: str, text: str) -> str:
    """Return `text`, with the particle at its beginning in the form that fits the word that `before` ends with."""
    bare = text.lstrip("'\"")
    for form, (closed, opened) in FORMS.items():
        if bare.startswith(form):
            end = _ending(before)
            open_end = end == "vowel" or (form == "(으)로" and end == "rieul")
            quote = text[: len(text) - len(bare)]
            return quote + (opened if open_end else closed) + bare[len(form) :]
    return text


def _ending(word: str) -> str:
    """Return how the last syllable of a word ends: with a vowel, with the consonant rieul or with another consonant."""
    last = next((character for character in reversed(word) if character.isalnum()), "")
    if "가" <= last <= "힣":
        final = (ord(last) - ord("가")) % 28
        return "vowel" if final == 0 else "rieul" if final == 8 else "consonant"
    if last.isdigit():
        return "rieul" if last in _RIEUL_DIGITS else "consonant" if last in _CLOSED_DIGITS else "vowel"
    letters = word.rstrip(" )]'\"").lower()
    if letters.endswith("l"):
        return "rieul"
    return "consonant" if letters.endswith(_CLOSED_LETTERS) else "vowel"
