# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The configuration of a release (environment variables of the service), with one set of rules for both slot kinds."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.text_values import as_text, as_texts

#: Variables that the role derives from other settings.
RESERVED = {
    "MANAGEMENT_SERVER_PORT": "the health checks go to slot_port",
    "SERVER_PORT": "set slot_port",
    "SERVER_SHUTDOWN": "a slot always shuts down gracefully",
    "SERVER_TOMCAT_KEEP_ALIVE_TIMEOUT": "set slot_keep_alive",
    "SPRING_LIFECYCLE_TIMEOUT_PER_SHUTDOWN_PHASE": "set slot_shutdown",
}
#: Variables that the role sets if the configuration does not.
DEFAULTS = ("MANAGEMENT_ENDPOINT_HEALTH_PROBES_ENABLED", "MANAGEMENT_ENDPOINTS_WEB_EXPOSURE_INCLUDE")
#: Names that Kubernetes allows for environment variables and ConfigMap keys, and that Docker allows.
NAME = re.compile(r"(?!\.\.)[-._A-Za-z][-._A-Za-z0-9]{0,252}")
#: A DynamoDB record is limited to 400 KB and also holds events, verdicts and log lines. A ConfigMap is limited to 1 MiB.
MOST_RECORDED = 400 * 1024 - 64 * 1024
#: Linux limits `NAME=value` and its terminating zero byte to this length.
MOST_VARIABLE = 128 * 1024 - 1
#: EC2 limits user data to 16 KB. The rest of the script needs _SCRIPT bytes of it.
MOST_USER_DATA = 16 * 1024
_SCRIPT = 4 * 1024


def wrong(config: Mapping[Any, Any], slot_kind: str) -> Iterator[str]:
    """Yield a message for each problem of a configuration. No message contains a value: it may be confidential."""
    spelled = {_bare(name): name for name in (*RESERVED, *DEFAULTS)}
    for name, value in config.items():
        if not isinstance(name, str) or not NAME.fullmatch(name):
            yield (
                f"the name {name!r} must begin with a letter or _, and go on with at most 252 letters, digits, _, - and ."
                + ("" if isinstance(name, str) else "; put it in quotes")
            )
            continue
        known = spelled.get(_bare(name))
        if known in RESERVED:
            yield f"{name} is reserved: {RESERVED[known]}"
        elif known and known != name:
            yield f"{name} must be written {known}, as the role does"
        text = as_text(value)
        if bad := next((char for char in text if _unsafe(char)), None):
            yield f"{name} has the character U+{ord(bad):04X}, which is not safe in an environment variable"
        elif _size(name, text) + 2 > MOST_VARIABLE:
            yield f"{name} has {_size(name, text)} bytes, and at most {MOST_VARIABLE - 2} are allowed for a variable"
    total = sum(_size(as_text(name), as_text(value)) + 8 for name, value in config.items())
    encoded = -(-total // 3) * 4
    if slot_kind == "instance" and encoded > MOST_USER_DATA - _SCRIPT:
        most = (MOST_USER_DATA - _SCRIPT) // 4 * 3
        yield (
            f"it has {total} bytes, and at most {most} are allowed on instances: it is part of their user data, "
            "for which EC2 allows 16 KB"
        )
    elif total > MOST_RECORDED:
        yield (
            f"it has {total} bytes, and at most {MOST_RECORDED} are allowed: it is stored in the record of the release "
            "(DynamoDB allows 400 KB) and in a ConfigMap (Kubernetes allows 1 MiB)"
        )


def environment(config: Mapping[Any, Any]) -> dict[str, str]:
    """Return the variables of a configuration as text, as the service receives them."""
    return as_texts(config)


def _size(name: str, text: str) -> int:
    return len(name.encode("utf-8", "surrogatepass")) + len(text.encode("utf-8", "surrogatepass"))


def _bare(name: str) -> str:
    """Return a name in Spring Boot's relaxed form: without case, dots, hyphens and underscores."""
    return re.sub(r"[-._]", "", name).upper()


def _unsafe(char: str) -> bool:
    """Return whether a character is a control character other than tab and line break, or a lone surrogate."""
    return char not in "\t\n\r" and unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")
