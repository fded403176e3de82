# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Which slot gets the requests: one catch-all rule of the load balancer, forwarding to both by weight.

Which slot is live is read from the rule whenever it matters, and never remembered.
"""

from __future__ import annotations

import random
import socket
from collections import Counter
from dataclasses import dataclass
from typing import Any

try:
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError:  # AnsibleAWSModule reports the missing library
    pass

from ansible_collections.teal.platform.plugins.module_utils.release.lease import Lease

SLOTS = ("blue", "green")
PREVIEW_HEADER = "X-Release-Preview"
_THROTTLED = {"Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"}
_ATTEMPTS = 20
#: Seconds after which no call that moves the weights is on its way any more, once its controller may make none.
LATEST = 20.0


class TrafficError(Exception):
    """The load balancer isn't as it should be, or AWS refused; the message says what to do."""


@dataclass(frozen=True)
class SlotRule:
    """The rule as it was read: its weights, and the target group of each slot."""

    arn: str
    listener: str
    priority: int
    weights: dict[str, int]
    groups: dict[str, str]
    sticky: dict[str, Any]

    @property
    def live(self) -> str:
        """The slot that gets the requests; the one with more of them, if both do."""
        return max(SLOTS, key=lambda slot: self.weights[slot])

    @property
    def whole(self) -> bool:
        """Whether one slot gets all requests and the other none."""
        return sorted(weight > 0 for weight in self.weights.values()) == [False, True]


def other(slot: str) -> str:
    return SLOTS[1 - SLOTS.index(slot)]


