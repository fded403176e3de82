# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Maps each status of an AWS object to ready, in progress or failed.

The table has every value of botocore's models. For statuses that are plain text (RDS), it has every value of AWS's
documentation. tests/unit/modules/test_aws_statuses.py compares both.
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
        # It routes requests, but cannot scale: the run continues with a warning.
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
        # Lambda activates it on the next call.
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
        # The database accepts connections while RDS changes its storage, which takes hours.
        "storage-optimization": READY,
        "storage-config-upgrade": READY,
        "storage-initialization": READY,
        # More storage is a change of settings, so a run must be able to apply it.
        "storage-full": READY,
        # The database was stopped by a person. RDS starts it after seven days.
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

#: Failed statuses that a change of settings may repair.
REPAIRABLE: dict[str, frozenset[str]] = {
    "EKS node group": frozenset({"DEGRADED"}),
    "EKS add-on": frozenset({"DEGRADED", "UPDATE_FAILED"}),
    "database": frozenset({"incompatible-parameters", "incompatible-option-group", "insufficient-capacity"}),
}


def meaning(kind: str, status: str | None) -> str:
    """Return READY, IN_PROGRESS or FAILED for a `status` of `kind`; IN_PROGRESS for an unknown status."""
    return STATUSES[kind].get(status or "", IN_PROGRESS)


def repairable(kind: str, status: str | None) -> bool:
    """Return whether a change of settings may repair an object with this `status`."""
    return status in REPAIRABLE.get(kind, ())
