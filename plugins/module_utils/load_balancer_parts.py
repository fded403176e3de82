# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The parts of a load balancer with two slots (see module load_balancer)."""

from __future__ import annotations

import time
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils import statuses
from ansible_collections.teal.platform.plugins.module_utils.release.rules import keeps_actions
from ansible_collections.teal.platform.plugins.module_utils.resource import (
    ansible_dict_to_boto3_tag_list,
    boto3_tag_list_to_ansible_dict,
)
from ansible_collections.teal.platform.plugins.module_utils.resource_set import ResourceSet

#: ARNs that ELB's DescribeTags accepts in one call.
TAGS_AT_ONCE = 20
#: Redirects keep host, path and query; the status is one that browsers may remember.
REDIRECT_TO_HTTPS = {
    "Type": "redirect",
    "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"},
}
#: Weights of the slots before the first release.
FIRST_WEIGHTS = {"blue": 100, "green": 0}
NOTHING_HERE = {
    "Type": "fixed-response",
    "FixedResponseConfig": {
        "StatusCode": "503",
        "ContentType": "text/plain",
        "MessageBody": "No release is in service.",
    },
}


class ELBSet(ResourceSet):
    """Objects of elbv2, whose tags and attributes have calls of their own."""

    service = "elbv2"
    arn_key: str
    attribute_operations: tuple[str, str] | None = None

    def complete(self, items: dict[str, dict]) -> dict[str, dict]:
        """Add `Tags` and `Attributes` to what AWS described."""
        if items:
            tags = self._tags([item[self.arn_key] for item in items.values()])
            for item in items.values():
                item["Tags"] = boto3_tag_list_to_ansible_dict(tags.get(item[self.arn_key], []))
                if self.attribute_operations:
                    described = self.call(self.attribute_operations[0], **{self.arn_key: item[self.arn_key]})
                    item["Attributes"] = {entry["Key"]: entry["Value"] for entry in described["Attributes"]}
        return items

    def _tags(self, arns: list[str]) -> dict[str, list]:
        """Return the tags of objects by ARN."""
        batches = [arns[at : at + TAGS_AT_ONCE] for at in range(0, len(arns), TAGS_AT_ONCE)]
        answers = [self.call("describe_tags", ResourceArns=batch) for batch in batches]
        return {
            entry["ResourceArn"]: entry["Tags"] for answer in answers for entry in answer["TagDescriptions"]
        }

    def sync_tags(self, found: dict, want: dict[str, str]) -> None:
        arns, have = [found[self.arn_key]], found.get("Tags", {})
        extra = sorted(have.keys() - want.keys())
        if extra:
            self.call("remove_tags", ResourceArns=arns, TagKeys=extra)
        missing = {key: value for key, value in want.items() if have.get(key) != value}
        if missing:
            self.call("add_tags", ResourceArns=arns, Tags=ansible_dict_to_boto3_tag_list(missing))

    def sync_attributes(self, found: dict, want: dict[str, str]) -> None:
        have = found.get("Attributes", {})
        changed = [{"Key": key, "Value": value} for key, value in want.items() if have.get(key) != value]
        if changed and self.attribute_operations:
            operation = self.attribute_operations[1]
            self.call(operation, **{self.arn_key: found[self.arn_key]}, Attributes=changed)

    def managed_attributes(self, found: dict) -> dict[str, str | None]:
        """Return those attributes that the module has an opinion on."""
        return {key: found["Attributes"].get(key) for key in self.wanted_attributes}

    wanted_attributes: dict[str, str] = {}


