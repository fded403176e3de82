# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The environment that a release changes: its records, its traffic, and the service as clients reach it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.messages.message import joined, text_of
from ansible_collections.teal.platform.plugins.module_utils.release.clock import Clock
from ansible_collections.teal.platform.plugins.module_utils.release.http_probe import Service
from ansible_collections.teal.platform.plugins.module_utils.release.lease import Lease
from ansible_collections.teal.platform.plugins.module_utils.release.observed_share import (
    Share,
    wait_for_share,
)
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
    """One environment.

    `addresses` reads the load balancer's addresses at each call. `resolved` returns the addresses to which its DNS name
    resolves. `observations` is the number of consecutive answers per address that `wait_for_version` needs, and
    `observe_timeout` its limit in seconds.
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
        """The clock of the store, which all parts share."""
        return self.store.clock

    def observe(self) -> ObservedState:
        """Read weights, lock, slots and latest releases. Raises StoreError and TrafficError."""
        return read(self.store, self.traffic)

    def obstacle(self, rule: SlotRule, paths: Collection[str] = ()) -> str:
        """Return which load balancer rule would make a release fail, and what to do; empty if there is none.

        `paths` are the paths that are watched in addition to the version endpoint.
        """
        return self.traffic.obstacle(rule, self.service.domain, [self.version.path, *paths])

    def preview_obstacle(self, rule: SlotRule, paths: Collection[str] = ()) -> str:
        """Return why the preview of a release would fail at `paths`, and what to do; empty if it would not."""
        return self.traffic.preview_obstacle(rule, self.service.domain, paths)

    def has_healthy_target(self, rule: SlotRule, slot: str) -> bool:
        """Return whether a slot has a healthy target."""
        return any(target["state"] == "healthy" for target in self.traffic.health(rule.groups[slot]))

    def health(self, rule: SlotRule, slot: str) -> str:
        """Return the health of a slot's targets as text."""
        return summary(self.traffic.health(rule.groups[slot]))

    def client_addresses(self, silent: Collection[str] = ()) -> list[str]:
        """Return the addresses that clients use. `silent` are addresses that did not answer.

        A load balancer that scales has addresses that do not answer yet or any more. Its DNS name does not resolve to
        them, so they are left out. If AWS cannot be queried, the addresses of the last call are returned.
        Raises TrafficError if there was no such call.
        """
        try:
            self._known = self.addresses()
        except TrafficError:
            if not self._known:
                raise
        resolved = self.resolved() & set(self._known) if silent else set()
        return [each for each in self._known if each not in silent or each in resolved or not resolved]

    def wait_for_version(self, expected: str, lease: Lease, failing: float | None = None) -> float:
        """Wait until all addresses answer with version `expected`, and return the seconds that it took.

        `failing` is the number of seconds after which an address that only fails ends the wait; None waits until
        `observe_timeout`. Raises VersionNotObserved, with the load balancer rule that is in the way if there is one.
        """
        return self._observed(
            lambda: wait_for_version(
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
        )

    def wait_for_share(self, share: Share, lease: Lease) -> float:
        """Wait until all addresses answer in the proportion of `share`, and return the seconds that it took.

        Raises VersionNotObserved as `wait_for_version` does.
        """
        return self._observed(
            lambda: wait_for_share(
                self.service,
                self.version,
                share,
                self.client_addresses,
                self.clock,
                limit=self.observe_timeout,
                meanwhile=lease.renew_if_due,
            )
        )

    def _observed(self, wait: Callable[[], float]) -> float:
        try:
            return wait()
        except VersionNotObserved as error:
            with contextlib.suppress(TrafficError):
                if reason := self.obstacle(self.traffic.rule()):
                    raise VersionNotObserved(joined(text_of(error), reason, by=". ")) from error
            raise


def event(state: str, at: str, note: str = "") -> dict[str, Any]:
    """Return the first event of a record. `at` is an ISO 8601 time."""
    return {"state": state, "at": at, "note": note, "key": "begin"}