class Traffic:
    """Reads and moves the weights of the load balancer `name`.

    `once` is a client that makes a call once: one that the library repeats for longer than the lease lasts could
    move the weights after somebody else has.
    """

    def __init__(self, elb: Any, name: str, once: Any = None) -> None:
        self.elb = elb
        self.once = once or elb
        self.name = name
        self._balancer: dict[str, Any] = {}
        self._rule = ""

    # -- reading ---------------------------------------------------------------------------------

    @property
    def balancer(self) -> dict[str, Any]:
        """The load balancer as AWS describes it."""
        if not self._balancer:
            found = self._call(
                "describe_load_balancers", missing=("LoadBalancerNotFound",), Names=[self.name]
            )
            if not found or not found["LoadBalancers"]:
                raise TrafficError(
                    f"There is no load balancer '{self.name}'. Build the environment first (its component "
                    "load_balancer), and see that region and account are the right ones."
                )
            self._balancer = found["LoadBalancers"][0]
        return self._balancer

    def rule(self) -> SlotRule:
        """Return the slot rule as it is now."""
        if self._rule:
            found = self._call("describe_rules", missing=("RuleNotFound",), RuleArns=[self._rule])
            for rule in (found or {}).get("Rules", []):
                if parsed := self._parse(rule, self._listener):
                    return parsed
            self._rule = ""
        for listener in self._pages("Listeners", "describe_listeners", LoadBalancerArn=self._arn):
            if listener["Protocol"] == "HTTPS":
                self._listener = listener["ListenerArn"]
                for rule in self.rules(self._listener):
                    if parsed := self._parse(rule, self._listener):
                        self._rule = parsed.arn
                        return parsed
        raise TrafficError(
            f"The HTTPS listener of load balancer '{self.name}' has no rule that forwards to both slots "
            f"({self.name}-blue and {self.name}-green). Build its component load_balancer again."
        )

    def rules(self, listener: str) -> list[dict[str, Any]]:
        """Return all rules of a listener, as AWS describes them."""
        return self._pages("Rules", "describe_rules", ListenerArn=listener)

    def _parse(self, rule: dict[str, Any], listener: str) -> SlotRule | None:
        for action in rule["Actions"]:
            forward = action.get("ForwardConfig", {})
            groups = {
                self.slot_of(entry["TargetGroupArn"]): entry for entry in forward.get("TargetGroups", [])
            }
            if set(groups) == set(SLOTS):
                return SlotRule(
                    arn=rule["RuleArn"],
                    listener=listener,
                    priority=int(rule["Priority"]) if rule["Priority"].isdigit() else 50_000,
                    weights={slot: int(groups[slot].get("Weight", 1)) for slot in SLOTS},
                    groups={slot: groups[slot]["TargetGroupArn"] for slot in SLOTS},
                    sticky=forward.get("TargetGroupStickinessConfig") or {"Enabled": False},
                )
        return None

    def slot_of(self, group: str) -> str:
        """Return the slot that a target group's ARN belongs to, or the empty string."""
        found = group.split(":targetgroup/")[-1].split("/")[0]
        return next((slot for slot in SLOTS if found == f"{self.name}-{slot}"), "")

    def health(self, group: str) -> list[dict[str, str]]:
        """Return the targets of a target group: id, port, state, reason."""
        return [
            {
                "id": entry["Target"]["Id"],
                "port": str(entry["Target"].get("Port", "")),
                "state": entry["TargetHealth"]["State"],
                "reason": entry["TargetHealth"].get("Description") or entry["TargetHealth"].get("Reason", ""),
            }
            for entry in self._call("describe_target_health", TargetGroupArn=group)[
                "TargetHealthDescriptions"
            ]
        ]

    # -- moving ----------------------------------------------------------------------------------

    def switch(self, slot: str, lease: Lease, rule: SlotRule | None = None) -> SlotRule:
        """Send all requests to `slot`, under the lease, and return the rule as AWS gives it back.

        `rule` is the rule if it has just been read. One call, applied per request. Raises TrafficError, and LeaseLost.
        """
        rule = rule or self.rule()
        if rule.whole and rule.live == slot:
            lease.confirm()
            return rule
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                lease.guard(lambda rule=rule: self._set(rule, slot))
            except ClientError as error:
                if not _passes(error) or attempt == _ATTEMPTS:
                    raise self._failed("modify_rule", error) from error
            except BotoCoreError as error:
                # It may or may not have arrived: the weights tell, and asking for the same again is harmless.
                if attempt == _ATTEMPTS:
                    raise self._failed("modify_rule", error) from error
            rule = self.rule()
            if rule.whole and rule.live == slot:
                return rule
            lease.clock.sleep(random.uniform(0.5, 1) * min(3.0, 0.1 * 2**attempt))
        raise TrafficError(
            f"AWS took the weights of '{self.name}' {_ATTEMPTS} times and still shows others. Does something else "
            "change the rule? What it shows now: playbooks/status.yml"
        )

    def _set(self, rule: SlotRule, slot: str) -> None:
        weights = {slot: 100, other(slot): 0}
        self.once.modify_rule(
            RuleArn=rule.arn,
            Actions=[
                {
                    "Type": "forward",
                    "ForwardConfig": {
                        "TargetGroups": [
                            {"TargetGroupArn": rule.groups[each], "Weight": weights[each]} for each in SLOTS
                        ],
                        "TargetGroupStickinessConfig": rule.sticky,
                    },
                }
            ],
        )

    def register(self, group: str, instances: list[str]) -> None:
        """Have instances be targets of a target group."""
        self._call("register_targets", TargetGroupArn=group, Targets=[{"Id": each} for each in instances])

    def deregister(self, group: str, instances: list[str]) -> None:
        """Have instances be targets of a target group no more."""
        self._call("deregister_targets", TargetGroupArn=group, Targets=[{"Id": each} for each in instances])

    # -- the preview rule: one release's own way to its slot, for who knows the token ----------------

    def open_preview(self, rule: SlotRule, token: str, sign: str, tags: dict[str, str]) -> str:
        """Make a rule for requests with the token in their header, and return its ARN.

        It answers with `sign` by itself at first. Who has seen the sign knows that the rule is in force
        there, so that no request with the token goes to the live slot any more.
        """
        taken = {entry["Priority"] for entry in self.rules(rule.listener)}
        free = [number for number in range(1, rule.priority) if str(number) not in taken]
        if not free:
            raise TrafficError(
                f"The slot rule of '{self.name}' has priority {rule.priority}, and none before it is free: "
                "the preview rule has no place."
            )
        answer = {"StatusCode": "404", "ContentType": "text/plain", "MessageBody": sign}
        made = self._call(
            "create_rule",
            ListenerArn=rule.listener,
            Priority=free[0],
            Conditions=[
                {
                    "Field": "http-header",
                    "HttpHeaderConfig": {"HttpHeaderName": PREVIEW_HEADER, "Values": [token]},
                }
            ],
            Actions=[{"Type": "fixed-response", "FixedResponseConfig": answer}],
            **({"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]} if tags else {}),
        )
        return made["Rules"][0]["RuleArn"]

    def lead_preview(self, arn: str, group: str) -> None:
        """Have a preview rule lead to a target group."""
        self._call("modify_rule", RuleArn=arn, Actions=[{"Type": "forward", "TargetGroupArn": group}])

    def previews(self, listener: str) -> list[str]:
        """Return the ARNs of all preview rules, ours or left over from a controller that died."""
        return [rule["RuleArn"] for rule in self.rules(listener) if _is_preview(rule)]

    def close_preview(self, arn: str) -> None:
        """Remove a preview rule; one that is gone already is as good."""
        self._call("delete_rule", missing=("RuleNotFound",), RuleArn=arn)

    # -- calling ---------------------------------------------------------------------------------

    @property
    def _arn(self) -> str:
        return self.balancer["LoadBalancerArn"]

    def _pages(self, key: str, operation: str, **arguments: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            answer = self._call(operation, **arguments)
            found += answer[key]
            if not answer.get("NextMarker"):
                return found
            arguments["Marker"] = answer["NextMarker"]

    def _call(self, operation: str, missing: tuple[str, ...] = (), **arguments: Any) -> Any:
        try:
            return getattr(self.elb, operation)(**arguments)
        except ClientError as error:
            if error.response["Error"]["Code"] in missing:
                return None
            raise self._failed(operation, error) from error
        except BotoCoreError as error:
            raise self._failed(operation, error) from error

    def _failed(self, operation: str, error: Exception) -> TrafficError:
        action = self.elb.meta.method_to_api_mapping[operation]
        return TrafficError(f"elasticloadbalancing:{action} failed for load balancer '{self.name}': {error}")


def _passes(error: ClientError) -> bool:
    """Return whether the same call may be answered otherwise a moment later."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status >= 500 or error.response["Error"]["Code"] in _THROTTLED


def _is_preview(rule: dict[str, Any]) -> bool:
    return any(
        condition.get("HttpHeaderConfig", {}).get("HttpHeaderName", "").lower() == PREVIEW_HEADER.lower()
        for condition in rule.get("Conditions", [])
    )


def summary(targets: list[dict[str, str]]) -> str:
    """Return a target group's health in words, e.g. `2 healthy, 1 unhealthy (Health checks failed)`."""
    counts = Counter(target["state"] for target in targets)
    reasons = sorted(
        {target["reason"] for target in targets if target["state"] != "healthy" and target["reason"]}
    )
    told = ", ".join(f"{count} {state}" for state, count in sorted(counts.items())) or "no targets"
    return told + (f" ({'; '.join(reasons)})" if reasons else "")


def named(balancer: dict[str, Any]) -> set[str]:
    """Return the addresses to which the load balancer's name leads; none if that can't be told from here."""
    try:
        return {str(found[4][0]) for found in socket.getaddrinfo(balancer["DNSName"], None, socket.AF_INET)}
    except OSError:
        return set()


def addresses(ec2: Any, balancer: dict[str, Any]) -> list[str]:
    """Return the addresses at which the load balancer answers: its network interfaces' public or private ones."""
    wanted = "ELB " + balancer["LoadBalancerArn"].split(":loadbalancer/", 1)[1]
    public = balancer.get("Scheme", "internet-facing") == "internet-facing"
    try:
        pages = ec2.get_paginator("describe_network_interfaces").paginate(
            Filters=[{"Name": "description", "Values": [wanted]}]
        )
        interfaces = [interface for page in pages for interface in page["NetworkInterfaces"]]
    except (ClientError, BotoCoreError) as error:
        raise TrafficError(f"ec2:DescribeNetworkInterfaces failed for '{wanted}': {error}") from error
    found = {
        interface.get("Association", {}).get("PublicIp") if public else interface.get("PrivateIpAddress")
        for interface in interfaces
    }
    if not found - {None}:
        raise TrafficError(
            f"Load balancer '{balancer['LoadBalancerName']}' has no network interfaces with an address yet, "
            "so that what it serves can't be seen. Is it still being made?"
        )
    return sorted(address for address in found if address)
