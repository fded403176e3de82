# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The one way in which this collection's modules find, make, change and remove an AWS object.

A module describes its object in a subclass of `Resource`; `run()` compares what is wanted with
what stands, acts (or, in check mode, tells), and leaves the module with `changed` and `diff`.
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

#: For how many seconds an object may be degraded before a run fails: pods that move to new nodes degrade an add-on.
DEGRADED_FOR = 300.0
OVER = " AWS does not recover it: delete it first."

#: Patterns of the keys of tags that others set. The fallback is what platform_aws_environment sets.
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
    """Return whether an error of AWS tells that a service does not know a role, or its rights, that was just made."""
    return error["Code"] in ("InvalidParameterValueException", "InvalidParameterException") and any(
        told in error["Message"]
        for told in ("assumed", "does not have permissions to call CreateNetworkInterface")
    )


def key_not_usable_yet(error: dict[str, str]) -> bool:
    """Return whether a service was refused a KMS key whose tags, grants or policy KMS may not apply yet.

    KMS takes up to five minutes for the tags of a new key.
    """
    message = error["Message"]
    return "Access denied to KMS key" in message or (
        "authorized to perform" in message and "kms:" in message and "explicit deny" not in message
    )


class Resource:
    """One AWS object.

    Subclasses set `service` (boto3's client name) and `kind` (for messages), and implement
    `find`, `desired`, `current`, `create`, `delete`, and `update` if anything can be changed.
    """

    service: str
    kind: str
    #: keys of `desired()` that AWS cannot change after creation
    immutable: frozenset[str] = frozenset()
    #: keys of tags that are looked at, although they may be others'
    needed_tags: frozenset[str] = frozenset()
    #: under what `aws_statuses.STATUSES` sorts the object's statuses; empty if it has none
    status_kind: str = ""

    def __init__(self, module: AnsibleAWSModule, client: Any = None) -> None:
        """Use `client` if given (making one takes 0.1 s), else make one of `service`."""
        self.module = module
        self.params: dict[str, Any] = module.params
        self.client = client or module.client(self.service)

    # -- what a subclass says ------------------------------------------------------------------

    @property
    def name(self) -> str:
        """What messages and diffs call this object."""
        return self.params["name"]

    def find(self) -> dict | None:
        """Return the object as AWS describes it, or None."""
        raise NotImplementedError

    def desired(self) -> dict[str, Any]:
        """Return the wanted settings; a key whose value is None is not managed."""
        raise NotImplementedError

    def current(self, found: dict) -> dict[str, Any]:
        """Return the same keys as `desired`, read from what `find` returned."""
        raise NotImplementedError

    def create(self) -> dict:
        """Make the object, wait for it if asked, and return it as `find` would."""
        raise NotImplementedError

    def update(self, found: dict, changes: dict[str, Any]) -> dict:
        """Apply `changes` (key: wanted value) to the object, and return it as `find` would."""
        raise NotImplementedError

    def delete(self, found: dict) -> None:
        """Remove the object, and wait until it is gone if asked."""
        raise NotImplementedError

    def describe(self, found: dict) -> dict[str, Any]:
        """Return what the module returns about the object (keys are merged into the result)."""
        return {self.kind: found}

    def leftovers(self) -> dict[str, Any]:
        """Return what the module returns about what is kept of an object that it removed."""
        return {}

    def status(self, found: dict) -> str | None:
        """Return the object's status as AWS gives it."""
        return found["status"]

    def issues(self, found: dict) -> str:
        """Return what AWS says is wrong with the object, to follow a sentence; empty if nothing is."""
        return ""

    def meaning(self, found: dict) -> str:
        """Return what the object's status means (see `statuses`)."""
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
        after = "" if self.repairable(found) or status.startswith("DELETE") else OVER
        return f"it is {status}{self.issues(found)}.{after}"

    def repairable(self, found: dict) -> bool:
        """Return whether a change may repair the object, which has failed."""
        return aws_statuses.repairable(self.status_kind, self.status(found))

    def recovery_time(self, found: dict | None) -> float:
        """Return for how many seconds an object that has failed may recover by itself."""
        return DEGRADED_FOR if found and "DEGRADED" in str(self.failure(found)) else 0.0

    # -- what it gets --------------------------------------------------------------------------

    @property
    def ignored_tags(self) -> tuple[str, ...]:
        """Patterns of the keys of tags that are others'. AWS's own cannot be changed at all."""
        patterns = self.params.get("ignored_tags")
        return () if patterns is None else ("aws:*", *patterns)

    def without_ignored_tags(self, answer: Any) -> Any:
        """Return an answer of AWS without the tags of others, so that none is compared nor removed."""
        return without_tags(answer, self.ignored_tags, self.needed_tags) if self.ignored_tags else answer

    def wanted_tags(self, existing: dict[str, str]) -> dict[str, str] | None:
        """Return all tags the object should have, or None if tags are not managed."""
        tags = self.params.get("tags")
        if tags is None:
            return None
        return dict(tags) if self.params.get("purge_tags", True) else {**existing, **tags}

    def call(
        self, operation: str, *, missing: Iterable[str] = (), client: Any = None, **arguments: Any
    ) -> Any:
        """Call `operation` (boto3's snake_case name).

        Error codes in `missing` mean "there is no such object": None is returned. Anything else
        ends the module with a message that names the AWS action and the object.
        """
        client = client or self.client
        if arguments.get("tags") == {}:  # EKS's model asks for one tag at least
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
        passing: Callable[[dict[str, str]], bool],
        *,
        seconds: float = 60.0,
        missing: Iterable[str] = (),
        client: Any = None,
        **arguments: Any,
    ) -> Any:
        """Call `operation` again for at most `seconds` while `passing` says of AWS's error that it will pass.

        `passing` gets the error's `Code` and `Message`. For what AWS has made and doesn't know everywhere yet, or has
        removed and still counts. `missing` is as for `call`.
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
                if time.monotonic() > give_up or not passing(error.response["Error"]):
                    self.fail_aws(error, client, operation)
            except BotoCoreError as error:
                self.fail_aws(error, client, operation)
            time.sleep(pause)
            pause = min(5.0, pause * 1.5)

    def fail_aws(self, error: Exception, client: Any, operation: str) -> NoReturn:
        """End the module: name the AWS action that failed, and for which object."""
        action = client.meta.method_to_api_mapping.get(operation, operation)
        prefix = client.meta.service_model.signing_name
        self.module.fail_json_aws(error, msg=f"{prefix}:{action} failed for {self.kind} '{self.name}'")

    def pages(
        self, operation: str, key: str, *, missing: Iterable[str] = (), client: Any = None, **arguments: Any
    ) -> list:
        """Return all items under `key` over all pages of `operation`; none for error codes in `missing`."""
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
        """Poll `find` until `ready` says so and return what it found.

        `failure` may return the reason why waiting longer is useless; `recovery_time` says for how long that is doubted.
        The pause is a fortieth of the time waited so far, at most `delay` seconds; it gives up after the module's
        `wait_timeout`.
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
                    "Fix the cause and run this again."
                )
            waited = time.monotonic() - started
            if waited > limit:
                last = f" ({self.status(found)}{self.issues(found)})" if found and self.status_kind else ""
                self.module.fail_json(
                    msg=f"{self.kind} '{self.name}' did not become {what} in {limit} s{last}. "
                    "AWS may still be at it: run this again, and it goes on waiting."
                )
            time.sleep(min(delay, max(0.1, waited / 40)))

    def wait_listed(self) -> dict:
        """Wait until `find` finds what was just made: AWS completes its lists a little later."""
        return self.wait_until(lambda found: found is not None, "listed", delay=1.0)

    def wait_until_ready(self, found: dict | None = None) -> dict | None:
        """Wait, if asked to, until AWS is done with the object; return it, or None if it is gone."""
        if not self.params.get("wait", True):
            return found or self.find()
        return self.wait_until(
            lambda now: now is None or self.is_ready(now),
            "ready",
            failure=lambda now: self.failure(now) if now else None,
        )

    def wait_until_deleted(self) -> None:
        """Wait, if asked to, until the object is gone."""
        if self.params.get("wait", True):
            self.wait_until(lambda found: found is None, "absent", failure=self.failure)

    def run(self) -> NoReturn:
        """Bring the object to the wanted state and leave the module."""
        found = self.find()
        if self.params.get("state", "present") == "absent":
            self._remove(found)
        # An earlier run that was killed may have left it halfway.
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
                + ". Set it back, or take the component away first."
            )
        before = {key: current.get(key) for key in desired}
        if changes and not self.module.check_mode:
            found = self.update(found, changes)
        elif self.failure(found) and not self.module.check_mode:
            found = self.wait_until_ready(found)
        self._finish(before, desired, found)

    def _wait_for_pending_change(self, found: dict | None) -> dict | None:
        """Wait until AWS is no longer at work on the object; end the module if no change could repair it."""
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
