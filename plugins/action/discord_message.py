# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Sends a message to Discord with community.general.discord. An error is a warning, never a failure."""

from __future__ import annotations

import contextlib
import hashlib
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible import constants as C
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import lookup_loader

WEBHOOK = re.compile(r"https?://\S+/webhooks/(?P<id>\d+)/(?P<token>[\w-]+)/?(?:\?(?P<query>\S*))?")
THREAD = re.compile(r"thread_id=\d+")

SECRETS_MANAGER = "amazon.aws.secretsmanager_secret"


class NotSent(Exception):
    """The message was not sent. The text says why, without secrets."""


class Hung(BaseException):
    """An attempt timed out. Not an Exception, so that no `except Exception` of Ansible's catches it."""


class ActionModule(ActionBase):
    """teal.platform.discord_message"""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send the message; see the module's documentation."""
        result = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        _validation, given = self.validate_argument_spec(
            {
                "webhook_url": {"type": "str", "default": "", "no_log": True},
                "webhook_secret": {"type": "str", "default": "", "no_log": False},
                "region": {"type": "str"},
                "profile": {"type": "str"},
                "embeds": {"type": "list", "elements": "dict", "required": True},
                "attempts": {"type": "int", "default": 4},
                "wait_limit": {"type": "int", "default": 60},
                "timeout": {"type": "float", "default": 5},
                "final": {"type": "bool", "default": True},
            }
        )
        result |= {"changed": False, "sent": False, "attempts": 0}
        if self._task.check_mode:
            return result | {"msg": "not sent in check mode"}
        try:
            if url := given["webhook_url"] or self._secret(given):
                result["attempts"] = self._send(url.strip(), given, task_vars)
                result["sent"] = True
            else:
                result["msg"] = "not sent: no webhook is set"
        except NotSent as e:
            result["warnings"] = [f"The message to Discord was not sent: {e}. The run continues."]
        return result

    def _secret(self, given: dict[str, Any]) -> str:
        if not (name := given["webhook_secret"]):
            return ""
        where = {key: given[key] for key in ("region", "profile") if given[key]}
        try:
            lookup = lookup_loader.get(SECRETS_MANAGER, loader=self._loader, templar=self._templar)
            found = lookup.run([name], {}, **where)
        except Exception as e:  # no error of AWS, boto3 or the lookup may stop a deploy
            raise NotSent(f"the secret {name} could not be read ({type(e).__name__})") from None
        return str(found[0]) if found else ""

    def _send(self, url: str, given: dict[str, Any], task_vars: dict[str, Any]) -> int:
        """Send the message, and return the number of attempts."""
        parts = WEBHOOK.fullmatch(url)
        if parts is None:
            raise NotSent("the webhook must have the form https://discord.com/api/webhooks/<id>/<token>")
        token = parts["token"]
        if parts["query"]:
            if not THREAD.fullmatch(parts["query"]):
                raise NotSent("after its token, the webhook may only have ?thread_id=<digits>")
            # The module has no option for the thread, and puts the token at the end of the URL.
            token += f"?{parts['query']}"
        hung = _marker(url)
        attempts = given["attempts"]
        if hung.exists():
            if not given["final"]:
                raise NotSent("Discord did not respond before in this run, so only the outcome is sent")
            attempts = min(attempts, 1)
        arguments = {"webhook_id": parts["id"], "webhook_token": token, "embeds": given["embeds"]}
        left = float(given["wait_limit"])
        pauses = _pauses()
        for attempt in range(1, attempts + 1):
            try:
                with _limited(given["timeout"]):
                    response = self._execute_module(
                        module_name="community.general.discord", module_args=arguments, task_vars=task_vars
                    )
            except Hung:
                with contextlib.suppress(OSError):
                    hung.touch()
                raise NotSent(
                    f"no response within {given['timeout']:g} s. This run sends no further messages, except one "
                    "attempt to send the outcome"
                ) from None
            except Exception as e:  # the module is missing or cannot be run
                raise NotSent(f"community.general.discord cannot be run ({type(e).__name__})") from None
            if not response.get("failed"):
                return attempt
            status = response.get("http_code")
            why = f"HTTP {status}" if isinstance(status, int) and status > 0 else "no response"
            pause = _retry_after(response) if status == 429 else next(pauses)
            # Discord would reject the same message again (400, 401, 404).
            if isinstance(status, int) and 400 <= status < 500 and status != 429:
                raise NotSent(f"{why}, so it is not retried")
            if attempt == attempts or pause > left:
                raise NotSent(f"{why} after {attempt} attempt{'s' if attempt > 1 else ''}")
            left -= pause
            time.sleep(pause)
        raise NotSent("no attempt was allowed")


def _marker(url: str) -> Path:
    """Return the file that marks a webhook as hung, in Ansible's temporary folder of this run."""
    return Path(C.DEFAULT_LOCAL_TMP) / f"discord-hung-{hashlib.sha256(url.encode()).hexdigest()[:16]}"


@contextlib.contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Raise Hung in the block after `seconds`, even during a DNS query or a wait for a proxy."""

    def ring(*_signal: Any) -> None:
        raise Hung

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _pauses() -> Iterator[float]:
    seconds = 1.0
    while True:
        yield seconds
        seconds *= 2


def _retry_after(result: dict[str, Any]) -> float:
    """Return the wait that Discord requests, in seconds: exact in the body, rounded up in the header."""
    body, info = result.get("response"), result.get("info")
    for value in (
        body.get("retry_after") if isinstance(body, dict) else None,
        info.get("retry-after") if isinstance(info, dict) else None,
    ):
        try:
            return max(0.0, float(value))  # type: ignore[arg-type]
        except (TypeError, ValueError):
            continue
    return 1.0
