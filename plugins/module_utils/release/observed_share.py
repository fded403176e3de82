# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Prove by real answers that a part of the requests reaches the new version, at each address of the load balancer.

Which slot answers a request is chance. So each address is asked until its answers are a thousand times as likely with the
new weights as with the previous ones (a CUSUM test), and an answer of the other version was among them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass

from ansible_collections.teal.platform.plugins.module_utils.messages.message import (
    joined,
    listed,
    message,
    text_of,
)
from ansible_collections.teal.platform.plugins.module_utils.release.clock import Clock, span
from ansible_collections.teal.platform.plugins.module_utils.release.http_probe import (
    UNTRUSTED,
    Answer,
    Service,
)
from ansible_collections.teal.platform.plugins.module_utils.release.served_version import (
    VersionEndpoint,
    VersionNotObserved,
)

#: Logarithm of how much likelier the answers have to be with the new weights than with the previous ones.
_CERTAIN = math.log(1000)
#: How likely one address may fail by chance. Of a million steps with 100 addresses, one may fail so.
_CHANCE = 1e-8
#: Requests in parallel to each address.
_MOST_AT_ONCE = 16
#: Failed answers and seconds after which an address without any answer of the new version is not waited for any longer.
_FAILURES, _FAILING = 3, 10.0


@dataclass(frozen=True)
class Share:
    """`percent` (1 to 99) of the requests reach `version`, and reached it with `previous` percent (less) until now.

    `before` is the version of the other slot; empty if it is unknown.
    """

    version: str
    before: str
    percent: int
    previous: int = 0

    @property
    def distinct(self) -> bool:
        """Whether an answer shows from which of the two slots it comes."""
        return bool(self.version) and self.version != self.before

    def gain(self, is_new: bool) -> float:
        """Return the logarithm of how much likelier one answer is with the new weights than with the previous ones."""
        now, then = self.percent / 100, self.previous / 100
        if is_new:
            return math.log(now / then) if then else math.inf
        return math.log((1 - now) / (1 - then))

    @property
    def enough(self) -> int:
        """Number of requests that prove the new weights, once they are in force, except with the chance _CHANCE."""
        now, then = self.percent / 100, self.previous / 100
        if not then:
            return at_least_one(now)
        overlap = math.sqrt(now * then) + math.sqrt((1 - now) * (1 - then))
        return math.ceil((_CERTAIN / 2 - math.log(_CHANCE)) / -math.log(overlap))


def at_least_one(share: float) -> int:
    """Return of how many requests at least one is in the `share` (0 to 1), except with the chance _CHANCE."""
    return math.ceil(math.log(_CHANCE) / math.log(1 - share))


@dataclass
class _Address:
    """The answers of one address.

    `late` are the requests of the time in which the rule has to be in force. `score` is the logarithm of the likelihood
    ratio since the weights may have changed. `others` are answers of the other version, `row` those of the new version
    since the last one of them, both once the new weights are proven.
    """

    requests: int = 0
    late: int = 0
    failed: int = 0
    new: int = 0
    score: float = 0.0
    proven: bool = False
    others: int = 0
    row: int = 0
    last: Answer | None = None

    def add(self, answer: Answer, is_new: bool, share: Share, late: bool) -> None:
        self.requests += 1
        self.late += late
        self.failed += answer.status != 200
        self.new += is_new
        if answer.status != 200 or (not self.failed and not (is_new and self.last)):
            self.last = answer  # a failure says more than an answer of the old version
        self.row = self.row + 1 if is_new else 0
        self.score = max(0.0, self.score + share.gain(is_new))
        self.others = 0 if not self.score and not self.proven else self.others + (not is_new)
        self.proven = self.proven or self.score >= _CERTAIN

    def complete(self, share: Share) -> bool:
        return bool(self.new) if not share.distinct else self.proven and self.others > 0

    def wrong(self, share: Share, version: VersionEndpoint, took: float, limit: float) -> str:
        """Return what the address shows instead of the share, once that is no chance any more; else empty."""
        if self.complete(share):
            return ""
        shown = (version.read(self.last) or text_of(self.last)) if self.last else message("release.none")
        needed = share.enough if share.distinct else 1
        if self.proven:
            alone = self.row >= at_least_one(1 - share.percent / 100)
            return message("share.alone", times=self.row) if alone else ""
        fails = not self.new and self.failed >= _FAILURES and took > _FAILING and self.requests >= needed
        if fails or (took > limit and self.late >= needed):
            counts = {"new": self.new, "answers": self.requests, "other": shown}
            if self.failed:
                return message("share.rare_and_failed", failed=self.failed, **counts)
            return message("share.rare", **counts)
        return ""


def wait_for_share(
    service: Service,
    version: VersionEndpoint,
    share: Share,
    addresses: Callable[[Collection[str]], list[str]],
    clock: Clock,
    *,
    limit: float = 60.0,
    every: float = 0.1,
    meanwhile: Callable[[], None] = lambda: None,
) -> float:
    """Wait until the answers of each address prove the share, and return the seconds that it took.

    All requests are ordinary ones over new connections. The wait fails after `limit` seconds, and not before an address
    got as many requests as the weights need: then chance explains its answers once in a million times. The rule may take
    half of `limit` to be in force; requests before that do not count. It fails earlier at an address that never returned
    the new version while several answers failed. If both versions have the same name, one answer of it is enough.
    `addresses`, `every` and `meanwhile` are as in `wait_for_version`. Raises VersionNotObserved.
    """
    began = clock.steady()
    seen = {address: _Address() for address in addresses(())}
    rarer = min(share.percent, 100 - share.percent)
    at_once = min(_MOST_AT_ONCE, math.ceil(100 / rarer)) if share.distinct else 1
    while True:
        waiting = [address for address, tally in seen.items() if not tally.complete(share)]
        if not waiting:
            return clock.steady() - began
        late = clock.steady() - began >= limit / 2
        answers = service.get_many(waiting, version.path, at_once)
        if silent := [address for address, got in answers.items() if not any(each.status for each in got)]:
            seen = {address: seen.get(address, _Address()) for address in addresses(silent)}
        for address, got in answers.items():
            for answer in got if address in seen else []:
                seen[address].add(answer, _is_new(answer, version, share), share, late)
        _fail_if_wrong(service, version, share, seen, clock.steady() - began, limit)
        meanwhile()
        clock.sleep(every)


def _is_new(answer: Answer, version: VersionEndpoint, share: Share) -> bool:
    return answer.status == 200 and (not share.version or version.read(answer) == share.version)


def _fail_if_wrong(
    service: Service,
    version: VersionEndpoint,
    share: Share,
    seen: dict[str, _Address],
    took: float,
    limit: float,
) -> None:
    last = [tally.last.error for tally in seen.values() if tally.last]
    untrusted = next((error for error in last if error.startswith(UNTRUSTED)), "")
    wrong = {address: tally.wrong(share, version, took, limit) for address, tally in seen.items()}
    if untrusted or any(wrong.values()):
        found = listed((joined(address, why, by=" ") for address, why in wrong.items() if why), by="; ")
        raise VersionNotObserved(
            message(
                "share.not_observed",
                percent=share.percent,
                version=share.version or message("version.any"),
                domain=service.domain,
                span=span(took),
                reason=untrusted or found,
            )
        )
