"""How scenarios share the machine: those of one module share its clouds and follow each other, others run beside."""

from __future__ import annotations

import pytest

#: Whose tests each have a cloud of their own.
APART = {"test_molecule", "test_least_privilege"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        module = item.path.stem
        if module not in APART:
            item.add_marker(pytest.mark.xdist_group(module))