class Balancer(ELBSet):
    kind = "load balancer"
    arn_key = "LoadBalancerArn"
    attribute_operations = ("describe_load_balancer_attributes", "modify_load_balancer_attributes")
    fixed = frozenset({"scheme"})

    def find_all(self) -> dict[str, dict]:
        name = self.params["name"]
        answer = self.call("describe_load_balancers", Names=[name], missing=["LoadBalancerNotFound"])
        return self.complete({name: answer["LoadBalancers"][0]} if answer else {})

    def settings(self, found: dict) -> dict[str, Any]:
        return {
            "scheme": found["Scheme"],
            "subnets": sorted(zone["SubnetId"] for zone in found["AvailabilityZones"]),
            "security_groups": sorted(found.get("SecurityGroups", [])),
            "attributes": self.managed_attributes(found),
            "tags": found["Tags"],
        }

    def create_one(self, key: str, want: dict[str, Any]) -> dict:
        found = self.call(
            "create_load_balancer",
            Name=key,
            Type="application",
            Scheme=want["scheme"],
            Subnets=want["subnets"],
            SecurityGroups=want["security_groups"],
            Tags=ansible_dict_to_boto3_tag_list(want["tags"]),
        )["LoadBalancers"][0]
        self.sync_attributes(found, want["attributes"])
        return found

    def update_one(self, key: str, found: dict, want: dict[str, Any]) -> dict:
        arn, have = found["LoadBalancerArn"], self.settings(found)
        if have["subnets"] != want["subnets"]:
            self.call("set_subnets", LoadBalancerArn=arn, Subnets=want["subnets"])
        if have["security_groups"] != want["security_groups"]:
            self.call("set_security_groups", LoadBalancerArn=arn, SecurityGroups=want["security_groups"])
        self.sync_attributes(found, want["attributes"])
        self.sync_tags(found, want["tags"])
        return found

    def delete_one(self, key: str, found: dict) -> None:
        """Remove the balancer with its listeners and rules, and wait until its addresses are free."""
        self.sync_attributes(found, {"deletion_protection.enabled": "false"})
        self.call("delete_load_balancer", LoadBalancerArn=found["LoadBalancerArn"])

    def await_active(self, found: dict) -> None:
        give_up = time.monotonic() + self.params["wait_timeout"]
        pause = 0.2
        name = self.params["name"]
        while not self.module.check_mode:
            meaning = statuses.meaning("load balancer", found["State"]["Code"])
            if meaning == statuses.READY:
                break
            if meaning == statuses.FAILED or time.monotonic() > give_up:
                self.module.fail_json(
                    msg=f"load balancer '{name}' is {found['State']['Code']}, not active: "
                    f"{found['State'].get('Reason', 'AWS gave no reason')}. "
                    + ("Delete it and run" if meaning == statuses.FAILED else "Run")
                    + " this again."
                )
            time.sleep(pause)
            pause = min(5.0, pause * 1.5)
            arns = [found["LoadBalancerArn"]]
            found = self.call("describe_load_balancers", LoadBalancerArns=arns)["LoadBalancers"][0]
        if found["State"]["Code"] == "active_impaired":
            self.module.warn(
                f"load balancer '{name}' is active_impaired: it routes requests, but lacks what it needs to grow: "
                f"{found['State'].get('Reason', 'AWS gave no reason')}. Its subnets need free addresses."
            )


