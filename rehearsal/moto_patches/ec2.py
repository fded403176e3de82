"""EC2: elastic IPs, tags, NAT gateways, launch templates and consoles."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.elastic_ip_addresses import ElasticAddressBackend
from moto.ec2.models.launch_templates import LaunchTemplate, LaunchTemplateBackend
from moto.ec2.models.nat_gateways import NatGateway, NatGatewayBackend
from moto.ec2.models.route_tables import RouteBackend
from moto.ec2.responses.general import General
from moto.ec2.utils import EC2_PREFIX_TO_RESOURCE, Base64EncodedString

from rehearsal.moto_instances import CONSOLES
from rehearsal.moto_patches.creation_time import Pending


def apply(config: dict[str, Any]) -> None:
    """Apply the patches to moto."""
    every_address_is_of_a_vpc()
    tag_types()
    nat_gateways(config["creation_times"]["nat_gateway"])
    launch_template_tags()
    consoles()


def every_address_is_of_a_vpc() -> None:
    """Give every elastic IP an id.

    In moto, an address of the domain `standard` has no id: amazon.aws.ec2_eip fails, and its tags, stored under None,
    break every later call that lists tags. On AWS, EC2 Classic no longer exists, and every address has an id.
    """
    allocate = ElasticAddressBackend.allocate_address

    def allocate_address(self: Any, domain: str, *args: Any, **kwargs: Any) -> Any:
        return allocate(self, "vpc", *args, **kwargs)

    ElasticAddressBackend.allocate_address = allocate_address


def tag_types() -> None:
    """Use AWS's resource types of NAT gateways and elastic IPs in DescribeTags.

    moto uses other names. Modules filter by AWS's names, find no tags, and set the tags again in every run.
    """
    EC2_PREFIX_TO_RESOURCE["nat"] = "natgateway"
    EC2_PREFIX_TO_RESOURCE["eipalloc"] = "elastic-ip"


def nat_gateways(seconds: float) -> None:
    """Filter NAT gateways by tag, and give them a creation time and a complete deletion.

    moto ignores filters by tag, and creates gateways at once. It accepts a route to a pending gateway, where EC2
    answers that the gateway does not exist. Its DeleteNatGateway leaves the network interface and the association of
    the elastic IP.
    """
    describe, create = NatGatewayBackend.describe_nat_gateways, NatGatewayBackend.create_nat_gateway
    delete, route = NatGatewayBackend.delete_nat_gateway, RouteBackend.create_route

    def describe_nat_gateways(self: Any, filters: Any, ids: list[str] | None) -> list[NatGateway]:
        by_tag = {k: v for k, v in (filters or {}).items() if k.startswith("tag")}
        states = (filters or {}).get("state")
        others = {k: v for k, v in (filters or {}).items() if k not in by_tag and k != "state"}
        found = describe(self, others, ids)
        return [
            gateway
            for gateway in found
            if (not states or gateway.state in states)
            and all(_has(gateway.get_filter_value(name), wanted) for name, wanted in by_tag.items())
        ]

    def create_nat_gateway(self: Any, *args: Any, **kwargs: Any) -> NatGateway:
        gateway = create(self, *args, **kwargs)
        gateway.pending = Pending(seconds)
        return gateway

    def create_route(self: Any, *args: Any, nat_gateway_id: str | None = None, **kwargs: Any) -> Any:
        gateway = self.nat_gateways.get(nat_gateway_id)
        if nat_gateway_id and (gateway is None or gateway.state != "available"):
            raise EC2ClientError(
                "InvalidNatGatewayID.NotFound", f"The natGateway ID '{nat_gateway_id}' does not exist"
            )
        return route(self, *args, nat_gateway_id=nat_gateway_id, **kwargs)

    def delete_nat_gateway(self: Any, nat_gateway_id: str) -> NatGateway:
        gateway = delete(self, nat_gateway_id)
        for address in gateway.address_set:
            if association := address.get("associationId"):
                self.disassociate_address(association_id=association)
            self.enis.pop(address["networkInterfaceId"], None)
        return gateway

    NatGateway.state = property(_state, _set_state)
    NatGatewayBackend.describe_nat_gateways = describe_nat_gateways
    NatGatewayBackend.create_nat_gateway = create_nat_gateway
    NatGatewayBackend.delete_nat_gateway = delete_nat_gateway
    RouteBackend.create_route = create_route


def launch_template_tags() -> None:
    """Describe the current tags of a launch template, and keep them out of its version data.

    moto describes only the tags of the creation. It also stores them in the data of the first version, so
    amazon.aws.ec2_launch_template creates a second version.
    """
    create = LaunchTemplateBackend.create_launch_template

    def create_launch_template(
        self: Any, name: str, description: str, data: Any, tags: Any
    ) -> LaunchTemplate:
        if specifications := data.get("TagSpecifications"):
            kept = [spec for spec in specifications if spec["ResourceType"] != "launch-template"]
            data = {k: v for k, v in data.items() if k != "TagSpecifications"} | (
                {"TagSpecifications": kept} if kept else {}
            )
        return create(self, name, description, data, tags)

    LaunchTemplateBackend.create_launch_template = create_launch_template
    LaunchTemplate.tags = property(lambda self: self.get_tags(), lambda self, value: None)


def consoles() -> None:
    """Return the text that an instance has written to its console. (moto returns the same sample text for all.)"""

    def get_console_output(self: Any) -> ActionResult:
        instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
        output = Base64EncodedString.from_raw_string(CONSOLES.get(instance.id, ""))
        return ActionResult({"InstanceId": instance.id, "Timestamp": utcnow(), "Output": output})

    General.get_console_output = get_console_output


def _state(gateway: NatGateway) -> str:
    pending, state = gateway.__dict__.get("pending"), gateway.__dict__["_state"]
    return "pending" if state == "available" and pending and pending.still() else state


def _set_state(gateway: NatGateway, state: str) -> None:
    gateway.__dict__["_state"] = state


def _has(value: Any, wanted: list[str]) -> bool:
    values = value if isinstance(value, list) else [value]
    return any(v in wanted for v in values)
