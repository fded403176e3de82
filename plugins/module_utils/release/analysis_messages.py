# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The texts about a verdict of the analysis, and its form in the record of a release."""

from __future__ import annotations

from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.release.analysis import Finding, Total, Verdict
from ansible_collections.teal.platform.plugins.module_utils.release.clock import span

#: The text of each finding. Its fields are `measured`, `allowed` and the finding's own numbers.
TEXTS = {
    "error_rate": "{measured:.2f} % of the new version's requests failed ({failed} of {requests}), and at most "
    "{allowed:g} % are allowed (error_rate)",
    "error_increase": "{rate:.2f} % of the new version's requests failed ({failed} of {requests}) and {baseline:.2f} % of "
    "the old one's: {measured:.2f} percentage points more, and at most {allowed:g} are allowed (error_increase)",
    "balancer_error_increase": "the load balancer itself answered {errors} of {requests} requests with 502, 503 or 504, and "
    "usually {usual:.2f} %: that is {measured:.2f} % of the new version's requests, and at most {allowed:g} % are allowed "
    "(balancer_error_increase)",
    "latency_p90": "the p90 latency of the new version is {measured:.0f} ms, and at most {allowed:g} ms are allowed "
    "(latency_p90)",
    "latency_p99": "the p99 latency of the new version is {measured:.0f} ms, and at most {allowed:g} ms are allowed "
    "(latency_p99)",
    "latency_p90_ratio": "the p90 latency of the new version is {value:.0f} ms, {measured:.1f} times the old version's "
    "{baseline:.0f} ms, and at most {allowed:g} times is allowed (latency_p90_ratio)",
    "latency_p99_ratio": "the p99 latency of the new version is {value:.0f} ms, {measured:.1f} times the old version's "
    "{baseline:.0f} ms, and at most {allowed:g} times is allowed (latency_p99_ratio)",
    "query": "{name} is {measured:g}, and must be {condition}",
    "few_requests": "the new version got {measured:.0f} requests of users, and {allowed:.0f} are needed (min_requests)",
    "few_minutes": "{measured:.0f} of {allowed:.0f} minutes were measured (minutes)",
    "silent": "CloudWatch published no request of the load balancer since the switch",
    "unreadable": "CloudWatch could not be read: {error}",
    "query_unreadable": "{name} could not be read: {error}",
    "no_baseline": "the old version has fewer than {allowed:.0f} requests (min_requests), so nothing was compared with it",
    "no_latency_p90": "CloudWatch published no p90 latency of the new version",
    "no_latency_p99": "CloudWatch published no p99 latency of the new version",
    "no_baseline_latency_p90": "CloudWatch published no p90 latency of the old version",
    "no_baseline_latency_p99": "CloudWatch published no p99 latency of the old version",
}

#: Which minutes of the old version are the baseline.
BASELINES = {"same minutes": "in the same minutes", "before": "before the switch"}


def reason(finding: Finding) -> str:
    """Return a finding as text."""
    return TEXTS[finding.code].format(measured=finding.measured, allowed=finding.allowed, **finding.numbers)


def reasons(verdict: Verdict) -> str:
    """Return the reasons of a verdict as one text; empty if it passed."""
    return "; ".join(map(reason, verdict.findings))


def numbers(verdict: Verdict, period: float = 60.0) -> str:
    """Return the numbers of both versions as one line. `period` is the length of a minute in seconds."""
    measured = f"new version {_total(verdict.new)} in {span(verdict.new.minutes * period)}"
    if not verdict.new.minutes:
        measured = "nothing measured"
    if verdict.compared_with:
        measured += f"; old version {_total(verdict.baseline)} {BASELINES[verdict.compared_with]}"
    if verdict.balancer.errors:
        measured += (
            f"; the load balancer itself answered {verdict.balancer.errors} requests with 502, 503 or 504"
        )
    return measured


def _total(of: Total) -> str:
    latencies = [
        f"{name} {value:.0f} ms" for name, value in (("p90", of.p90), ("p99", of.p99)) if value is not None
    ]
    return ", ".join([f"{of.requests} requests", f"{of.failed} failed ({of.rate:.2f} %)", *latencies])


def summary(verdict: Verdict, period: float = 60.0) -> str:
    """Return verdict, reasons and numbers as one line."""
    why = f": {reasons(verdict)}" if verdict.findings else ""
    return f"analysis {verdict.result}{why}. Measured: {numbers(verdict, period)}"


def record(verdict: Verdict, period: float = 60.0) -> dict[str, Any]:
    """Return the verdict for the record of a release: only text and integers, as the table stores no floats."""
    stored: dict[str, Any] = {
        "result": str(verdict.result),
        "reasons": [reason(each) for each in verdict.findings],
        "text": summary(verdict, period),
        "seconds": round(verdict.new.minutes * period),
        "compared_with": verdict.compared_with,
        "new": _stored(verdict.new),
        "balancer": _stored(verdict.balancer),
    }
    if verdict.compared_with:
        stored["baseline"] = _stored(verdict.baseline)
    return stored


def _stored(of: Total) -> dict[str, int]:
    latencies = {
        f"{name}_ms": round(value) for name, value in (("p90", of.p90), ("p99", of.p99)) if value is not None
    }
    return {"requests": of.requests, "errors": of.errors, "refused": of.refused, **latencies}
