"""How long a resource takes to be made: moto has everything at once, AWS has not."""

from __future__ import annotations

import time


class Pending:
    """Says whether what was begun now is still being made."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    def still(self) -> bool:
        """Whether its time has not yet passed."""
        return time.monotonic() < self._until
