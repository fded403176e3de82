#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Runs a script once on a temporary EC2 instance."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ec2_run_script
short_description: Run a script once on a temporary EC2 instance
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Launches an instance, runs a script on it by Systems Manager, and terminates it. Use it for tasks that need access to
    the VPC or an instance role, without a permanent instance.
  - Stores a hash of the script in a parameter of Systems Manager. Runs the script again when the hash differs.
options:
  name:
    description: Name of the instance.
    type: str
    required: true
  marker:
    description: Name of the parameter of Systems Manager that stores the hash of the script.
    type: str
    required: true
  script:
    description: The script. C(bash) runs it as root. It must be idempotent.
    type: str
  image_parameter:
    description: Name of the public parameter of Systems Manager with the ID of the machine image.
    type: str
    default: /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64
  instance_type:
    description: Type of the instance.
    type: str
    default: t4g.micro
  subnet_id:
    description: ID of the instance's subnet. Systems Manager must be reachable from it.
    type: str
  public_address:
    description: Whether the instance gets a public address. Needed in a subnet without NAT.
    type: bool
    default: false
  security_group_ids:
    description: IDs of the instance's security groups.
    type: list
    elements: str
  instance_profile:
    description: Name of the instance profile. Its role needs the policy C(AmazonSSMManagedInstanceCore).
    type: str
  state:
    description: V(absent) deletes the parameter O(marker) and terminates a leftover instance of an interrupted run.
    type: str
    choices: [present, absent]
    default: present
  tags:
    description: Tags of the instance, its volume and the parameter.
    type: dict
    aliases: [resource_tags]
  purge_tags:
    description: Not used.
    type: bool
    default: true
  wait:
    description: Not used. The module always waits for the end of the script.
    type: bool
    default: true
  wait_timeout:
    description: Maximum number of seconds for the start of the instance and the run of the script.
    type: int
    default: 600
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - teal.platform.tags
"""

EXAMPLES = r"""
- name: Create the schema
  teal.platform.ec2_run_script:
    name: shop-test-schema
    marker: /shop-test/schema
    script: |
      set -euo pipefail
      dnf install -qy postgresql17
      psql -f /dev/stdin <<<'CREATE SCHEMA IF NOT EXISTS shop'
    subnet_id: subnet-0123456789abcdef0
    security_group_ids: [sg-0123456789abcdef0]
    instance_profile: shop-test-schema
"""

RETURN = r"""
script_run:
  description: Name of the parameter O(marker), and the hash that it stores.
  type: dict
  returned: when the script has run
