# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Age of machine images. Only a newer image patches a machine."""

from __future__ import annotations

import re
from datetime import UTC, datetime


def release_date(release: str | None) -> datetime | None:
    """Return the date at the end of the release version of an EKS image, such as 1.35.1-20261101; None without one."""
    found = re.search(r"-(\d{8})$", release or "")
    if not found:
        return None
    try:
        return datetime.strptime(found[1], "%Y%m%d").replace(tzinfo=UTC)
    except ValueError:
        return None


def days_since(moment: datetime, now: datetime | None = None) -> int:
    """Return the number of whole days since `moment`."""
    return ((now or datetime.now(UTC)) - moment).days


def age_warning(
    what: str, image: str, days: int | None, allowed: int, setting: str, patch: str
) -> str | None:
    """Return a warning if an image is older than `allowed` days; 0 allows any age."""
    if not allowed or days is None or days <= allowed:
        return None
    return (
        f"{what}: the image {image} is {days} days old ({setting}: {allowed}). It is not patched automatically. "
        f"{patch}; see docs/operations.md, Patch nodes and bastion."
    )