class TargetGroups(ELBSet):
    """One target group for each slot, keyed by slot."""

    kind = "target group"
    arn_key = "TargetGroupArn"
    attribute_operations = ("describe_target_group_attributes", "modify_target_group_attributes")
    fixed = frozenset({"port", "protocol", "target_type", "vpc_id"})

    HEALTH_CHECK = {
        "path": "HealthCheckPath",
        "protocol": "HealthCheckProtocol",
        "port": "HealthCheckPort",
        "interval": "HealthCheckIntervalSeconds",
        "timeout": "HealthCheckTimeoutSeconds",
        "healthy_threshold": "HealthyThresholdCount",
        "unhealthy_threshold": "UnhealthyThresholdCount",
    }

    def group_name(self, slot: str) -> str:
        return f"{self.params['name']}-{slot}"

    def find_all(self) -> dict[str, dict]:
        found = {}
        for slot in ("blue", "green"):
            name = self.group_name(slot)
            answer = self.call("describe_target_groups", Names=[name], missing=["TargetGroupNotFound"])
            if answer:
                found[slot] = answer["TargetGroups"][0]
        return self.complete(found)

    def settings(self, found: dict) -> dict[str, Any]:
        return {
            "port": found["Port"],
            "protocol": found["Protocol"],
            "target_type": found["TargetType"],
            "vpc_id": found["VpcId"],
            "health_check": {key: found.get(name) for key, name in self.HEALTH_CHECK.items()}
            | {"matcher": found.get("Matcher", {}).get("HttpCode")},
            "attributes": self.managed_attributes(found),
            "tags": found["Tags"],
        }

    def _health_check(self, want: dict[str, Any]) -> dict[str, Any]:
        checks = {name: want["health_check"][key] for key, name in self.HEALTH_CHECK.items()}
        return {
            **checks,
            "HealthCheckEnabled": True,
            "Matcher": {"HttpCode": want["health_check"]["matcher"]},
        }

    def create_one(self, key: str, want: dict[str, Any]) -> dict:
        found = self.call(
            "create_target_group",
            Name=self.group_name(key),
            Protocol=want["protocol"],
            Port=want["port"],
            VpcId=want["vpc_id"],
            TargetType=want["target_type"],
            Tags=ansible_dict_to_boto3_tag_list(want["tags"]),
            **self._health_check(want),
        )["TargetGroups"][0]
        self.sync_attributes(found, want["attributes"])
        return found

    def update_one(self, key: str, found: dict, want: dict[str, Any]) -> dict:
        if self.settings(found)["health_check"] != want["health_check"]:
            self.call(
                "modify_target_group", TargetGroupArn=found["TargetGroupArn"], **self._health_check(want)
            )
        self.sync_attributes(found, want["attributes"])
        self.sync_tags(found, want["tags"])
        return found

    def delete_one(self, key: str, found: dict) -> None:
        self.delete_when_free("delete_target_group", TargetGroupArn=found["TargetGroupArn"])


class Listeners(ELBSet):
    """The listeners of the balancer, keyed by port."""

    kind = "listener"
    arn_key = "ListenerArn"
    balancer: str | None = None

    def find_all(self) -> dict[str, dict]:
        if not self.balancer:
            return {}
        listeners = self.pages("describe_listeners", "Listeners", LoadBalancerArn=self.balancer)
        return self.complete({str(listener["Port"]): listener for listener in listeners})

    def settings(self, found: dict) -> dict[str, Any]:
        certificates = [entry["CertificateArn"] for entry in found.get("Certificates", [])]
        return {
            "protocol": found["Protocol"],
            "certificate": certificates[0] if certificates else None,
            "ssl_policy": found.get("SslPolicy") if found["Protocol"] == "HTTPS" else None,
            "default": plain_action(found["DefaultActions"]),
            "tags": found["Tags"],
        }

    @staticmethod
    def _arguments(key: str, want: dict[str, Any]) -> dict[str, Any]:
        tls = want["protocol"] == "HTTPS"
        arguments = {
            "Port": int(key),
            "Protocol": want["protocol"],
            "DefaultActions": [NOTHING_HERE if tls else REDIRECT_TO_HTTPS],
        }
        if tls:
            arguments["Certificates"] = [{"CertificateArn": want["certificate"]}]
            arguments["SslPolicy"] = want["ssl_policy"]
        return arguments

    def create_one(self, key: str, want: dict[str, Any]) -> dict:
        return self.call(
            "create_listener",
            LoadBalancerArn=self.balancer,
            Tags=ansible_dict_to_boto3_tag_list(want["tags"]),
            **self._arguments(key, want),
        )["Listeners"][0]

    def update_one(self, key: str, found: dict, want: dict[str, Any]) -> dict:
        if {**self.settings(found), "tags": want["tags"]} != want:
            self.call("modify_listener", ListenerArn=found["ListenerArn"], **self._arguments(key, want))
        self.sync_tags(found, want["tags"])
        return found

    def delete_one(self, key: str, found: dict) -> None:
        self.call("delete_listener", ListenerArn=found["ListenerArn"])


