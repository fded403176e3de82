# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Seeing traffic: what the load balancer answers at each of its addresses, not what AWS says of it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from ansible_collections.teal.platform.plugins.module_utils.release.clock import Clock, span
from ansible_collections.teal.platform.plugins.module_utils.release.http_probe import (
    UNTRUSTED,
    Answer,
    Service,
    look_up,
)


class VersionNotObserved(Exception):
    """The addresses did not all come to answer with the version that was expected."""


@dataclass(frozen=True)
class VersionEndpoint:
    """Where the service tells its version: a path, and a dotted path in the JSON that it answers with."""

    path: str
    key: str

    def read(self, answer: Answer) -> str:
        """Return the version that an answer tells, or the empty string."""
        found = look_up(answer.json(), self.key) if answer.status == 200 else None
        return "" if found is None else str(found)


@dataclass
class _Failures:
    """An address's failures in a row, and since when; an answer of 200 with whatever version is none."""

    since: float
    number: int = 0

    def count(self, answer: Answer, now: float) -> None:
        self.number = 0 if answer.status == 200 else self.number + 1
        if not self.number:
            self.since = now

    def last(self, times: int, seconds: float, now: float) -> bool:
        return self.number >= times and now - self.since >= seconds


def wait_for_version(
    service: Service,
    version: VersionEndpoint,
    expected: str,
    addresses: Callable[[Collection[str]], list[str]],
    clock: Clock,
    *,
    times: int = 3,
    limit: float = 60.0,
    failing: float | None = None,
    every: float = 0.1,
    meanwhile: Callable[[], None] = lambda: None,
) -> float:
    """Wait until `times` fresh connections in a row to each address answer with `expected`.

    `addresses` is asked again, with those that give no answer at all: a load balancer that grows or shrinks has some
    at which nobody asks.
    An empty `expected` asks for an answer of 200 alone. Returns the seconds that it took; raises
    VersionNotObserved after `limit` seconds, once an address has failed to answer with 200 `times` times in a row for
    `failing` seconds (None: an address may fail for as long as `limit`), or at once if the certificate isn't trusted.
    """
    began = clock.steady()
    rows = dict.fromkeys(addresses(()), 0)
    failures = {address: _Failures(began) for address in rows}
    while True:
        waiting = [address for address, row in rows.items() if row < times]
        if not waiting:
            return clock.steady() - began
        answers = service.get_all(waiting, version.path)
        now = clock.steady()
        if silent := [address for address, answer in answers.items() if not answer.status]:
            rows = {address: rows.get(address, 0) for address in addresses(silent)}
            failures = {address: failures.get(address, _Failures(now)) for address in rows}
            answers = {address: answer for address, answer in answers.items() if address in rows}
        for address, answer in answers.items():
            seen = answer.status == 200 and (not expected or version.read(answer) == expected)
            rows[address] = rows[address] + 1 if seen else 0
            failures[address].count(answer, now)
        untrusted = next(
            (answer.error for answer in answers.values() if answer.error.startswith(UNTRUSTED)), ""
        )
        fails = failing is not None and any(each.last(times, failing, now) for each in failures.values())
        if untrusted or fails or now - began > limit:
            wrong = "; ".join(
                f"{address} answers {version.read(answer) or answer}"
                for address, answer in answers.items()
                if rows[address] < times
            )
            raise VersionNotObserved(
                f"version {expected or 'any'} was not seen at every address of {service.domain} "
                f"in {span(now - began)}: {untrusted or wrong}"
            )
        if any(not row for row in rows.values()):
            meanwhile()
            clock.sleep(every)
