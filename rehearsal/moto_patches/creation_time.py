"""The creation time of a resource. On AWS, resources need minutes; in moto they exist at once."""

from __future__ import annotations

import time


class Pending:
    """A creation that started now and takes a number of seconds."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    def still(self) -> bool:
        """Return whether the creation is still in progress."""
        return time.monotonic() < self._until
