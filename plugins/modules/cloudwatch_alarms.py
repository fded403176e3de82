#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Manages the CloudWatch alarms of an environment."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudwatch_alarms
short_description: Manage a set of CloudWatch alarms
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Creates, updates and deletes all alarms of an environment in one process.
  - Deletes an alarm that is not in O(alarms) if its name begins with O(prefix) and its tags C(Application),
    C(Environment) and C(Component) are the same as in O(tags).
options:
  prefix:
    description: Prefix of the alarms' names.
    type: str
    required: true
  alarms:
    description: The alarms that should exist.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the alarm, without O(prefix).
        type: str
        required: true
      description:
        description: What the alarm means, and what to do.
        type: str
        required: true
      metrics:
        description: Metrics by the ID that O(alarms[].expression) uses for them.
        type: dict
        required: true
      expression:
        description: Metric math expression over O(alarms[].metrics). Required with more than one metric.
        type: str
        default: ""
      comparison:
        description: How the value is compared with the threshold.
        type: str
        choices: [above, at_least, below, at_most]
        default: above
      threshold:
        description: Threshold of the alarm.
        type: float
        required: true
      period:
        description: Length of a period in seconds.
        type: int
        default: 60
      periods:
        description: Number of periods that are evaluated.
        type: int
        default: 5
      bad_periods:
        description: Number of evaluated periods that must breach the threshold. By default all.
        type: int
      missing:
        description: How a period without a value is treated.
        type: str
        choices: [breaching, notBreaching, ignore, missing]
        default: notBreaching
  topic_arn:
    description: ARN of the SNS topic that is notified when an alarm is raised, and when it is over.
    type: str
  state:
    description: V(absent) deletes all these alarms.
    type: str
    choices: [present, absent]
    default: present
  tags:
    description: Tags of each alarm. C(Name) is added.
    type: dict
    required: true
    aliases: [resource_tags]
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - teal.platform.tags
"""

EXAMPLES = r"""
- name: Create the alarms
  teal.platform.cloudwatch_alarms:
    prefix: shop-staging-
    topic_arn: arn:aws:sns:ap-northeast-2:123456789012:shop-staging-alarms
    alarms:
      - name: database-cpu
        description: The database has been busy for a quarter of an hour.
        metrics:
          cpu:
            namespace: AWS/RDS
            metric: CPUUtilization
            statistic: Average
            dimensions:
              DBInstanceIdentifier: shop-staging
        threshold: 80
        period: 300
        periods: 3
    tags:
      Environment: staging
"""

RETURN = r"""
alarms:
  description: Names of the alarms.
  type: list
  elements: str
  returned: always
  sample: [shop-staging-database-cpu]
