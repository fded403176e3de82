#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Manages the Lambda functions of an environment from folders of source code."""

from __future__ import annotations

DOCUMENTATION = r"""
module: lambda_functions
short_description: Manage a set of Lambda functions from folders of source code
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Packages folders of source code reproducibly, and manages each function with its version, alias and log group.
  - Compares the version that the alias points to, so the next run completes an interrupted one.
  - Deletes a function that is not in O(functions) if its name begins with O(prefix) and its tags C(Application),
    C(Environment) and C(Component) are the same as in O(tags).
options:
  prefix:
    description: Prefix of the functions' names.
    type: str
    required: true
  functions:
    description: The functions that should exist.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the function, without O(prefix).
        type: str
        required: true
      source:
        description: Folder of the function's source code, including its libraries.
        type: path
        required: true
      exclude:
        description: Patterns of names to exclude from the package.
        type: list
        elements: str
        default: [__pycache__, "*.pyc", ".*", tests, "test_*.py"]
      description:
        description: Description of the function.
        type: str
        default: ""
      handler:
        description: Handler of the function, as C(module.function).
        type: str
        required: true
      runtime:
        description: Lambda runtime, such as V(python3.13).
        type: str
        required: true
      architecture:
        description: Processor architecture.
        type: str
        choices: [arm64, x86_64]
        default: arm64
      memory:
        description: Memory in MiB.
        type: int
        default: 256
      timeout:
        description: Timeout of an invocation in seconds.
        type: int
        default: 10
      environment:
        description: Environment variables. Do not put secrets here.
        type: dict
        default: {}
      callers:
        description:
          - Callers that may invoke the function by O(alias), in addition to an API of M(teal.platform.http_api).
            Permissions that others added remain.
        type: list
        elements: dict
        default: []
        suboptions:
          id:
            description: ID of the permission in the function's policy.
            type: str
            required: true
          principal:
            description: The calling service, such as V(sns.amazonaws.com).
            type: str
            required: true
          source_arn:
            description: ARN of the object that triggers the call.
            type: str
            required: true
      in_vpc:
        description: Whether the function is connected to a VPC, with O(subnet_ids) and O(security_group_ids).
        type: bool
        default: false
  subnet_ids:
    description: Subnets of functions in a VPC.
    type: list
    elements: str
    default: []
  security_group_ids:
    description:
      - Security groups of functions in a VPC. With O(state=absent), the module waits up to 45 minutes until Lambda has
        deleted its interfaces in these groups. Lambda uses O(role) for that.
    type: list
    elements: str
    default: []
  role:
    description: ARN of the functions' role. Required with functions.
    type: str
  alias:
    description: Name of the alias that callers use.
    type: str
    default: live
  log_retention_days:
    description: Retention of the logs in days.
    type: int
    default: 30
  state:
    description: V(absent) deletes all these functions.
    type: str
    choices: [present, absent]
    default: present
  tags:
    description: Tags of each function and log group. C(Name) is added.
    type: dict
    required: true
    aliases: [resource_tags]
  wait_timeout:
    description: Maximum number of seconds to wait until a function is ready.
    type: int
    default: 600
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - teal.platform.tags
"""

EXAMPLES = r"""
- name: Create the functions of an environment
  teal.platform.lambda_functions:
    prefix: shop-staging-
    role: arn:aws:iam::123456789012:role/shop-staging/shop-staging-functions
    tags:
      Environment: staging
      Component: functions
    functions:
      - name: hello
        source: examples/functions/hello
        handler: hello.handler
        runtime: python3.13
"""

RETURN = r"""
functions:
  description: ARN of each function's alias, by name without O(prefix).
  type: dict
  returned: always
  sample:
    hello: arn:aws:lambda:ap-northeast-2:123456789012:function:shop-staging-hello:live
"""

import json
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils import aws_statuses
from ansible_collections.teal.platform.plugins.module_utils.lambda_package import (
    EXCLUDED,
    PackageError,
    build,
    digest,
)
from ansible_collections.teal.platform.plugins.module_utils.network_interfaces import (
    wait_for_lambda_interfaces,
)
from ansible_collections.teal.platform.plugins.module_utils.resource import (
    IGNORED_TAGS,
    AnsibleAWSModule,
    role_not_usable_yet,
)
from ansible_collections.teal.platform.plugins.module_utils.resource_set import ResourceSet, finish

