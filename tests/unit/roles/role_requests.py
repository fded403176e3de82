"""What each role asks of AWS: the actions it uses, and the things that they touch.

`test_identity_resource_types.py` asks for each action on every resource type that the service authorization
reference names for it (`data/service_authorization.json`). A type is either among `things`, or in `NEVER`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import yaml

Tags = dict[str, str]


@dataclass(frozen=True)
class Thing:
    """A resource: its ARN after the account, its tags once it exists, and whether AWS itself owns it."""

    arn: str
    tags: Tags = field(default_factory=dict)
    of_aws: bool = False


#: Resource types that no call of this collection touches, by service.
NEVER = {
    # Other kinds of load balancers, Aurora, EC2-Classic, address pools, and gateways to other networks.
    "elasticloadbalancing": {
        "listener-rule/net",
        "listener/gwy",
        "listener/net",
        "loadbalancer/gwy/",
        "loadbalancer/net/",
    },
    "cloudwatch": {"alarm-mute-rule"},
    "rds": {"cluster", "secgrp"},
    "ec2": {
        "capacity-reservation",
        "elastic-gpu",
        "elastic-inference",
        "group",
        "ipam-pool",
        "ipv4pool-ec2",
        "ipv6pool-ec2",
        "license-configuration",
        "placement-group",
        "secondary-subnet",
        "transit-gateway",
        "transit-gateway-attachment",
        "vpn-gateway",
    },
    "dynamodb": {"index"},
    "ssm": {"bucket", "managed-instance"},
    "route53": {"healthcheck"},
}
#: Resource types that an action could touch, but not as this collection calls it.
NOT_BY = {
    # A rule of a security group is a resource of its own only for a call that tags it.
    "ec2:AuthorizeSecurityGroupEgress": {"security-group-rule"},
    "ec2:AuthorizeSecurityGroupIngress": {"security-group-rule"},
    # The machine image's own snapshot, not one that the call names.
    "ec2:RunInstances": {"snapshot"},
    "ec2:AssociateRouteTable": {"internet-gateway"},
    "ec2:DisassociateRouteTable": {"internet-gateway"},
    "ec2:CreateFlowLogs": {"natgateway", "network-interface", "subnet"},
    "ec2:ModifyInstanceAttribute": {"volume"},
    # A gateway's endpoint for S3 has route tables and nothing else.
    "ec2:CreateVpcEndpoint": {"security-group", "subnet"},
    "eks:CreateAddon": {"podidentityassociation"},
    "eks:UpdateAddon": {"podidentityassociation"},
}
#: Resources that a role tags, if they are fewer than those of its environment.
TAGS_ONLY = {
    ("deploy", "elasticloadbalancing:AddTags"): {"listener-rule/app"},
    ("provision", "ssm:AddTagsToResource"): {"parameter"},
    ("deploy", "ec2:CreateTags"): {"instance", "network-interface", "volume"},
}
#: Resources of an action that are not the environment's own resources of that type.
INSTEAD = {
    "iam:CreateServiceLinkedRole": Thing(
        "role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS"
    ),
}

#: By role, the actions that it uses `always`, and the actions that it uses if a component exists.
ACTIONS: dict[str, dict[str, dict[str, list[str]]]] = yaml.safe_load(
    (Path(__file__).parent / "data" / "role_actions.yml").read_text()
)


def actions(role: str, components: set[str]) -> list[str]:
    """Return the actions that a role uses in an environment with these components."""
    return [
        f"{service}:{name}"
        for component, services in ACTIONS[role].items()
        if component in {"always", *components}
        for service, names in services.items()
        for name in names
    ]


def every_action() -> set[str]:
    """Return all actions that any role uses."""
    return {action for role, parts in ACTIONS.items() for action in actions(role, set(parts))}


def things(name: str, environment: str, application: str) -> dict[str, list[Thing]]:
    """Return the resources of an environment, by service and type of the service authorization reference."""

    def tags(component: str) -> Tags:
        return {"Application": application, "Environment": environment, "Component": component}

    shared = {"Application": application}
    network, balancer = tags("network"), tags("load_balancer")
    cluster, function = tags("cluster"), tags("functions")
    path = f"{name}/{name}"
    return {
        "acm:certificate": [Thing("certificate/1", balancer)],
        "autoscaling:autoScalingGroup": [
            Thing("autoScalingGroup:1:autoScalingGroupName/eks-1", {"eks:cluster-name": name})
        ],
        "cloudwatch:alarm": [Thing(f"alarm:{name}-alb-5xx", tags("alarms"))],
        "dynamodb:table": [Thing(f"table/{name}-releases", tags("release_store"))],
        "ec2:elastic-ip": [Thing("elastic-ip/eipalloc-1", network)],
        "ec2:image": [Thing("image/ami-1")],
        "ec2:instance": [Thing("instance/i-1", tags("instance"))],
        "ec2:internet-gateway": [Thing("internet-gateway/igw-1", network)],
        "ec2:key-pair": [Thing("key-pair/people")],
        "ec2:launch-template": [Thing("launch-template/lt-1", tags("instance"))],
        "ec2:natgateway": [Thing("natgateway/nat-1", network)],
        "ec2:network-interface": [Thing("network-interface/eni-1", network)],
        "ec2:route-table": [Thing("route-table/rtb-1", network)],
        "ec2:security-group": [Thing("security-group/sg-1", network)],
        "ec2:security-group-rule": [Thing("security-group-rule/sgr-1", network)],
        "ec2:subnet": [Thing("subnet/subnet-1", network)],
        "ec2:volume": [Thing("volume/vol-1", tags("instance"))],
        "ec2:vpc": [Thing("vpc/vpc-1", network)],
        "ec2:vpc-endpoint": [Thing("vpc-endpoint/vpce-1", network)],
        "ec2:vpc-flow-log": [Thing("vpc-flow-log/fl-1", network)],
        "ecr:repository": [Thing(f"repository/{application}", shared)],
        "eks:access-entry": [Thing(f"access-entry/{name}/role/1/deploy/2", cluster)],
        "eks:addon": [Thing(f"addon/{name}/coredns/1", cluster)],
        "eks:cluster": [Thing(f"cluster/{name}", cluster)],
        "eks:nodegroup": [Thing(f"nodegroup/{name}/{name}/1", cluster)],
        "eks:podidentityassociation": [Thing(f"podidentityassociation/{name}/a-1", cluster)],
        "elasticloadbalancing:listener/app": [Thing(f"listener/app/{name}/1/2", balancer)],
        "elasticloadbalancing:listener-rule/app": [Thing(f"listener-rule/app/{name}/1/2/3", balancer)],
        "elasticloadbalancing:loadbalancer/app/": [Thing(f"loadbalancer/app/{name}/1", balancer)],
        "elasticloadbalancing:targetgroup": [
            Thing(f"targetgroup/{name}-{slot}/1", balancer) for slot in ("blue", "green")
        ],
        "iam:instance-profile": [Thing(f"instance-profile/{path}-instance", tags("identity"))],
        "iam:policy": [Thing(f"policy/{path}-provision-network", tags("identity"))],
        "iam:role": [Thing(f"role/{path}-instance", tags("identity"))],
        "kms:alias": [Thing(f"alias/{name}-alarms"), Thing(f"alias/{name}-cluster")],
        "kms:key": [Thing("key/1", tags("alarms")), Thing("key/2", cluster)],
        "lambda:function": [Thing(f"function:{name}-hello", function)],
        "logs:log-group": [
            Thing(f"log-group:{group}", function)
            for group in (
                f"/{name}/service",
                f"/aws/containerinsights/{name}/application",
                f"/aws/eks/{name}/cluster",
                f"/aws/lambda/{name}-hello",
                f"/aws/rds/instance/{name}/postgresql",
                f"/aws/vendedlogs/{name}/api",
            )
        ],
        "rds:db": [Thing(f"db:{name}", tags("database"))],
        "rds:og": [Thing("og:default:postgres-17"), Thing("og:default:mysql-8-4")],
        "rds:pg": [Thing(f"pg:{name}-{family}", tags("database")) for family in ("postgres17", "mysql8-4")],
        "rds:snapshot": [Thing(f"snapshot:{name}-final-20261130030000", tags("database"))],
        "rds:subgrp": [Thing(f"subgrp:{name}", tags("database"))],
        "route53:hostedzone": [Thing("hostedzone/Z1")],
        "secretsmanager:Secret": [Thing(f"secret:{name}/database-AbCdEf", tags("database_user"))],
        "sns:topic": [Thing(f"{name}-alarms", tags("alarms"))],
        "ssm:document": [Thing("document/AWS-RunShellScript", of_aws=True)],
        "ssm:instance": [Thing("instance/i-1", tags("database_user"))],
        "ssm:parameter": [Thing(f"parameter/{name}/database-user", tags("database_user"))],
    }
