"""dns_certificate and dns_zone: a name, its certificate, the zone and the records that it needs."""

from __future__ import annotations

import boto3
import moto.settings
import pytest
from ansible_collections.teal.platform.plugins.modules import dns_certificate, dns_zone
from support import ModuleFailed

DOMAIN = "staging.shop.example.com"
CERTIFICATE = {"domain_name": DOMAIN, "hosted_zone": "shop.example.com", "tags": {"Environment": "staging"}}


@pytest.fixture
def route53(aws, monkeypatch):
    monkeypatch.setattr(moto.settings, "ACM_VALIDATION_WAIT", 0)
    return boto3.client("route53")


@pytest.fixture
def zone(route53):
    created = route53.create_hosted_zone(Name="shop.example.com", CallerReference="1")
    return created["HostedZone"]["Id"].rsplit("/", 1)[1]


def records(route53, zone):
    found = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    return {(entry["Type"], entry["Name"]): entry for entry in found if entry["Type"] not in ("NS", "SOA")}


def certificates():
    return boto3.client("acm").list_certificates()["CertificateSummaryList"]


def test_certificate_is_requested_validated_and_issued(route53, zone, run_module):
    made = run_module(dns_certificate, **CERTIFICATE)
    assert made["changed"]
    acm = boto3.client("acm")
    found = acm.describe_certificate(CertificateArn=made["arn"])["Certificate"]
    wanted = found["DomainValidationOptions"][0]["ResourceRecord"]
    assert found["Status"] == "ISSUED"
    record = records(route53, zone)["CNAME", wanted["Name"].rstrip(".") + "."]
    assert record["ResourceRecords"] == [{"Value": wanted["Value"]}]
    again = run_module(dns_certificate, **CERTIFICATE)
    assert not again["changed"] and again["arn"] == made["arn"]


def test_check_mode_accepts_a_missing_zone(route53, run_module):
    assert run_module(dns_certificate, check=True, **CERTIFICATE)["changed"]
    assert certificates() == []


def test_missing_zone_is_an_error(route53, run_module):
    with pytest.raises(ModuleFailed, match=r"no public hosted zone 'shop\.example\.com'"):
        run_module(dns_certificate, **CERTIFICATE)


def test_removed_validation_records_are_created_again(route53, zone, run_module):
    run_module(dns_certificate, **CERTIFICATE)
    record = next(iter(records(route53, zone).values()))
    batch = {"Changes": [{"Action": "DELETE", "ResourceRecordSet": record}]}
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)
    assert run_module(dns_certificate, check=True, **CERTIFICATE)["changed"]
    assert run_module(dns_certificate, **CERTIFICATE)["changed"]
    assert len(records(route53, zone)) == 1
    assert len(certificates()) == 1


def test_without_a_zone_the_message_lists_the_records(route53, run_module, monkeypatch):
    monkeypatch.setattr(moto.settings, "ACM_VALIDATION_WAIT", 60)
    with pytest.raises(ModuleFailed, match=r"Create these records in your DNS: _.*CNAME"):
        run_module(dns_certificate, domain_name=DOMAIN, wait_timeout=0)


def test_message_suggests_to_check_the_delegation(zone, run_module, monkeypatch):
    monkeypatch.setattr(moto.settings, "ACM_VALIDATION_WAIT", 60)
    with pytest.raises(ModuleFailed, match="the name servers must be ns-"):
        run_module(dns_certificate, **CERTIFICATE, wait_timeout=0)


def test_absent_removes_certificate_and_records(route53, zone, run_module):
    run_module(dns_certificate, **CERTIFICATE)
    assert run_module(dns_certificate, **CERTIFICATE, state="absent")["changed"]
    assert certificates() == [] and records(route53, zone) == {}
    assert not run_module(dns_certificate, **CERTIFICATE, state="absent")["changed"]


def test_imported_certificate_of_the_same_name_is_unchanged(zone, run_module):
    acm = boto3.client("acm")
    other = acm.request_certificate(DomainName=DOMAIN, ValidationMethod="DNS")["CertificateArn"]
    made = run_module(dns_certificate, **CERTIFICATE)["arn"]
    assert made != other
    run_module(dns_certificate, **CERTIFICATE, state="absent")
    assert [entry["CertificateArn"] for entry in certificates()] == [other]


