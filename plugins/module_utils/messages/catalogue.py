# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The texts of all messages by id, in each language. The files in `texts/` hold them by topic."""

from __future__ import annotations

from ansible_collections.teal.platform.plugins.module_utils.messages.texts import (
    advice,
    analysis,
    deploy,
    discord,
    lock,
    outcome,
    page,
    release,
    rollback,
    slots,
    summary,
    traffic,
    verification,
)

#: The languages, in the order of the texts of a message. The first one is the language of records and module results.
LANGUAGES = ("en", "ko")
TOPICS = (
    advice,
    analysis,
    deploy,
    discord,
    lock,
    outcome,
    page,
    release,
    rollback,
    slots,
    summary,
    traffic,
    verification,
)
#: Id of a message: its text in each language, with named placeholders as `str.format` has them.
CATALOGUE: dict[str, tuple[str, ...]] = {
    name: texts for topic in TOPICS for name, texts in topic.TEXTS.items()
}


def template(name: str, language: str) -> str:
    """Return the text of the message `name` in `language`. Raises KeyError for an unknown message."""
    return CATALOGUE[name][LANGUAGES.index(language)]