"""

from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.resource import (
    IGNORED_TAGS,
    AnsibleAWSModule,
    ansible_dict_to_boto3_tag_list,
    boto3_tag_list_to_ansible_dict,
)
from ansible_collections.teal.platform.plugins.module_utils.resource_set import ResourceSet, finish

OWNED_BY = ("Application", "Environment", "Component")
COMPARISONS = {
    "above": "GreaterThanThreshold",
    "at_least": "GreaterThanOrEqualToThreshold",
    "below": "LessThanThreshold",
    "at_most": "LessThanOrEqualToThreshold",
}
METRIC = {"namespace", "metric", "statistic", "dimensions"}
VALUE = "value"


class Alarms(ResourceSet):
    service = "cloudwatch"
    kind = "alarm"

    def wanted(self) -> dict[str, dict[str, Any]]:
        alarms = {}
        for entry in self.params["alarms"]:
            name = self.params["prefix"] + entry["name"]
            topic = [self.params["topic_arn"]] if self.params["topic_arn"] else []
            alarms[name] = {
                "description": entry["description"],
                "metrics": self._metrics(entry),
                "expression": entry["expression"] or next(iter(entry["metrics"])),
                "comparison": COMPARISONS[entry["comparison"]],
                "threshold": entry["threshold"],
                "period": entry["period"],
                "periods": entry["periods"],
                "bad_periods": entry["bad_periods"] or entry["periods"],
                "missing": entry["missing"],
                "actions": topic,
                "enabled": True,
                "tags": {**self.params["tags"], "Name": name},
            }
        return alarms

    def _metrics(self, alarm: dict) -> dict[str, dict]:
        for key, metric in alarm["metrics"].items():
            if not isinstance(metric, dict) or set(metric) != METRIC:
                needs = ", ".join(sorted(METRIC))
                self.module.fail_json(
                    msg=f"alarms: metric '{key}' of '{alarm['name']}' must have exactly: {needs}"
                )
        if len(alarm["metrics"]) != 1 and not alarm["expression"]:
            self.module.fail_json(
                msg=f"alarms: '{alarm['name']}' has {len(alarm['metrics'])} metrics, so it needs an expression"
            )
        return {
            key: {**metric, "dimensions": {name: str(value) for name, value in metric["dimensions"].items()}}
            for key, metric in alarm["metrics"].items()
        }

    def find_all(self) -> dict[str, dict]:
        own = self.params["tags"]
        found = {}
        for alarm in self.pages("describe_alarms", "MetricAlarms", AlarmNamePrefix=self.params["prefix"]):
            self._at = alarm["AlarmName"]
            tags = boto3_tag_list_to_ansible_dict(
                self.call("list_tags_for_resource", ResourceARN=alarm["AlarmArn"])["Tags"]
            )
            if all(tags.get(key) == own[key] for key in OWNED_BY if key in own):
                found[self._at] = {**alarm, "Tags": tags}
        return found

    def settings(self, found: dict) -> dict[str, Any]:
        queries = found.get("Metrics", [])
        value = next((query for query in queries if query.get("ReturnData")), {})
        stats = {query["Id"]: query["MetricStat"] for query in queries if "MetricStat" in query}
        return {
            "description": found.get("AlarmDescription", ""),
            "metrics": {
                key: {
                    "namespace": stat["Metric"]["Namespace"],
                    "metric": stat["Metric"]["MetricName"],
                    "statistic": stat["Stat"],
                    "dimensions": {entry["Name"]: entry["Value"] for entry in stat["Metric"]["Dimensions"]},
                }
                for key, stat in stats.items()
            },
            "expression": value.get("Expression"),
            "comparison": found["ComparisonOperator"],
            "threshold": found.get("Threshold"),
            "period": next((stat["Period"] for stat in stats.values()), None),
            "periods": found["EvaluationPeriods"],
            "bad_periods": found.get("DatapointsToAlarm", found["EvaluationPeriods"]),
            "missing": found.get("TreatMissingData", "missing"),
            "actions": found["AlarmActions"] if found["AlarmActions"] == found["OKActions"] else None,
            "enabled": found["ActionsEnabled"],
            "tags": found["Tags"],
        }

    def create_one(self, key: str, want: dict[str, Any]) -> dict:
        stats = [
            {
                "Id": name,
                "MetricStat": {
                    "Metric": {
                        "Namespace": metric["namespace"],
                        "MetricName": metric["metric"],
                        "Dimensions": [{"Name": n, "Value": v} for n, v in metric["dimensions"].items()],
                    },
                    "Period": want["period"],
                    "Stat": metric["statistic"],
                },
                "ReturnData": False,
            }
            for name, metric in want["metrics"].items()
        ]
        value = {"Id": VALUE, "Expression": want["expression"], "Label": key, "ReturnData": True}
        self.call(
            "put_metric_alarm",
            AlarmName=key,
            AlarmDescription=want["description"],
            ActionsEnabled=True,
            AlarmActions=want["actions"],
            OKActions=want["actions"],
            Metrics=[*stats, value],
            EvaluationPeriods=want["periods"],
            DatapointsToAlarm=want["bad_periods"],
            Threshold=want["threshold"],
            ComparisonOperator=want["comparison"],
            TreatMissingData=want["missing"],
            Tags=ansible_dict_to_boto3_tag_list(want["tags"]),
        )
        return {"AlarmName": key}

    def update_one(self, key: str, found: dict, want: dict[str, Any]) -> dict:
        gone = sorted(found["Tags"].keys() - want["tags"].keys())
        if gone:
            self.call("untag_resource", ResourceARN=found["AlarmArn"], TagKeys=gone)
        if found["Tags"] != want["tags"]:
            tags = ansible_dict_to_boto3_tag_list(want["tags"])
            self.call("tag_resource", ResourceARN=found["AlarmArn"], Tags=tags)
        if any(self.before[key][name] != want[name] for name in want if name != "tags"):
            return self.create_one(key, want)
        return found

    def delete_one(self, key: str, found: dict) -> None:
        self.call("delete_alarms", AlarmNames=[key], missing=["ResourceNotFound"])


def main() -> None:
    alarm = {
        "name": {"type": "str", "required": True},
        "description": {"type": "str", "required": True},
        "metrics": {"type": "dict", "required": True},
        "expression": {"type": "str", "default": ""},
        "comparison": {"type": "str", "choices": list(COMPARISONS), "default": "above"},
        "threshold": {"type": "float", "required": True},
        "period": {"type": "int", "default": 60},
        "periods": {"type": "int", "default": 5},
        "bad_periods": {"type": "int"},
        "missing": {
            "type": "str",
            "choices": ["breaching", "notBreaching", "ignore", "missing"],
            "default": "notBreaching",
        },
    }
    module = AnsibleAWSModule(
        argument_spec={
            "prefix": {"type": "str", "required": True},
            "alarms": {"type": "list", "elements": "dict", "default": [], "options": alarm},
            "topic_arn": {"type": "str"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "tags": {"type": "dict", "required": True, "aliases": ["resource_tags"]},
            "ignored_tags": IGNORED_TAGS,
        },
        supports_check_mode=True,
    )
    alarms = Alarms(module)
    alarms.ensure(alarms.wanted() if module.params["state"] == "present" else {})
    alarms.purge()
    finish(module, {"alarms": alarms}, alarms=sorted(alarms.after))


if __name__ == "__main__":
    main()
