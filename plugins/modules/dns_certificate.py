#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: dns_certificate
short_description: Manage an ACM certificate with DNS validation
version_added: 0.1.0
description:
  - Requests a certificate for a domain name, creates its validation records in a hosted zone of Route53, and waits until
    the certificate is issued. ACM renews the certificate while the records exist.
  - Finds an existing certificate by its domain names and its tag C(Name).
author: Teal maintainers (@teal-platform)
options:
  domain_name:
    description: The domain name.
    type: str
    required: true
  alternative_names:
    description: Additional domain names in the same hosted zone.
    type: list
    elements: str
    default: []
  hosted_zone:
    description:
      - Name or ID of the hosted zone for the validation records.
      - Empty if another provider hosts the domain. Then create the records by hand; the message after O(wait_timeout)
        lists them.
    type: str
    default: ""
  state:
    description: V(absent) deletes the certificate and its records.
    type: str
    choices: [present, absent]
    default: present
  tags:
    description: Tags of the certificate. C(Name) is added.
    type: dict
    aliases: [resource_tags]
    default: {}
  wait_timeout:
    description: Seconds to wait until the certificate is issued or, on deletion, no longer used.
    type: int
    default: 600
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - teal.platform.tags
attributes:
  check_mode:
    description: Reports what would change.
    support: full
  diff_mode:
    description: Shows names, records and tags before and after.
    support: full
"""

EXAMPLES = r"""
- name: Create a certificate
  teal.platform.dns_certificate:
    domain_name: staging.shop.example.com
    hosted_zone: shop.example.com
"""

RETURN = r"""
arn:
  description: ARN of the certificate.
  type: str
  returned: when the certificate exists
