"""Service Quotas: EC2's vCPU quotas. moto has the quotas of VPC only."""

from __future__ import annotations

from typing import Any

from moto.servicequotas.models import ServiceQuotasBackend

STANDARD_VCPUS = {
    "ServiceCode": "ec2",
    "ServiceName": "Amazon Elastic Compute Cloud (Amazon EC2)",
    "QuotaCode": "L-1216C47A",
    "QuotaName": "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances",
    "Value": 64.0,
    "Unit": "None",
    "Adjustable": True,
    "GlobalQuota": False,
}
SPOT_VCPUS = {
    **STANDARD_VCPUS,
    "QuotaCode": "L-34B43A08",
    "QuotaName": "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests",
}


def apply(config: dict[str, Any]) -> None:
    """Apply the patches to moto."""
    get = ServiceQuotasBackend.get_service_quota

    def get_service_quota(self: ServiceQuotasBackend, service_code: str, quota_code: str) -> dict[str, Any]:
        for quota in (STANDARD_VCPUS, SPOT_VCPUS):
            if (service_code, quota_code) == ("ec2", quota["QuotaCode"]):
                return quota
        return get(self, service_code, quota_code)

    ServiceQuotasBackend.get_service_quota = get_service_quota
