"""An AWS of their own: what these tests create stays for the next case, and would be in the way of other tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support import rehearsed_aws


@pytest.fixture(scope="session")
def _rehearsed_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with rehearsed_aws(tmp_path_factory.mktemp("drift")) as url:
        yield url
