"""The filter foreign_tags: the tags that an upstream module must get, so that it does not remove them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.teal.platform.plugins.filter.foreign_tags import foreign_tags

TAGS = {
    "Application": "shop",
    "awsApplication": "arn:x",
    "aws:cloudformation:stack-name": "x",
    "CostCenter": "1",
}


@pytest.mark.parametrize(
    ("patterns", "kept"),
    [
        (["aws:*", "awsApplication"], {"awsApplication"}),
        (["Cost*"], {"CostCenter"}),
        (["cost*"], set()),
        (["*"], {"Application", "awsApplication", "CostCenter"}),
        ([], set()),
    ],
)
def test_tags_by_pattern(patterns: list[str], kept: set[str]) -> None:
    assert foreign_tags(TAGS, patterns) == {key: TAGS[key] for key in kept}


@pytest.mark.parametrize("tags", [{}, None])
def test_a_resource_that_does_not_exist(tags: Any) -> None:
    assert foreign_tags(tags, ["*"]) == {}
