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
positional: _input, topic, language
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
  language:
    description: Language of the title and of the names of the fields.
    type: str
    choices: [en, ko]
    default: en
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
from ansible_collections.teal.platform.plugins.module_utils.messages.catalogue import LANGUAGES
from ansible_collections.teal.platform.plugins.module_utils.messages.message import joined, message
from ansible_collections.teal.platform.plugins.module_utils.messages.rendering import Reader

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
    """Colour of an event, and whether its reason is shown. Its title is in the catalogue."""

    color: int
    failure: bool = False


TOPICS = {
    "provision succeeded": Topic(GREEN),
    "provision failed": Topic(RED, failure=True),
    "deploy succeeded": Topic(GREEN),
    "deploy failed": Topic(RED, failure=True),
    "deploy aborted": Topic(AMBER, failure=True),
    "traffic switched": Topic(TEAL),
    "rolled back": Topic(AMBER, failure=True),
    "rollback failed": Topic(RED, failure=True),
    "release held": Topic(AMBER, failure=True),
    "gate refused": Topic(RED, failure=True),
    "gate overridden": Topic(AMBER, failure=True),
    "drift found": Topic(AMBER, failure=True),
    "destroy succeeded": Topic(TEAL),
    "destroy failed": Topic(RED, failure=True),
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


def discord_embeds(event: Mapping[str, Any], topic: str, language: str = "en") -> list[dict[str, Any]]:
    """Return one embed for `topic`. Raises AnsibleFilterError for an unknown topic or language."""
    if topic not in TOPICS:
        raise AnsibleFilterError(f"discord_embeds: unknown topic {topic!r}. Topics are: {', '.join(TOPICS)}")
    if language not in LANGUAGES:
        raise AnsibleFilterError(
            f"discord_embeds: unknown language {language!r}. Languages are: {', '.join(LANGUAGES)}"
        )
    show = Reader(language).show
    known = {key: value for key, value in event.items() if _text(value).strip() not in NOTHING}
    kind = TOPICS[topic]
    embed: dict[str, Any] = {
        "title": _cut(show(_title(topic, known)), TITLE),
        "color": kind.color,
        "fields": [
            {"name": show(name), "value": _cut(show(value), VALUE), "inline": inline}
            for name, value, inline in _facts(known, kind)
        ],
        "footer": {"text": _cut(" · ".join(_names(known)), SHORT)},
        "timestamp": _time(known.get("at")),
    }
    room = min(LONGEST_REASON, TOTAL - _size(embed) - 100)
    embed["description"] = "\n".join(_story(known, kind, room))
    return [{key: value for key, value in embed.items() if value}]


def _title(topic: str, known: Mapping[str, Any]) -> str:
    names = {
        "environment": message("discord.the_environment"),
        "component": message("discord.a_component"),
        "version": message("discord.the_release"),
    }
    for name in names:
        if text := plain(known.get(name), SHORT // 3):
            names[name] = text.upper() if name == "environment" else text
    return message(f"title.{topic.replace(' ', '_')}", **names)


def _facts(known: Mapping[str, Any], kind: Topic) -> Iterator[tuple[str, str, bool]]:
    """Yield the fields: name, value, and whether the field is inline."""
    if release := _from_to(known, "version"):
        yield message("field.version"), release, True
    if digests := _from_to({k: _short_digest(v) for k, v in known.items() if k.endswith("digest")}, "digest"):
        yield message("field.digest"), digests, True
    for key in ("component", "slot"):
        if key in known:
            yield message(f"place.{key}"), plain(known[key]), True
    if "trigger" in known and "who" in known:
        by = message("field.trigger_by", trigger=plain(known["trigger"]), who=plain(known["who"]))
        yield message("field.who"), by, True
    elif who := known.get("who") or known.get("trigger"):
        yield message("field.who"), plain(who), True
    if "duration" in known:
        yield message("field.duration"), duration(known["duration"]), True
    if "commit" in known:
        subject = f" {plain(_text(known.get('commit_message')).partition(chr(10))[0])}"
        commit, url = _text(known["commit"]), _text(known.get("commit_url"))
        link = _link(plain(commit[:7]), url if url.endswith(commit) else "")
        yield message("field.commit"), link + subject.rstrip(), True
    if "run_url" in known:
        yield message("field.run"), _link(message("field.log"), known["run_url"]), True
    if metrics := known.get("metrics"):
        pairs = metrics.items() if isinstance(metrics, Mapping) else [("metrics", metrics)]
        yield message("field.quality"), "\n".join(f"{plain(k, 60)}: {plain(v, 60)}" for k, v in pairs), False
    if "analysis" in known and _text(known["analysis"]) not in _text(known.get("reason")):
        yield message("field.analysis"), plain(known["analysis"], 2 * VALUE), False
    if kind.failure and "failed_task" in known:
        yield message("field.failed_at"), plain(known["failed_task"]), False
    if "serving" in known:
        yield message("field.live"), plain(known["serving"]), False
    if "how_back" in known:
        drift = kind is TOPICS["drift found"]
        name = message("field.to_show_drift") if drift else message("field.to_roll_back")
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
    parts = [("hours", hours), ("minutes", minutes), ("seconds", rest)]
    shown = joined(*(message(f"span.{unit}", number=number) for unit, number in parts if number), by=" ")
    return shown or message("less_than_a_second")


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
    known = re.fullmatch(r"https?://[\w.:/%+-]{1,300}", url)
    return joined("[", label, f"]({url})") if known else label


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
