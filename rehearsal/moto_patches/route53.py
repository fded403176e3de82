"""Route 53: DNSSEC signing, the target name of aliases, and CREATE of existing records.

moto always answers NOT_SIGNING. It returns the target of an alias as it was sent; Route 53 returns it in lower case with
a final dot.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.route53.exceptions import ResourceRecordAlreadyExists
from moto.route53.models import FakeZone, Route53Backend
from moto.route53.responses import Route53
from moto.route53.urls import url_paths


def apply(config: dict[str, object]) -> None:
    """Apply the patches to moto."""
    Route53.get_dnssec = get_dnssec
    Route53.enable_hosted_zone_dnssec = _switch(True)
    Route53.disable_hosted_zone_dnssec = _switch(False)
    for name in ("enable-dnssec", "disable-dnssec"):
        path = r"{0}/(?P<api_version>[\d_-]+)/hostedzone/(?P<zone_id>[^/]+)/" + name + "$"
        url_paths.setdefault(path, Route53.dispatch)
    change = Route53Backend.change_resource_record_sets

    def changed(self: Route53Backend, zoneid: str, change_list: list[dict[str, Any]]) -> None:
        for one in change_list:
            if alias := one["ResourceRecordSet"].get("AliasTarget"):
                alias["DNSName"] = alias["DNSName"].lower().rstrip(".") + "."
        _check_creations(self.get_hosted_zone(zoneid), change_list)
        change(self, zoneid, change_list)

    Route53Backend.change_resource_record_sets = changed


def _key(name: str, kind: str, identifier: str | None) -> tuple[str, str, str]:
    return name.rstrip(".").lower(), kind, identifier or ""


def _check_creations(zone: FakeZone, change_list: list[dict[str, Any]]) -> None:
    """Refuse CREATE only for an existing record.

    moto checks its journal of changes instead: it refuses to create a deleted record again with the same values, and
    accepts CREATE for an existing record with other values.
    """
    existing = {_key(one.name, one.type, one.set_identifier) for one in zone.rrsets}
    for one in change_list:
        record = one["ResourceRecordSet"]
        key = _key(record["Name"], record["Type"], record.get("SetIdentifier"))
        if one["Action"] == "DELETE":
            existing.discard(key)
        elif one["Action"] == "CREATE":
            if key in existing:
                raise ResourceRecordAlreadyExists(name=f"{key[0]}.", _type=key[1])
            existing.add(key)
            one["Action"] = "UPSERT"  # moto handles UPSERT without its journal.


def get_dnssec(self: Route53) -> ActionResult:
    zone = self.backend.get_hosted_zone(self._get_param("HostedZoneId"))
    signing = "SIGNING" if getattr(zone, "signing", False) else "NOT_SIGNING"
    return ActionResult({"Status": {"ServeSignature": signing}, "KeySigningKeys": []})


def _switch(on: bool) -> Callable[[Route53], ActionResult]:
    def switch(self: Route53) -> ActionResult:
        self.backend.get_hosted_zone(self._get_param("HostedZoneId")).signing = on
        change = {"Id": "/change/C2682N5HXP0BZ4", "Status": "INSYNC", "SubmittedAt": utcnow()}
        return ActionResult({"ChangeInfo": change})

    return switch
