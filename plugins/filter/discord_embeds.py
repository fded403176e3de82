# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Filter: convert an event to a Discord message."""

from __future__ import annotations

DOCUMENTATION = r"""
name: discord_embeds
short_description: Convert an event of a release or an environment to Discord embeds
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Returns one embed with the known values of an event. Omits unknown values.
  - The result always fits Discord's limits. A long reason is cut at its beginning.
  - Escapes Markdown, mentions and links in the values.
  - Hides text that looks like a secret.
positional: _input, topic
options:
  _input:
    description:
      - Values of the event. All keys are optional.
      - V(environment), V(application), V(component), V(slot), V(version), V(digest), V(from_version), V(analysis),
        V(from_digest), V(who), V(trigger), V(commit), V(commit_message), V(commit_url), V(run_url),
        V(serving), V(how_back), V(failed_task), V(reason) and V(details) are texts.
      - V(duration) is in seconds, V(at) a time in ISO 8601, and V(metrics) a dictionary.
    type: dict
    required: true
  topic:
    description: Kind of event.
    type: str
    required: true
    choices:
      - provision succeeded
      - provision failed
      - deploy succeeded
      - deploy failed
      - deploy aborted
      - traffic switched
      - rolled back
      - rollback failed
      - release held
      - gate refused
      - gate overridden
      - drift found
      - destroy succeeded
      - destroy failed
"""

EXAMPLES = r"""
- name: Show the embed of a message
  ansible.builtin.debug:
    msg: "{{ {'version': '1.1.0'} | teal.platform.discord_embeds('deploy succeeded') }}"
"""

