# SPDX-License-Identifier: MIT
"""Record each complete result, one JSON object per line. For the parity tests only."""

from __future__ import annotations

import json
import os
import pathlib
import typing as t

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: record
type: aggregate
short_description: Record results
description: Records results.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "record"

    def _record(self, event: str, result: t.Any) -> None:
        shown = getattr(result, "_result", None)
        line = {
            "task": result._task.get_name(),
            "event": event,
            "host": result._host.name,
            "result": shown,
            "warnings": list(map(repr, getattr(result, "warnings", ()))),
            "deprecations": list(map(repr, getattr(result, "deprecations", ()))),
            "exception": repr(getattr(result, "exception", None)),
        }
        with pathlib.Path(os.environ["RECORD_FILE"]).open("a") as file:
            file.write(json.dumps(line, default=repr, sort_keys=True) + "\n")

    def v2_runner_on_ok(self, result: t.Any) -> None:
        self._record("ok", result)

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        self._record("failed", result)

    def v2_runner_on_unreachable(self, result: t.Any) -> None:
        self._record("unreachable", result)

    def v2_runner_on_skipped(self, result: t.Any) -> None:
        self._record("skipped", result)
