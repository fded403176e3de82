"""Sample function that returns a greeting and the name of its environment."""

from __future__ import annotations

import json
import os
from typing import Any


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer an HTTP API request (payload format 2.0). `?name=` is the name to greet."""
    name = (event.get("queryStringParameters") or {}).get("name", "world")
    if len(name) > 100:
        return _answer(400, {"error": "name: at most 100 characters"})
    return _answer(200, {"message": f"Hello, {name}!", "environment": os.environ.get("ENVIRONMENT", "")})


def _answer(status: int, body: dict[str, str]) -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json"},
        "body": json.dumps(body, ensure_ascii=False),
    }