RETURN = r"""
_value:
  description: A list with one embed.
  type: list
  elements: dict
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from ansible.errors import AnsibleFilterError

GREEN = 0x2ECC71
RED = 0xE74C3C
AMBER = 0xF1C40F
TEAL = 0x008080

TITLE = 256
DESCRIPTION = 4096
VALUE = 1024
FOOTER = 2048
TOTAL = 6000
LONGEST_REASON = 2500
SHORT = 200
"""Maximum length of a short value, such as a version or a name."""


NOTHING = ("", "{}", "[]")


class Topic(NamedTuple):
    """Colour and title of an event. The title has placeholders for names that may be unknown."""

    color: int
    title: str
    failure: bool = False


TOPICS = {
    "provision succeeded": Topic(GREEN, "🏗️ {environment} is provisioned"),
    "provision failed": Topic(RED, "🔴 {environment}: {component} could not be provisioned", failure=True),
    "deploy succeeded": Topic(GREEN, "🟢 {environment}: {version} is live"),
    "deploy failed": Topic(RED, "🔴 {environment}: the deploy of {version} failed", failure=True),
    "deploy aborted": Topic(
        AMBER, "🟠 {environment}: the deploy of {version} was aborted before it received traffic", True
    ),
    "traffic switched": Topic(TEAL, "🔀 {environment}: traffic goes to {version}"),
    "rolled back": Topic(AMBER, "↩️ {environment}: rolled back to {version}", failure=True),
    "rollback failed": Topic(RED, "🚨 {environment}: the rollback to {version} failed", failure=True),
    "release held": Topic(AMBER, "✋ {environment}: {version} is on hold", failure=True),
    "gate refused": Topic(RED, "⛔ {environment}: the quality gate failed for {version}", failure=True),
    "gate overridden": Topic(
        AMBER, "⚠️ {environment}: the quality gate was overridden for {version}", failure=True
    ),
    "drift found": Topic(AMBER, "🧭 {environment} differs from its inventory", failure=True),
    "destroy succeeded": Topic(TEAL, "🧹 {environment} was destroyed"),
    "destroy failed": Topic(RED, "🔴 {environment}: {component} could not be destroyed", failure=True),
}

SECRETS = re.compile(
    "|".join(
        (
            r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",  # AWS access keys
            r"\bk8s-aws-v1\.[\w-]+",  # EKS tokens
            r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*",  # JSON web tokens
            r"\bgh[pousr]_\w{20,}",  # GitHub tokens
            r"https://(?:\w+\.)?discord(?:app)?\.com/api/(?:v\d+/)?webhooks/\S+",
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)",
            r"(?<=://)[^\s/:@]+:[^\s/@]+(?=@)",  # user:password@host
            r"(?i:\bX-Amz-(?:Signature|Security-Token|Credential)=[^&\s]+)",
            r"(?i:\b(?:authorization[\"']?\s*[:=]\s*)?(?:bearer|basic)\s+[\w.~+/=-]{8,})",
            r"(?i:\b[\w.-]*(?:password|passwd|secret|token|api_?key|private_?key)[\"']?\s*[:=]\s*[\"']?)"
            r"(?!\s)[^\s\"',;}]+",
        )
    ),
    re.DOTALL,
)
HIDDEN = "(hidden)"
ZERO_WIDTH = "\u200b"
MARKDOWN = re.compile(r"([\\*_~`|>#\[\]()-])")


def discord_embeds(event: Mapping[str, Any], topic: str) -> list[dict[str, Any]]:
    """Return one embed for `topic`. Raises AnsibleFilterError for an unknown topic."""
    if topic not in TOPICS:
        raise AnsibleFilterError(f"discord_embeds: unknown topic {topic!r}. Topics are: {', '.join(TOPICS)}")
    known = {key: value for key, value in event.items() if _text(value).strip() not in NOTHING}
    kind = TOPICS[topic]
    embed: dict[str, Any] = {
        "title": _cut(_title(kind.title, known), TITLE),
        "color": kind.color,
        "fields": [
            {"name": name, "value": _cut(value, VALUE), "inline": inline}
            for name, value, inline in _facts(known, kind)
        ],
        "footer": {"text": _cut(" · ".join(_names(known)), SHORT)},
        "timestamp": _time(known.get("at")),
    }
    room = min(LONGEST_REASON, TOTAL - _size(embed) - 100)
    embed["description"] = "\n".join(_story(known, kind, room))
    return [{key: value for key, value in embed.items() if value}]


def _title(form: str, known: Mapping[str, Any]) -> str:
    names = {
        "environment": _text(known.get("environment")).upper() or "The environment",
        "component": _text(known.get("component")) or "a component",
        "version": _text(known.get("version")) or "the release",
    }
    return form.format(**{name: plain(value, SHORT // 3) for name, value in names.items()})


def _facts(known: Mapping[str, Any], kind: Topic) -> Iterator[tuple[str, str, bool]]:
    """Yield the fields: name, value, and whether the field is inline."""
    if release := _from_to(known, "version"):
        yield "Version", release, True
    if digests := _from_to({k: _short_digest(v) for k, v in known.items() if k.endswith("digest")}, "digest"):
        yield "Digest", digests, True
    for key in ("component", "slot"):
        if key in known:
            yield key.capitalize(), plain(known[key]), True
    if who := " by ".join(plain(known[key]) for key in ("trigger", "who") if key in known):
        yield "Who", who, True
    if "duration" in known:
        yield "Duration", duration(known["duration"]), True
    if "commit" in known:
        message = f" {plain(_text(known.get('commit_message')).partition(chr(10))[0])}"
        commit, url = _text(known["commit"]), _text(known.get("commit_url"))
        yield "Commit", _link(commit[:7], url if url.endswith(commit) else "") + message.rstrip(), True
    if "run_url" in known:
        yield "Run", _link("log", known["run_url"]), True
    if metrics := known.get("metrics"):
        pairs = metrics.items() if isinstance(metrics, Mapping) else [("metrics", metrics)]
        yield "Quality", "\n".join(f"{plain(k, 60)}: {plain(v, 60)}" for k, v in pairs), False
    if "analysis" in known and _text(known["analysis"]) not in _text(known.get("reason")):
        yield "Requests of users", plain(known["analysis"], 2 * VALUE), False
    if kind.failure and "failed_task" in known:
        yield "Failed at", plain(known["failed_task"]), False
    if "serving" in known:
        yield "Live", plain(known["serving"]), False
    if "how_back" in known:
        name = "To show the drift" if kind is TOPICS["drift found"] else "To roll back"
        yield name, _block(known["how_back"], 500), False


def _story(known: Mapping[str, Any], kind: Topic, room: int) -> Iterator[str]:
    """Yield the blocks of the embed's description, about `room` characters in total."""
    texts = [
        known[key] for key in ("reason", "details") if key in known and (kind.failure or key == "details")
    ]
    for text in texts:
        yield _block(_disarm(redact(_text(text))), room // len(texts))


def _names(known: Mapping[str, Any]) -> list[str]:
    return [_disarm(redact(_text(known[key]))) for key in ("application", "environment") if key in known]


def _from_to(known: Mapping[str, Any], what: str) -> str:
    before, now = plain(known.get(f"from_{what}", "")), plain(known.get(what, ""))
    return f"{before} → {now}" if before and now and before != now else now or before


def _short_digest(digest: Any) -> str:
    return _text(digest).rpartition(":")[2][:12]


def _time(at: Any) -> str:
    try:
        return datetime.fromisoformat(_text(at)).isoformat(timespec="seconds")
    except ValueError:
        return datetime.now(UTC).isoformat(timespec="seconds")


def duration(seconds: Any) -> str:
    """Return seconds as text: `192` → `3 min 12 s`. A value that is not a number is returned as text."""
    try:
        whole = round(float(seconds))
    except (TypeError, ValueError):
        return plain(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "h"), (minutes, "min"), (rest, "s")]
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "< 1 s"


