"""The filter hosted_zone_id: it reads what amazon.aws.route53_info of version 10 and of version 11 returns."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.teal.platform.plugins.filter.hosted_zone_id import hosted_zone_id


def zone(identifier: str, name: str = "shop.example.com.", private: bool = False) -> dict[str, Any]:
    return {"Id": f"/hostedzone/{identifier}", "Name": name, "Config": {"PrivateZone": private}}


def snake(one: dict[str, Any]) -> dict[str, Any]:
    return {"id": one["Id"], "name": one["Name"], "config": {"private_zone": one["Config"]["PrivateZone"]}}


NEXT = zone("Z2NEXTINTHELIST", "shop2.example.com.")


@pytest.mark.parametrize("name", ["shop.example.com", "shop.example.com.", "Shop.example.com"])
@pytest.mark.parametrize(
    "result",
    [
        {"HostedZones": [zone("Z1PUBLIC"), NEXT], "IsTruncated": False},
        {"hosted_zones": [snake(zone("Z1PUBLIC")), snake(NEXT)]},
        {"HostedZones": [zone("Z1PRIVATE", private=True), zone("Z1PUBLIC")]},
    ],
)
def test_by_name(result: dict[str, Any], name: str) -> None:
    assert hosted_zone_id(result, name) == "Z1PUBLIC"


@pytest.mark.parametrize("private", [True, False])
def test_by_id(private: bool) -> None:
    assert hosted_zone_id({"HostedZone": zone("Z1PUBLIC", private=private)}, "Z1PUBLIC") == "Z1PUBLIC"
    assert hosted_zone_id({"hosted_zone": snake(zone("Z1PUBLIC", private=private))}, "Z1PUBLIC") == "Z1PUBLIC"


@pytest.mark.parametrize(
    "result", [{}, {"HostedZones": []}, {"HostedZones": [NEXT]}, {"failed": True, "msg": "x"}]
)
def test_a_zone_that_is_missing(result: dict[str, Any]) -> None:
    assert hosted_zone_id(result, "shop.example.com") == ""


def test_two_zones_of_one_name_are_refused() -> None:
    with pytest.raises(AnsibleFilterError, match=r"2 hosted zones have the name .*\(Z1PUBLIC, Z2PUBLIC\)"):
        hosted_zone_id({"HostedZones": [zone("Z1PUBLIC"), zone("Z2PUBLIC")]}, "shop.example.com")