MISSING = ("ResourceNotFoundException",)
#: Tags that identify the owner of a function. Other tags may change.
OWNED_BY = ("Application", "Environment", "Component")


class Functions(ResourceSet):
    service = "lambda"
    kind = "function"

    def __init__(self, module: AnsibleAWSModule) -> None:
        super().__init__(module)
        self.logs = module.client("logs")
        self.packages: dict[str, bytes] = {}
        self.known_callers = {one["id"] for entry in module.params["functions"] for one in entry["callers"]}

    def wanted(self) -> dict[str, dict[str, Any]]:
        """Return the settings of each function that should exist, by its full name."""
        functions = {}
        for entry in self.params["functions"]:
            name = self.params["prefix"] + entry["name"]
            try:
                self.packages[name] = build(entry["source"], entry["exclude"])
            except PackageError as error:
                self.module.fail_json(msg=f"functions: source of '{entry['name']}': {error}")
            functions[name] = {
                "code_sha256": digest(self.packages[name]),
                "description": entry["description"],
                "handler": entry["handler"],
                "runtime": entry["runtime"],
                "architecture": entry["architecture"],
                "memory": entry["memory"],
                "timeout": entry["timeout"],
                "environment": {key: str(value) for key, value in entry["environment"].items()},
                "subnet_ids": sorted(self.params["subnet_ids"]) if entry["in_vpc"] else [],
                "security_group_ids": sorted(self.params["security_group_ids"]) if entry["in_vpc"] else [],
                "role": self.params["role"],
                "callers": {one["id"]: _caller(one) for one in entry["callers"]},
                "log_retention_days": self.params["log_retention_days"],
                "tags": {**self.params["tags"], "Name": name},
            }
        return functions

    # -- current state ---------------------------------------------------------------------------

    def find_all(self) -> dict[str, dict]:
        prefix = f"/aws/lambda/{self.params['prefix']}"
        groups = {
            group["logGroupName"].removeprefix("/aws/lambda/"): group
            for group in self.pages(
                "describe_log_groups", "logGroups", client=self.logs, logGroupNamePrefix=prefix
            )
        }
        names = [function["FunctionName"] for function in self.pages("list_functions", "Functions")]
        found = {}
        # A run that was killed may have created the log group without the function.
        for self._at in sorted({*names, *groups}):
            if self._at.startswith(self.params["prefix"]):
                entry = self._read(self._at, groups.get(self._at))
                if self._owned(entry):
                    found[self._at] = entry
        return found

    def _read(self, name: str, group: dict | None) -> dict:
        latest = self.call("get_function", FunctionName=name, missing=MISSING)
        live = latest and self.call(
            "get_function_configuration",
            FunctionName=name,
            Qualifier=self.params["alias"],
            missing=MISSING,
        )
        return {
            "arn": latest and latest["Configuration"]["FunctionArn"],
            "tags": latest.get("Tags", {}) if latest else self._group_tags(group),
            "live": live or {},
            "callers": self._callers(name) if live else {},
            "log_retention_days": group and group.get("retentionInDays"),
        }

    def _callers(self, name: str) -> dict[str, dict[str, Any]]:
        """Return the callers in the policy of the function's alias, by ID of the permission."""
        answer = self.call("get_policy", FunctionName=name, Qualifier=self.params["alias"], missing=MISSING)
        statements = json.loads(answer["Policy"])["Statement"] if answer else []
        return {
            entry["Sid"]: {
                "principal": (entry["Principal"] if isinstance(entry["Principal"], dict) else {}).get(
                    "Service"
                ),
                "source_arn": next(
                    (arn for key, arn in entry.get("Condition", {}).get("ArnLike", {}).items()), None
                ),
                "action": entry["Action"],
            }
            for entry in statements
        }

    def _group_tags(self, group: dict | None) -> dict[str, str]:
        if group is None:
            return {}
        arn = group["arn"].removesuffix(":*")
        answer = self.call("list_tags_for_resource", resourceArn=arn, client=self.logs, missing=MISSING)
        return (answer or {}).get("tags", {})

    def _owned(self, found: dict) -> bool:
        own = self.params["tags"]
        return all(found["tags"].get(key) == own[key] for key in OWNED_BY if key in own)

    def settings(self, found: dict) -> dict[str, Any]:
        live = found["live"]
        vpc = live.get("VpcConfig") or {}
        return {
            "code_sha256": live.get("CodeSha256"),
            "description": live.get("Description", ""),
            "handler": live.get("Handler"),
            "runtime": live.get("Runtime"),
            "architecture": next(iter(live.get("Architectures", [])), None),
            "memory": live.get("MemorySize"),
            "timeout": live.get("Timeout"),
            "environment": live.get("Environment", {}).get("Variables", {}),
            "subnet_ids": sorted(vpc.get("SubnetIds") or []),
            "security_group_ids": sorted(vpc.get("SecurityGroupIds") or []),
            "role": live.get("Role"),
            # Others add permissions too, such as the module http_api.
            "callers": {key: one for key, one in found["callers"].items() if key in self.known_callers},
            "log_retention_days": found["log_retention_days"],
            "tags": found["tags"],
        }

    # -- changes ---------------------------------------------------------------------------------

    def create_one(self, key: str, want: dict[str, Any]) -> dict:
        self._ensure_log_group(key, want)
        self.call_with_retry(
            "create_function",
            role_not_usable_yet,
            **self._configuration(key, want),
            Architectures=[want["architecture"]],
            Code={"ZipFile": self.packages[key]},
            Tags=want["tags"],
        )
        self.wait_until_ready()
        return self._publish(key, want, {})

    def update_one(self, key: str, found: dict, want: dict[str, Any]) -> dict:
        if not found["arn"]:
            return self.create_one(key, want)
        have = self.settings(found)
        if have["log_retention_days"] != want["log_retention_days"]:
            self._ensure_log_group(key, want)
        if have["tags"] != want["tags"]:
            gone = sorted(have["tags"].keys() - want["tags"].keys())
            if gone:
                self.call("untag_resource", Resource=found["arn"], TagKeys=gone)
            self.call("tag_resource", Resource=found["arn"], Tags=want["tags"])
        apart = ("log_retention_days", "tags", "callers")
        if all(have[name] == want[name] for name in have if name not in apart):
            self._sync_callers(key, have["callers"], want["callers"])
            return {**found, "callers": want["callers"]}
        self.call("update_function_configuration", **self._configuration(key, want))
        self.wait_until_ready()
        self.call(
            "update_function_code",
            FunctionName=key,
            ZipFile=self.packages[key],
            Architectures=[want["architecture"]],
        )
        self.wait_until_ready()
        return self._publish(key, want, found["live"])

    def _configuration(self, key: str, want: dict[str, Any]) -> dict[str, Any]:
        return {
            "FunctionName": key,
            "Description": want["description"],
            "Handler": want["handler"],
            "Runtime": want["runtime"],
            "MemorySize": want["memory"],
            "Timeout": want["timeout"],
            "Role": want["role"],
            "Environment": {"Variables": want["environment"]},
            "VpcConfig": {"SubnetIds": want["subnet_ids"], "SecurityGroupIds": want["security_group_ids"]},
        }

    def _publish(self, key: str, want: dict[str, Any], live: dict) -> dict:
        """Publish the current code and settings as a version, and point the alias to it."""
        version = self.call("publish_version", FunctionName=key)["Version"]
        alias = {"FunctionName": key, "Name": self.params["alias"], "FunctionVersion": version}
        self.call("update_alias" if live else "create_alias", **alias)
        have = self._callers(key)
        self._sync_callers(
            key, {name: have[name] for name in have if name in self.known_callers}, want["callers"]
        )
        return self._read(key, {"retentionInDays": want["log_retention_days"]})

    def _sync_callers(self, key: str, have: dict[str, dict], want: dict[str, dict]) -> None:
        """Change the permissions to invoke the function's alias from `have` to `want`."""
        which = {"FunctionName": key, "Qualifier": self.params["alias"]}
        for name in sorted(have):
            if have[name] != want.get(name):
                self.call("remove_permission", StatementId=name, missing=MISSING, **which)
        for name, caller in sorted(want.items()):
            if have.get(name) != caller:
                self.call(
                    "add_permission",
                    StatementId=name,
                    Action=caller["action"],
                    Principal=caller["principal"],
                    SourceArn=caller["source_arn"],
                    **which,
                )

    def _ensure_log_group(self, key: str, want: dict[str, Any]) -> None:
        """Create the log group before Lambda creates it without retention and tags."""
        group = f"/aws/lambda/{key}"
        exists = ("ResourceAlreadyExistsException",)
        self.call("create_log_group", logGroupName=group, tags=want["tags"], client=self.logs, missing=exists)
        self.call(
            "put_retention_policy",
            logGroupName=group,
            retentionInDays=want["log_retention_days"],
            client=self.logs,
        )

    def find(self) -> dict | None:
        return self.call("get_function_configuration", FunctionName=self._at)

    def meaning(self, found: dict) -> str:
        """Return the meaning of the function's state, or of its last update if the function is ready."""
        state = aws_statuses.meaning("function", found.get("State", "Active"))
        update = aws_statuses.meaning("function update", found.get("LastUpdateStatus", "Successful"))
        return state if state != aws_statuses.READY else update

    def failure(self, found: dict | None) -> str | None:
        if found is None or self.meaning(found) != aws_statuses.FAILED:
            return None
        failed = aws_statuses.meaning("function", found.get("State", "Active")) == aws_statuses.FAILED
        reason = found.get("StateReason" if failed else "LastUpdateStatusReason", "AWS gives no reason")
        return f"{found.get('State') if failed else 'the last update failed'}: {reason}."

    def delete_one(self, key: str, found: dict) -> None:
        # The log group first: the functions cannot create one, and the next run finds a leftover function.
        self.call("delete_log_group", logGroupName=f"/aws/lambda/{key}", client=self.logs, missing=MISSING)
        self.call("delete_function", FunctionName=key, missing=MISSING)


