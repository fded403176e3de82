"""A deploy may read the live release of the source environment, and nothing else there."""

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
def test_records_of_the_source_environment_are_readable(staging: Rendered, action: str) -> None:
    assert may(staging, action, "test")
    assert may(staging, action, "staging")
    assert not may(staging, action, "production")


@pytest.mark.parametrize("action", ["PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "DeleteTable"])
@pytest.mark.parametrize("role", ["deploy", "provision", "qa"])
def test_records_of_the_source_environment_are_not_writable(
    staging: Rendered, action: str, role: str
) -> None:
    assert not may(staging, action, "test", role)


def test_first_environment_reads_only_its_own_records() -> None:
    test = Rendered("test")
    assert may(test, "Query", "test")
    assert not may(test, "Query", "staging")
    assert not may(test, "Query", "production")
