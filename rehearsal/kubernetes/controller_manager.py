"""The controller manager: queues changed objects and runs the controllers on them, one object at a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from rehearsal.kubernetes.cluster_state import ClusterState
from rehearsal.kubernetes.controller import Controller
from rehearsal.kubernetes.errors import ApiError
from rehearsal.kubernetes.store import Event, Key

log = logging.getLogger(__name__)
BATCH = 20
RETRY_SECONDS = 0.5


class ControllerManager:
    """A queue of (controller, key) without duplicates, processed in batches in the event loop."""

    def __init__(self, cluster: ClusterState, controllers: Iterable[type[Controller]]) -> None:
        self._loop = asyncio.get_running_loop()
        self.controllers = [c(cluster) for c in controllers]
        self._queue: dict[tuple[Controller, Key], None] = {}
        self._timers: dict[tuple[Controller, Key], asyncio.TimerHandle] = {}
        self._scheduled = False
        self._stop = cluster.store.listen(self._on_change)

    def close(self) -> None:
        self._stop()
        self._queue.clear()
        for timer in self._timers.values():
            timer.cancel()

    @property
    def idle(self) -> bool:
        """Whether no object waits for a controller."""
        return not self._queue and not self._scheduled

    def _on_change(self, event: Event) -> None:
        for controller in self.controllers:
            for key in controller.affected(event):
                self._enqueue(controller, key)

    def _enqueue(self, controller: Controller, key: Key) -> None:
        self._queue[(controller, key)] = None
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._work)

    def _work(self) -> None:
        self._scheduled = False
        for item in list(self._queue)[:BATCH]:
            self._queue.pop(item, None)
            self._sync(*item)
        if self._queue and not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._work)

    def _sync(self, controller: Controller, key: Key) -> None:
        if timer := self._timers.pop((controller, key), None):
            timer.cancel()
        try:
            again = controller.sync(key)
        except ApiError as e:
            log.warning("%s %s: %s", type(controller).__name__, "/".join(key), e)
            again = RETRY_SECONDS
        except Exception:
            log.exception("%s %s", type(controller).__name__, "/".join(key))
            again = None
        if again is not None:
            self._timers[(controller, key)] = self._loop.call_later(again, self._enqueue, controller, key)
