# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The slot rule: one catch-all rule of the load balancer that forwards to both slots by weight.

The live slot is always read from the rule, and never stored.
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

from ansible_collections.teal.platform.plugins.module_utils.messages.message import joined, listed, message
from ansible_collections.teal.platform.plugins.module_utils.release import listener_rules
from ansible_collections.teal.platform.plugins.module_utils.release.lease import Lease
from ansible_collections.teal.platform.plugins.module_utils.release.listener_rules import PREVIEW_HEADER, Rule

SLOTS = ("blue", "green")
_THROTTLED = {"Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"}
_ATTEMPTS = 20
#: Seconds after the end of a lease for which a call that changes the weights may still be in flight.
IN_FLIGHT_LIMIT = 20.0


class TrafficError(Exception):
    """The load balancer is not as expected, or AWS refused a call. The message says what to do."""


@dataclass(frozen=True)
class SlotRule:
    """The slot rule as it was read: its weights in percent, and the ARN of each slot's target group.

    `loss` says why a change of the weights would remove actions of the rule; `rules` are all rules of its listener.
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
    def heaviest(self) -> str:
        """The slot with the higher weight. The live slot is `ObservedState.live_slot`."""
        return max(SLOTS, key=lambda slot: self.weights[slot])

    @property
    def exclusive(self) -> bool:
        """Whether one slot gets all traffic and the other none."""
        return sorted(weight > 0 for weight in self.weights.values()) == [False, True]

    def carries_all(self, slot: str) -> bool:
        """Return whether all requests go to `slot`, and no cookie leads a client to the other one."""
        return self.exclusive and self.heaviest == slot and not self.sticky.get("Enabled")

    def matches(self, weights: dict[str, int], sticky: dict[str, Any]) -> bool:
        """Return whether the rule has these weights and this stickiness (as ELB's TargetGroupStickinessConfig)."""
        if not sticky.get("Enabled") and sorted(weights.values()) == [0, 100]:
            return self.carries_all(max(weights, key=lambda slot: weights[slot]))
        return self.weights == weights and _sticky_for(self.sticky) == _sticky_for(sticky)


def other(slot: str) -> str:
    """Return the other slot."""
    return SLOTS[1 - SLOTS.index(slot)]


def shares(slot: str, percent: int = 100) -> dict[str, int]:
    """Return the weights with which `slot` gets `percent` of the requests and the other slot gets the rest."""
    return {each: percent if each == slot else 100 - percent for each in SLOTS}


def _sticky_for(config: dict[str, Any]) -> int:
    """Return for how many seconds a client stays with its slot; 0 if stickiness is off."""
    return int(config.get("DurationSeconds") or 0) if config.get("Enabled") else 0


class Traffic:
    """Reads and changes the weights of the load balancer `name`. Methods raise TrafficError.

    `once` is a client that tries each call once: a call that botocore repeats beyond the end of the lease could change
    the weights after another run did.
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
                raise TrafficError(message("traffic.no_balancer", name=self.name))
            self._balancer = found["LoadBalancers"][0]
        return self._balancer

    def rule(self) -> SlotRule:
        """Read the slot rule."""
        if self._listener and (found := self._slot_rule(self._listener)):
            return found
        for listener in self._pages("Listeners", "describe_listeners", LoadBalancerArn=self._arn):
            if listener["Protocol"] == "HTTPS" and (found := self._slot_rule(listener["ListenerArn"])):
                self._listener = found.listener
                return found
        raise TrafficError(message("traffic.no_rule", name=self.name))

    def _slot_rule(self, listener: str) -> SlotRule | None:
        """Return the last rule of a listener that forwards to both slots: the catch-all rule."""
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
        """Return which rule would prevent the switch of a release or its observation, and what to do; empty if none does.

        `host` is the domain of the service, `paths` are the paths at which the release is watched.
        """
        if rule.loss:
            return rule.loss
        both = next((one for one in rule.rules if self._forks(one) and one["RuleArn"] != rule.arn), None)
        if both:
            rule_text = listener_rules.described(both)
            return message("rules.two_forks", rule=rule_text, advice=_how_to_clear(both))
        if found := listener_rules.in_the_way(rule.rules, rule.priority, host, paths):
            before, path = found
            return message(
                "rules.before_slot_rule",
                rule=listener_rules.described(before),
                name=self.name,
                path=path,
                advice=_how_to_clear(before),
            )
        return ""

    def preview_obstacle(self, rule: SlotRule, host: str, paths: Iterable[str]) -> str:
        """Return which rule would prevent requests for `paths` from reaching the preview; empty if none does."""
        priority, reason = self.preview_place(rule)
        if reason:
            return reason
        if found := listener_rules.in_the_way(rule.rules, priority, host, paths):
            before, path = found
            return message(
                "rules.before_preview",
                rule=listener_rules.described(before),
                priority=priority,
                path=path,
                advice=_how_to_clear(before),
            )
        return ""

    def _forks(self, rule: Rule) -> bool:
        return self._parse(rule, "", []) is not None

    def slot_of(self, group: str) -> str:
        """Return the slot that a target group's ARN belongs to, or the empty string."""
        found = group.split(":targetgroup/")[-1].split("/")[0]
        return next((slot for slot in SLOTS if found == f"{self.name}-{slot}"), "")

    def health(self, group: str) -> list[dict[str, str]]:
        """Return the targets of a target group, each with id, port, state and reason."""
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

    # -- writing ---------------------------------------------------------------------------------

    def switch(self, slot: str, lease: Lease, rule: SlotRule | None = None) -> SlotRule:
        """Shift all traffic to `slot` and end stickiness. See `set_weights`.

        A cookie outlives a weight of 0: with stickiness, clients would stay with the other slot.
        """
        return self.set_weights(shares(slot), lease, rule)

    def set_weights(
        self, weights: dict[str, int], lease: Lease, rule: SlotRule | None = None, sticky: float = 0
    ) -> SlotRule:
        """Set the weights of both slots under the lease, and return the rule as AWS then reports it.

        `rule` is the rule if it has just been read. `sticky` is the number of seconds for which a client stays with its
        slot; 0 ends stickiness. Weights and stickiness are set by one ModifyRule call.
        Raises TrafficError and LeaseLost.
        """
        rule = rule or self.rule()
        wanted = {"Enabled": True, "DurationSeconds": int(sticky)} if sticky else {"Enabled": False}
        if rule.matches(weights, wanted):
            lease.confirm()
            return rule
        for attempt in range(1, _ATTEMPTS + 1):
            if rule.loss:
                raise TrafficError(rule.loss)
            try:
                lease.guard(lambda rule=rule: self._set(rule, weights, wanted))
            except ClientError as error:
                if not _temporary(error) or attempt == _ATTEMPTS:
                    raise self._failed("modify_rule", error) from error
            except BotoCoreError as error:
                # The call may have arrived. The weights are read below, and the same call again is harmless.
                if attempt == _ATTEMPTS:
                    raise self._failed("modify_rule", error) from error
            rule = self.rule()
            if rule.matches(weights, wanted):
                return rule
            lease.clock.sleep(random.uniform(0.5, 1) * min(3.0, 0.1 * 2**attempt))
        raise TrafficError(message("traffic.not_kept", name=self.name, attempts=_ATTEMPTS))

    def _set(self, rule: SlotRule, weights: dict[str, int], sticky: dict[str, Any]) -> None:
        self.once.modify_rule(
            RuleArn=rule.arn,
            Actions=[
                {
                    "Type": "forward",
                    "ForwardConfig": {
                        "TargetGroups": [
                            {"TargetGroupArn": rule.groups[each], "Weight": weights[each]} for each in SLOTS
                        ],
                        "TargetGroupStickinessConfig": sticky,
                    },
                }
            ],
        )

    def register(self, group: str, instances: list[str]) -> None:
        """Register instances as targets of a target group."""
        self._call("register_targets", TargetGroupArn=group, Targets=[{"Id": each} for each in instances])

    def deregister(self, group: str, instances: list[str]) -> None:
        """Deregister instances from a target group."""
        self._call("deregister_targets", TargetGroupArn=group, Targets=[{"Id": each} for each in instances])

    # -- the preview rule: routes requests with the release's token to its slot ----------------------

    def preview_place(self, rule: SlotRule) -> tuple[int, str]:
        """Return the priority for a preview rule, or 0 and the reason why there is none."""
        taken = {entry["Priority"] for entry in rule.rules}
        free = next((each for each in range(1, rule.priority) if str(each) not in taken), 0)
        if free:
            return free, ""
        return 0, message("rules.no_priority", name=self.name, priority=rule.priority)

    def open_preview(self, rule: SlotRule, token: str, sign: str, tags: dict[str, str]) -> str:
        """Create a rule for requests with `token` in the preview header, and return its ARN.

        At first the rule answers with the fixed text `sign`. An address that answers with it applies the rule, so
        requests with the token no longer reach the live slot there.
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
        """Make a preview rule forward to a target group."""
        self._call("modify_rule", RuleArn=arn, Actions=[{"Type": "forward", "TargetGroupArn": group}])

    def previews(self, listener: str) -> list[str]:
        """Return the ARNs of all preview rules, including those of interrupted releases."""
        return [rule["RuleArn"] for rule in self.rules(listener) if listener_rules.is_preview(rule)]

    def close_preview(self, arn: str) -> None:
        """Delete a preview rule if it exists."""
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
        return TrafficError(message("traffic.call_failed", action=action, name=self.name, error=error))


def _temporary(error: ClientError) -> bool:
    """Return whether the error is temporary, so that the same call may succeed later."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status >= 500 or error.response["Error"]["Code"] in _THROTTLED


def _how_to_clear(rule: Rule) -> str:
    """Return what to do about a rule that is in the way."""
    return message("rules.how_to_clear", arn=rule["RuleArn"])


def summary(targets: list[dict[str, str]]) -> str:
    """Return a target group's health as text, e.g. `2 healthy, 1 unhealthy (Health checks failed)`."""
    counts = Counter(target["state"] for target in targets)
    reasons = sorted(
        {target["reason"] for target in targets if target["state"] != "healthy" and target["reason"]}
    )
    text = listed(
        message("health.count", count=count, state=state) for state, count in sorted(counts.items())
    )
    return joined(text or message("health.none"), f" ({'; '.join(reasons)})" if reasons else "")


def resolved_addresses(balancer: dict[str, Any]) -> set[str]:
    """Return the addresses to which the load balancer's DNS name resolves; empty if it does not resolve here."""
    try:
        return {str(found[4][0]) for found in socket.getaddrinfo(balancer["DNSName"], None, socket.AF_INET)}
    except OSError:
        return set()


def addresses(ec2: Any, balancer: dict[str, Any]) -> list[str]:
    """Return the addresses of the load balancer: the public or private ones of its network interfaces."""
    wanted = "ELB " + balancer["LoadBalancerArn"].split(":loadbalancer/", 1)[1]
    public = balancer.get("Scheme", "internet-facing") == "internet-facing"
    try:
        pages = ec2.get_paginator("describe_network_interfaces").paginate(
            Filters=[{"Name": "description", "Values": [wanted]}]
        )
        interfaces = [interface for page in pages for interface in page["NetworkInterfaces"]]
    except (ClientError, BotoCoreError) as error:
        raise TrafficError(message("traffic.interfaces_failed", name=wanted, error=error)) from error
    found = {
        interface.get("Association", {}).get("PublicIp") if public else interface.get("PrivateIpAddress")
        for interface in interfaces
    }
    if not found - {None}:
        raise TrafficError(message("traffic.no_address", name=balancer["LoadBalancerName"]))
    return sorted(address for address in found if address)
