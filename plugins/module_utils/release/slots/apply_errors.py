# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Errors of kubernetes.core tasks that apply a slot's objects under a lease: which ones may be retried."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.release.slots.base import (
    KubernetesError,
    Unreachable,
)

STALE = "the lease was not renewed within half of its length before the objects were applied"
#: Messages of kubernetes.core if the API did not answer. Its discovery treats an unavailable API as one without kinds.
_UNANSWERED = re.compile(
    r"max retries exceeded|connection (refused|reset|aborted|broken)|failed to establish|remote(disconnected| end closed)|"
    r"timed out|protocolerror|sslerror|no route to host|unreachable|name resolution|name or service not known|"
    r"failed to find exact match|" + re.escape(STALE),
    re.I,
)
_CODES = (re.compile(r'"code":\s*(\d{3})\b'), re.compile(r"\b(\d{3})\)?\s*Reason:"))
_PHRASES = {status.phrase.lower(): int(status) for status in HTTPStatus}
_AGAIN = frozenset({401, 429})
_LONGEST = 1000


def error_of(result: Mapping[str, Any]) -> KubernetesError:
    """Return the error of a failed kubernetes.core task. An Unreachable error may be retried.

    An expired token (401) may be retried, too: each attempt has its own token.
    """
    text, reason = str(result.get("msg") or ""), str(result.get("reason") or "")
    status = _status(text, reason)
    message = _message(text) or reason or "the task failed without a message"
    if status in _AGAIN or status >= 500 or (not status and _UNANSWERED.search(f"{text} {reason}")):
        return Unreachable(status, message)
    error = KubernetesError(status or HTTPStatus.BAD_REQUEST, message)
    if not status:
        error.cause = ""  # not an answer of the API, so neither manifests nor permissions are the cause
    return error


def _status(text: str, reason: str) -> int:
    for pattern in _CODES:
        if found := pattern.search(text):
            return int(found[1])
    return _PHRASES.get(reason.strip().lower(), 0)


def _message(text: str) -> str:
    """Return the API's message, which kubernetes.core quotes as the JSON of a Status, or else the text."""
    before, brace, rest = text.partition("{")
    if brace:
        try:
            message = json.JSONDecoder().raw_decode(brace + rest)[0]["message"]
            return f"{before.strip(' :')}: {message}" if before.strip(" :") else str(message)
        except (ValueError, KeyError, TypeError):
            pass
    return text.strip()[:_LONGEST]
