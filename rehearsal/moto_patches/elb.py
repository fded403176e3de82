"""Load balancers: network interfaces, creation time, attributes, deletion protection, the limit of DescribeTags."""

from __future__ import annotations

import random
from typing import Any

from moto.ec2.models import ec2_backends
from moto.elbv2.exceptions import ELBClientError
from moto.elbv2.models import ELBv2Backend, FakeLoadBalancer

from rehearsal import moto_load_balancers
from rehearsal.moto_patches.creation_time import Pending

TAGS_AT_ONCE = 20
"""The number of ARNs that AWS accepts in one DescribeTags; moto accepts any number."""

#: AWS's default attributes of an application load balancer. moto omits most of them.
ATTRIBUTES = {
    "access_logs.s3.enabled": "false",
    "access_logs.s3.bucket": "",
    "access_logs.s3.prefix": "",
    "client_keep_alive.seconds": "3600",
    "connection_logs.s3.enabled": "false",
    "connection_logs.s3.bucket": "",
    "connection_logs.s3.prefix": "",
    "deletion_protection.enabled": "false",
    "idle_timeout.timeout_seconds": "60",
    "ipv6.deny_all_igw_traffic": "false",
    "load_balancing.cross_zone.enabled": "true",
    "routing.http.desync_mitigation_mode": "defensive",
    "routing.http.drop_invalid_header_fields.enabled": "false",
    "routing.http.preserve_host_header.enabled": "false",
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "false",
    "routing.http.xff_client_port.enabled": "false",
    "routing.http.xff_header_processing.mode": "append",
    "routing.http2.enabled": "true",
    "waf.fail_open.enabled": "false",
    "zonal_shift.config.enabled": "false",
}


def apply(config: dict[str, Any]) -> None:
    """Apply the patches to moto."""
    moto_load_balancers.install()  # DescribeTargetHealth returns the results of the balancer's health checks.
    create, delete = ELBv2Backend.create_load_balancer, ELBv2Backend.delete_load_balancer
    set_subnets = ELBv2Backend.set_subnets

    def create_load_balancer(self: ELBv2Backend, *args: Any, **kwargs: Any) -> FakeLoadBalancer:
        balancer = create(self, *args, **kwargs)
        if balancer.type == "application":
            balancer.attrs = dict(ATTRIBUTES)
        balancer.pending = Pending(config["creation_times"]["load_balancer"])
        _interfaces(self, balancer)
        return balancer

    def delete_load_balancer(self: ELBv2Backend, arn: str) -> None:
        balancer = self.load_balancers.get(arn)
        if balancer is not None:
            if balancer.attrs.get("deletion_protection.enabled") == "true":
                message = f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled"
                raise ELBClientError("OperationNotPermitted", message)
            balancer.subnets = []
            _interfaces(self, balancer)
        delete(self, arn)

    def changed_subnets(self: ELBv2Backend, arn: str, *args: Any, **kwargs: Any) -> Any:
        answer = set_subnets(self, arn, *args, **kwargs)
        _interfaces(self, self.load_balancers[arn])
        return answer

    def activate(self: FakeLoadBalancer) -> None:
        if self.state == "provisioning" and not self.pending.still():
            self.state = "active"

    describe_tags = ELBv2Backend.describe_tags

    def described_tags(self: ELBv2Backend, resource_arns: list[str]) -> Any:
        if len(resource_arns) > TAGS_AT_ONCE:
            raise ELBClientError(
                "ValidationError", f"Cannot have more than {TAGS_AT_ONCE} resources described"
            )
        return describe_tags(self, resource_arns)

    ELBv2Backend.describe_tags = described_tags
    ELBv2Backend.create_load_balancer = create_load_balancer
    ELBv2Backend.delete_load_balancer = delete_load_balancer
    ELBv2Backend.set_subnets = changed_subnets
    FakeLoadBalancer.activate = activate


def _interfaces(backend: ELBv2Backend, balancer: FakeLoadBalancer) -> None:
    """Create a network interface in each subnet of a load balancer, with a public address if it is internet-facing.

    moto creates none, but clients read the addresses of a load balancer from them.
    """
    ec2 = ec2_backends[backend.account_id][backend.region_name]
    description = "ELB " + balancer.arn.split(":loadbalancer/")[1]
    existing = {eni.subnet_id: eni for eni in list(ec2.enis.values()) if eni.description == description}
    wanted = {subnet.id: subnet for subnet in balancer.subnets}
    for subnet_id in existing.keys() - wanted.keys():
        ec2.delete_network_interface(existing[subnet_id].id)
    for subnet_id in wanted.keys() - existing.keys():
        eni = ec2.create_network_interface(
            wanted[subnet_id], "", group_ids=balancer.security_groups, description=description
        )
        eni.status, eni.requester_managed, eni.requester_id = "in-use", True, "amazon-elb"
        if balancer.scheme != "internal":
            eni.public_ip = f"52.78.{random.randint(0, 255)}.{random.randint(1, 254)}"
