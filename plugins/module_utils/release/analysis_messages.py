# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The texts about a verdict of the analysis, and its form in the record of a release."""

from __future__ import annotations

from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.messages.message import joined, listed, message
from ansible_collections.teal.platform.plugins.module_utils.release.analysis import Finding, Total, Verdict
from ansible_collections.teal.platform.plugins.module_utils.release.clock import span

#: The format of numbers by field, and where it differs, by finding. Limits from the settings are shown as they are set.
_FORMATS = {
    "measured": ".2f",
    "allowed": "g",
    "rate": ".2f",
    "baseline": ".2f",
    "usual": ".2f",
}
_LATENCY = {"measured": ".0f"}
_RATIO = {"measured": ".1f", "value": ".0f", "baseline": ".0f"}
_COUNTS = {"measured": ".0f", "allowed": ".0f"}
_FORMATS_OF = {
    "latency_p90": _LATENCY,
    "latency_p99": _LATENCY,
    "latency_p90_ratio": _RATIO,
    "latency_p99_ratio": _RATIO,
    "query": {"measured": "g"},
    "few_requests": _COUNTS,
    "few_minutes": _COUNTS,
    "no_baseline": _COUNTS,
}


def reason(finding: Finding) -> str:
    """Return a finding as text."""
    values = {"measured": finding.measured, "allowed": finding.allowed, **finding.numbers}
    formats = _FORMATS | _FORMATS_OF.get(finding.code, {})
    return message(
        f"finding.{finding.code}",
        **{
            name: format(value, formats[name]) if name in formats else value for name, value in values.items()
        },
    )


def reasons(verdict: Verdict) -> str:
    """Return the reasons of a verdict as one text; empty if it passed."""
    return listed(map(reason, verdict.findings), by="; ")


def numbers(verdict: Verdict, period: float = 60.0) -> str:
    """Return the numbers of both versions as one line. `period` is the length of a minute in seconds."""
    found: list[str] = []
    if verdict.new.minutes:
        measured = span(verdict.new.minutes * period)
        found.append(message("analysis.new", total=_total(verdict.new), span=measured))
    else:
        found.append(message("analysis.nothing"))
    if verdict.compared_with == "same minutes":
        found.append(message("analysis.old_in_same_minutes", total=_total(verdict.baseline)))
    elif verdict.compared_with:
        found.append(message("analysis.old_before", total=_total(verdict.baseline)))
    if verdict.balancer.errors:
        found.append(message("analysis.balancer", errors=verdict.balancer.errors))
    return listed(found, by="; ")


def _total(of: Total) -> str:
    counts = message("analysis.total", requests=of.requests, failed=of.failed, rate=f"{of.rate:.2f}")
    latencies = [
        f"{name} {value:.0f} ms" for name, value in (("p90", of.p90), ("p99", of.p99)) if value is not None
    ]
    return joined(counts, *latencies, by=", ")


def summary(verdict: Verdict, period: float = 60.0) -> str:
    """Return verdict, reasons and numbers as one line."""
    result, measured = message(f"verdict.{verdict.result}"), numbers(verdict, period)
    if not verdict.findings:
        return message("analysis.summary", result=result, numbers=measured)
    return message("analysis.summary_with_reasons", result=result, reasons=reasons(verdict), numbers=measured)


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
