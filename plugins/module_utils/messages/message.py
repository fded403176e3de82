# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Messages for people: English texts that know their id and parameters, so that they can be shown in another language.

A message is a `str` with its English text. Exceptions, comparisons and JSON use it like any other text. Records and
module results hold the id and parameters beside the text, under the same key with SUFFIX (see `with_ids`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.messages.catalogue import (
    CATALOGUE,
    LANGUAGES,
    template,
)

#: End of the key that holds ids and parameters of a text.
SUFFIX = "_i18n"


_MOST_INDENTED = 25


def indented(text: str) -> str:
    """Return the first lines of a text, with two spaces before each."""
    return "\n".join(f"  {line}" for line in text.strip().splitlines()[:_MOST_INDENTED])


#: Messages whose text is changed once its placeholders are filled.
SHAPES = {"indented": indented}


class Message(str):
    """An English text with an id and parameters, or with parts of which some are messages.

    `parameters` are texts or messages by name. A message with `parts` has no id.
    """

    id: str = ""
    parameters: Mapping[str, str] = {}
    parts: tuple[str, ...] = ()

    def __str__(self) -> str:  # pylint: disable=invalid-str-returned
        # `str(error)` of an exception with a message is the message. See `plain` for the English text alone.
        return self

    def __add__(self, other: str) -> Message:
        return joined(self, other)

    def __radd__(self, other: str) -> Message:
        return joined(other, self)


def plain(text: str) -> str:
    """Return the English text of a message, as an ordinary string."""
    return str.__str__(text)


def message(message_id: str, /, **parameters: Any) -> Message:
    """Return the message `message_id`.

    Parameters are texts, messages, numbers, and exceptions, which stand for their message.
    """
    known = {key: text_of(value) for key, value in parameters.items()}
    text = template(message_id, LANGUAGES[0]).format_map(known)
    made = Message(SHAPES[message_id](text) if message_id in SHAPES else text)
    made.id, made.parameters = message_id, known
    return made


def known(name: str, text: str) -> str:
    """Return the message `name`, which has no parameters, or `text` if there is no such message.

    For words of records, such as states: a record of a newer version may have others.
    """
    return message(name) if name in CATALOGUE else text


def joined(*parts: str, by: str = "") -> Message:
    """Return texts and messages as one message, with the text `by` between them."""
    found: list[str] = []
    for part in parts:
        if by and found:
            found.append(by)
        found += part.parts if isinstance(part, Message) and part.parts else [part]
    made = Message("".join(found))
    made.parts = tuple(found)
    return made


def listed(texts: Iterable[str], by: str = ", ") -> Message:
    """Return texts and messages as a list in one line."""
    return joined(*texts, by=by)


def text_of(value: Any) -> str:
    """Return a value as text, or the message of an exception. A message stays a message."""
    return value if isinstance(value, str) else str(value)


def first_line(text: str, limit: int = 300) -> str:
    """Return the first line of a text, at most `limit` characters. A message stays a message if it is not cut."""
    text = text if isinstance(text, Message) else text.strip()
    parts = text.parts if isinstance(text, Message) and text.parts else (text,)
    kept: list[str] = []
    for part in parts:
        line, broken, _rest = part.partition("\n")
        kept.append(line if broken else part)
        if broken:
            break
    line = joined(*kept) if len(kept) > 1 else kept[0] if kept else ""
    return line if len(line) <= limit else line[:limit]


# -- ids and parameters as plain data ----------------------------------------------------------------


def encoded(text: str) -> Any:
    """Return a message as plain data: `{id, parameters}`, a list of parts, or the text itself."""
    if isinstance(text, Message) and text.id:
        return {"id": text.id, "parameters": {key: encoded(value) for key, value in text.parameters.items()}}
    if isinstance(text, Message) and text.parts:
        return [encoded(part) for part in text.parts]
    return plain(text)


def decoded(text: str, data: Any) -> str:
    """Return the message that `encoded` returned as `data`. Its English text is `text`, whatever the catalogue has now."""
    made = Message(text)
    if isinstance(data, Mapping):
        parameters = data.get("parameters")
        made.id = str(data.get("id", ""))
        made.parameters = {
            str(key): _decoded_part(value)
            for key, value in (parameters.items() if isinstance(parameters, Mapping) else ())
        }
    elif isinstance(data, list):
        made.parts = tuple(_decoded_part(part) for part in data)
    return made


def _decoded_part(data: Any) -> str:
    # The English text of a part is not stored. Only the whole text is shown if the part cannot be rendered.
    return data if isinstance(data, str) else decoded("", data)


def with_ids(value: Any) -> Any:
    """Return plain data with the ids of its messages: beside each text under `key`, they are under `key` + SUFFIX."""
    if isinstance(value, Mapping):
        found: dict[Any, Any] = {}
        for key, entry in value.items():
            found[key] = with_ids(entry)
            if isinstance(entry, Message) and (entry.id or entry.parts):
                found[f"{key}{SUFFIX}"] = encoded(entry)
            elif isinstance(entry, list) and any(isinstance(one, Message) for one in entry):
                found[f"{key}{SUFFIX}"] = [encoded(one) for one in entry]
        return found
    if isinstance(value, list | tuple):
        return [with_ids(entry) for entry in value]
    return plain(value) if isinstance(value, str) else value


def with_messages(value: Any) -> Any:
    """Return data of `with_ids` with its messages. Texts without ids, as in older records, stay texts."""
    if isinstance(value, Mapping):
        found = {}
        for key, entry in value.items():
            # An environment variable of a service may end with SUFFIX, too, but its value is a text.
            if str(key).endswith(SUFFIX) and isinstance(entry, Mapping | list):
                continue
            data = value.get(f"{key}{SUFFIX}")
            if isinstance(entry, str) and isinstance(data, Mapping | list):
                found[key] = decoded(entry, data)
            elif isinstance(entry, list) and isinstance(data, list) and len(data) == len(entry):
                found[key] = [
                    decoded(one, part) if isinstance(one, str) else with_messages(one)
                    for one, part in zip(entry, data, strict=True)
                ]
            else:
                found[key] = with_messages(entry)
        return found
    if isinstance(value, list):
        return [with_messages(entry) for entry in value]
    return value