"""

import hashlib
import time
from typing import Any

try:
    from botocore.exceptions import ClientError
except ImportError:  # AnsibleAWSModule reports the missing library
    pass

from ansible_collections.teal.platform.plugins.module_utils import aws_statuses
from ansible_collections.teal.platform.plugins.module_utils.resource import (
    COMMON_ARGUMENTS,
    AnsibleAWSModule,
    Resource,
    ansible_dict_to_boto3_tag_list,
)

LIVE = ["pending", "running", "stopping", "stopped"]


class ScriptRun(Resource):
    service = "ssm"
    kind = "script_run"

    def __init__(self, module: AnsibleAWSModule) -> None:
        super().__init__(module)
        self.ec2 = module.client("ec2")

    def find(self) -> dict | None:
        answer = self.call("get_parameter", Name=self.params["marker"], missing=["ParameterNotFound"])
        if answer:
            return {"marker": self.params["marker"], "done": answer["Parameter"]["Value"]}
        if self.params["state"] == "absent" and self._leftover_instance():
            return {"marker": self.params["marker"], "done": None}
        return None

    def desired(self) -> dict[str, Any]:
        for name in ("script", "subnet_id", "security_group_ids", "instance_profile"):
            if not self.params[name]:
                self.module.fail_json(msg=f"{name} is needed to run the script '{self.name}'")
        return {"done": hashlib.sha256(self.params["script"].encode()).hexdigest()}

    def current(self, found: dict) -> dict[str, Any]:
        return {"done": found["done"]}

    def create(self) -> dict:
        instance = self._leftover_instance() or self._launch()
        try:
            failure = self._run(instance)
        finally:
            self._terminate(instance)
        if failure:
            self.module.fail_json(msg=f"script '{self.name}' failed on {instance}: {failure}")
        self.call(
            "put_parameter",
            Name=self.params["marker"],
            Value=self.desired()["done"],
            Type="String",
            Overwrite=True,
        )
        self.call(
            "add_tags_to_resource",
            ResourceType="Parameter",
            ResourceId=self.params["marker"],
            Tags=ansible_dict_to_boto3_tag_list(self._tags()),
        )
        return self.find()

    def update(self, found: dict, changes: dict[str, Any]) -> dict:
        return self.create()

    def delete(self, found: dict) -> None:
        instance = self._leftover_instance()
        if instance:
            self._terminate(instance)
        self.call("delete_parameter", Name=self.params["marker"], missing=["ParameterNotFound"])

    def _tags(self) -> dict[str, str]:
        return {**(self.params["tags"] or {}), "Name": self.name}

    def _leftover_instance(self) -> str | None:
        """Return the ID of the instance of an interrupted run."""
        filters = [
            {"Name": "tag:Name", "Values": [self.name]},
            {"Name": "instance-state-name", "Values": LIVE},
        ]
        found = self.pages("describe_instances", "Reservations", client=self.ec2, Filters=filters)
        return next((one["InstanceId"] for each in found for one in each["Instances"]), None)

    def _launch(self) -> str:
        image = self.call("get_parameter", Name=self.params["image_parameter"])["Parameter"]["Value"]
        tags = ansible_dict_to_boto3_tag_list(self._tags())
        answer = self.call(
            "run_instances",
            client=self.ec2,
            ImageId=image,
            InstanceType=self.params["instance_type"],
            MinCount=1,
            MaxCount=1,
            IamInstanceProfile={"Name": self.params["instance_profile"]},
            NetworkInterfaces=[
                {
                    "DeviceIndex": 0,
                    "SubnetId": self.params["subnet_id"],
                    "Groups": self.params["security_group_ids"],
                    "AssociatePublicIpAddress": self.params["public_address"],
                }
            ],
            BlockDeviceMappings=[
                {
                    "DeviceName": "/dev/xvda",
                    "Ebs": {
                        "VolumeType": "gp3",
                        "VolumeSize": 8,
                        "Encrypted": True,
                        "DeleteOnTermination": True,
                    },
                }
            ],
            MetadataOptions={"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
            # If the run is killed, the instance terminates itself.
            InstanceInitiatedShutdownBehavior="terminate",
            UserData=f"#!/bin/sh\nshutdown -h +{self.params['wait_timeout'] // 60 + 15}\n",
            TagSpecifications=[{"ResourceType": kind, "Tags": tags} for kind in ("instance", "volume")],
        )
        return answer["Instances"][0]["InstanceId"]

    def _run(self, instance: str) -> str | None:
        """Run the script. Return the reason if it failed, otherwise None."""
        give_up = time.monotonic() + self.params["wait_timeout"]
        command = None
        while command is None:
            command = self._send(instance)
            if command is None:
                if time.monotonic() > give_up:
                    return (
                        "the instance did not register with Systems Manager. Check its role, and that its subnet "
                        "reaches Systems Manager"
                    )
                time.sleep(3)
        while True:
            # The invocation of a new command is not visible immediately.
            invocation = self.call(
                "get_command_invocation",
                CommandId=command,
                InstanceId=instance,
                missing=["InvocationDoesNotExist"],
            )
            meaning = aws_statuses.meaning("command", invocation["Status"]) if invocation else None
            if meaning == aws_statuses.READY:
                return None
            if meaning == aws_statuses.FAILED:
                output = (
                    invocation.get("StandardErrorContent") or invocation.get("StandardOutputContent") or ""
                )
                return f"{invocation['StatusDetails']}: {output.strip()[-1500:]}"
            if time.monotonic() > give_up:
                return f"the script did not finish within {self.params['wait_timeout']} s"
            time.sleep(2)

    def _send(self, instance: str) -> str | None:
        """Send the script, and return the ID of the command; None while the instance is not registered."""
        try:
            answer = self.client.send_command(
                InstanceIds=[instance],
                DocumentName="AWS-RunShellScript",
                Comment=self.name,
                Parameters={
                    "commands": self.params["script"].splitlines(),
                    "executionTimeout": [str(self.params["wait_timeout"])],
                },
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in ("InvalidInstanceId", "InvalidInstanceID"):
                return None
            self.fail_aws(error, self.client, "send_command")
        return answer["Command"]["CommandId"]

    def _terminate(self, instance: str) -> None:
        self.call("terminate_instances", client=self.ec2, InstanceIds=[instance])


def main() -> None:
    text = {"type": "str"}
    module = AnsibleAWSModule(
        argument_spec={
            **COMMON_ARGUMENTS,
            "name": {"type": "str", "required": True},
            "marker": {"type": "str", "required": True},
            "script": text,
            "image_parameter": {
                "type": "str",
                "default": "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64",
            },
            "instance_type": {"type": "str", "default": "t4g.micro"},
            "subnet_id": text,
            "public_address": {"type": "bool", "default": False},
            "security_group_ids": {"type": "list", "elements": "str"},
            "instance_profile": text,
            "wait_timeout": {"type": "int", "default": 600},
        },
        supports_check_mode=True,
    )
    ScriptRun(module).run()


if __name__ == "__main__":
    main()
