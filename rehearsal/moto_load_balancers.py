"""The interface between moto and the balancer, as WSGI in the AWS part.

GET  /rehearsal/load-balancers?since=<serial>   all load balancers; waits up to a second for a change
POST /rehearsal/target-health   [{"target_group", "target", "state", "reason", "description"}]
POST /rehearsal/metrics         {"namespace", "account", "region", "data": [CloudWatch's MetricData]}
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

from moto.acm.models import acm_backends
from moto.cloudwatch.models import cloudwatch_backends
from moto.ec2.models import ec2_backends
from moto.elbv2.models import FakeHealthStatus, FakeTargetGroup, elbv2_backends
from moto.route53.models import route53_backends

from rehearsal import routing

WAIT_SECONDS = 1.0
LOOK_SECONDS = 0.05

_health: dict[tuple[str, str], dict[str, str]] = {}
_moto_health_for = FakeTargetGroup.health_for


def snapshot() -> dict[str, Any]:
    """Return all load balancers and target groups of all accounts; `serial` identifies this state."""
    state: dict[str, Any] = {"load_balancers": [], "target_groups": []}
    aliases = _aliases()
    for account, regions in list(elbv2_backends.items()):
        for region, backend in list(regions.items()):
            names = _certificate_names(account, region)
            for balancer in list(backend.load_balancers.values()):
                if balancer.type == "application":
                    state["load_balancers"].append(_balancer(account, region, balancer, names, aliases))
            used = _used(backend)
            state["target_groups"] += [_group(group, used) for group in list(backend.target_groups.values())]
    text = json.dumps(state, sort_keys=True, default=str)
    return {"serial": hashlib.sha256(text.encode()).hexdigest()[:16], **json.loads(text)}


def changed_since(serial: str, wait: float = WAIT_SECONDS) -> dict[str, Any]:
    """Return the snapshot as soon as it differs from `serial`, or after `wait` seconds."""
    until = time.monotonic() + wait
    while (now := snapshot())["serial"] == serial and time.monotonic() < until:
        time.sleep(LOOK_SECONDS)
    return now


def record_health(reports: Iterable[dict[str, str]]) -> None:
    """Store the results of health checks for DescribeTargetHealth."""
    for report in reports:
        _health[report["target_group"], report["target"]] = report


def health_for(group: FakeTargetGroup, target: dict[str, Any], ec2_backend: Any) -> FakeHealthStatus:
    """Return the result of the balancer's health checks. (moto reports every registered target as healthy.)"""
    status = _moto_health_for(group, target, ec2_backend)
    if status.status != "healthy":
        return status
    if group.arn not in _used(elbv2_backends[group.account_id][group.region_name]):
        status.status, status.reason = "unused", "Target.NotInUse"
        status.description = "Target group is not configured to receive traffic from the load balancer"
        return status
    found = _health.get((group.arn, target["Id"])) or {
        "state": "initial",
        "reason": "Elb.RegistrationInProgress",
        "description": "Target registration is in progress",
    }
    status.status = found["state"]
    status.reason = found.get("reason") or None
    status.description = found.get("description") or None
    return status


def install() -> None:
    """Patch DescribeTargetHealth to return the results of the balancer's health checks."""
    FakeTargetGroup.health_for = health_for


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """Serve the three paths above as WSGI; answer 404 for any other path."""
    method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
    status, answer = "200 OK", {}
    if (method, path) == ("GET", "/rehearsal/load-balancers"):
        answer = changed_since(parse_qs(environ.get("QUERY_STRING", "")).get("since", [""])[0])
    elif (method, path) == ("POST", "/rehearsal/target-health"):
        record_health(_body(environ))
    elif (method, path) == ("POST", "/rehearsal/metrics"):
        put = _body(environ)
        backend = cloudwatch_backends[put["account"]][put["region"]]
        backend.put_metric_data(put["namespace"], put["data"])
    else:
        status, answer = "404 Not Found", {"error": f"{method} {path}: no such path"}
    body = json.dumps(answer).encode()
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def _body(environ: dict[str, Any]) -> Any:
    return json.loads(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))


