"""DynamoDB: ids and keys of tables, tags, and the tokens of transactions."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

from moto.core.responses import ActionResult
from moto.dynamodb.exceptions import DynamodbException
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler
from moto.kms.models import kms_backends

REMEMBERED = 600.0
"""The time for which DynamoDB remembers the token of a transaction, in seconds."""


def apply(config: dict[str, Any]) -> None:
    """Apply the patches to moto."""
    ids()
    keys()
    tags_replace()
    transaction_tokens()


def ids() -> None:
    """Give tables an id. Without one, community.aws.dynamodb_table fails (KeyError: table_id)."""
    describe = Table.describe

    def described(self: Table, *args: Any, **kwargs: Any) -> dict[str, Any]:
        answer = describe(self, *args, **kwargs)
        id_ = self.__dict__.setdefault("table_id", str(uuid.uuid4()))
        for key in ("TableDescription", "Table"):
            if key in answer:
                answer[key]["TableId"] = id_
        return answer

    Table.describe = described


def keys() -> None:
    """Apply SSESpecification in UpdateTable, and describe the KMS key by its ARN.

    moto drops SSESpecification, and describes the key as it was given.
    """
    describe, update = Table.describe, DynamoHandler.update_table

    def described(self: Table, *args: Any, **kwargs: Any) -> dict[str, Any]:
        answer = describe(self, *args, **kwargs)
        for table in (answer.get("TableDescription", {}), answer.get("Table", {})):
            key = table.get("SSEDescription", {}).get("KMSMasterKeyArn")
            if key and not key.startswith("arn:"):
                kms = kms_backends[self.account_id][self.region_name]
                table["SSEDescription"]["KMSMasterKeyArn"] = kms.keys[kms.any_id_to_key_id(key)].arn
        return answer

    def update_table(self: DynamoHandler) -> ActionResult:
        if asked := self.body.get("SSESpecification"):
            table = self.dynamodb_backend.get_table(self.body["TableName"])
            default = table._get_default_encryption_key(table.account_id, table.region_name)
            table.sse_specification = {"KMSMasterKeyId": default, **asked}
        return update(self)

    Table.describe = described
    DynamoHandler.update_table = update_table


def tags_replace() -> None:
    """Replace the value of an existing tag in TagResource.

    moto keeps both values, so a module that compares tags changes them in every run.
    """
    tag = DynamoDBBackend.tag_resource

    def tag_resource(self: DynamoDBBackend, arn: str, tags: dict[str, str]) -> None:
        self.untag_resource(arn, list(tags))
        tag(self, arn, tags)

    DynamoDBBackend.tag_resource = tag_resource


class IdempotentParameterMismatch(DynamodbException):
    """A token was reused with another request."""

    def __init__(self) -> None:
        super().__init__(
            "IdempotentParameterMismatchException",
            "The request uses the same client token as a previous, but non-identical request."
            " Do not reuse a client token with different requests, unless the requests are identical",
        )


def transaction_tokens() -> None:
    """Answer a repeated transaction with the same ClientRequestToken like the first one, for ten minutes.

    moto ignores the token. When boto3 retries a transaction because the first answer was lost, the retry fails by its
    own conditions.
    """
    write = DynamoHandler.transact_write_items
    known: dict[tuple[str, str, str], tuple[float, str]] = {}

    def transact_write_items(self: DynamoHandler) -> ActionResult:
        token = self.body.get("ClientRequestToken")
        if not token:
            return write(self)
        now, request = time.monotonic(), json.dumps(self.body["TransactItems"], sort_keys=True)
        for key, (when, _) in list(known.items()):
            if now - when > REMEMBERED:
                del known[key]
        key = (self.current_account, self.region, token)
        if key in known:
            if known[key][1] != request:
                raise IdempotentParameterMismatch
            return ActionResult({"ConsumedCapacity": [], "ItemCollectionMetrics": {}})
        answer = write(self)
        known[key] = now, request
        return answer

    DynamoHandler.transact_write_items = transact_write_items
