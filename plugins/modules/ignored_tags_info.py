#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: ignored_tags_info
short_description: Find the tags that others set on objects
version_added: 0.1.0
description:
  - Returns the tags of objects whose keys match O(ignored_tags).
  - Modules of other collections remove all tags that they are not given. Pass them these tags together with your own, so
    that they remain.
author: Teal maintainers (@teal-platform)
options:
  db_subnet_group:
    description: Name of an RDS subnet group.
    type: str
  certificate_name:
    description: Tag C(Name) of an ACM certificate.
    type: str
  instance_name:
    description: Tag C(Name) of an EC2 instance that is not terminated.
    type: str
  vpc_id:
    description: ID of a VPC.
    type: str
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - teal.platform.tags
attributes:
  check_mode:
    description: Reads only.
    support: full
"""

EXAMPLES = r"""
- name: Find the tags that others set
  teal.platform.ignored_tags_info:
    db_subnet_group: shop-staging
    ignored_tags: [awsApplication, "Cost*"]
  register: others

- name: Create the subnet group
  amazon.aws.rds_subnet_group:
    name: shop-staging
    description: Subnets of the database
    subnets: "{{ subnets }}"
    state: present
    tags: "{{ {'Application': 'shop'} | combine(others.tags.db_subnet_group) }}"
"""

RETURN = r"""
tags:
  description: The tags by the name of the option. Empty for an object that does not exist.
  type: dict
  returned: always
  sample: {"db_subnet_group": {"awsApplication": "arn:aws:resource-groups:eu-west-1:123456789012:group/shop/0abc"}}
"""

from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.ignored_tags import matches
from ansible_collections.teal.platform.plugins.module_utils.resource import (
    IGNORED_TAGS,
    AnsibleAWSModule,
    Resource,
    boto3_tag_list_to_ansible_dict,
)

OBJECTS = ("db_subnet_group", "certificate_name", "instance_name", "vpc_id")
LIVE = ["pending", "running", "stopping", "stopped"]


class IgnoredTags(Resource):
    """Reads the tags of objects."""

    kind = "tags"

    def __init__(self, module: AnsibleAWSModule) -> None:
        self.module = module
        self.params = module.params
        self._of = ""

    @property
    def name(self) -> str:
        return self._of

    def without_ignored_tags(self, answer: Any) -> Any:
        # This module returns the ignored tags.
        return answer

    def find_tags(self) -> dict[str, dict[str, str]]:
        """Return the ignored tags of each given object."""
        found = {}
        for kind in OBJECTS:
            if self.params[kind]:
                self._of = self.params[kind]
                tags = getattr(self, f"_{kind}")(self._of)
                # Nobody can change AWS's own tags, and no module accepts them.
                found[kind] = {
                    key: value
                    for key, value in tags.items()
                    if matches(key, self.ignored_tags) and not key.startswith("aws:")
                }
        return found

    def _db_subnet_group(self, name: str) -> dict[str, str]:
        rds, tags = self.module.client("rds"), {}
        groups = self.pages(
            "describe_db_subnet_groups",
            "DBSubnetGroups",
            client=rds,
            missing=["DBSubnetGroupNotFoundFault"],
            DBSubnetGroupName=name,
        )
        for group in groups:
            answer = self.call("list_tags_for_resource", client=rds, ResourceName=group["DBSubnetGroupArn"])
            tags |= boto3_tag_list_to_ansible_dict(answer["TagList"])
        return tags

    def _certificate_name(self, name: str) -> dict[str, str]:
        named = self.pages(
            "get_resources",
            "ResourceTagMappingList",
            client=self.module.client("resourcegroupstaggingapi"),
            TagFilters=[{"Key": "Name", "Values": [name]}],
            ResourceTypeFilters=["acm:certificate"],
        )
        acm, tags = self.module.client("acm"), {}
        for entry in named:
            missing = ["ResourceNotFoundException"]  # the Tagging API lists deleted certificates for hours
            arn = entry["ResourceARN"]
            answer = self.call("list_tags_for_certificate", client=acm, CertificateArn=arn, missing=missing)
            tags |= boto3_tag_list_to_ansible_dict((answer or {}).get("Tags", []))
        return tags

    def _instance_name(self, name: str) -> dict[str, str]:
        filters = [
            {"Name": "tag:Name", "Values": [name]},
            {"Name": "instance-state-name", "Values": LIVE},
        ]
        ec2, tags = self.module.client("ec2"), {}
        for reservation in self.pages("describe_instances", "Reservations", client=ec2, Filters=filters):
            for instance in reservation["Instances"]:
                tags |= boto3_tag_list_to_ansible_dict(instance.get("Tags", []))
        return tags

    def _vpc_id(self, vpc: str) -> dict[str, str]:
        missing = ["InvalidVpcID.NotFound"]
        vpcs = self.pages(
            "describe_vpcs", "Vpcs", client=self.module.client("ec2"), VpcIds=[vpc], missing=missing
        )
        return boto3_tag_list_to_ansible_dict(vpcs[0].get("Tags", [])) if vpcs else {}


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "db_subnet_group": {"type": "str"},
            "certificate_name": {"type": "str"},
            "instance_name": {"type": "str"},
            "vpc_id": {"type": "str"},
            "ignored_tags": IGNORED_TAGS,
        },
        required_one_of=[OBJECTS],
        supports_check_mode=True,
    )
    module.exit_json(changed=False, tags=IgnoredTags(module).find_tags())


if __name__ == "__main__":
    main()