def _balancer(
    account: str,
    region: str,
    balancer: Any,
    certificate_names: dict[str, list[str]],
    aliases: dict[str, list[str]],
) -> dict[str, Any]:
    description = "ELB " + balancer.arn.split(":loadbalancer/")[1]
    interfaces = [
        i for i in list(ec2_backends[account][region].enis.values()) if i.description == description
    ]
    return {
        "arn": balancer.arn,
        "name": balancer.name,
        "account": account,
        "region": region,
        "dns_name": balancer.dns_name.lower(),
        "addresses": sorted(i.public_ip or i.private_ip_address for i in interfaces),
        "aliases": sorted(aliases.get(balancer.dns_name.lower(), [])),
        "idle_timeout": int(balancer.attrs.get("idle_timeout.timeout_seconds", 60)),
        "listeners": [
            {
                "arn": listener.arn,
                "port": int(listener.port),
                "protocol": listener.protocol,
                "certificates": [certificate_names.get(arn, []) for arn in listener.certificates],
                "rules": [_rule(rule) for rule in list(listener.rules.values())],
            }
            for listener in list(balancer.listeners.values())
        ],
    }


def _rule(rule: Any) -> dict[str, Any]:
    return {
        "arn": rule.arn,
        "priority": rule.priority,
        "conditions": rule.conditions or [],
        "actions": [action.data for action in rule.actions],
    }


def _used(backend: Any) -> dict[str, list[str]]:
    """Return the load balancers by target group, from the rules. (moto does not update its own list on ModifyRule.)"""
    used: dict[str, list[str]] = {}
    for balancer in list(backend.load_balancers.values()):
        for listener in list(balancer.listeners.values()):
            for rule in list(listener.rules.values()):
                for action in rule.actions:
                    if action.type == "forward":
                        for arn, _ in routing.groups(action.data):
                            used.setdefault(arn, []).append(balancer.arn)
    return {arn: sorted(set(balancers)) for arn, balancers in used.items()}


def _group(group: Any, used: dict[str, list[str]]) -> dict[str, Any]:
    return {
        "arn": group.arn,
        "name": group.name,
        "port": int(group.port or 0),
        "target_type": group.target_type,
        "load_balancers": used.get(group.arn, []),
        "health_check": {
            "enabled": group.health_check_enabled,
            "protocol": group.health_check_protocol or "HTTP",
            "port": str(group.health_check_port or "traffic-port"),
            "path": group.health_check_path or "/",
            "interval": float(group.health_check_interval_seconds),
            "timeout": float(group.health_check_timeout_seconds),
            "healthy_threshold": int(group.healthy_threshold_count),
            "unhealthy_threshold": int(group.unhealthy_threshold_count),
            "matcher": (getattr(group, "matcher", None) or {}).get("HttpCode") or "200",
        },
        "targets": [
            {"id": t["Id"], "port": int(t["Port"] or group.port)} for t in list(group.targets.values())
        ],
    }


def _certificate_names(account: str, region: str) -> dict[str, list[str]]:
    return {
        arn: list(dict.fromkeys([certificate.common_name, *certificate.sans]))
        for arn, certificate in list(acm_backends[account][region]._certificates.items())
    }


def _aliases() -> dict[str, list[str]]:
    """Return the names of Route 53 aliases, by the DNS name of their load balancer."""
    found: dict[str, list[str]] = {}
    for regions in list(route53_backends.values()):
        for backend in list(regions.values()):
            for zone in list(backend.zones.values()):
                for record in list(zone.rrsets):
                    if target := (record.alias_target or {}).get("DNSName"):
                        name = target.lower().rstrip(".").removeprefix("dualstack.")
                        found.setdefault(name, []).append(record.name.lower().rstrip("."))
    return found
