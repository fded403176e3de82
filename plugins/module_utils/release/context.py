# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""What the engine acts on, in one place: the records, the traffic, and the service as its clients see it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.release.clock import Clock
from ansible_collections.teal.platform.plugins.module_utils.release.http_probe import Service
from ansible_collections.teal.platform.plugins.module_utils.release.lease import Lease
from ansible_collections.teal.platform.plugins.module_utils.release.observed_state import ObservedState, read
from ansible_collections.teal.platform.plugins.module_utils.release.served_version import (
    VersionEndpoint,
    VersionNotObserved,
    wait_for_version,
)
from ansible_collections.teal.platform.plugins.module_utils.release.store import Store
from ansible_collections.teal.platform.plugins.module_utils.release.traffic import (
    SlotRule,
    Traffic,
    TrafficError,
    summary,
)


@dataclass
class ReleaseContext:
    """An environment. `addresses` returns the load balancer's addresses, read anew at each call, and `named` those to
    which its name leads.
    """

    store: Store
    traffic: Traffic
    service: Service
    version: VersionEndpoint
    addresses: Callable[[], list[str]]
    observations: int = 3
    observe_timeout: float = 60.0
    resolved: Callable[[], set[str]] = set
    _known: list[str] = field(default_factory=list)

    @property
    def clock(self) -> Clock:
        return self.store.clock

    def observe(self) -> ObservedState:
        return read(self.store, self.traffic)

    def obstacle(self, rule: SlotRule, paths: Collection[str] = ()) -> str:
        """Return which rule of the load balancer a release would fail at, and what to do; empty if there is none.

        `paths` are watched besides the one that tells the version.
        """
        return self.traffic.obstacle(rule, self.service.domain, [self.version.path, *paths])

    def preview_obstacle(self, rule: SlotRule, paths: Collection[str] = ()) -> str:
        """Return what the preview of a release would fail at, and what to do; empty if there is nothing."""
        return self.traffic.preview_obstacle(rule, self.service.domain, paths)

    def has_healthy_target(self, rule: SlotRule, slot: str) -> bool:
        """Return whether a slot has a healthy target."""
        return any(target["state"] == "healthy" for target in self.traffic.health(rule.groups[slot]))

    def health(self, rule: SlotRule, slot: str) -> str:
        """Return the health of a slot's targets in words."""
        return summary(self.traffic.health(rule.groups[slot]))

    def client_addresses(self, silent: Collection[str] = ()) -> list[str]:
        """Return the addresses at which clients ask, of which `silent` gave no answer at all.

        A load balancer that grows has addresses that don't answer yet, and one that shrinks some that no longer do;
        its name leads to neither. If AWS doesn't tell now, those of before are asked. Raises TrafficError.
        """
        try:
            self._known = self.addresses()
        except TrafficError:
            if not self._known:
                raise
        named = self.resolved() & set(self._known) if silent else set()
        return [each for each in self._known if each not in silent or each in named or not named]

    def wait_for_version(self, expected: str, lease: Lease, failing: float | None = None) -> float:
        """Wait until all addresses answer with version `expected`; return the seconds. Raises VersionNotObserved.

        With `failing`, an address that only fails for so many seconds isn't waited for any longer.
        """
        try:
            return wait_for_version(
                self.service,
                self.version,
                expected,
                self.client_addresses,
                self.clock,
                times=self.observations,
                limit=self.observe_timeout,
                failing=failing,
                meanwhile=lease.renew_if_due,
            )
        except VersionNotObserved as error:
            with contextlib.suppress(TrafficError):
                if reason := self.obstacle(self.traffic.rule()):
                    raise VersionNotObserved(f"{error}. {reason}") from error
            raise


def event(state: str, at: str, note: str = "") -> dict[str, Any]:
    """Return the first event of a record."""
    return {"state": state, "at": at, "note": note, "key": "begin"}