def _caller(given: dict[str, str]) -> dict[str, Any]:
    return {
        "principal": given["principal"],
        "source_arn": given["source_arn"],
        "action": "lambda:InvokeFunction",
    }


def main() -> None:
    caller = {name: {"type": "str", "required": True} for name in ("id", "principal", "source_arn")}
    function = {
        "name": {"type": "str", "required": True},
        "source": {"type": "path", "required": True},
        "exclude": {"type": "list", "elements": "str", "default": list(EXCLUDED)},
        "description": {"type": "str", "default": ""},
        "handler": {"type": "str", "required": True},
        "runtime": {"type": "str", "required": True},
        "architecture": {"type": "str", "choices": ["arm64", "x86_64"], "default": "arm64"},
        "memory": {"type": "int", "default": 256},
        "timeout": {"type": "int", "default": 10},
        "environment": {"type": "dict", "default": {}},
        "callers": {"type": "list", "elements": "dict", "default": [], "options": caller},
        "in_vpc": {"type": "bool", "default": False},
    }
    module = AnsibleAWSModule(
        argument_spec={
            "prefix": {"type": "str", "required": True},
            "functions": {"type": "list", "elements": "dict", "default": [], "options": function},
            "subnet_ids": {"type": "list", "elements": "str", "default": []},
            "security_group_ids": {"type": "list", "elements": "str", "default": []},
            "role": {"type": "str"},
            "alias": {"type": "str", "default": "live"},
            "log_retention_days": {"type": "int", "default": 30},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "tags": {"type": "dict", "required": True, "aliases": ["resource_tags"]},
            "ignored_tags": IGNORED_TAGS,
            "wait_timeout": {"type": "int", "default": 600},
        },
        supports_check_mode=True,
    )
    functions = Functions(module)
    present = module.params["state"] == "present"
    if present and module.params["functions"] and not module.params["role"]:
        module.fail_json(msg="role is missing: functions need a role")
    made = functions.ensure(functions.wanted() if present else {})
    functions.purge()
    if not present and not module.check_mode:
        for group in module.params["security_group_ids"]:
            wait_for_lambda_interfaces(functions, module.client("ec2"), group)
    prefix, alias = module.params["prefix"], module.params["alias"]
    arns = {name.removeprefix(prefix): f"{found['arn']}:{alias}" for name, found in made.items()}
    finish(module, {"functions": functions}, functions=arns)


if __name__ == "__main__":
    main()
