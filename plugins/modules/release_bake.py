#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: release_bake
short_description: Watch a release that has traffic
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Sends requests to each address of the load balancer, and checks the pods or the instance of the slot (restarts,
    readiness), CloudWatch alarms and, with O(analysis), the requests of users. At the first sign of a bad release, it shifts
    traffic back to the previous release and fails. M(teal.platform.release_abort) then records the rollback.
options:
  watched:
    description: Seconds for which M(teal.platform.traffic_switch) has already watched the release. They count towards
      O(seconds).
    type: float
    default: 0.0
  step:
    description: Number of the entry of the release's steps (from 1) whose share it has now. V(0) for all traffic.
    type: int
    default: 0
  alarms:
    description: Names of CloudWatch alarms that fail the release if they go to ALARM after the switch. An alarm that was
      raised before the switch is ignored, because the release may be its fix.
    type: list
    elements: str
    default: []
  analysis:
    description:
      - When the requests of users fail the release. The load balancer's CloudWatch metrics of the new and of the old target
        group are read, of all whole minutes since the weights were last changed.
      - Off unless a threshold or a query is set, and off if O(analysis.enabled=false). Not used for a rollback and for the
        first release.
    type: dict
    suboptions:
      enabled:
        description: V(false) switches the analysis off.
        type: bool
        default: true
      error_rate:
        description: Maximum percentage of the new version's requests that are answered with 5xx, or whose connection is
          refused.
        type: float
      error_increase:
        description: Maximum difference between that percentage and the old version's, in percentage points.
        type: float
      balancer_error_increase:
        description: Maximum of the load balancer's own answers 502, 503 and 504 beyond their rate before the release, in
          percent of the new version's requests.
        type: float
      latency_p90:
        description: Maximum p90 of the time until the headers of an answer, in milliseconds.
        type: float
      latency_p99:
        description: The same for p99.
        type: float
      latency_p90_ratio:
        description: Maximum ratio of the p90 latency to the old version's. Differences below 10 ms are ignored.
        type: float
      latency_p99_ratio:
        description: The same for p99.
        type: float
      min_requests:
        description: Minimum number of users' requests to the new version. With fewer the verdict is inconclusive. The old
          version needs as many to be compared with.
        type: int
        default: 100
      minutes:
        description: Minimum number of measured minutes. With fewer the verdict is inconclusive.
        type: int
        default: 3
      delay:
        description: How long after the end of a minute its metrics are complete.
        type: str
        default: 2m
      period:
        description: Length of a minute in seconds. AWS publishes the load balancer's metrics every 60 s; only the local
          emulator can be set to shorter periods.
        type: int
        default: 60
        choices: [1, 5, 10, 20, 30, 60]
      on_inconclusive:
        description: What happens at the end of the bake if the verdict is inconclusive. V(extend) watches the release for up
          to O(analysis.extend_limit) more. Metrics that cannot be read never fail a release; V(fail) then waits as
          V(extend).
        type: str
        default: pass
        choices: [pass, extend, fail]
      extend_limit:
        description: How long the bake is extended at most.
        type: str
        default: 10m
      after_extension:
        description: What happens if the verdict is still inconclusive then.
        type: str
        default: pass
        choices: [pass, fail]
      prometheus:
        description: Queries to Prometheus. A value out of its limits in two readings in a row fails the release.
        type: list
        elements: dict
        default: []
        suboptions:
          name:
            description: Name in messages.
            type: str
            required: true
          url:
            description: Address of Prometheus, to which C(/api/v1/query) is added.
            type: str
            required: true
          query:
            description: Instant query that returns a scalar or a vector. All values of the vector must be within the limits.
            type: str
            required: true
          min:
            description: Minimum value.
            type: float
          max:
            description: Maximum value.
            type: float
          token_secret:
            description: Name of a secret in Secrets Manager that holds the bearer token. The module reads it with the
              credentials of the run.
            type: str
            default: ""
extends_documentation_fragment:
  - teal.platform.release
  - teal.platform.release.step
  - teal.platform.release.watch
attributes:
  check_mode:
    description: Not supported, since there is no release in check mode.
    support: none
"""

EXAMPLES = r"""
- name: Watch the release with traffic
  teal.platform.release_bake:
    name: assistant-staging
    domain: staging.assistant.example.com
    namespace: assistant
    workload: assistant
    release: "{{ __release.release }}"
    seconds: 5m
    watched: "{{ __release_switch.watched }}"
    alarms: [assistant-staging-5xx]
    analysis:
      error_rate: 1
      latency_p99_ratio: 1.5
      on_inconclusive: extend
"""

RETURN = r"""
seen:
  description: Summary of the requests and their failures.
  type: str
  returned: success
analysis:
  description: The verdict of the analysis. The record of the release has it, too.
  type: dict
  returned: success, if there was an analysis
  contains:
    result:
      description: V(passed) or V(inconclusive). A release that fails fails the module.
      type: str
    text:
      description: The verdict with its reasons and the numbers of both versions.
      type: str
    reasons:
      description: Why the verdict is not V(passed).
      type: list
      elements: str
    percent:
      description: Share of the traffic.
      type: int
    since:
      description: When the weights were changed.
      type: str
    seconds:
      description: How many seconds were measured.
      type: int
    compared_with:
      description: Minutes of the old version, V(same minutes) or V(before) the switch. Empty if it had too few requests.
      type: str
    new:
      description: Requests, errors, refused connections and latencies in milliseconds of the new version.
      type: dict
    baseline:
      description: The same of the old version.
      type: dict
    balancer:
      description: The same of the load balancer, with its own errors.
      type: dict
    unreadable:
      description: How many times CloudWatch could not be read.
      type: int
