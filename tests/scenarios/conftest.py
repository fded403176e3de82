"""How scenarios share the machine: those of one module share its clouds and follow each other, others run beside."""

from __future__ import annotations

import pytest

#: Whose tests each have a cloud of their own.
APART = {"test_molecule", "test_least_privilege"}


def pytest_itemcollected(item: pytest.Item) -> None:
    if item.path.stem not in APART:
        item.add_marker(pytest.mark.xdist_group(item.path.stem))
