# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Base class of the collection's modules for AWS: finds, creates, updates and deletes an object.

A module describes its object in a subclass of `Resource`. `run()` compares the wanted settings with the current ones,
applies the difference (check mode only reports it), and exits the module with `changed` and `diff`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

try:
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError:  # AnsibleAWSModule reports the missing library
    pass

from ansible.module_utils.basic import env_fallback
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.tagging import (
    ansible_dict_to_boto3_tag_list,
    boto3_tag_list_to_ansible_dict,
)
from ansible_collections.teal.platform.plugins.module_utils import aws_statuses
from ansible_collections.teal.platform.plugins.module_utils.ignored_tags import without_tags

__all__ = [
    "COMMON_ARGUMENTS",
    "IGNORED_TAGS",
    "AnsibleAWSModule",
    "Resource",
    "ansible_dict_to_boto3_tag_list",
    "boto3_tag_list_to_ansible_dict",
    "key_not_usable_yet",
    "role_not_usable_yet",
]

#: Seconds for which an object may be degraded before a run fails: pods that move to new nodes degrade an add-on.
DEGRADED_TIMEOUT = 300.0
DELETE_FIRST = " AWS cannot repair it. Delete it first."

#: Patterns of the keys of tags that others set. platform_aws_environment sets the fallback.
IGNORED_TAGS: dict[str, Any] = {
    "type": "list",
    "elements": "str",
    "default": ["aws:*", "awsApplication"],
    "fallback": (env_fallback, ["TEAL_IGNORED_TAGS"]),
}
COMMON_ARGUMENTS: dict[str, dict] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "tags": {"type": "dict", "aliases": ["resource_tags"]},
    "purge_tags": {"type": "bool", "default": True},
    "ignored_tags": IGNORED_TAGS,
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 1800},
}


def role_not_usable_yet(error: dict[str, str]) -> bool:
    """Return whether a service rejected a role because IAM has not yet propagated the role or its policies."""
    return error["Code"] in ("InvalidParameterValueException", "InvalidParameterException") and any(
        text in error["Message"]
        for text in ("assumed", "does not have permissions to call CreateNetworkInterface")
    )


def key_not_usable_yet(error: dict[str, str]) -> bool:
    """Return whether a service was denied a KMS key because KMS may not yet apply its tags, grants or policy.

    KMS takes up to five minutes to apply the tags of a new key.
    """
    message = error["Message"]
    return "Access denied to KMS key" in message or (
        "authorized to perform" in message and "kms:" in message and "explicit deny" not in message
    )


