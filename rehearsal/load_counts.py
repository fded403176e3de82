"""What `rehearsal.load` counts: requests by version, failures by reason, latencies, streams."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

EXAMPLES = 20
"""How many failures are told one by one."""
BROKE_OFF = "answer broke off"
"""The reason of a failure whose answer had begun."""


@dataclass
class Counts:
    """What happened so far."""

    versions: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    connections: int = 0
    returns: int = 0
    """How often a client saw a version that it had left: a switch back, or addresses that disagree."""
    latencies: list[float] = field(default_factory=list)
    series: dict[int, Counter[str]] = field(default_factory=dict)
    examples: list[dict[str, Any]] = field(default_factory=list)
    begun: float = field(default_factory=time.monotonic)
    streams: Counts | None = None
    """The streaming answers, which are not among the others."""

    @property
    def failed(self) -> bool:
        """Whether any request failed, or none was made."""
        streams = self.streams
        return not self.requests or bool(self.failures) or bool(streams and streams.failed)

    @property
    def requests(self) -> int:
        """All of them, failed ones too."""
        return self.versions.total() + self.failures.total()

    def success(self, version: str, seconds: float) -> None:
        """A 2xx answer."""
        self.versions[version] += 1
        self.latencies.append(seconds)
        self._second()[version] += 1

    def failure(self, reason: str, kind: str) -> None:
        """A request without a 2xx answer."""
        self.failures[reason] += 1
        self._second()["failed"] += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append({"second": round(self.elapsed, 2), "reason": reason, "connection": kind})

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self.begun

    def _second(self) -> Counter[str]:
        return self.series.setdefault(int(self.elapsed), Counter())

    def as_json(self, seconds: float) -> dict[str, Any]:
        """The whole, for --json."""
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
        """What --json has of streams."""
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
        """One line of progress."""
        versions = "   ".join(f"{version}: {count}" for version, count in sorted(self.versions.items()))
        told = (
            f"{self.elapsed:6.1f} s   {self.requests} requests   {versions}   failed: {self.failures.total()}"
        )
        if streams := self.streams:
            told += f"   streams: {streams.requests}, failed: {streams.failures.total()}"
        return told

    def table(self, seconds: float) -> str:
        """The end's summary."""
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
