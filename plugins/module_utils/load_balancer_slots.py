# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Target groups and listener rule of a load balancer's slots, for the module load_balancer_slots."""

from __future__ import annotations

from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.release.listener_rules import unsupported_actions
from ansible_collections.teal.platform.plugins.module_utils.resource import (
    ansible_dict_to_boto3_tag_list,
    boto3_tag_list_to_ansible_dict,
)
from ansible_collections.teal.platform.plugins.module_utils.resource_set import ResourceSet

#: ARNs that ELB's DescribeTags accepts in one call.
TAGS_AT_ONCE = 20
#: Ports of the listeners: HTTP, which redirects, and HTTPS, which has the slot rule.
LISTENERS = (80, 443)
#: Weights of the slots before the first release.
FIRST_WEIGHTS = {"blue": 100, "green": 0}


class ELBSet(ResourceSet):
    """Objects of elbv2, whose tags and attributes are read with separate calls."""

    service = "elbv2"
    arn_key: str
    attribute_operations: tuple[str, str] | None = None

    def complete(self, items: dict[str, dict]) -> dict[str, dict]:
        """Add `Tags` and `Attributes` to the described objects."""
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
        """Return the current values of the attributes that the module manages."""
        return {key: found["Attributes"].get(key) for key in self.wanted_attributes}

    wanted_attributes: dict[str, str] = {}


class TargetGroups(ELBSet):
    """The target group of each slot, by slot."""

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


class ListenerTags(ELBSet):
    """The tags of the listeners, by port. amazon.aws.elb_application_lb creates the listeners without tags."""

    kind = "listener"
    arn_key = "ListenerArn"
    #: ARN of the load balancer; None before it exists
    balancer: str | None = None

    def find_all(self) -> dict[str, dict]:
        if not self.balancer:
            return {}
        listeners = self.pages("describe_listeners", "Listeners", LoadBalancerArn=self.balancer)
        return self.complete({str(one["Port"]): one for one in listeners if one["Port"] in LISTENERS})

    def settings(self, found: dict) -> dict[str, Any]:
        return {"tags": found["Tags"]}

    def create_one(self, key: str, want: dict[str, Any]) -> dict:
        self.module.fail_json(
            msg=f"Load balancer '{self.params['name']}' has no listener on port {key}. This module creates no listeners. "
            "Create it with amazon.aws.elb_application_lb, and run the same command again."
        )

    def update_one(self, key: str, found: dict, want: dict[str, Any]) -> dict:
        self.sync_tags(found, want["tags"])
        return found


class SlotRule(ELBSet):
    """The listener rule that distributes requests to the slots.

    The weights determine which release is live. They are set when the rule is created. After that, only releases change
    them and the stickiness: a repair of other settings keeps both.
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
            if rule["Tags"].get("Name") == name
            or (self.groups and set(self.groups.values()) == weights_of(rule).keys())
        ]
        if ours and (loss := unsupported_actions(self.params["name"], ours[0])):
            self.module.fail_json(msg=f"{loss}. Nothing of the rule was changed.")
        return {"slots": ours[0]} if ours else {}

    def settings(self, found: dict) -> dict[str, Any]:
        slots = {arn: slot for slot, arn in self.groups.items()}
        return {
            "priority": int(found["Priority"]),
            "paths": sorted(
                value
                for condition in found["Conditions"]
                for value in condition.get("PathPatternConfig", condition).get("Values", [])
            ),
            "slots": sorted(slots.get(arn, arn) for arn in weights_of(found)),
            "tags": found["Tags"],
        }

    def _arguments(
        self, want: dict[str, Any], weights: dict[str, int], sticky: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        groups = [{"TargetGroupArn": self.groups[slot], "Weight": weights[slot]} for slot in want["slots"]]
        forward = {"TargetGroups": groups, "TargetGroupStickinessConfig": sticky or {"Enabled": False}}
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
        if have["slots"] != want["slots"]:
            self._repair_actions(arn, want)
        self.sync_tags(found, want["tags"])
        return found

    def _repair_actions(self, arn: str, want: dict[str, Any]) -> None:
        """Restore the rule's forward action to both slots, with the current weights and stickiness."""
        rule = self.call("describe_rules", RuleArns=[arn])["Rules"][0]
        now = weights_of(rule)
        kept = {slot: now[group] for slot, group in self.groups.items() if group in now}
        weights = {slot: kept.get(slot, 0 if kept else default) for slot, default in FIRST_WEIGHTS.items()}
        sticky = rule["Actions"][-1].get("ForwardConfig", {}).get("TargetGroupStickinessConfig")
        self.call("modify_rule", RuleArn=arn, Actions=self._arguments(want, weights, sticky)["Actions"])

    def delete_one(self, key: str, found: dict) -> None:
        self.call("delete_rule", RuleArn=found["RuleArn"])


def weights_of(rule: dict) -> dict[str, int]:
    """Return the weights of the target groups of a rule, by ARN."""
    return {
        group["TargetGroupArn"]: group["Weight"]
        for action in rule["Actions"]
        for group in action.get("ForwardConfig", {}).get("TargetGroups", [])
    }
