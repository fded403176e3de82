"""DynamoDB: a table has no id in moto; community.aws.dynamodb_table dies of it (KeyError: table_id)."""

from __future__ import annotations

import uuid
from typing import Any

from moto.dynamodb.models.table import Table


def apply(config: dict[str, Any]) -> None:
    """Give it one."""
    describe = Table.describe

    def described(self: Table, *args: Any, **kwargs: Any) -> dict[str, Any]:
        answer = describe(self, *args, **kwargs)
        id_ = self.__dict__.setdefault("table_id", str(uuid.uuid4()))
        for key in ("TableDescription", "Table"):
            if key in answer:
                answer[key]["TableId"] = id_
        return answer

    Table.describe = described
