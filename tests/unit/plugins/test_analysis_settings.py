"""What preflight says of `release_analysis`."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.teal.platform.plugins.module_utils.release.analysis_settings import (
    given,
    is_on,
    problems,
)
from ansible_collections.teal.platform.plugins.modules import release_bake
from ansible_collections.teal.platform.plugins.plugin_utils.checks.analysis import analysis_of_steps

from tests.unit.plugins.test_settings import Inventory

QUERY = {"name": "queue", "url": "https://prometheus.example.com", "query": "queue", "max": 5}
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"min_requests": 5}, "sets no threshold, so every release would pass. Set one of error_rate, "),
    ({"error_rate": -1}, "error_rate: -1 must be at least 0 and less than 100 (percent)"),
    ({"error_rate": 100}, "error_rate: 100 must be at least 0 and less than 100 (percent)"),
    ({"error_increase": 100}, "error_increase: 100 must be at least 0"),
    ({"balancer_error_increase": -0.5}, "balancer_error_increase: -0.5 must be at least 0"),
    ({"latency_p90": 0}, "latency_p90: 0 must be more than 0 (milliseconds)"),
    ({"latency_p99": -5}, "latency_p99: -5 must be more than 0"),
    ({"latency_p90_ratio": 0.5}, "latency_p90_ratio: 0.5 must be at least 1"),
    ({"latency_p99_ratio": 0}, "latency_p99_ratio: 0 must be at least 1"),
    ({"error_rate": 1, "min_requests": 0}, "min_requests: 0 must be at least 1"),
    ({"error_rate": 1, "minutes": 0}, "minutes: 0 must be at least 1"),
    ({"error_rate": 1, "delay": "soon"}, "delay: soon must be a length of time"),
    ({"error_rate": 1, "extend_limit": "1 hour"}, "extend_limit: 1 hour must be a length of time"),
    ({"prometheus": [{**QUERY, "url": "prometheus:9090"}]}, "queue: url must be the address of Prometheus"),
    ({"prometheus": [{**QUERY, "url": "https://a:b@c.example"}]}, "queue: url must not contain credentials"),
    (
        {"prometheus": [{**QUERY, "url": "http://c.example", "token_secret": "x"}]},
        "queue: url must begin with https://, otherwise the token is sent in clear text",
    ),
    ({"prometheus": [{**QUERY, "max": None}]}, "queue: set min, max or both"),
    ({"prometheus": [{**QUERY, "min": 9}]}, "queue: min 9 must not be more than max 5"),
]


@pytest.mark.parametrize(("options", "message"), WRONG)
def test_wrong_settings(options: dict[str, Any], message: str) -> None:
    found = list(problems(options, {"release_bake": "1h"}))
    assert [variable for variable, _ in found] == ["release_analysis"]
    assert message in found[0][1]


@pytest.mark.parametrize(
    "options",
    [
        {},
        given({}),
        {"error_rate": 0},
        {"latency_p99_ratio": 1, "on_inconclusive": "fail"},
        {"prometheus": [{**QUERY, "token_secret": "shop-production/prometheus"}]},
        {"prometheus": [{**QUERY, "url": "http://10.0.0.1:9090"}]},
    ],
)
def test_right_settings(options: dict[str, Any]) -> None:
    assert list(problems(options, {"release_bake": "6m"})) == []


def test_analysis_that_is_not_enabled_is_off_and_needs_no_long_bake() -> None:
    off = {"enabled": False, "error_rate": 1}
    assert is_on({"error_rate": 1}) and not is_on(off) and not is_on({"enabled": True})
    assert list(problems(off, {"release_bake": "10s"})) == []
    assert list(problems({"enabled": False}, {"release_bake": "10s"})) == []
    assert [text for _, text in problems({**off, "error_rate": -1}, {"release_bake": "10s"})] == [
        "error_rate: -1 must be at least 0 and less than 100 (percent)"
    ]


@pytest.mark.parametrize(
    ("options", "bake", "needed"),
    [
        ({"error_rate": 1}, "359s", "6 min"),
        ({"error_rate": 1}, 300, "6 min"),
        ({"error_rate": 1, "minutes": 1, "delay": "1m"}, "2m", "3 min"),
        ({"error_rate": 1, "minutes": 5, "delay": "3m"}, "8m", "9 min"),
        ({"error_rate": 1, "period": 1, "delay": "1s"}, "4s", "5.0 s"),
        ({"prometheus": [QUERY]}, "20s", "6 min"),
    ],
)
def test_bake_is_long_enough(options: dict[str, Any], bake: Any, needed: str) -> None:
    found = dict(problems(options, {"release_bake": bake}))
    assert f"{bake} is shorter than release_analysis needs: {needed}" in found["release_bake"]
    assert not list(problems({}, {"release_bake": bake})), "off"


def test_bake_of_each_step_is_long_enough() -> None:
    steps = [{"weight": 5, "bake": "10m"}, {"weight": 25, "bake": "1m"}, {"pause": "2h"}]
    found = dict(analysis_of_steps({"error_rate": 1}, steps))
    assert list(found) == ["release_steps[1].bake"]
    assert not dict(analysis_of_steps({}, steps))


def test_staging_is_off() -> None:
    assert Inventory("staging").problems() == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"error_rate": 1, "errors": 2}, "release_analysis.errors is not known"),
        ({"error_rate": "1 %"}, "error_rate"),
        ({"error_rate": 1, "on_inconclusive": "wait"}, "on_inconclusive"),
        ({"prometheus": [{"name": "x"}]}, "release_analysis"),
        ({"error_rate": 1}, "20s is shorter than release_analysis needs"),
    ],
)
def test_preflight_reports_it(options: dict[str, Any], message: str) -> None:
    found = [each for each in Inventory("staging").problems(release_analysis=options) if message in each]
    assert any("release_analysis" in problem for problem in found), found


def test_production_has_an_analysis_and_the_others_have_none() -> None:
    options = {
        name: Inventory(name).of(f"release.{name}")["release_analysis"]
        for name in ("test", "staging", "production")
    }
    assert not is_on(options["test"])
    assert not is_on(options["staging"])
    assert is_on(options["production"])
    assert options["production"]["on_inconclusive"] == "extend"


def test_role_and_module_have_the_same_options() -> None:
    """The role passes the setting to the module as it is."""
    import yaml

    from tests.unit.plugins.test_settings import ROOT

    spec = yaml.safe_load((ROOT / "roles/release/meta/argument_specs.yml").read_text("utf-8"))
    role = spec["argument_specs"]["main"]["options"]["release_analysis"]["options"]
    module = release_bake.ARGUMENTS["analysis"]["options"]
    assert list(role) == list(module)
    for name, option in module.items():
        for key in ("type", "default", "choices"):
            assert role[name].get(key) == option.get(key), f"{name}: {key}"
