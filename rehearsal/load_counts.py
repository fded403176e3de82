"""The counts of `rehearsal.load`: requests by version, failures by reason, latencies, streams."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

EXAMPLES = 20
"""The number of failures that are listed individually."""
BROKE_OFF = "answer incomplete"
"""The reason of a failure after the answer had begun."""


@dataclass
class Counts:
    """The counts so far."""

    versions: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    connections: int = 0
    returns: int = 0
    """The number of times that a client saw an earlier version again: after a switch back, or from other addresses."""
    latencies: list[float] = field(default_factory=list)
    series: dict[int, Counter[str]] = field(default_factory=dict)
    examples: list[dict[str, Any]] = field(default_factory=list)
    begun: float = field(default_factory=time.monotonic)
    streams: Counts | None = None
    """The counts of streaming answers, which the other counts do not include."""

    @property
    def failed(self) -> bool:
        """Whether any request failed, or none was sent."""
        streams = self.streams
        return not self.requests or bool(self.failures) or bool(streams and streams.failed)

    @property
    def requests(self) -> int:
        """The number of requests, failed ones included."""
        return self.versions.total() + self.failures.total()

    def success(self, version: str, seconds: float) -> None:
        """Count a 2xx answer."""
        self.versions[version] += 1
        self.latencies.append(seconds)
        self._second()[version] += 1

    def failure(self, reason: str, kind: str) -> None:
        """Count a request without a 2xx answer."""
        self.failures[reason] += 1
        self._second()["failed"] += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append({"second": round(self.elapsed, 2), "reason": reason, "connection": kind})

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.begun

    def _second(self) -> Counter[str]:
        return self.series.setdefault(int(self.elapsed), Counter())

    def as_json(self, seconds: float) -> dict[str, Any]:
        """Return all counts, for --json."""
        return {
            "seconds": round(seconds, 2),
            "requests": self.requests,
            "failed": self.failures.total(),
            "versions": dict(self.versions),
            "failures": dict(self.failures),
            "examples": self.examples,
            "connections": self.connections,
            "returns": self.returns,
            "latency_ms": {name: round(1000 * value, 1) for name, value in self._percentiles()},
            "series": [{"second": second, **counts} for second, counts in sorted(self.series.items())],
        } | ({"streams": self.streams.streams_as_json()} if self.streams else {})

    def streams_as_json(self) -> dict[str, Any]:
        """Return the counts of streams, for --json."""
        return {
            "requests": self.requests,
            "failed": self.failures.total(),
            "cut_off": self.failures[BROKE_OFF],
            "failures": dict(self.failures),
            "examples": self.examples,
            "seconds": {name: round(value, 1) for name, value in self._percentiles()},
        }

    def _percentiles(self) -> Iterator[tuple[str, float]]:
        ordered = sorted(self.latencies)
        for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0)):
            if ordered:
                yield name, ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    def line(self) -> str:
        """Return one line of progress."""
        versions = "   ".join(f"{version}: {count}" for version, count in sorted(self.versions.items()))
        line = (
            f"{self.elapsed:6.1f} s   {self.requests} requests   {versions}   failed: {self.failures.total()}"
        )
        if streams := self.streams:
            line += f"   streams: {streams.requests}, failed: {streams.failures.total()}"
        return line

    def table(self, seconds: float) -> str:
        """Return the final summary."""
        rows = [(f"version {version}", str(count)) for version, count in sorted(self.versions.items())]
        rows += [(f"failed: {reason}", str(count)) for reason, count in self.failures.most_common()]
        rows += [
            (
                "requests",
                f"{self.requests} in {seconds:.1f} s ({self.requests / max(seconds, 0.001):.0f} a second)",
            ),
            ("failed", str(self.failures.total())),
            ("connections made", str(self.connections)),
            (
                "latency",
                ", ".join(f"{name} {1000 * value:.0f} ms" for name, value in self._percentiles()) or "-",
            ),
        ]
        if streams := self.streams:
            rows += [
                ("streams", str(streams.requests)),
                ("streams cut off", str(streams.failures[BROKE_OFF])),
            ]
            rows += [(f"streams failed: {reason}", str(n)) for reason, n in streams.failures.most_common()]
        width = max(len(name) for name, _ in rows)
        return "\n".join(f"  {name:<{width}}  {value}" for name, value in rows)