"""

from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.messages.message import message
from ansible_collections.teal.platform.plugins.module_utils.release import analysis_settings, steps
from ansible_collections.teal.platform.plugins.module_utils.release.alarms import Alarms
from ansible_collections.teal.platform.plugins.module_utils.release.analysis_watch import (
    AnalysisWatch,
    Inconclusive,
    times,
)
from ansible_collections.teal.platform.plugins.module_utils.release.clock import seconds
from ansible_collections.teal.platform.plugins.module_utils.release.engine import (
    STEP_ARGUMENTS,
    WATCH_ARGUMENTS,
    Engine,
    run,
)
from ansible_collections.teal.platform.plugins.module_utils.release.lease import Lease
from ansible_collections.teal.platform.plugins.module_utils.release.observed_state import Release, state_of
from ansible_collections.teal.platform.plugins.module_utils.release.prometheus import Query
from ansible_collections.teal.platform.plugins.module_utils.release.request_metrics import (
    MetricsUnknown,
    Reading,
    RequestMetrics,
)
from ansible_collections.teal.platform.plugins.module_utils.release.slots.base import (
    KubernetesError,
    SlotFailed,
)
from ansible_collections.teal.platform.plugins.module_utils.release.traffic import TrafficError

ARGUMENTS = {
    "alarms": {"type": "list", "elements": "str", "default": []},
    "analysis": {"type": "dict", "options": analysis_settings.OPTIONS},
    "step": {"type": "int", "default": 0},
    "watched": {"type": "float", "default": 0.0},
    **STEP_ARGUMENTS,
    **WATCH_ARGUMENTS,
}

#: Seconds without traffic after which the release's autoscaler may remove pods.
_STABLE = 600.0


def bake(engine: Engine) -> dict[str, Any]:
    """Watch a release that has traffic."""
    lease, release = engine.step()
    number = engine.params["step"]
    if not steps.bakes_at(release, number):
        lease.renew()
        return {"changed": False, "seen": message("bake.state", state=state_of(release["state"]))}
    left = max(0.0, engine.length("seconds") - engine.params["watched"])
    analysis = analysis_of(engine, release)
    if left + (analysis.inconclusive.extension if analysis else 0) > _STABLE and not number:
        keep_size_of_previous_slot(engine, lease, release)
    alarms = Alarms(lambda: engine.client("cloudwatch", attempts=1), engine.params["alarms"], engine.clock)
    since = steps.first_traffic(release)
    seen = engine.watch(lease, release, left, alarms=lambda: alarms.raised(since), analysis=analysis)
    if not analysis:
        return {"changed": False, "seen": seen}
    if analysis.failed_looks or analysis.verdict.findings:
        engine.warn(analysis.summary())
    return {"changed": False, "seen": seen, "analysis": analysis.record()}


def analysis_of(engine: Engine, release: Release) -> AnalysisWatch | None:
    """Return the analysis of a release. None if it is off, and for a rollback or the first release.

    A rollback goes to a release that served before, and is urgent. Before the first release there are no users.
    """
    options = engine.params["analysis"] or {}
    if release["kind"] == "rollback" or not release["from_release"] or not analysis_settings.is_on(options):
        return None
    thresholds = analysis_settings.thresholds(options)
    metrics: list[RequestMetrics] = []

    def read(since: float) -> Reading:
        try:
            if not metrics:
                metrics.append(metrics_of(engine, release, thresholds.period))
        except TrafficError as error:
            raise MetricsUnknown(str(error)) from error
        return metrics[0].read(since)

    return AnalysisWatch(
        thresholds,
        Inconclusive(
            options["on_inconclusive"], seconds(options["extend_limit"]), options["after_extension"]
        ),
        read,
        times(release),
        engine.clock,
        [query_of(engine, query) for query in options["prometheus"]],
        percent=release.get("weights", {}).get(release["slot"], 100),
    )


def metrics_of(engine: Engine, release: Release, period: float) -> RequestMetrics:
    """Return the metrics of both target groups. Raises TrafficError."""
    groups = engine.traffic.rule().groups
    balancer = engine.traffic.balancer["LoadBalancerArn"]
    new, old = groups[release["slot"]], groups[release["from_slot"]]
    # Together with the next look, two attempts are enough, and they take less time than a lease.
    return RequestMetrics(
        lambda: engine.client("cloudwatch", attempts=2), balancer, new, old, engine.clock, period
    )


def query_of(engine: Engine, options: dict[str, Any]) -> Query:
    """Return a query to Prometheus. Its token is read at the first use, and hidden in the module's output."""
    tokens: list[str] = []

    def token() -> str:
        if options["token_secret"] and not tokens:
            client = engine.client("secretsmanager", attempts=2)
            tokens.append(client.get_secret_value(SecretId=options["token_secret"])["SecretString"].strip())
            engine.module.no_log_values.add(tokens[0])
        return tokens[0] if tokens else ""

    return Query(options["name"], options["url"], options["query"], options["min"], options["max"], token)


def keep_size_of_previous_slot(engine: Engine, lease: Lease, release: Release) -> None:
    """Keep the size of the previous slot. Without traffic its autoscaler would remove pods."""
    try:
        engine.slots(lease, patience=5.0).keep_size(release["from_slot"], lease)
    except (KubernetesError, SlotFailed) as error:
        engine.warn(message("bake.may_shrink", slot=release["from_slot"], error=error))


def main() -> None:
    run(ARGUMENTS, bake, check=False)


if __name__ == "__main__":
    main()
