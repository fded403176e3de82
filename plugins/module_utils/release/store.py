# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The lock and the history of an environment's releases, in one DynamoDB table.

| scope   | id                  | what                                                             |
|---------|---------------------|------------------------------------------------------------------|
| lock    | lock                | generation, and who holds the lease, for what, since when        |
| release | 8 digits            | one release: its state, its events, its image and its outcome    |
| slot    | blue, green         | which release is in the slot, and whether it is up               |
| trace   | 8 digits            | from whom a lock was taken, by whom and why                      |

A release's id is the generation of the lease under which it began, so the order of the history does not depend on clocks.
Every write is one transaction with a condition on the lock, so a run that lost the lock cannot write.

A text for people, such as the reason of a failure, is stored in English under its key. Its message id and parameters are
beside it, under the key with `_i18n` at its end. They are missing in records of older versions.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterable
from typing import Any

try:
    from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError:  # AnsibleAWSModule reports the missing library
    pass

from ansible_collections.teal.platform.plugins.module_utils.messages.message import with_ids, with_messages
from ansible_collections.teal.platform.plugins.module_utils.release.clock import Clock, iso
from ansible_collections.teal.platform.plugins.module_utils.release.states import TERMINAL, State

PARTITION, SORT = "scope", "id"
LOCK = {PARTITION: "lock", SORT: "lock"}
_RETRIED = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
_ATTEMPTS = 8


class StoreError(Exception):
    """The table could not be read or written. The message names the action and the table."""


class Conflict(Exception):
    """A record was changed by another run after it was read."""


def release_id(generation: int) -> str:
    """Return the id of the release of a generation."""
    return f"{generation:08d}"


def label(identity: str) -> str:
    """Return a release's id as people write it, e.g. `r42`."""
    return f"r{int(identity)}"


