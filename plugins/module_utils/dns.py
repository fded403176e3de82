# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Hosted zones and records of Route53."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.resource import Resource


class HostedZone:
    """A public hosted zone, given by its ID or its name; `id` is None if it does not exist."""

    def __init__(self, resource: Resource, zone: str) -> None:
        self.resource = resource
        self.client = resource.module.client("route53")
        self.zone = zone
        self.id = zone if re.fullmatch(r"[A-Z0-9]{8,32}", zone) else self._find(zone)

    def _find(self, name: str) -> str | None:
        dns_name = name.rstrip(".") + "."
        answer = self.resource.call(
            "list_hosted_zones_by_name", client=self.client, DNSName=dns_name, MaxItems="10"
        )
        found = [
            zone["Id"].rsplit("/", 1)[-1]
            for zone in answer["HostedZones"]
            if zone["Name"] == dns_name and not zone["Config"].get("PrivateZone")
        ]
        if len(found) > 1:
            self.resource.module.fail_json(
                msg=f"{len(found)} hosted zones have the name '{name}' ({', '.join(found)}). Set the ID of one of them."
            )
        return found[0] if found else None

    def need(self) -> str:
        """Return the zone's ID; fail the module if it does not exist."""
        if self.id is None:
            self.resource.module.fail_json(
                msg=f"Route53 has no public hosted zone '{self.zone}' in this account. Create it, or let the role "
                "load_balancer create it (load_balancer_hosted_zone_managed: true)."
            )
        return self.id

    def record(self, name: str, kind: str) -> dict[str, Any] | None:
        """Return the record of this name and type, as Route53 describes it."""
        if self.id is None:
            return None
        answer = self.resource.call(
            "list_resource_record_sets",
            client=self.client,
            HostedZoneId=self.id,
            StartRecordName=name,
            StartRecordType=kind,
            MaxItems="1",
            missing=["NoSuchHostedZone"],
        )
        for entry in (answer or {}).get("ResourceRecordSets", []):
            if entry["Type"] == kind and same_name(entry["Name"], name):
                return entry
        return None

    def change(self, action: str, records: list[dict[str, Any]], why: str) -> None:
        """Apply `action` (UPSERT or DELETE) to all `records` at once."""
        changes = [{"Action": action, "ResourceRecordSet": record} for record in records]
        self.resource.call(
            "change_resource_record_sets",
            client=self.client,
            HostedZoneId=self.need(),
            ChangeBatch={"Comment": why, "Changes": changes},
        )


def same_name(one: str, other: str) -> bool:
    """Return whether two DNS names are the same, regardless of case and of a dot at the end."""
    return one.lower().rstrip(".") == other.lower().rstrip(".")
