# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Base classes of modules that manage a set of AWS objects in one process.

A loop over a module starts a process per object, and does not remove objects that are no longer declared. A
`ResourceSet` compares all objects by key at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn

from ansible_collections.teal.platform.plugins.module_utils.resource import (
    AnsibleAWSModule,
    Resource,
    ansible_dict_to_boto3_tag_list,
    boto3_tag_list_to_ansible_dict,
)

#: Error codes for an object that is still in use. Load balancers release interfaces and certificates late.
IN_USE = ("DependencyViolation", "ResourceInUse", "ResourceInUseException")


class ResourceSet(Resource):
    """Objects of one kind by key. The key of an object is the same in every run.

    Subclasses implement `find_all`, `settings`, `create_one`, `update_one` and `delete_one`. Settings are flat dicts.
    AWS cannot change the settings in `fixed` after creation.
    """

    fixed: frozenset[str] = frozenset()

    def __init__(self, module: AnsibleAWSModule, client: Any = None) -> None:
        super().__init__(module, client)
        self.before: dict[str, dict] = {}
        self.after: dict[str, dict] = {}
        self._existing: dict[str, dict] = {}
        self._at = ""

    @property
    def name(self) -> str:
        return self._at

    def find_all(self) -> dict[str, dict]:
        """Return the existing objects by key."""
        raise NotImplementedError

    def settings(self, found: dict) -> dict[str, Any]:
        """Return the settings of an object, with the same keys as the wanted settings."""
        raise NotImplementedError

    def create_one(self, key: str, want: dict[str, Any]) -> dict:
        raise NotImplementedError

    def update_one(self, key: str, found: dict, want: dict[str, Any]) -> dict:
        raise NotImplementedError

    def delete_one(self, key: str, found: dict) -> None:
        raise NotImplementedError

    def ensure(self, wanted: dict[str, dict[str, Any]]) -> dict[str, dict]:
        """Create and update the wanted objects, and return them by key. `purge` removes the others.

        Changes nothing in check mode; objects that do not exist are then missing from the result.
        """
        self._existing = self.find_all()
        self.before = {key: self.settings(found) for key, found in self._existing.items()}
        self.after = wanted
        for key in self._existing.keys() & wanted.keys():
            self._refuse_fixed(key, wanted[key])
        result = {}
        for key, want in wanted.items():
            self._at = key
            found = self._existing.get(key)
            if self.module.check_mode or self.before.get(key) == want:
                if found:
                    result[key] = found
            elif found:
                result[key] = self.update_one(key, found, want)
            else:
                result[key] = self.create_one(key, want)
        return result

    def purge(self) -> None:
        """Delete the objects that `ensure` found and that are not wanted."""
        for key in sorted(self._existing.keys() - self.after.keys()):
            self._at = key
            if not self.module.check_mode:
                self.delete_one(key, self._existing[key])

    def _refuse_fixed(self, key: str, want: dict[str, Any]) -> None:
        have = self.before[key]
        changes = [
            f"{name} (is {have.get(name)!r}, wanted {want.get(name)!r})"
            for name in sorted(self.fixed)
            if have.get(name) != want.get(name)
        ]
        if changes:
            self.module.fail_json(
                msg=f"{self.kind} '{key}' exists, and AWS cannot change: {', '.join(changes)}. "
                "Choose another name, or delete it first."
            )

    def delete_when_free(
        self,
        operation: str,
        *,
        gone: Iterable[str] = (),
        **arguments: Any,
    ) -> None:
        """Call `operation`, and retry for at most `wait_timeout` seconds while the object is in use.

        Error codes in `gone` mean that the object does not exist.
        """
        self.call_with_retry(
            operation,
            lambda error: error["Code"] in IN_USE,
            seconds=self.params["wait_timeout"],
            missing=gone,
            **arguments,
        )


class EC2Set(ResourceSet):
    """EC2 objects of one VPC, by their tag `Name`."""

    service = "ec2"
    id_key: str

    def by_name(self, items: list[dict]) -> dict[str, dict]:
        """Return `items` by their `Name` tag, or by their ID without one."""
        return {self.tags_of(item).get("Name", item[self.id_key]): item for item in items}

    def in_vpc(self, operation: str, key: str, filter_name: str = "vpc-id", **more: Any) -> list[dict]:
        """Return the objects of the module's VPC."""
        filters = [{"Name": filter_name, "Values": [self.params["vpc_id"]]}]
        return self.pages(operation, key, Filters=[*filters, *more.pop("Filters", [])], **more)

    @staticmethod
    def tags_of(found: dict) -> dict[str, str]:
        tags = boto3_tag_list_to_ansible_dict(found.get("Tags") or [])
        return {key: value for key, value in tags.items() if not key.startswith("aws:")}

    def call_when_visible(self, operation: str, **arguments: Any) -> Any:
        """Call `operation` on a new object, and retry while EC2 does not yet know its ID."""
        return self.call_with_retry(
            operation, lambda error: error["Code"].endswith("NotFound"), seconds=7.5, **arguments
        )

    def specification(self, kind: str, tags: dict[str, str]) -> list[dict]:
        """Return TagSpecifications, so that an object is created with its tags."""
        return [{"ResourceType": kind, "Tags": ansible_dict_to_boto3_tag_list(tags)}]

    def sync_tags(self, found: dict, want: dict[str, str]) -> None:
        """Change the tags of an object to `want`."""
        have = self.tags_of(found)
        identifier = [found[self.id_key]]
        extra = [{"Key": key} for key in have.keys() - want.keys()]
        if extra:
            self.call("delete_tags", Resources=identifier, Tags=extra)
        missing = {key: value for key, value in want.items() if have.get(key) != value}
        if missing:
            self.call("create_tags", Resources=identifier, Tags=ansible_dict_to_boto3_tag_list(missing))


def finish(module: AnsibleAWSModule, sets: dict[str, ResourceSet], **result: Any) -> NoReturn:
    """Exit the module with the changes of all `sets` as one diff."""
    before = {name: entry.before for name, entry in sets.items()}
    after = {name: entry.after for name, entry in sets.items()}
    module.exit_json(changed=before != after, diff={"before": before, "after": after}, **result)
