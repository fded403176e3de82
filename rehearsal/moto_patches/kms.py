"""KMS: accept the ARN of a key, as amazon.aws.kms_key sends it. moto answers 500 in these calls."""

from __future__ import annotations

from typing import Any

from moto.kms.models import KmsBackend

CALLS = ("schedule_key_deletion", "cancel_key_deletion", "enable_key", "disable_key")


def apply(config: dict[str, Any]) -> None:
    """Apply the patches to moto."""
    for name in CALLS:
        setattr(KmsBackend, name, _by_any_name(getattr(KmsBackend, name)))


def _by_any_name(call: Any) -> Any:
    def named(self: KmsBackend, key_id: str, *args: Any) -> Any:
        return call(self, self.any_id_to_key_id(key_id), *args)

    return named