def test_two_zones_of_one_name_are_refused(route53, zone, run_module):
    route53.create_hosted_zone(Name="shop.example.com", CallerReference="2")
    with pytest.raises(ModuleFailed, match="2 hosted zones have the name"):
        run_module(dns_certificate, **CERTIFICATE)


# -- the zone ----------------------------------------------------------------------------------------

ZONE = {"name": "shop.example.com", "comment": "Domain of shop", "tags": {"Application": "shop"}}


def tags_of(route53, zone):
    found = route53.list_tags_for_resource(ResourceType="hostedzone", ResourceId=zone)["ResourceTagSet"]
    return {tag["Key"]: tag["Value"] for tag in found["Tags"]}


def test_a_zone_is_created_once(route53, run_module):
    assert run_module(dns_zone, check=True, **ZONE)["changed"]
    assert route53.list_hosted_zones()["HostedZones"] == []
    made = run_module(dns_zone, **ZONE)
    assert made["changed"] and tags_of(route53, made["zone_id"]) == ZONE["tags"]
    again = run_module(dns_zone, **ZONE)
    assert not again["changed"] and again["zone_id"] == made["zone_id"]
    (zone,) = route53.list_hosted_zones()["HostedZones"]
    assert zone["Config"] == {"Comment": "Domain of shop", "PrivateZone": False}


def test_existing_zone_is_only_read(rehearsed, run_module):
    """Its DNSSEC signing, its comment and its tags are somebody else's."""
    route53 = boto3.client("route53")
    zone = route53.create_hosted_zone(
        Name=ZONE["name"], CallerReference="theirs", HostedZoneConfig={"Comment": "theirs"}
    )["HostedZone"]["Id"].rsplit("/", 1)[1]
    try:
        route53.enable_hosted_zone_dnssec(HostedZoneId=zone)
        theirs = [{"Key": "CostCenter", "Value": "4711"}]
        route53.change_tags_for_resource(ResourceType="hostedzone", ResourceId=zone, AddTags=theirs)
        for check in (True, False):
            assert run_module(dns_zone, check=check, **ZONE) == {
                "changed": False,
                "zone_id": zone,
                "diff": {"before_header": ZONE["name"], "after_header": ZONE["name"]}
                | {side: {k: v for k, v in ZONE.items() if k != "name"} for side in ("before", "after")},
            }
        assert route53.get_dnssec(HostedZoneId=zone)["Status"]["ServeSignature"] == "SIGNING"
        assert route53.get_hosted_zone(Id=zone)["HostedZone"]["Config"]["Comment"] == "theirs"
        assert tags_of(route53, zone) == {"CostCenter": "4711"}
        # Nor is it removed: it has not the tags of one that was created here.
        assert not run_module(dns_zone, **ZONE, state="absent")["changed"]
        assert route53.get_hosted_zone(Id=zone)
    finally:
        route53.delete_hosted_zone(Id=zone)


def test_own_zone_is_removed(route53, run_module):
    run_module(dns_zone, **ZONE)
    assert run_module(dns_zone, **ZONE, state="absent")["changed"]
    assert route53.list_hosted_zones()["HostedZones"] == []
    assert not run_module(dns_zone, **ZONE, state="absent")["changed"]


def test_private_zone_of_the_same_name_is_ignored(route53, run_module):
    vpc = boto3.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    route53.create_hosted_zone(
        Name=ZONE["name"],
        CallerReference="private",
        VPC={"VPCRegion": "ap-northeast-2", "VPCId": vpc},
        HostedZoneConfig={"PrivateZone": True, "Comment": ""},
    )
    assert run_module(dns_zone, **ZONE)["changed"]


def test_the_role_never_calls_the_module_that_changes_existing_zones():
    from support import ROOT

    texts = [path.read_text() for path in (ROOT / "roles").rglob("*.yml")]
    assert not [text for text in texts if "route53_zone" in text]
