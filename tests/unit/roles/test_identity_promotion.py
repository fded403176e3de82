"""A deploy reads what is live in the environment before, and nothing more of it."""

from __future__ import annotations

import pytest
from rendered_identity import Rendered


@pytest.fixture(scope="module")
def staging() -> Rendered:
    return Rendered("staging")


def may(rendered: Rendered, action: str, environment: str, role: str = "deploy") -> bool:
    table = rendered.arn("dynamodb", f"table/assistant-{environment}-releases")
    return rendered.may(role, f"dynamodb:{action}", table, **{"aws:ResourceTag/Environment": environment})


@pytest.mark.parametrize("action", ["GetItem", "Query"])
def test_the_records_of_the_environment_before_are_read(staging: Rendered, action: str) -> None:
    assert may(staging, action, "test")
    assert may(staging, action, "staging")
    assert not may(staging, action, "production")


@pytest.mark.parametrize("action", ["PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "DeleteTable"])
@pytest.mark.parametrize("role", ["deploy", "provision", "qa"])
def test_they_are_not_written(staging: Rendered, action: str, role: str) -> None:
    assert not may(staging, action, "test", role)


def test_the_first_environment_reads_its_own_alone() -> None:
    test = Rendered("test")
    assert may(test, "Query", "test")
    assert not may(test, "Query", "staging")
    assert not may(test, "Query", "production")
