"""Label and field selectors."""

from __future__ import annotations

import pytest

from rehearsal.kubernetes import selectors
from rehearsal.kubernetes.errors import ApiError

OBJECT = {
    "metadata": {"name": "x", "labels": {"app": "a", "slot": "blue", "example.org/tier": "web"}},
    "status": {"phase": "Running"},
    "spec": {"paused": True},
}


@pytest.mark.parametrize(
    ("text", "selected"),
    [
        ("", True),
        ("app=a", True),
        ("app==a,slot=blue", True),
        ("app=b", False),
        ("slot!=green", True),
        ("none!=x", True),
        ("slot in (blue, green)", True),
        ("slot notin (blue,green)", False),
        ("slot in (green),app=a", False),
        ("app", True),
        ("!app", False),
        ("!none", True),
        ("example.org/tier=web", True),
    ],
)
def test_labels(text: str, selected: bool) -> None:
    assert selectors.by_labels(text)(OBJECT) is selected


@pytest.mark.parametrize(
    ("text", "selected"),
    [
        ("metadata.name=x", True),
        ("metadata.name!=x", False),
        ("status.phase!=Failed,status.phase!=Succeeded", True),
        ("spec.nodeName=", True),
        ("spec.paused=true", True),
    ],
)
def test_fields(text: str, selected: bool) -> None:
    assert selectors.by_fields(text)(OBJECT) is selected


@pytest.mark.parametrize("text", ["app in blue", "a=b=c", "a b"])
def test_invalid_selectors_are_refused(text: str) -> None:
    with pytest.raises(ApiError) as refused:
        selectors.by_labels(text)
    assert refused.value.code == 400


def test_selector_objects_equal_their_text() -> None:
    selector = {
        "matchLabels": {"app": "a"},
        "matchExpressions": [
            {"key": "slot", "operator": "In", "values": ["blue", "green"]},
            {"key": "none", "operator": "DoesNotExist"},
            {"key": "app", "operator": "Exists"},
        ],
    }
    labels = OBJECT["metadata"]["labels"]  # type: ignore[index]
    assert selectors.matches(selector, labels)
    assert selectors.by_labels(selectors.as_text(selector))(OBJECT)
    assert not selectors.matches(selector | {"matchLabels": {"app": "b"}}, labels)
    assert selectors.matches({}, labels), "an empty LabelSelector selects all"
    assert not selectors.subset({}, labels), "an empty selector of a Service selects nothing"