class SlotRule(ELBSet):
    """The one rule that shares requests out between the slots.

    Its weights say which release is in service. They are given when it is made, and are a release's
    business from then on: whatever else is repaired, they stay as they are.
    """

    kind = "listener rule"
    arn_key = "RuleArn"
    listener: str | None = None
    #: ARN of each slot's target group
    groups: dict[str, str] = {}

    def find_all(self) -> dict[str, dict]:
        if not self.listener:
            return {}
        rules = self.pages("describe_rules", "Rules", ListenerArn=self.listener)
        described = self.complete({rule["RuleArn"]: rule for rule in rules if not rule["IsDefault"]})
        name = f"{self.params['name']}-slots"
        ours = [
            rule
            for rule in described.values()
            if rule["Tags"].get("Name") == name or set(self.groups.values()) == weights_of(rule).keys()
        ]
        if ours and (loss := keeps_actions(self.params["name"], ours[0])):
            self.module.fail_json(msg=f"{loss}. Nothing of the rule was changed.")
        return {"slots": ours[0]} if ours else {}

    def settings(self, found: dict) -> dict[str, Any]:
        forward = found["Actions"][-1].get("ForwardConfig", {})
        slots = {arn: slot for slot, arn in self.groups.items()}
        return {
            "priority": int(found["Priority"]),
            "paths": sorted(
                value
                for condition in found["Conditions"]
                for value in condition.get("PathPatternConfig", condition).get("Values", [])
            ),
            "slots": sorted(slots.get(arn, arn) for arn in weights_of(found)),
            "sticky": forward.get("TargetGroupStickinessConfig", {}).get("Enabled", False),
            "tags": found["Tags"],
        }

    def _arguments(self, want: dict[str, Any], weights: dict[str, int]) -> dict[str, Any]:
        groups = [{"TargetGroupArn": self.groups[slot], "Weight": weights[slot]} for slot in want["slots"]]
        forward = {"TargetGroups": groups, "TargetGroupStickinessConfig": {"Enabled": want["sticky"]}}
        return {
            "Conditions": [{"Field": "path-pattern", "PathPatternConfig": {"Values": want["paths"]}}],
            "Actions": [{"Type": "forward", "ForwardConfig": forward}],
        }

    def create_one(self, key: str, want: dict[str, Any]) -> dict:
        return self.call(
            "create_rule",
            ListenerArn=self.listener,
            Priority=want["priority"],
            Tags=ansible_dict_to_boto3_tag_list(want["tags"]),
            **self._arguments(want, FIRST_WEIGHTS),
        )["Rules"][0]

    def update_one(self, key: str, found: dict, want: dict[str, Any]) -> dict:
        arn, have = found["RuleArn"], self.settings(found)
        if have["priority"] != want["priority"]:
            priorities = [{"RuleArn": arn, "Priority": want["priority"]}]
            self.call("set_rule_priorities", RulePriorities=priorities)
        if have["paths"] != want["paths"]:
            paths = [{"Field": "path-pattern", "PathPatternConfig": {"Values": want["paths"]}}]
            self.call("modify_rule", RuleArn=arn, Conditions=paths)
        if have["slots"] != want["slots"] or have["sticky"] != want["sticky"]:
            self._repair_actions(arn, want)
        self.sync_tags(found, want["tags"])
        return found

    def _repair_actions(self, arn: str, want: dict[str, Any]) -> None:
        """Give the rule its slots again, with the weights that it has at this moment."""
        now = weights_of(self.call("describe_rules", RuleArns=[arn])["Rules"][0])
        kept = {slot: now[group] for slot, group in self.groups.items() if group in now}
        weights = {slot: kept.get(slot, 0 if kept else default) for slot, default in FIRST_WEIGHTS.items()}
        self.call("modify_rule", RuleArn=arn, Actions=self._arguments(want, weights)["Actions"])

    def delete_one(self, key: str, found: dict) -> None:
        self.call("delete_rule", RuleArn=found["RuleArn"])


def weights_of(rule: dict) -> dict[str, int]:
    """Return the weights of the target groups that a rule forwards to, by their ARN."""
    return {
        group["TargetGroupArn"]: group["Weight"]
        for action in rule["Actions"]
        for group in action.get("ForwardConfig", {}).get("TargetGroups", [])
    }


def plain_action(actions: list[dict]) -> str:
    """Return a listener's default action as a word or two."""
    action = actions[0]
    if action["Type"] == "redirect":
        config = action["RedirectConfig"]
        return f"redirect to {config['Protocol']} {config['Port']}, {config['StatusCode']}"
    if action["Type"] == "fixed-response":
        return f"answer {action['FixedResponseConfig']['StatusCode']}"
    return action["Type"]
