"""The settings of the emulated Kubernetes, from `config.json`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple


class Settings(NamedTuple):
    """The settings; times are in seconds."""

    home: Path
    aws_url: str
    subnet: str
    url: str
    boot: float = 0.5
    """The start time of the sample service."""
    first_backoff: float = 1.0
    """The delay before the second restart, pull or Job retry; it doubles each time. In Kubernetes: 10."""
    longest_backoff: float = 10.0
    """The longest delay. In Kubernetes: 300."""

    @classmethod
    def of(cls, config: dict[str, Any]) -> Settings:
        own = config["kubernetes"]
        given = {k: float(own[k]) for k in ("boot", "first_backoff", "longest_backoff") if k in own}
        return cls(Path(config["home"]), config["aws"]["url"], config["subnet"], own["url"], **given)

    def backoff(self, failures: int) -> float:
        """Return the delay after that many failures in a row."""
        return min(self.longest_backoff, self.first_backoff * 2.0 ** max(0, failures - 1))
