"""IAM's size limits of policies. moto accepts any size."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable
from typing import Any

from moto.iam.exceptions import LimitExceededException
from moto.iam.models import IAMBackend

INLINE, MANAGED, TRUST = 10_240, 6_144, 2_048
"""Maximum characters without white space: all inline policies of a role, a managed policy, a trust policy."""


def apply(config: dict[str, Any]) -> None:
    """Apply the patches to moto."""
    sizes()


def size_of(document: str) -> int:
    """Return the size of a policy as IAM counts it: characters without white space."""
    return len(re.sub(r"\s", "", document))


def sizes() -> None:
    """Refuse policies above IAM's limits."""
    put_role_policy, create_policy = IAMBackend.put_role_policy, IAMBackend.create_policy
    create_version, create_role = IAMBackend.create_policy_version, IAMBackend.create_role
    update_trust = IAMBackend.update_assume_role_policy

    def put(self: IAMBackend, role_name: str, policy_name: str, policy_json: str) -> None:
        documents = {**self.get_role(role_name).policies, policy_name: policy_json}
        texts = (text if isinstance(text, str) else json.dumps(text) for text in documents.values())
        if sum(map(size_of, texts)) > INLINE:
            raise LimitExceededException(
                f"Maximum policy size of {INLINE} bytes exceeded for role {role_name}"
            )
        put_role_policy(self, role_name, policy_name, policy_json)

    def limited(function: Callable[..., Any], argument: str, limit: int, quota: str) -> Callable[..., Any]:
        position = list(function.__code__.co_varnames).index(argument)

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            document = kwargs[argument] if argument in kwargs else args[position]
            if size_of(document or "") > limit:
                raise LimitExceededException(f"Cannot exceed quota for {quota}: {limit}")
            return function(*args, **kwargs)

        return call

    backend: Any = IAMBackend
    backend.put_role_policy = put
    backend.create_policy = limited(create_policy, "policy_document", MANAGED, "PolicySize")
    backend.create_policy_version = limited(create_version, "policy_document", MANAGED, "PolicySize")
    backend.create_role = limited(create_role, "assume_role_policy_document", TRUST, "ACLSizePerRole")
    backend.update_assume_role_policy = limited(update_trust, "policy_document", TRUST, "ACLSizePerRole")