class Resource:
    """One AWS object.

    Subclasses set `service` (boto3's client name) and `kind` (for messages), and implement
    `find`, `desired`, `current`, `create`, `delete`, and `update` if the object can be changed.
    """

    service: str
    kind: str
    #: keys of `desired()` that AWS cannot change after creation
    immutable: frozenset[str] = frozenset()
    #: keys of tags that are read even if they match the ignored patterns
    needed_tags: frozenset[str] = frozenset()
    #: key of `aws_statuses.STATUSES` for the object's statuses; empty if it has none
    status_kind: str = ""

    def __init__(self, module: AnsibleAWSModule, client: Any = None) -> None:
        """Use `client` if given (creating one takes 0.1 s), else create one for `service`."""
        self.module = module
        self.params: dict[str, Any] = module.params
        self.client = client or module.client(self.service)

    # -- implemented by subclasses -------------------------------------------------------------

    @property
    def name(self) -> str:
        """Name of the object in messages and diffs."""
        return self.params["name"]

    def find(self) -> dict | None:
        """Return the object as AWS describes it, or None."""
        raise NotImplementedError

    def desired(self) -> dict[str, Any]:
        """Return the wanted settings; None means that a setting is not managed."""
        raise NotImplementedError

    def current(self, found: dict) -> dict[str, Any]:
        """Return the current values of the keys of `desired`, read from the result of `find`."""
        raise NotImplementedError

    def create(self) -> dict:
        """Create the object, wait for it if `wait` is set, and return it as `find` would."""
        raise NotImplementedError

    def update(self, found: dict, changes: dict[str, Any]) -> dict:
        """Apply `changes` (key: wanted value) to the object, and return it as `find` would."""
        raise NotImplementedError

    def delete(self, found: dict) -> None:
        """Delete the object, and wait until it is deleted if `wait` is set."""
        raise NotImplementedError

    def describe(self, found: dict) -> dict[str, Any]:
        """Return the module's result about the object (its keys are merged into the result)."""
        return {self.kind: found}

    def leftovers(self) -> dict[str, Any]:
        """Return the module's result about leftovers of a deleted object, such as a snapshot."""
        return {}

    def status(self, found: dict) -> str | None:
        """Return the object's status as AWS reports it."""
        return found["status"]

    def issues(self, found: dict) -> str:
        """Return the problems that AWS reports, to append to a sentence; empty if there are none."""
        return ""

    def meaning(self, found: dict) -> str:
        """Return the meaning of the object's status (see `aws_statuses`)."""
        return (
            aws_statuses.meaning(self.status_kind, self.status(found))
            if self.status_kind
            else aws_statuses.READY
        )

    def is_ready(self, found: dict) -> bool:
        """Return whether the object is ready."""
        return self.meaning(found) == aws_statuses.READY

    def failure(self, found: dict | None) -> str | None:
        """Return why the object will not become ready by itself, or None."""
        if found is None or self.meaning(found) != aws_statuses.FAILED:
            return None
        status = self.status(found) or ""
        after = "" if self.repairable(found) or status.startswith("DELETE") else DELETE_FIRST
        return f"status {status}{self.issues(found)}.{after}"

    def repairable(self, found: dict) -> bool:
        """Return whether a change of settings may repair the failed object."""
        return aws_statuses.repairable(self.status_kind, self.status(found))

    def recovery_time(self, found: dict | None) -> float:
        """Return the seconds within which a failed object may recover by itself."""
        return DEGRADED_TIMEOUT if found and "DEGRADED" in str(self.failure(found)) else 0.0

    # -- for use by subclasses -----------------------------------------------------------------

    @property
    def ignored_tags(self) -> tuple[str, ...]:
        """Patterns of the keys of ignored tags. AWS's own (aws:*) cannot be changed."""
        patterns = self.params.get("ignored_tags")
        return () if patterns is None else ("aws:*", *patterns)

    def without_ignored_tags(self, answer: Any) -> Any:
        """Return a response of AWS without ignored tags, so that they are neither compared nor removed."""
        return without_tags(answer, self.ignored_tags, self.needed_tags) if self.ignored_tags else answer

    def wanted_tags(self, existing: dict[str, str]) -> dict[str, str] | None:
        """Return all tags that the object should have, or None if tags are not managed."""
        tags = self.params.get("tags")
        if tags is None:
            return None
        return dict(tags) if self.params.get("purge_tags", True) else {**existing, **tags}

    def call(
        self, operation: str, *, missing: Iterable[str] = (), client: Any = None, **arguments: Any
    ) -> Any:
        """Call `operation` (boto3's snake_case name).

        Returns None for error codes in `missing`, which mean that the object does not exist. Any other error
        fails the module with a message that names the AWS action and the object.
        """
        client = client or self.client
        if arguments.get("tags") == {}:  # EKS's model requires at least one tag
            del arguments["tags"]
        try:
            return self.without_ignored_tags(getattr(client, operation)(**arguments))
        except (ClientError, BotoCoreError) as error:
            if (getattr(error, "response", None) or {}).get("Error", {}).get("Code") in set(missing):
                return None
            self.fail_aws(error, client, operation)

    def call_with_retry(
        self,
        operation: str,
        transient: Callable[[dict[str, str]], bool],
        *,
        seconds: float = 60.0,
        missing: Iterable[str] = (),
        client: Any = None,
        **arguments: Any,
    ) -> Any:
        """Call `operation`, and retry for at most `seconds` while the error is `transient`.

        `transient` gets the error's `Code` and `Message`. For eventual consistency: AWS does not yet know a new object
        everywhere, or still counts a deleted one. `missing` is as for `call`.
        """
        client = client or self.client
        give_up = time.monotonic() + seconds
        pause = 0.5
        while True:
            try:
                return self.without_ignored_tags(getattr(client, operation)(**arguments))
            except ClientError as error:
                if error.response["Error"]["Code"] in set(missing):
                    return None
                if time.monotonic() > give_up or not transient(error.response["Error"]):
                    self.fail_aws(error, client, operation)
            except BotoCoreError as error:
                self.fail_aws(error, client, operation)
            time.sleep(pause)
            pause = min(5.0, pause * 1.5)

    def fail_aws(self, error: Exception, client: Any, operation: str) -> NoReturn:
        """Fail the module with a message that names the AWS action and the object."""
        action = client.meta.method_to_api_mapping.get(operation, operation)
        prefix = client.meta.service_model.signing_name
        self.module.fail_json_aws(error, msg=f"{prefix}:{action} failed for {self.kind} '{self.name}'")

    def pages(
        self, operation: str, key: str, *, missing: Iterable[str] = (), client: Any = None, **arguments: Any
    ) -> list:
        """Return all items under `key` from all pages of `operation`; none for error codes in `missing`."""
        client = client or self.client
        try:
            if not client.can_paginate(operation):
                answer = getattr(client, operation)(**arguments)
            else:
                answer = client.get_paginator(operation).paginate(**arguments).build_full_result()
            return self.without_ignored_tags(answer).get(key, [])
        except (ClientError, BotoCoreError) as error:
            if (getattr(error, "response", None) or {}).get("Error", {}).get("Code") in set(missing):
                return []
            self.fail_aws(error, client, operation)

    def wait_until(
        self,
        ready: Callable[[dict | None], bool],
        what: str,
        delay: float = 5.0,
        failure: Callable[[dict | None], str | None] = lambda found: None,
    ) -> dict | None:
        """Poll `find` until `ready(found)` is true, and return the object.

        Fails the module if `failure` returns a reason for longer than `recovery_time`, or after the module's
        `wait_timeout`. The pause between calls is a fortieth of the time waited so far, at most `delay` seconds.
        """
        started, limit = time.monotonic(), self.params.get("wait_timeout", 1800)
        failed_since: float | None = None
        while True:
            found = self.find()
            if ready(found):
                return found
            reason = failure(found)
            failed_since = (failed_since or time.monotonic()) if reason else None
            if failed_since and time.monotonic() - failed_since >= self.recovery_time(found):
                self.module.fail_json(
                    msg=f"{self.kind} '{self.name}' did not become {what}: {reason} "
                    "Fix the cause and run the same command again."
                )
            waited = time.monotonic() - started
            if waited > limit:
                last = f" ({self.status(found)}{self.issues(found)})" if found and self.status_kind else ""
                self.module.fail_json(
                    msg=f"{self.kind} '{self.name}' did not become {what} in {limit} s{last}. "
                    "AWS may still be working on it. Run the same command again to continue waiting."
                )
            time.sleep(min(delay, max(0.1, waited / 40)))

    def wait_listed(self) -> dict:
        """Wait until `find` finds the new object: AWS adds it to its lists with a delay."""
        return self.wait_until(lambda found: found is not None, "listed", delay=1.0)

    def wait_until_ready(self, found: dict | None = None) -> dict | None:
        """Wait, if `wait` is set, until the object is ready; return it, or None if it was deleted."""
        if not self.params.get("wait", True):
            return found or self.find()
        return self.wait_until(
            lambda now: now is None or self.is_ready(now),
            "ready",
            failure=lambda now: self.failure(now) if now else None,
        )

    def wait_until_deleted(self) -> None:
        """Wait, if `wait` is set, until the object is deleted."""
        if self.params.get("wait", True):
            self.wait_until(lambda found: found is None, "absent", failure=self.failure)

    def run(self) -> NoReturn:
        """Bring the object to the wanted state and exit the module."""
        found = self.find()
        if self.params.get("state", "present") == "absent":
            self._remove(found)
        # A run that was killed may have left a change in progress.
        found = self._wait_for_pending_change(found)
        desired = {key: value for key, value in self.desired().items() if value is not None}
        if found is None:
            self._finish(None, desired, None if self.module.check_mode else self.create())
        current = self.current(found)
        changes = {key: value for key, value in desired.items() if current.get(key) != value}
        fixed = sorted(self.immutable & changes.keys())
        if fixed:
            self.module.fail_json(
                msg=f"{self.kind} '{self.name}' exists, and AWS cannot change: "
                + ", ".join(f"{key} (is {current.get(key)!r}, wanted {changes[key]!r})" for key in fixed)
                + ". Restore the setting, or remove the component first."
            )
        before = {key: current.get(key) for key in desired}
        if changes and not self.module.check_mode:
            found = self.update(found, changes)
        elif self.failure(found) and not self.module.check_mode:
            found = self.wait_until_ready(found)
        self._finish(before, desired, found)

    def _wait_for_pending_change(self, found: dict | None) -> dict | None:
        """Wait until no change is in progress; fail the module if the object has failed and cannot be repaired."""
        if found is None or self.is_ready(found):
            return found
        reason = self.failure(found)
        if self.module.check_mode:
            if reason:
                self.module.warn(f"{self.kind} '{self.name}' is not ready: {reason}")
            return found
        if reason and self.repairable(found):
            return found
        if not self.params.get("wait", True):
            return found
        return self.wait_until(
            lambda now: (
                now is None or self.is_ready(now) or (bool(self.failure(now)) and self.repairable(now))
            ),
            "ready",
            failure=lambda now: self.failure(now) if now else None,
        )

    def _remove(self, found: dict | None) -> NoReturn:
        if found is None:
            self.module.exit_json(changed=False)
        if not self.module.check_mode:
            self.delete(found)
        self.module.exit_json(changed=True, diff=self._diff(self.current(found), {}), **self.leftovers())

    def _finish(self, before: dict | None, after: dict, found: dict | None) -> NoReturn:
        result = self.describe(found) if found is not None else {}
        self.module.exit_json(changed=before != after, diff=self._diff(before or {}, after), **result)

    def _diff(self, before: dict, after: dict) -> dict:
        return {
            "before_header": self.name,
            "after_header": self.name,
            "before": before,
            "after": after,
        }
