# SPDX-License-Identifier: MIT
"""The callback plugin teal.platform.progress: reports tasks that run long, and how long they usually take."""

from __future__ import annotations

DOCUMENTATION = """
name: progress
type: aggregate
author: The Teal team (@teal)
version_added: 0.1.0
short_description: Report the tasks that a run waits for
description:
  - At an interval, prints the tasks that run long with their host, the time that they have run so far and, if known,
    the time that they usually take.
  - Prints names of hosts and tasks only, never the arguments or results of a task.
  - Prints nothing if the stdout callback prints JSON, such as P(ansible.posix.json#callback).
options:
  interval:
    description: Seconds between two reports. A task is reported once it has run for this long. 0 disables the reports.
    type: float
    default: 15
    ini:
      - section: callback_progress
        key: interval
    env:
      - name: TEAL_PROGRESS_INTERVAL
  usual:
    description:
      - Usual duration of tasks by module, as C(from-to) in seconds. Extends and overrides the plugin's own table.
    type: dict
    default: {}
    ini:
      - section: callback_progress
        key: usual
"""

import threading
import time
import typing as t

from ansible.plugins.callback import CallbackBase
from ansible_collections.teal.platform.plugins.module_utils.release.clock import span
from ansible_collections.teal.platform.plugins.plugin_utils.stdout_format import is_machine_readable

#: Usual duration in seconds (from, to), or a text, by the last part of the module's name.
USUAL: dict[str, tuple[int, int] | str] = {
    "eks_cluster": (480, 720),
    "eks_nodegroup": (120, 240),
    "eks_addons": (30, 180),
    "slot_up": (20, 180),
    "load_balancer": (120, 180),
    "ec2_eni_info": "up to 45 min if Lambda functions used the network: Lambda deletes its interfaces late",
    "dns_certificate": (60, 300),
    "rds_instance": (360, 900),
    "rds_instance_snapshot": (120, 600),
    "ec2_vpc_nat_gateway_info": (60, 180),
    "elb_application_lb": (120, 180),
    "acm_certificate": (60, 300),
    "ec2_instance": (20, 90),
    "release_bake": "duration: release_bake",
}


LEAD = "... waiting for "


def between(low: float, high: float) -> str:
    """Return a range of seconds in one unit: ``8-12 min`` or ``20-90 s``."""
    if low >= 60:
        low, high, unit = round(low / 60), round(high / 60), "min"
    else:
        unit = "s"
    return f"{low:g} {unit}" if low == high else f"{low:g}-{high:g} {unit}"


class Waiting(t.NamedTuple):
    host: str
    task: str
    action: str
    since: float  # time.monotonic()


class CallbackModule(CallbackBase):
    """Prints long-running tasks from a background thread."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "teal.platform.progress"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self.waiting: dict[tuple[str, str], Waiting] = {}
        self.lock = threading.Lock()
        self.ended = threading.Event()
        self.usual = dict(USUAL)

    def v2_playbook_on_start(self, playbook: t.Any) -> None:
        for name, given in (self.get_option("usual") or {}).items():
            low, _dash, high = str(given).partition("-")
            self.usual[name] = (int(low), int(high or low))
        interval = self.get_option("interval")
        if interval > 0 and not is_machine_readable():
            threading.Thread(target=self._report, args=(interval,), daemon=True, name="progress").start()

    def v2_playbook_on_stats(self, stats: t.Any) -> None:
        self.ended.set()

    def v2_runner_on_start(self, host: t.Any, task: t.Any) -> None:
        # get_name() returns the name before templating, so it cannot hold an item's secret.
        # The role's name is left out: it is the same as the host's.
        name = task.get_name().strip().rpartition(" : ")[2]
        one = Waiting(host.get_name(), name, task.action, time.monotonic())
        with self.lock:
            self.waiting[one.host, task._uuid] = one

    def _over(self, result: t.Any) -> None:
        with self.lock:
            self.waiting.pop((result.host.get_name(), result.task._uuid), None)

    def v2_runner_on_ok(self, result: t.Any) -> None:
        self._over(result)

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        self._over(result)

    def v2_runner_on_skipped(self, result: t.Any) -> None:
        self._over(result)

    def v2_runner_on_unreachable(self, result: t.Any) -> None:
        self._over(result)

    def line(self, now: float, interval: float) -> str:
        """Return a line for each task that has run for at least `interval` seconds, the longest first; empty if none."""
        with self.lock:
            long = [one for one in self.waiting.values() if now - one.since >= interval]
        lines = []
        for one in sorted(long, key=lambda one: one.since):
            usual = self.usual.get(one.action) or self.usual.get(one.action.rpartition(".")[2])
            if isinstance(usual, tuple):
                usual = f"usually {between(*usual)}"
            hint = f", {usual}" if usual else ""
            lines.append(f"{one.host}: {one.task} ({span(now - one.since)}{hint})")
        return LEAD + f"\n{' ' * len(LEAD)}".join(lines) if lines else ""

    def _report(self, interval: float) -> None:
        while not self.ended.wait(interval):
            # Display holds the lock under which Ansible forks its workers, so no fork happens during a print.
            if line := self.line(time.monotonic(), interval):
                self._display.display(line, color="bright gray")
