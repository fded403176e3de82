# SPDX-License-Identifier: MIT
"""The callback plugin teal.platform.summary: result of each component, its resources, and the slowest tasks."""

from __future__ import annotations

DOCUMENTATION = """
name: summary
type: aggregate
author: The Teal team (@teal)
version_added: 0.1.0
short_description: Print a summary of the components at the end of a run
description:
  - Runs after the last play, also if a failure kept later plays from starting. For each host (a component), prints
    whether it is ok, changed, failed or was not reached. Then prints the reason of each failure in one line, the values
    that roles published, and the slowest tasks.
  - Roles publish values by P(ansible.builtin.set_stats#module) with C(platform_summary), a dictionary of
    component, name and value. The names C(id) and C(address) are not printed, only their values. A plain value instead
    of a dictionary is the C(id) of the component.
  - Never prints arguments, nor results of a task with C(no_log).
  - Prints nothing if the stdout callback prints JSON, such as P(ansible.posix.json#callback). O(file) and
    O(markdown) are written in any case.
options:
  file:
    description: Path of a file to write the summary to, as JSON.
    type: path
    ini:
      - section: callback_summary
        key: file
    env:
      - name: PLATFORM_SUMMARY_FILE
  markdown:
    description: Path of a file to append the summary to, as Markdown, such as the file of E(GITHUB_STEP_SUMMARY).
    type: path
    ini:
      - section: callback_summary
        key: markdown
    env:
      - name: PLATFORM_SUMMARY_MARKDOWN
  longest:
    description: Number of slowest tasks to print. 0 prints none.
    type: int
    default: 10
    ini:
      - section: callback_summary
        key: longest
    env:
      - name: TEAL_SUMMARY_LONGEST
"""

import json
import os
import pathlib
import re
import time
import typing as t

from ansible.plugins.callback import CallbackBase
from ansible_collections.teal.platform.plugins.module_utils.messages.message import message
from ansible_collections.teal.platform.plugins.module_utils.messages.rendering import Reader, columns
from ansible_collections.teal.platform.plugins.plugin_utils.reader_of_play import reader_of, shown_message
from ansible_collections.teal.platform.plugins.plugin_utils.stdout_format import is_machine_readable
from ansible_collections.teal.platform.plugins.plugin_utils.summary_markdown import (
    component_heads,
    markdown,
    state_of,
)

HIDDEN = message("summary.hidden")
ENGLISH = Reader()
COLOURS = {"failed": "red", "not reached": "bright purple", "changed": "yellow", "ok": "green"}
#: What ansible-core puts before the message of a module.
PREFIX = re.compile(r"^(Task failed|Module failed|Action failed): ")
REASON_LENGTH = 400
#: Number of characters by which reasons are compared: a repeated reason may have been cut.
COMPARED_LENGTH = 100
LEAST_SECONDS = 0.5


class Failure(t.NamedTuple):
    component: str
    task: str
    reason: str
    of_run: bool  # the task runs once for all components, such as a gate


def reason_of(result: t.Mapping[str, t.Any], no_log: bool, reader: Reader = ENGLISH) -> str:
    """Return why a task failed, in one line, in the reader's language."""
    if no_log or result.get("_ansible_no_log") or "censored" in result:
        return reader.show(HIDDEN)
    failed = [item for item in result.get("results") or () if isinstance(item, dict) and item.get("failed")]
    if failed:
        return "; ".join(dict.fromkeys(reason_of(item, no_log, reader) for item in failed))[:REASON_LENGTH]
    text = str(
        shown_message(result, reader)
        or result.get("module_stderr")
        or result.get("stderr")
        or reader.show(message("summary.no_reason"))
    )
    while PREFIX.match(text):
        text = PREFIX.sub("", text)
    text = " ".join(text.split())
    return text if len(text) <= REASON_LENGTH else text[: REASON_LENGTH - 3] + "..."


def table(heads: tuple[str, ...], rows: t.Iterable[t.Iterable[str]]) -> list[str]:
    """Return the lines of a table with aligned columns."""
    return columns([heads, *(tuple(map(str, row)) for row in rows)])