def redact(text: str) -> str:
    """Hide text that looks like a secret. This is a safety net: callers must not pass secrets."""
    return SECRETS.sub(HIDDEN, text)


def plain(value: Any, limit: int = SHORT) -> str:
    """Return a value as text with markdown, mentions and links disabled, at most `limit` characters."""
    text = _cut(redact(_text(value)), limit // 2)  # escapes may double the length
    return _disarm(MARKDOWN.sub(r"\\\1", text))


def _block(value: Any, limit: int) -> str:
    """Return a code block with the last `limit` characters of a value."""
    text = redact(_text(value)).replace("```", "`" + ZERO_WIDTH + "`" + ZERO_WIDTH + "`")
    return f"```\n{_cut_beginning(text.strip(), limit)}\n```"


def _disarm(text: str) -> str:
    """Disable mentions (@everyone, <@1>) and link previews in `text`."""
    return re.sub(r"@(?=\S)|<(?=[@#&:!/a-z])", lambda m: m[0] + ZERO_WIDTH, text).replace(
        "://", f":{ZERO_WIDTH}//"
    )


def _link(label: str, url: Any) -> str:
    url = _text(url)
    return f"[{plain(label)}]({url})" if re.fullmatch(r"https?://[\w.:/%+-]{1,300}", url) else plain(label)


def _text(value: Any) -> str:
    # Output that is not UTF-8 contains lone surrogates, which cannot be sent.
    return "" if value is None else str(value).encode("utf-8", "replace").decode()


def _length(text: str) -> int:
    """Return the length as Discord counts it: in UTF-16 code units."""
    return len(text.encode("utf-16-le")) // 2


def _cut(text: str, limit: int) -> str:
    """Return at most the first `limit` code units."""
    if _length(text) <= limit:
        return text
    return text.encode("utf-16-le")[: 2 * (limit - 1)].decode("utf-16-le", "ignore") + "…"


def _cut_beginning(text: str, limit: int) -> str:
    """Return at most the last `limit` code units."""
    if _length(text) <= limit:
        return text
    kept = text.encode("utf-16-le")[-2 * (limit - 2) :].decode("utf-16-le", "ignore")
    return "…" + kept


def _size(embed: Mapping[str, Any]) -> int:
    fields = sum(_length(field["name"]) + _length(field["value"]) for field in embed["fields"])
    return _length(embed["title"]) + _length(embed["footer"]["text"]) + fields


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {"discord_embeds": discord_embeds}
