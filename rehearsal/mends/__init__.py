"""The mends of moto: where it is short of AWS in a way that matters here, each in one place with its reason.

Each has a test in tests/unit/rehearsal that tells when moto no longer needs it.
"""

from __future__ import annotations

from typing import Any

from rehearsal.mends import (
    acm,
    apigateway,
    autoscaling,
    dynamodb,
    ec2,
    ecr,
    eks_cluster,
    eks_nodegroup,
    eks_parts,
    elb,
    functions,
    iam,
    iam_calls,
    iam_limits,
    kms,
    launch_template,
    rds,
    rds_servers,
    route53,
    servicequotas,
)

MENDS = (
    ec2,
    launch_template,
    autoscaling,
    elb,
    acm,
    rds,
    rds_servers,
    dynamodb,
    ecr,
    apigateway,
    functions,
    kms,
    route53,
    servicequotas,
    eks_cluster,
    eks_nodegroup,
    eks_parts,
    iam,
    iam_calls,
    iam_limits,
)


def apply(config: dict[str, Any]) -> None:
    """Mend moto, once in a process; `config` as `rehearsal.config` describes it."""
    for mend in MENDS:
        mend.apply(config)
