"""The patches of moto: each module corrects one service where moto differs from AWS in a way that matters here.

Every patch has a test in tests/unit/rehearsal that fails when moto no longer needs the patch.
"""

from __future__ import annotations

from typing import Any

from rehearsal.moto_patches import (
    acm,
    apigateway,
    autoscaling,
    cloudwatch,
    dynamodb,
    ec2,
    ecr,
    eks_cluster,
    eks_nodegroup,
    eks_parts,
    elb,
    iam_calls,
    iam_enforcement,
    iam_limits,
    kms,
    lambda_functions,
    launch_template,
    rds,
    rds_servers,
    route53,
    servicequotas,
)

PATCHES = (
    ec2,
    launch_template,
    autoscaling,
    elb,
    acm,
    cloudwatch,
    rds,
    rds_servers,
    dynamodb,
    ecr,
    apigateway,
    lambda_functions,
    kms,
    route53,
    servicequotas,
    eks_cluster,
    eks_nodegroup,
    eks_parts,
    iam_enforcement,
    iam_calls,
    iam_limits,
)


def apply(config: dict[str, Any]) -> None:
    """Patch moto. Call once per process; `rehearsal.config` describes `config`."""
    for module in PATCHES:
        module.apply(config)