"""

import time
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils import aws_statuses
from ansible_collections.teal.platform.plugins.module_utils.dns import HostedZone, same_name
from ansible_collections.teal.platform.plugins.module_utils.resource import (
    IGNORED_TAGS,
    AnsibleAWSModule,
    ansible_dict_to_boto3_tag_list,
    boto3_tag_list_to_ansible_dict,
)
from ansible_collections.teal.platform.plugins.module_utils.resource_set import ResourceSet, finish

ALIVE = ["PENDING_VALIDATION", "ISSUED"]
RECORD_TTL = 300


class Certificate(ResourceSet):
    """The certificate, by its first domain name."""

    service = "acm"
    kind = "certificate"

    def __init__(self, module: AnsibleAWSModule) -> None:
        super().__init__(module)
        self.domain = module.params["domain_name"]
        self.names = sorted({self.domain, *module.params["alternative_names"]})
        self._at = self.domain
        zone = module.params["hosted_zone"]
        self.zone = HostedZone(self, zone) if zone else None

    def find_all(self) -> dict[str, dict]:
        listed = self.pages("list_certificates", "CertificateSummaryList", CertificateStatuses=ALIVE)
        for summary in listed:
            if summary["DomainName"] == self.domain:
                found = self._described(summary["CertificateArn"])
                same = found["Names"] == self.names and found["Tags"].get("Name") == self.domain
                if same and found["Type"] == "AMAZON_ISSUED":
                    return {self.domain: found}
        return {}

    def _described(self, arn: str) -> dict:
        found = self.call("describe_certificate", CertificateArn=arn)["Certificate"]
        tags = self.call("list_tags_for_certificate", CertificateArn=arn)["Tags"]
        found["Tags"] = boto3_tag_list_to_ansible_dict(tags)
        found["Names"] = sorted({found["DomainName"], *found.get("SubjectAlternativeNames", [])})
        return found

    def settings(self, found: dict) -> dict[str, Any]:
        return {"names": found["Names"], "records": self._has_all_records(found), "tags": found["Tags"]}

    @staticmethod
    def _records(found: dict) -> list[dict[str, str]]:
        """Return the validation records; empty while ACM has not yet determined them."""
        options = found.get("DomainValidationOptions", [])
        records = [option["ResourceRecord"] for option in options if "ResourceRecord" in option]
        unique = {record["Name"]: record for record in records}
        return list(unique.values()) if len(records) == len(options) else []

    def _existing_records(self, found: dict) -> list[dict[str, Any]]:
        """Return the validation records that exist in the zone, as Route53 describes them."""
        if not self.zone:
            return []
        records = [
            (record["Value"], self.zone.record(record["Name"], record["Type"]))
            for record in self._records(found)
        ]
        return [
            record
            for value, record in records
            if record and [same_name(entry["Value"], value) for entry in record["ResourceRecords"]] == [True]
        ]

    def _has_all_records(self, found: dict) -> bool:
        """Return whether the zone has all validation records. Renewal needs them, too."""
        wanted = self._records(found)
        return not self.zone or (bool(wanted) and len(self._existing_records(found)) == len(wanted))

    def _create_records(self, found: dict) -> None:
        if self.zone:
            records = [
                {
                    "Name": record["Name"],
                    "Type": record["Type"],
                    "TTL": RECORD_TTL,
                    "ResourceRecords": [{"Value": record["Value"]}],
                }
                for record in self._records(found)
            ]
            self.zone.change("UPSERT", records, "Validation by ACM")

    def create_one(self, key: str, want: dict[str, Any]) -> dict:
        more = [name for name in want["names"] if name != key]
        arn = self.call(
            "request_certificate",
            DomainName=key,
            ValidationMethod="DNS",
            **({"SubjectAlternativeNames": more} if more else {}),
            Tags=ansible_dict_to_boto3_tag_list(want["tags"]),
        )["CertificateArn"]
        found = self._wait_for(arn, "given validation records", self._records)
        self._create_records(found)
        return found

    def update_one(self, key: str, found: dict, want: dict[str, Any]) -> dict:
        arn = found["CertificateArn"]
        if found["Tags"] != want["tags"]:
            extra = [{"Key": name} for name in found["Tags"].keys() - want["tags"].keys()]
            if extra:
                self.call("remove_tags_from_certificate", CertificateArn=arn, Tags=extra)
            tags = ansible_dict_to_boto3_tag_list(want["tags"])
            self.call("add_tags_to_certificate", CertificateArn=arn, Tags=tags)
        found = self._wait_for(arn, "given validation records", self._records)
        if not self._has_all_records(found):
            self._create_records(found)
        return found

    def delete_one(self, key: str, found: dict) -> None:
        """Delete the certificate after its records: the records are found by the certificate."""
        existing = self._existing_records(found)
        if self.zone and existing:
            self.zone.change("DELETE", existing, "Validation by ACM")
        self.delete_when_free(
            "delete_certificate", gone=["ResourceNotFoundException"], CertificateArn=found["CertificateArn"]
        )

    def wait_until_issued(self, found: dict) -> None:
        """Wait until the certificate is issued; fail the module with advice if it is not."""
        if not self.module.check_mode and found["Status"] != "ISSUED":
            self._wait_for(found["CertificateArn"], "issued", lambda now: now["Status"] == "ISSUED")

    def _wait_for(self, arn: str, what: str, ready: Any) -> dict:
        give_up = time.monotonic() + self.params["wait_timeout"]
        pause = 0.1
        while True:
            found = self._described(arn)
            if ready(found):
                return found
            failed = aws_statuses.meaning("certificate", found["Status"]) == aws_statuses.FAILED
            if failed or time.monotonic() > give_up:
                self.module.fail_json(msg=self._failure_message(found, what))
            time.sleep(pause)
            pause = min(5.0, pause * 1.5)

    def _failure_message(self, found: dict, what: str) -> str:
        records = [f"{entry['Name']} {entry['Type']} {entry['Value']}" for entry in self._records(found)]
        if aws_statuses.meaning("certificate", found["Status"]) == aws_statuses.FAILED:
            advice = f"Reason of AWS: {found.get('FailureReason', 'unknown')}. Delete the certificate"
        elif self.zone:
            answer = self.call("get_hosted_zone", client=self.zone.client, Id=self.zone.need())
            servers = ", ".join(answer["DelegationSet"]["NameServers"])
            advice = f"The zone has the records, so check its delegation: the name servers must be {servers}"
        else:
            advice = "Create these records in your DNS: " + "; ".join(records)
        return (
            f"certificate '{self.domain}' was not {what} within {self.params['wait_timeout']} s "
            f"(status {found['Status']}). {advice}. Then run the same command again."
        )


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "domain_name": {"type": "str", "required": True},
            "alternative_names": {"type": "list", "elements": "str", "default": []},
            "hosted_zone": {"type": "str", "default": ""},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "tags": {"type": "dict", "aliases": ["resource_tags"], "default": {}},
            "ignored_tags": IGNORED_TAGS,
            "wait_timeout": {"type": "int", "default": 600},
        },
        supports_check_mode=True,
    )
    certificate = Certificate(module)
    domain = certificate.domain
    want = {
        "names": certificate.names,
        "records": True,
        "tags": {**module.params["tags"], "Name": domain},
    }
    found = certificate.ensure({domain: want} if module.params["state"] == "present" else {}).get(domain)
    if found:
        certificate.wait_until_issued(found)
    certificate.purge()
    finish(module, {"certificates": certificate}, **({"arn": found["CertificateArn"]} if found else {}))


if __name__ == "__main__":
    main()
