#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: ignored_tags_info
short_description: Look up the tags that others set on an object
version_added: 0.1.0
description:
  - Returns those tags of objects whose keys match O(ignored_tags).
  - Modules of other collections remove each tag that they were not given. Give them these tags beside your own, and
    they leave them alone.
author: Teal maintainers (@teal-platform)
options:
  key_alias:
    description: Alias of a key of KMS.
    type: str
  db_subnet_group:
    description: Name of a subnet group of RDS.
    type: str
  certificate_name:
    description: Tag C(Name) of a certificate of ACM.
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
- name: Look up the tags of others
  teal.platform.ignored_tags_info:
    key_alias: alias/shop-staging-alarms
    ignored_tags: [awsApplication, "Cost*"]
  register: others

- name: Create the key
  amazon.aws.kms_key:
    alias: alias/shop-staging-alarms
    tags: "{{ {'Application': 'shop'} | combine(others.tags.key_alias) }}"
"""

RETURN = r"""
tags:
  description: The tags, by the option that named the object. Empty for an object that does not exist.
  type: dict
  returned: always
  sample: {"key_alias": {"awsApplication": "arn:aws:resource-groups:eu-west-1:123456789012:group/shop/0abc"}}
"""

from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.ignored_tags import matches
from ansible_collections.teal.platform.plugins.module_utils.resource import (
    IGNORED_TAGS,
    AnsibleAWSModule,
    Resource,
    boto3_tag_list_to_ansible_dict,
)

OBJECTS = ("key_alias", "db_subnet_group", "certificate_name", "instance_name", "vpc_id")
LIVE = ["pending", "running", "stopping", "stopped"]


class TagsOfOthers(Resource):
    """Reads tags by the name of their object."""

    kind = "tags"

    def __init__(self, module: AnsibleAWSModule) -> None:
        self.module = module
        self.params = module.params
        self._of = ""

    @property
    def name(self) -> str:
        return self._of

    def without_ignored_tags(self, answer: Any) -> Any:
        # Here they are wanted.
        return answer

    def look(self) -> dict[str, dict[str, str]]:
        """Return the tags of others of each object that the parameters name."""
        found = {}
        for kind in OBJECTS:
            if self.params[kind]:
                self._of = self.params[kind]
                tags = getattr(self, f"_{kind}")(self._of)
                # AWS's own are in nobody's reach, and no module accepts them.
                found[kind] = {
                    key: value
                    for key, value in tags.items()
                    if matches(key, self.ignored_tags) and not key.startswith("aws:")
                }
        return found

    def _key_alias(self, alias: str) -> dict[str, str]:
        kms = self.module.client("kms")
        answer = self.call("describe_key", client=kms, KeyId=alias, missing=["NotFoundException"])
        if not answer:
            return {}
        key = answer["KeyMetadata"]["KeyId"]
        tags = self.pages("list_resource_tags", "Tags", client=kms, KeyId=key)
        return boto3_tag_list_to_ansible_dict(tags, "TagKey", "TagValue")

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
            missing = ["ResourceNotFoundException"]  # the list names certificates for hours after their end
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
            "key_alias": {"type": "str", "no_log": False},
            "db_subnet_group": {"type": "str"},
            "certificate_name": {"type": "str"},
            "instance_name": {"type": "str"},
            "vpc_id": {"type": "str"},
            "ignored_tags": IGNORED_TAGS,
        },
        required_one_of=[OBJECTS],
        supports_check_mode=True,
    )
    module.exit_json(changed=False, tags=TagsOfOthers(module).look())


if __name__ == "__main__":
    main()
