# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Which slot gets the requests: one catch-all rule of the load balancer, forwarding to both by weight.

Which slot is live is read from the rule whenever it matters, and never remembered.
"""

from __future__ import annotations

import random
import socket
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

try:
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError:  # AnsibleAWSModule reports the missing library
    pass

from ansible_collections.teal.platform.plugins.module_utils.release import listener_rules
from ansible_collections.teal.platform.plugins.module_utils.release.lease import Lease
from ansible_collections.teal.platform.plugins.module_utils.release.listener_rules import PREVIEW_HEADER, Rule

SLOTS = ("blue", "green")
_THROTTLED = {"Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"}
_ATTEMPTS = 20
#: Seconds after which no call that moves the weights is on its way any more, once its controller may make none.
CALL_IN_FLIGHT = 20.0


class TrafficError(Exception):
    """The load balancer isn't as it should be, or AWS refused; the message says what to do."""


@dataclass(frozen=True)
class SlotRule:
    """The rule as it was read: its weights, and the target group of each slot.

    `loss` says why its actions cannot be written again as they are; `rules` are all rules of its listener.
    """

    arn: str
    listener: str
    priority: int
    weights: dict[str, int]
    groups: dict[str, str]
    sticky: dict[str, Any]
    loss: str = ""
    rules: list[Rule] = field(default_factory=list)

    @property
    def live(self) -> str:
        """The slot that gets the requests; the one with more of them, if both do."""
        return max(SLOTS, key=lambda slot: self.weights[slot])

    @property
    def exclusive(self) -> bool:
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
        self._listener = ""

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
        if self._listener and (found := self._slot_rule(self._listener)):
            return found
        for listener in self._pages("Listeners", "describe_listeners", LoadBalancerArn=self._arn):
            if listener["Protocol"] == "HTTPS" and (found := self._slot_rule(listener["ListenerArn"])):
                self._listener = found.listener
                return found
        raise TrafficError(
            f"The HTTPS listener of load balancer '{self.name}' has no rule that forwards to both slots "
            f"({self.name}-blue and {self.name}-green). Build its component load_balancer again."
        )

    def _slot_rule(self, listener: str) -> SlotRule | None:
        """Return the last of a listener's rules that forwards to both slots: the one that catches all requests."""
        rules = self.rules(listener)
        found = [parsed for rule in rules if (parsed := self._parse(rule, listener, rules))]
        return max(found, key=lambda rule: rule.priority, default=None)

    def rules(self, listener: str) -> list[dict[str, Any]]:
        """Return all rules of a listener, as AWS describes them."""
        return self._pages("Rules", "describe_rules", missing=("ListenerNotFound",), ListenerArn=listener)

    def _parse(self, rule: Rule, listener: str, rules: list[Rule]) -> SlotRule | None:
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
                    loss=listener_rules.unsupported_actions(self.name, rule),
                    rules=rules,
                )
        return None

    def obstacle(self, rule: SlotRule, host: str, paths: Iterable[str]) -> str:
        """Return what keeps a release from being moved by this rule or from being seen after it, and what to do.

        `paths` are those that the release is watched at. Empty if nothing does.
        """
        if rule.loss:
            return rule.loss
        both = next((one for one in rule.rules if self._forks(one) and one["RuleArn"] != rule.arn), None)
        if both:
            return (
                f"{listener_rules.described(both)} forwards to both slots by weights of its own, which a release "
                f"does not move. {_clear(both)}"
            )
        if found := listener_rules.in_the_way(rule.rules, rule.priority, host, paths):
            before, path = found
            return (
                f"{listener_rules.described(before)} comes before the slot rule of '{self.name}' and takes the "
                f"requests for {path}, so that the release could not be seen there. {_clear(before)}"
            )
        return ""

    def preview_obstacle(self, rule: SlotRule, host: str, paths: Iterable[str]) -> str:
        """Return what keeps the preview of a release from being reached at `paths`; empty if nothing does."""
        priority, reason = self.preview_place(rule)
        if reason:
            return reason
        if found := listener_rules.in_the_way(rule.rules, priority, host, paths):
            before, path = found
            return (
                f"{listener_rules.described(before)} comes before the place of the preview rule ({priority}) and "
                f"takes the requests for {path}, which release_checks asks for. {_clear(before)}"
            )
        return ""

    def _forks(self, rule: Rule) -> bool:
        return self._parse(rule, "", []) is not None

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
        if rule.exclusive and rule.live == slot:
            lease.confirm()
            return rule
        for attempt in range(1, _ATTEMPTS + 1):
            if rule.loss:
                raise TrafficError(rule.loss)
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
            if rule.exclusive and rule.live == slot:
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

    def preview_place(self, rule: SlotRule) -> tuple[int, str]:
        """Return the priority that a preview rule gets, or why there is none for it."""
        taken = {entry["Priority"] for entry in rule.rules}
        free = next((each for each in range(1, rule.priority) if str(each) not in taken), 0)
        if free:
            return free, ""
        return 0, (
            f"The slot rule of '{self.name}' has priority {rule.priority}, and none before it is free: the preview "
            "rule of a release has no place. Give the slot rule priority 50000 (its component load_balancer does), "
            "or delete a rule before it, and run the same command again"
        )

    def open_preview(self, rule: SlotRule, token: str, sign: str, tags: dict[str, str]) -> str:
        """Make a rule for requests with the token in their header, and return its ARN.

        It answers with `sign` by itself at first. Who has seen the sign knows that the rule is in force
        there, so that no request with the token goes to the live slot any more.
        """
        priority, reason = self.preview_place(rule)
        if reason:
            raise TrafficError(reason)
        answer = {"StatusCode": "404", "ContentType": "text/plain", "MessageBody": sign}
        made = self._call(
            "create_rule",
            ListenerArn=rule.listener,
            Priority=priority,
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

    def forward_preview(self, arn: str, group: str) -> None:
        """Have a preview rule lead to a target group."""
        self._call("modify_rule", RuleArn=arn, Actions=[{"Type": "forward", "TargetGroupArn": group}])

    def previews(self, listener: str) -> list[str]:
        """Return the ARNs of all preview rules, ours or left over from a controller that died."""
        return [rule["RuleArn"] for rule in self.rules(listener) if listener_rules.is_preview(rule)]

    def close_preview(self, arn: str) -> None:
        """Remove a preview rule; one that is gone already is as good."""
        self._call("delete_rule", missing=("RuleNotFound",), RuleArn=arn)

    # -- calling ---------------------------------------------------------------------------------

    @property
    def _arn(self) -> str:
        return self.balancer["LoadBalancerArn"]

    def _pages(
        self, key: str, operation: str, missing: tuple[str, ...] = (), **arguments: Any
    ) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            answer = self._call(operation, missing, **arguments) or {key: []}
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


def _clear(rule: Rule) -> str:
    return (
        f"Narrow its conditions or delete it (aws elbv2 delete-rule --rule-arn {rule['RuleArn']}), and run the same "
        "command again"
    )


def summary(targets: list[dict[str, str]]) -> str:
    """Return a target group's health in words, e.g. `2 healthy, 1 unhealthy (Health checks failed)`."""
    counts = Counter(target["state"] for target in targets)
    reasons = sorted(
        {target["reason"] for target in targets if target["state"] != "healthy" and target["reason"]}
    )
    told = ", ".join(f"{count} {state}" for state, count in sorted(counts.items())) or "no targets"
    return told + (f" ({'; '.join(reasons)})" if reasons else "")


def resolved_addresses(balancer: dict[str, Any]) -> set[str]:
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
