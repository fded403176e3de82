"""Fixtures of the release scenarios: STAGING on the emulator or on the user's cluster, one per file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal import user_cluster

from .cloud import Cloud


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    given = os.environ.get("SCENARIO_HOME")
    made = Cloud(Path(given) if given else tmp_path_factory.mktemp("cloud"))
    try:
        external = bool(made.config["kubernetes"]["external"])
        clear = [*made.words("destroy", confirm=made.environment), "--limit", "namespace"]
        if external and not given:
            made.run(*clear)
        made.run(*made.words("site"), *(user_cluster.LIMIT if external else ()))
        yield made
        if external and not given:
            made.run(*clear)
    finally:
        if not given:
            made.down()


@pytest.fixture
def clean(cloud: Cloud) -> Iterator[Cloud]:
    """Return the cloud. Check afterwards that it is unlocked, has no unfinished release and a healthy live slot."""
    cloud.messages()
    yield cloud
    status = cloud.status()
    assert sorted(status["weights"].values()) == [0, 100]
    assert not status["lock"]["held"]
    assert status["unfinished"] == ""
    live = status["slots"][status["live_slot"]]
    assert live["healthy"], live
    assert live["ready"] == live["wanted"] > 0, live
