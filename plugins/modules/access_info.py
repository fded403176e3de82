#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: access_info
short_description: See within seconds whether AWS and Kubernetes answer us
version_added: 0.1.0
description:
  - Asks AWS who we are, and whether the region is enabled, and fails with what to do about it.
  - Before a build, asks EC2 in the region for its zones, and whether its quota of vCPUs has room for a cluster's nodes.
  - Asks a cluster for its version, if a kubeconfig is given.
author: Teal maintainers (@teal-platform)
options:
  allowed_accounts:
    description: Accounts that may be used. Empty for any.
    type: list
    elements: str
    default: []
  zones:
    description: Availability zones that the region has to have. Empty if nothing is built.
    type: list
    elements: str
    default: []
  cluster:
    description: An EKS cluster. If it has nodes already, they have to be in O(zones), since their subnets cannot be changed.
    type: str
  nodes:
    description:
      - Nodes of an EKS cluster that is built. If the cluster does not have them yet, EC2's quota of vCPUs has to have
        room for them. Only the quotas of standard instances (A, C, D, H, I, M, R, T, Z) are asked.
    type: dict
    suboptions:
      cluster:
        description: Name of the cluster, and of its node group.
        type: str
        required: true
      instance_type:
        description: Type of a node.
        type: str
        required: true
      count:
        description: Number of nodes.
        type: int
        required: true
      capacity_type:
        description: How the nodes are bought.
        type: str
        choices: [ON_DEMAND, SPOT]
        default: ON_DEMAND
  kubeconfig:
    description: A kubeconfig whose cluster has to answer.
    type: path
  kubeconfig_context:
    description: The context of it. Its current one if not given.
    type: str
  timeout:
    description: Seconds to wait for a connection to AWS, whose answer may take five times as long, and for Kubernetes.
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
- name: See whether AWS answers
  teal.platform.access_info:
    region: eu-west-1
    allowed_accounts: ["123456789012"]
"""

RETURN = r"""
account:
  description: The account.
  type: str
  returned: success
arn:
  description: Who we are in it.
  type: str
  returned: success
kubernetes_version:
  description: Version of the cluster.
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


def ask_aws(module: AnsibleAWSModule) -> dict[str, str]:
    """Return account and ARN; end the module if AWS does not answer, or says that we are elsewhere."""
    region = module.params.get("region") or module.region or "its default region"
    try:
        identity = module.client("sts").get_caller_identity()
        account, arn = identity["Account"], identity["Arn"]
        allowed = module.params["allowed_accounts"]
        if allowed and account not in allowed:
            module.fail_json(
                msg=f"These credentials are for account {account} ({arn}), and platform_allowed_accounts has "
                f"{', '.join(allowed)}. Nothing was created or changed."
            )
        ask_region(module, region)
        nodes, contact = module.params["nodes"], RegionChecks(module, region)
        if module.params["zones"]:
            contact.zones(module.params["zones"], for_eks=bool(nodes))
        if module.params["zones"] and module.params["cluster"]:
            contact.zones_of_nodes(module.params["zones"], module.params["cluster"])
        if nodes:
            contact.vcpus(nodes)
    except (ClientError, BotoCoreError) as error:
        module.fail_json(msg=f"{describe_aws_error(error, region)} Nothing was created or changed.")
    return {"account": account, "arn": arn}


def ask_region(module: AnsibleAWSModule, region: str) -> None:
    """End the module if the region is not enabled; who may not ask will see."""
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


def ask_kubernetes(module: AnsibleAWSModule) -> str:
    """Return the version of the cluster; end the module if it does not answer."""
    path, context = module.params["kubeconfig"], module.params["kubeconfig_context"]
    try:
        from kubernetes import client, config
    except ImportError:
        module.fail_json(
            msg="platform_kubeconfig needs the Python library 'kubernetes': pip install kubernetes"
        )
    what = f"platform_kubeconfig ({path}{f', context {context}' if context else ''})"
    timeout = module.params["timeout"]
    # the client raises errors of its own, of urllib3, of YAML and of exec plugins
    try:
        api = config.new_client_from_config(config_file=path, context=context)
    except Exception as error:
        module.fail_json(msg=f"{what} cannot be used: {first_line(error)}. Nothing was created or changed.")
    try:
        return client.VersionApi(api).get_code(_request_timeout=(timeout, timeout)).git_version
    except Exception as error:
        module.fail_json(
            msg=f"The cluster of {what} does not answer: {first_line(error)}. Nothing was created or changed."
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
    # Who is reached at all may take longer to answer: a busy machine that rehearses, say.
    quick = {"connect_timeout": timeout, "read_timeout": 5 * timeout, "retries": {"total_max_attempts": 1}}
    module.params["aws_config"] = {**quick, **(module.params.get("aws_config") or {})}
    result: dict[str, Any] = ask_aws(module)
    if module.params["kubeconfig"]:
        result["kubernetes_version"] = ask_kubernetes(module)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
