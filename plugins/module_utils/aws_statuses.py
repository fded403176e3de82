# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""What each status of AWS means for a run: the object is ready, AWS is still at work on it, or it failed.

Every value that botocore's models list is here, and for what AWS gives as plain text (RDS) every value that its
documentation lists. tests/unit/modules/test_aws_statuses.py compares both.
"""

from __future__ import annotations

READY = "ready"
IN_PROGRESS = "in progress"
FAILED = "failed"

#: kind: {status: what it means}
STATUSES: dict[str, dict[str, str]] = {
    "EKS cluster": {
        "ACTIVE": READY,
        "CREATING": IN_PROGRESS,
        "PENDING": IN_PROGRESS,
        "UPDATING": IN_PROGRESS,
        "DELETING": IN_PROGRESS,
        "FAILED": FAILED,
    },
    "EKS node group": {
        "ACTIVE": READY,
        "CREATING": IN_PROGRESS,
        "UPDATING": IN_PROGRESS,
        "DELETING": IN_PROGRESS,
        "CREATE_FAILED": FAILED,
        "DELETE_FAILED": FAILED,
        "DEGRADED": FAILED,
    },
    "EKS add-on": {
        "ACTIVE": READY,
        "CREATING": IN_PROGRESS,
        "UPDATING": IN_PROGRESS,
        "DELETING": IN_PROGRESS,
        "CREATE_FAILED": FAILED,
        "UPDATE_FAILED": FAILED,
        "DELETE_FAILED": FAILED,
        "DEGRADED": FAILED,
    },
    "EKS update": {
        "Successful": READY,
        "InProgress": IN_PROGRESS,
        "Failed": FAILED,
        "Cancelled": FAILED,
    },
    "load balancer": {
        "active": READY,
        # It routes requests, and cannot grow: the run goes on with a warning.
        "active_impaired": READY,
        "provisioning": IN_PROGRESS,
        "failed": FAILED,
    },
    "certificate": {
        "ISSUED": READY,
        "PENDING_VALIDATION": IN_PROGRESS,
        "INACTIVE": FAILED,
        "EXPIRED": FAILED,
        "VALIDATION_TIMED_OUT": FAILED,
        "REVOKED": FAILED,
        "FAILED": FAILED,
    },
    "table": {
        "ACTIVE": READY,
        "CREATING": IN_PROGRESS,
        "UPDATING": IN_PROGRESS,
        "DELETING": IN_PROGRESS,
        "ARCHIVING": FAILED,
        "ARCHIVED": FAILED,
        "INACCESSIBLE_ENCRYPTION_CREDENTIALS": FAILED,
        "REPLICATION_NOT_AUTHORIZED": FAILED,
    },
    "function": {
        "Active": READY,
        # Lambda wakes it with its next call.
        "Inactive": READY,
        "ActiveNonInvocable": READY,
        "Pending": IN_PROGRESS,
        "Deactivating": IN_PROGRESS,
        "Deleting": IN_PROGRESS,
        "Deactivated": FAILED,
        "Failed": FAILED,
    },
    "function update": {
        "Successful": READY,
        "InProgress": IN_PROGRESS,
        "Failed": FAILED,
    },
    "command": {
        "Success": READY,
        "Pending": IN_PROGRESS,
        "InProgress": IN_PROGRESS,
        "Delayed": IN_PROGRESS,
        "Cancelling": IN_PROGRESS,
        "Cancelled": FAILED,
        "TimedOut": FAILED,
        "Failed": FAILED,
    },
    # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html
    "database": {
        "available": READY,
        # It answers, and RDS works on its storage for hours.
        "storage-optimization": READY,
        "storage-config-upgrade": READY,
        "storage-initialization": READY,
        # More storage is a change, so the run that brings it must get that far.
        "storage-full": READY,
        # Somebody stopped it on purpose. RDS starts it after seven days.
        "stopped": READY,
        "backing-up": IN_PROGRESS,
        "backtracking": IN_PROGRESS,
        "configuring-associated-roles": IN_PROGRESS,
        "configuring-enhanced-monitoring": IN_PROGRESS,
        "configuring-iam-database-auth": IN_PROGRESS,
        "configuring-log-exports": IN_PROGRESS,
        "converting-to-vpc": IN_PROGRESS,
        "creating": IN_PROGRESS,
        "delete-precheck": IN_PROGRESS,
        "deleting": IN_PROGRESS,
        "maintenance": IN_PROGRESS,
        "modifying": IN_PROGRESS,
        "moving-to-vpc": IN_PROGRESS,
        "promoting": IN_PROGRESS,
        "rebooting": IN_PROGRESS,
        "renaming": IN_PROGRESS,
        "resetting-master-credentials": IN_PROGRESS,
        "starting": IN_PROGRESS,
        "stopping": IN_PROGRESS,
        "upgrading": IN_PROGRESS,
        "failed": FAILED,
        "inaccessible-encryption-credentials": FAILED,
        "inaccessible-encryption-credentials-recoverable": FAILED,
        "incompatible-create": FAILED,
        "incompatible-credentials": FAILED,
        "incompatible-network": FAILED,
        "incompatible-option-group": FAILED,
        "incompatible-parameters": FAILED,
        "incompatible-restore": FAILED,
        "insufficient-capacity": FAILED,
        "restore-error": FAILED,
    },
}

#: Failed, but a change that the inventory asks for may repair the object, so it is tried.
REPAIRABLE: dict[str, frozenset[str]] = {
    "EKS node group": frozenset({"DEGRADED"}),
    "EKS add-on": frozenset({"DEGRADED", "UPDATE_FAILED"}),
    "database": frozenset({"incompatible-parameters", "incompatible-option-group", "insufficient-capacity"}),
}


def meaning(kind: str, status: str | None) -> str:
    """Return whether a `status` of `kind` is READY, IN_PROGRESS or FAILED; one that AWS added later is IN_PROGRESS."""
    return STATUSES[kind].get(status or "", IN_PROGRESS)


def repairable(kind: str, status: str | None) -> bool:
    """Return whether a change may bring an object of this `status` back."""
    return status in REPAIRABLE.get(kind, ())