class Store:
    """Reads and writes the table. Methods raise StoreError.

    Items are dicts. Their numbers are ints, and their texts for people are messages.
    """

    def __init__(self, client: Any, table: str, clock: Clock | None = None) -> None:
        self.client = client
        self.table = table
        self.clock = clock or Clock()
        self._pack = TypeSerializer().serialize
        self._unpack = TypeDeserializer().deserialize

    # -- reading ---------------------------------------------------------------------------------

    def item(self, scope: str, identity: str) -> dict[str, Any] | None:
        """Return one item by a consistent read, or None."""
        key = {PARTITION: self._pack(scope), SORT: self._pack(identity)}
        answer = self._call("get_item", TableName=self.table, Key=key, ConsistentRead=True)
        return self._plain(answer["Item"]) if "Item" in answer else None

    def lock(self) -> dict[str, Any]:
        """Return the lock. Before the first release it is free, with generation 0."""
        return self.item("lock", "lock") or {**LOCK, "generation": 0, "holder": "", "beat": ""}

    def release(self, identity: str) -> dict[str, Any] | None:
        """Return the record of a release by its id, or None."""
        return self.item("release", identity)

    def slots(self) -> dict[str, dict[str, Any]]:
        """Return the record of each slot. A slot that was never used is missing."""
        return {slot["id"]: slot for slot in self._query("slot")}

    def history(self, limit: int = 10) -> list[dict[str, Any]]:
        """Return the latest releases, newest first."""
        return self._query("release", limit)

    def traces(self, limit: int = 10) -> list[dict[str, Any]]:
        """Return the latest records of locks that were taken from their holders, newest first."""
        return self._query("trace", limit)

    def unfinished(self, lock: dict[str, Any]) -> dict[str, Any] | None:
        """Return the release of `lock` if it is not in a final state, else None."""
        last = self.release(lock["release"]) if lock.get("release") else None
        return last if last and last["state"] not in TERMINAL else None

    def _query(self, scope: str, limit: int | None = None) -> list[dict[str, Any]]:
        request: dict[str, Any] = {
            "TableName": self.table,
            "KeyConditionExpression": "#scope = :scope",
            "ExpressionAttributeNames": {"#scope": PARTITION},
            "ExpressionAttributeValues": {":scope": self._pack(scope)},
            "ConsistentRead": True,
            "ScanIndexForward": False,
        }
        if limit:
            request["Limit"] = limit
        items: list[dict[str, Any]] = []
        while True:
            answer = self._call("query", **request)
            items += [self._plain(item) for item in answer["Items"]]
            if not answer.get("LastEvaluatedKey") or (limit and len(items) >= limit):
                return items[:limit]
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    # -- writing: parts of a transaction -----------------------------------------------------------

    def acquire_lock(
        self, seen: dict[str, Any], holder: dict[str, Any], seconds: float, **more: Any
    ) -> dict[str, Any]:
        """Return the part that acquires the lock for `holder`, on the condition that it still is as it was `seen`.

        `seconds` is the length of the lease, `more` are further attributes.
        """
        now = self.clock.wall()
        values = {
            **{key: value for key, value in seen.items() if key == "release"},
            **holder,
            "generation": seen["generation"] + 1,
            "since": iso(now),
            **self._beat(seconds),
            **more,
        }
        if not seen["generation"]:
            return self.put({**LOCK, **values}, "attribute_not_exists(#scope)", {"#scope": PARTITION})
        return self.put(
            {**LOCK, **values},
            "#g = :seen_g AND #b = :seen_b",
            {"#g": "generation", "#b": "beat"},
            {":seen_g": seen["generation"], ":seen_b": seen["beat"]},
        )

    def renew_lock(self, holder: str, generation: int, seconds: float, **more: Any) -> dict[str, Any]:
        """Return the part that renews the lease. It fails if another run holds the lock, or the lease has expired by
        the holder's own clock.
        """
        changes = {**self._beat(seconds), **more}
        change, names, values = _set(changes)
        return self._update(
            LOCK,
            change,
            "#h = :h AND #g = :g AND #e >= :now",
            names | {"#h": "holder", "#g": "generation", "#e": "expires"},
            values | {":h": holder, ":g": generation, ":now": self._milliseconds()},
        )

    def release_lock(self, holder: str, generation: int) -> dict[str, Any]:
        """Return the part that releases the lock, with the conditions of `renew_lock`. The generation is kept."""
        return self._update(
            LOCK,
            "SET #h = :nobody, #b = :beat",
            "#h = :h AND #g = :g AND #e >= :now",
            {"#h": "holder", "#g": "generation", "#b": "beat", "#e": "expires"},
            {
                ":nobody": "",
                ":beat": uuid.uuid4().hex,
                ":h": holder,
                ":g": generation,
                ":now": self._milliseconds(),
            },
        )

    def move(
        self, release: dict[str, Any], state: State, event: dict[str, Any], changes: dict[str, Any]
    ) -> dict[str, Any]:
        """Return the part that moves a release to `state` and appends `event`, if its state has not changed."""
        change, names, values = _set({**changes, "state": str(state)})
        return self._update(
            {PARTITION: "release", SORT: release["id"]},
            f"{change}, #events = list_append(#events, :event)",
            "#state = :from",
            names | {"#events": "events"},
            values | {":from": str(release["state"]), ":event": [event]},
        )

    def unchanged(self, item: dict[str, Any], *attributes: str) -> dict[str, Any]:
        """Return the part that makes the transaction fail unless these attributes of `item` still have the same values."""
        part: dict[str, Any] = {
            "TableName": self.table,
            "Key": self._packed({key: item[key] for key in (PARTITION, SORT)}),
        }
        condition = " AND ".join(f"#{name} = :{name}" for name in attributes)
        names = {f"#{name}": name for name in attributes}
        values = {f":{name}": item[name] for name in attributes}
        return {"ConditionCheck": part | self._condition(condition, names, values)}

    def note(self, identity: str, **changes: Any) -> dict[str, Any]:
        """Return the part that sets attributes of a release other than its state."""
        change, names, values = _set(changes)
        return self._update(
            {PARTITION: "release", SORT: identity},
            change,
            "attribute_exists(#scope)",
            names | {"#scope": PARTITION},
            values,
        )

    def slot_parts(self, slots: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the parts that replace the records of slots."""
        return [self.put({"scope": "slot", "id": slot, **content}) for slot, content in slots.items()]

    def put(
        self,
        item: dict[str, Any],
        condition: str = "",
        names: dict[str, str] | None = None,
        values: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return the part that writes `item`, on a condition if one is given."""
        part: dict[str, Any] = {"TableName": self.table, "Item": self._packed(item)}
        return {"Put": part | self._condition(condition, names, values)}

    def _update(
        self, key: dict[str, str], change: str, condition: str, names: dict[str, str], values: dict[str, Any]
    ) -> dict[str, Any]:
        part = {"TableName": self.table, "Key": self._packed(key), "UpdateExpression": change}
        return {"Update": part | self._condition(condition, names, values)}

    def write(self, parts: Iterable[dict[str, Any]]) -> None:
        """Write all parts in one transaction. Raises Conflict if a condition is not met, and StoreError."""
        items = list(parts)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self.client.transact_write_items(TransactItems=items)
                return
            except ClientError as error:
                reasons = {
                    reason.get("Code", "None") for reason in error.response.get("CancellationReasons", [])
                }
                if "ConditionalCheckFailed" in reasons:
                    raise Conflict(str(error)) from error
                if not reasons & _RETRIED or attempt == _ATTEMPTS:
                    raise self._failed("TransactWriteItems", error) from error
            except BotoCoreError as error:
                raise self._failed("TransactWriteItems", error) from error
            self.clock.sleep(random.uniform(0.5, 1) * min(2.0, 0.05 * 2**attempt))

    # -- helpers ---------------------------------------------------------------------------------

    def _milliseconds(self, later: float = 0) -> int:
        return int((self.clock.wall() + later) * 1000)

    def _beat(self, seconds: float) -> dict[str, Any]:
        return {
            "beat": uuid.uuid4().hex,
            "renewed": iso(self.clock.wall()),
            "expires": self._milliseconds(seconds),
            "lease": int(seconds * 1000),
        }

    def _condition(
        self, condition: str, names: dict[str, str] | None, values: dict[str, Any] | None
    ) -> dict[str, Any]:
        parts: dict[str, Any] = {}
        if condition:
            parts["ConditionExpression"] = condition
        if names:
            parts["ExpressionAttributeNames"] = names
        if values:
            parts["ExpressionAttributeValues"] = self._packed(values)
        return parts

    def _packed(self, item: dict[str, Any]) -> dict[str, Any]:
        return {key: self._pack(value) for key, value in with_ids(item).items()}

    def _plain(self, item: dict[str, Any]) -> dict[str, Any]:
        return with_messages({key: _whole(self._unpack(value)) for key, value in item.items()})

    def _call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        try:
            return getattr(self.client, operation)(**arguments)
        except (ClientError, BotoCoreError) as error:
            raise self._failed(self.client.meta.method_to_api_mapping[operation], error) from error

    def _failed(self, action: str, error: Exception) -> StoreError:
        code = (getattr(error, "response", None) or {}).get("Error", {}).get("Code", "")
        if code == "ResourceNotFoundException":
            return StoreError(
                f"DynamoDB table '{self.table}' does not exist. Provision the component release_store, "
                "or correct the region and the account."
            )
        return StoreError(f"dynamodb:{action} failed for table '{self.table}': {error}")


def _set(changes: dict[str, Any]) -> tuple[str, dict[str, str], dict[str, Any]]:
    """Return the update expression that sets `changes`, with its names and values."""
    changes = with_ids(changes)
    expression = "SET " + ", ".join(f"#{key} = :{key}" for key in changes)
    return expression, {f"#{key}": key for key in changes}, {f":{key}": changes[key] for key in changes}


def _whole(value: Any) -> Any:
    """Convert DynamoDB's decimals to ints, at all levels."""
    if isinstance(value, dict):
        return {key: _whole(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_whole(entry) for entry in value]
    if type(value).__name__ == "Decimal":
        return int(value)
    return value
