# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Base classes of the collection's modules for EKS."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils import aws_statuses
from ansible_collections.teal.platform.plugins.module_utils.resource import Resource, key_not_usable_yet

#: Seconds until KMS applies the tags of a new key (5 min), with a margin.
KEY_USABLE = 330
NO_CLUSTER = ("ResourceNotFoundException",)


class EksResource(Resource):
    """An object of EKS that has a `status`, `health` and tags."""

    service = "eks"

    @cached_property
    def ec2(self) -> Any:
        return self.module.client("ec2")

    def issues(self, found: dict) -> str:
        """Return the problems that EKS reports (`health.issues`), to append to a sentence; empty if there are none."""
        return "".join(
            f"; {issue.get('code')}: {issue.get('message', 'no message')}"
            + (f" ({', '.join(issue['resourceIds'])})" if issue.get("resourceIds") else "")
            for issue in (found.get("health") or {}).get("issues", [])
        )

    def step(self, operation: str, of: dict[str, str], **arguments: Any) -> None:
        """Start an update and wait for its end. `of` identifies the updated object for DescribeUpdate."""
        update = self.call_with_retry(operation, key_not_usable_yet, seconds=KEY_USABLE, **arguments)[
            "update"
        ]
        if not self.params["wait"]:
            return

        def refresh() -> dict:
            nonlocal update
            update = self.call("describe_update", updateId=update["id"], **of)["update"]
            return update

        def failed(_found: Any) -> str | None:
            if aws_statuses.meaning("EKS update", update["status"]) != aws_statuses.FAILED:
                return None
            reasons = [
                f"{error.get('errorCode')}: {error.get('errorMessage')}" for error in update.get("errors", [])
            ]
            return f"update {update['type']}: {update['status']}; {'; '.join(reasons)}{self.issues(_found or {})}."

        self.wait_until(
            lambda _found: aws_statuses.meaning("EKS update", refresh()["status"]) == aws_statuses.READY,
            f"updated ({update['type']})",
            failure=failed,
        )
        self.wait_until_ready()

    def change_tags(self, arn: str, old: dict[str, str], new: dict[str, str]) -> None:
        """Change the tags of the object `arn` from `old` to `new`."""
        gone = sorted(old.keys() - new.keys())
        if gone:
            self.call("untag_resource", resourceArn=arn, tagKeys=gone)
        added = {key: value for key, value in new.items() if old.get(key) != value}
        if added:
            self.call("tag_resource", resourceArn=arn, tags=added)


class ClusterSet(EksResource):
    """All objects of one kind in a cluster.

    An object that is not wanted is removed if it has the same ManagedBy tag, and left alone otherwise. Subclasses
    implement `wanted`, `keys`, `read`, `settings`, `add`, `change` and `drop`.
    """

    @property
    def name(self) -> str:
        return self.params["cluster"]

    def wanted(self) -> dict[Any, dict[str, Any]]:
        """Return the wanted settings (without tags) by key; None means that a setting is not managed."""
        raise NotImplementedError

    def keys(self) -> list:
        """Return the keys of all existing objects."""
        raise NotImplementedError

    def read(self, key: Any) -> dict | None:
        """Return the object as AWS describes it, or None."""
        raise NotImplementedError

    def settings(self, found: dict) -> dict[str, Any]:
        """Return the settings of an object, with the same keys as in `wanted`."""
        raise NotImplementedError

    def add(self, key: Any, wanted: dict[str, Any]) -> None:
        """Create an object; `wanted` has its settings and tags."""
        raise NotImplementedError

    def change(self, key: Any, found: dict, wanted: dict[str, Any]) -> None:
        """Change the settings of an object, not its tags."""
        raise NotImplementedError

    def drop(self, key: Any, found: dict) -> None:
        """Delete an object."""
        raise NotImplementedError

    def arn(self, found: dict) -> str:
        """Return the ARN of an object."""
        raise NotImplementedError

    def find(self) -> dict | None:
        wanted = self.wanted()
        members = {key: self.read(key) for key in self.keys()}
        self.found = {
            key: found for key, found in members.items() if found and (key in wanted or self._ours(found))
        }
        return self.found if self.found or self.params["state"] == "present" else None

    def _ours(self, found: dict) -> bool:
        manager = (self.params["tags"] or {}).get("ManagedBy")
        return bool(manager) and found.get("tags", {}).get("ManagedBy") == manager

    def current(self, found: dict) -> dict[str, Any]:
        return {
            str(key): {**self.settings(member), "tags": member.get("tags", {})}
            for key, member in found.items()
        }

    def desired(self) -> dict[str, Any]:
        settings: dict[str, Any] = {str(key): {} for key in self.found}  # {}: not wanted
        for key, wanted in self.wanted().items():
            member = self.found.get(key)
            is_now = self.settings(member) if member else {}
            old_tags = member.get("tags", {}) if member else {}
            tags = self.wanted_tags(old_tags)
            settings[str(key)] = {
                **{name: is_now.get(name) if value is None else value for name, value in wanted.items()},
                "tags": old_tags if tags is None else tags,
            }
        return settings

    def create(self) -> dict:
        return self.update({}, self.desired())

    def update(self, found: dict, changes: dict[str, Any]) -> dict:
        for key in [*found, *(key for key in self.wanted() if key not in found)]:
            if str(key) not in changes:
                continue
            wanted, member = changes[str(key)], found.get(key)
            if not wanted:
                self.drop(key, member)
            elif member is None:
                self.add(key, wanted)
            else:
                if any(wanted[name] != value for name, value in self.settings(member).items()):
                    self.change(key, member, wanted)
                self.change_tags(self.arn(member), member.get("tags", {}), wanted["tags"])
        return self.wait_until_ready() or {}

    def delete(self, found: dict) -> None:
        for key, member in found.items():
            self.drop(key, member)
        self.wait_until_deleted()

    def describe(self, found: dict) -> dict[str, Any]:
        return {self.kind: {str(key): member for key, member in found.items()}}