class CallbackModule(CallbackBase):
    """Collects results during the run and prints them when Ansible reports its statistics."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "teal.platform.summary"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self.playbook = ""
        self.plays: list[t.Any] = []  # all plays of the playbook, started or not
        self.play: t.Any = None
        self.inventory: t.Any = None
        self.ran: set[tuple[str, str]] = set()  # (play, component)
        self.failures: list[Failure] = []
        self.published: dict[str, dict[str, t.Any]] = {}
        self.since: dict[tuple[str, str], float] = {}
        self.seconds: dict[tuple[str, str], float] = {}

    # -- collecting

    def v2_playbook_on_start(self, playbook: t.Any) -> None:
        self.plays = list(playbook.get_plays())
        self.playbook = pathlib.Path(playbook._file_name).stem

    def v2_playbook_on_play_start(self, play: t.Any) -> None:
        self.play = play
        self.inventory = play.get_variable_manager()._inventory

    def v2_runner_on_start(self, host: t.Any, task: t.Any) -> None:
        self.since[host.get_name(), task._uuid] = time.monotonic()
        if self.play is not None:
            self.ran.add((self.play._uuid, host.get_name()))

    def _over(self, result: t.Any) -> None:
        since = self.since.pop((result.host.get_name(), result.task._uuid), None)
        if since is not None:
            key = (result.host.get_name(), result.task.get_name().strip())
            self.seconds[key] = self.seconds.get(key, 0.0) + time.monotonic() - since

    def v2_runner_on_ok(self, result: t.Any) -> None:
        self._over(result)
        if result.task.no_log is True:
            return
        for one in result.result.get("results") or (result.result,):
            stats = one.get("ansible_stats") if isinstance(one, dict) else None
            for component, values in ((stats or {}).get("data") or {}).get("platform_summary", {}).items():
                named = values if isinstance(values, dict) else {"id": values}
                self.published.setdefault(component, {}).update(named)

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        self._over(result)
        if not ignore_errors:
            self._note(result)

    def v2_runner_on_unreachable(self, result: t.Any) -> None:
        self._over(result)
        self._note(result)

    def v2_runner_on_skipped(self, result: t.Any) -> None:
        self._over(result)

    @property
    def reader(self) -> Reader:
        """The reader of the play's output."""
        return reader_of(self.play)

    def _note(self, result: t.Any) -> None:
        task = result.task
        reason = reason_of(result.result, task.no_log is True, self.reader)
        self.failures.append(
            Failure(result.host.get_name(), task.get_name().strip(), reason, bool(task.run_once))
        )

    # -- reporting

    def summary(self, stats: t.Any) -> dict[str, t.Any]:
        """Return the summary as plain data."""
        figures = {name: stats.summarize(name) for name in stats.processed}
        failed = {
            one.component
            for one in self.failures
            if not one.of_run
            and (
                figures.get(one.component, {}).get("failures")
                or figures.get(one.component, {}).get("unreachable")
            )
        }
        of_run = [
            one for one in self.failures if one.of_run and figures.get(one.component, {}).get("failures")
        ]
        not_reached = self._not_reached(failed) if failed or of_run else set()
        components = {}
        for name in sorted(figures.keys() | not_reached):
            one = figures.get(name, {})
            state = "changed" if one.get("changed") else "ok"
            if name in failed:
                state = "failed"
            elif name in not_reached:
                state = "not reached"
            own = {task: seconds for (host, task), seconds in self.seconds.items() if host == name}
            components[name] = {
                "state": state,
                "ok": one.get("ok", 0),
                "changed": one.get("changed", 0),
                "failed": one.get("failures", 0) + one.get("unreachable", 0) if name in failed else 0,
                "seconds": round(sum(own.values()), 1),
            }
        failures = [one for one in self.failures if one.component in failed and not one.of_run] + of_run
        # A rescue block that fails repeats the reason of the task that it rescued: report the first only.
        reasons: dict[str, Failure] = {}
        for one in failures:
            if not any(
                one.component == other.component and other.reason[:COMPARED_LENGTH] in one.reason
                for other in reasons.values()
            ):
                reasons[f"{one.component} {one.reason}"] = one
        longest = sorted(self.seconds.items(), key=lambda item: -item[1])
        return {
            "components": components,
            "failures": [
                {"component": "" if one.of_run else one.component, "task": one.task, "reason": one.reason}
                for one in reasons.values()
            ],
            "published": self.published,
            "longest": [
                {"component": host, "task": task, "seconds": round(seconds, 1)}
                for (host, task), seconds in longest
                if seconds >= LEAST_SECONDS
            ],
        }

    def _not_reached(self, failed: set[str]) -> set[str]:
        """Return the components that ran no task of a play for them. Plays for all hosts do not count."""
        if self.inventory is None:
            return set()
        everyone = self._hosts("all")
        missed = set()
        for play in self.plays:
            if "{{" in str(play.hosts):  # the play did not start, so its pattern was not templated
                continue
            try:
                # The implicit localhost of a play is not a component.
                meant = self._hosts(play.hosts) & (everyone or {"localhost"})
            except Exception:  # the pattern of a play that did not start may be invalid
                continue
            if meant != everyone or len(everyone) == 1:
                missed |= {name for name in meant if (play._uuid, name) not in self.ran}
        return missed - failed

    def _hosts(self, pattern: t.Any) -> set[str]:
        """Return the names of the hosts that match `pattern`, not only those of the last play."""
        return {host.get_name() for host in self.inventory.get_hosts(pattern, ignore_restrictions=True)}

    def v2_playbook_on_stats(self, stats: t.Any) -> None:
        summary = self.summary(stats)
        if not is_machine_readable():
            self._print(summary)
        for path, write in (
            (self.get_option("file"), self._write),
            (self.get_option("markdown"), self._append),
        ):
            if path:
                try:
                    write(pathlib.Path(path), summary)
                except OSError as error:
                    self._display.warning(f"teal.platform.summary: cannot write {path}: {error.strerror}")

    @staticmethod
    def _write(target: pathlib.Path, summary: dict[str, t.Any]) -> None:
        part = target.with_name(f"{target.name}.{os.getpid()}.part")
        part.write_text(json.dumps(summary, indent=2, ensure_ascii=False, default=str) + "\n", "utf-8")
        part.replace(target)

    def _append(self, target: pathlib.Path, summary: dict[str, t.Any]) -> None:
        with target.open("a", encoding="utf-8") as file:
            file.write(markdown(summary, self.playbook, self.reader))

    def _print(self, summary: dict[str, t.Any]) -> None:
        show, words = self._display.display, self.reader.show
        self._display.banner(words(message("summary.title")))
        components = summary["components"]
        lines = table(
            tuple(map(words, component_heads())),
            (
                (name, words(state_of(one["state"])), *map(str, list(one.values())[1:]))
                for name, one in components.items()
            ),
        )
        show(lines[0])
        for line, one in zip(lines[1:], components.values(), strict=True):
            show(line, color=COLOURS[one["state"]])
        if summary["failures"]:
            show("")
            for one in summary["failures"]:
                who = f"{one['component']}: " if one["component"] else ""
                show(f"{who}{one['task']}: {one['reason']}", color="red")
        if summary["published"]:
            show("")
            for line in table(
                (words(message("summary.resources")), ""), self._resources(summary["published"])
            ):
                show(line)
        longest = summary["longest"][: self.get_option("longest")]
        if longest:
            show("")
            for line in table(
                tuple(
                    map(
                        words,
                        (message("summary.slowest"), message("summary.task"), message("summary.seconds")),
                    )
                ),
                # The role's name is left out: it is the same as the component's.
                (
                    (one["component"], one["task"].rpartition(" : ")[2], f"{one['seconds']:.1f}")
                    for one in longest
                ),
            ):
                show(line)
        show("")

    @staticmethod
    def _resources(published: dict[str, dict[str, t.Any]]) -> t.Iterator[tuple[str, str]]:
        """Yield one line per value, so that ARNs and addresses are not wrapped on a narrow screen."""
        for component, values in published.items():
            lines = [str(values[name]) for name in ("id", "address") if values.get(name)]
            lines += [f"{name}: {value}" for name, value in values.items() if name not in ("id", "address")]
            # In check mode, a component that does not exist yet has no values.
            lines = lines or [""]
            yield from zip([component, *[""] * (len(lines) - 1)], lines, strict=True)
