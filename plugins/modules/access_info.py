#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: access_info
short_description: Check access to AWS and Kubernetes within seconds
version_added: 0.1.0
description:
  - Checks the AWS credentials, the account, and whether the region is enabled. On failure, the message says what to do.
  - Before provisioning, checks the availability zones of the region, and that EC2's quota of vCPUs is sufficient for the
    nodes of a cluster.
  - Reads the version of a Kubernetes cluster, if a kubeconfig is given.
author: Teal maintainers (@teal-platform)
options:
  allowed_accounts:
    description: IDs of the allowed accounts. Empty allows any account.
    type: list
    elements: str
    default: []
  zones:
    description: Availability zones that must exist in the region. Empty skips the check.
    type: list
    elements: str
    default: []
  cluster:
    description: Name of an EKS cluster. Its existing nodes must be in O(zones), since EKS cannot change their subnets.
    type: str
  nodes:
    description:
      - Nodes of an EKS cluster. If the cluster does not have them yet, EC2's quota of vCPUs must be sufficient. Only the
        quotas of standard instances (A, C, D, H, I, M, R, T, Z) are checked.
    type: dict
    suboptions:
      cluster:
        description: Name of the cluster, and of its node group.
        type: str
        required: true
      instance_type:
        description: Instance type of the nodes.
        type: str
        required: true
      count:
        description: Number of nodes.
        type: int
        required: true
      capacity_type:
        description: Capacity type of the nodes.
        type: str
        choices: [ON_DEMAND, SPOT]
        default: ON_DEMAND
  kubeconfig:
    description: Path of a kubeconfig. Its cluster must respond.
    type: path
  kubeconfig_context:
    description: Context of O(kubeconfig). By default its current context.
    type: str
  timeout:
    description: Seconds to wait for a connection to AWS or Kubernetes. A response of AWS may take five times as long.
    type: int
    default: 4
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
attributes:
  check_mode:
    description: Reads only.
    support: full
"""

EXAMPLES = r"""
- name: Check the access to AWS
  teal.platform.access_info:
    region: eu-west-1
    allowed_accounts: ["123456789012"]
"""

RETURN = r"""
account:
  description: ID of the account.
  type: str
  returned: success
arn:
  description: ARN of the caller.
  type: str
  returned: success
kubernetes_version:
  description: Version of the Kubernetes cluster.
  type: str
  returned: when a kubeconfig is given
"""

from typing import Any

try:
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError:  # AnsibleAWSModule reports the missing library
    pass

from ansible_collections.teal.platform.plugins.module_utils.aws_errors import describe_aws_error
from ansible_collections.teal.platform.plugins.module_utils.region_checks import RegionChecks
from ansible_collections.teal.platform.plugins.module_utils.resource import AnsibleAWSModule


def check_aws(module: AnsibleAWSModule) -> dict[str, str]:
    """Return account and ARN of the caller; fail the module without access, or in another account."""
    region = module.params.get("region") or module.region or "its default region"
    try:
        identity = module.client("sts").get_caller_identity()
        account, arn = identity["Account"], identity["Arn"]
        allowed = module.params["allowed_accounts"]
        if allowed and account not in allowed:
            module.fail_json(
                msg=f"These credentials are for account {account} ({arn}), but platform_allowed_accounts allows only "
                f"{', '.join(allowed)}. Nothing was created or changed."
            )
        check_region_enabled(module, region)
        nodes, checks = module.params["nodes"], RegionChecks(module, region)
        if module.params["zones"]:
            checks.zones(module.params["zones"], for_eks=bool(nodes))
        if module.params["zones"] and module.params["cluster"]:
            checks.zones_of_nodes(module.params["zones"], module.params["cluster"])
        if nodes:
            checks.vcpus(nodes)
    except (ClientError, BotoCoreError) as error:
        module.fail_json(msg=f"{describe_aws_error(error, region)} Nothing was created or changed.")
    return {"account": account, "arn": arn}


def check_region_enabled(module: AnsibleAWSModule, region: str) -> None:
    """Fail the module if the region is not enabled. Skips the check without the right to list regions."""
    try:
        regions = module.client("ec2").describe_regions(RegionNames=[region], AllRegions=True)["Regions"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "UnauthorizedOperation":
            return
        raise
    if regions and regions[0].get("OptInStatus") == "not-opted-in":
        module.fail_json(
            msg=f"Region {region} is not enabled for this account. Enable it (aws account enable-region "
            f"--region-name {region}), or set another platform_region. Nothing was created or changed."
        )


def check_kubernetes(module: AnsibleAWSModule) -> str:
    """Return the version of the cluster; fail the module if it does not respond."""
    path, context = module.params["kubeconfig"], module.params["kubeconfig_context"]
    try:
        from kubernetes import client, config
    except ImportError:
        module.fail_json(
            msg="platform_kubeconfig needs the Python library 'kubernetes': pip install kubernetes"
        )
    what = f"platform_kubeconfig ({path}{f', context {context}' if context else ''})"
    timeout = module.params["timeout"]
    # The client raises its own errors and those of urllib3, YAML and exec plugins.
    try:
        api = config.new_client_from_config(config_file=path, context=context)
    except Exception as error:
        module.fail_json(msg=f"{what} cannot be used: {first_line(error)}. Nothing was created or changed.")
    try:
        return client.VersionApi(api).get_code(_request_timeout=(timeout, timeout)).git_version
    except Exception as error:
        module.fail_json(
            msg=f"The cluster of {what} does not respond: {first_line(error)}. Nothing was created or changed."
        )


def first_line(error: Exception) -> str:
    return str(getattr(error, "reason", None) or error).strip().splitlines()[0]


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "allowed_accounts": {"type": "list", "elements": "str", "default": []},
            "zones": {"type": "list", "elements": "str", "default": []},
            "cluster": {"type": "str"},
            "nodes": {
                "type": "dict",
                "options": {
                    "cluster": {"type": "str", "required": True},
                    "instance_type": {"type": "str", "required": True},
                    "count": {"type": "int", "required": True},
                    "capacity_type": {
                        "type": "str",
                        "choices": ["ON_DEMAND", "SPOT"],
                        "default": "ON_DEMAND",
                    },
                },
            },
            "kubeconfig": {"type": "path"},
            "kubeconfig_context": {"type": "str"},
            "timeout": {"type": "int", "default": 4},
        },
        supports_check_mode=True,
    )
    timeout = module.params["timeout"]
    # A slow response is no reason to fail: the local emulator may run on a busy machine.
    quick = {"connect_timeout": timeout, "read_timeout": 5 * timeout, "retries": {"total_max_attempts": 1}}
    module.params["aws_config"] = {**quick, **(module.params.get("aws_config") or {})}
    result: dict[str, Any] = check_aws(module)
    if module.params["kubeconfig"]:
        result["kubernetes_version"] = check_kubernetes(module)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
