"""The proof that a share of the requests reaches the new version: right in time, and not wrong by chance."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.teal.platform.plugins.module_utils.release.http_probe import Answer
from ansible_collections.teal.platform.plugins.module_utils.release.observed_share import (
    Share,
    at_least_one,
    wait_for_share,
)
from ansible_collections.teal.platform.plugins.module_utils.release.served_version import (
    VersionEndpoint,
    VersionNotObserved,
)

from .fake_environment import Time

VERSION = VersionEndpoint("/info", "v")


class Balancer:
    """Addresses that answer by weight; `percent(address, now)` is the share of the new version at a time."""

    domain = "assistant.example"

    def __init__(
        self, time: Time, percent: Callable[[str, float], int], new: int = 200, old: int = 200
    ) -> None:
        self.time, self.percent, self.statuses = time, percent, {"new": new, "old": old}
        self.began, self.dice, self.requests = time.now, random.Random(11), 0

    def get_many(self, addresses: list[str], path: str, times: int) -> dict[str, list[Answer]]:
        self.requests += len(addresses) * times
        return {address: [self._answer(address) for _ in range(times)] for address in addresses}

    def _answer(self, address: str) -> Answer:
        new = self.dice.random() * 100 < self.percent(address, self.time.now - self.began)
        name = "new" if new else "old"
        status = self.statuses[name]
        return Answer(status, json.dumps({"v": name}).encode() if status == 200 else b"Bad Gateway")


def wait(time: Time, balancer: Balancer, percent: int, previous: int = 0, **more: Any) -> float:
    share = Share("new", more.pop("before", "old"), percent, previous)
    addresses = ["52.0.0.1", "52.0.0.2"]
    return wait_for_share(balancer, VERSION, share, lambda silent: addresses, time.clock(), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("previous", "percent"), [(0, 1), (0, 5), (0, 50), (0, 99), (5, 50), (1, 99), (20, 25), (98, 99)]
)
def test_share_is_observed_once_the_rule_is_in_force(time: Time, previous: int, percent: int) -> None:
    """The second address applies the rule 4 seconds later: until then its answers prove nothing."""
    late = 4.0

    def weights(address: str, now: float) -> int:
        return previous if address.endswith("2") and now < late else percent

    took = wait(time, Balancer(time, weights), percent, previous)
    assert late <= took < 60


@pytest.mark.parametrize(("previous", "percent"), [(0, 1), (0, 5), (0, 99), (5, 50), (20, 25)])
def test_rule_that_is_not_in_force_at_one_address_fails(time: Time, previous: int, percent: int) -> None:
    balancer = Balancer(time, lambda address, _: previous if address.endswith("2") else percent)
    with pytest.raises(
        VersionNotObserved, match=r"52\.0\.0\.2 returned it \d+ times in \d+ answers"
    ) as error:
        wait(time, balancer, percent, previous, limit=20)
    assert f"{percent} % of the requests for version new were not observed at every address" in str(
        error.value
    )
    assert "52.0.0.1" not in str(error.value)


def test_wait_does_not_fail_before_chance_is_excluded(time: Time) -> None:
    """With few requests in the time, the wait is longer than its limit: one percent may be missed 1,800 times."""
    assert at_least_one(0.01) == 1833
    assert (1 - 0.01) ** 1833 < 1e-8 < (1 - 0.01) ** 1832
    balancer = Balancer(time, lambda *_: 0)
    with pytest.raises(VersionNotObserved):
        wait(time, balancer, 1, limit=1, every=5.0)
    assert balancer.requests >= 2 * 1833
    assert time.now - balancer.began > 500


@pytest.mark.parametrize("percent", range(1, 100, 7))
@pytest.mark.parametrize("previous", [0, 1, 40])
def test_number_of_requests_excludes_chance(previous: int, percent: int) -> None:
    """Played, not computed: of 40 addresses with the rule in force, none needs as many requests as the limit."""
    if previous >= percent:
        return
    share, dice = Share("new", "old", percent, previous), random.Random(percent)
    for _ in range(40):
        score, requests = 0.0, 0
        while score < math.log(1000):
            requests += 1
            score = max(0.0, score + share.gain(dice.random() * 100 < percent))
            assert requests < share.enough


def test_old_weights_seldom_look_like_the_new_ones() -> None:
    """1000 answers with 5 % look like 50 % at most now and then, and not at all once they are 20 to 1."""
    share, dice, proven = Share("new", "old", 50, 5), random.Random(3), 0
    for _ in range(100):
        score = 0.0
        for _ in range(50):
            score = max(0.0, score + share.gain(dice.random() < 0.05))
            if score >= math.log(1000):
                proven += 1
                break
    assert proven <= 3


def test_all_traffic_instead_of_a_share_fails(time: Time) -> None:
    with pytest.raises(VersionNotObserved, match=r"returned it \d+ times in a row and no other version"):
        wait(time, Balancer(time, lambda *_: 100), 5)


def test_new_version_that_only_fails_is_given_up_early(time: Time) -> None:
    balancer = Balancer(time, lambda *_: 5, new=502)
    with pytest.raises(VersionNotObserved, match=r"0 times in \d+ answers, \d+ of them failed; .* 502"):
        wait(time, balancer, 5, limit=600)
    assert 10 < time.now - balancer.began < 15


def test_old_version_that_fails_does_not_matter(time: Time) -> None:
    """A fix is released because the old version fails: its failures must not stop the fix."""
    assert wait(time, Balancer(time, lambda _, now: 5 if now > 8 else 0, old=502), 5) > 8


def test_version_that_is_the_same_in_both_slots_cannot_be_told_apart(time: Time) -> None:
    balancer = Balancer(time, lambda *_: 100)
    assert wait(time, balancer, 5, before="new") < 1
    assert balancer.requests == 2
