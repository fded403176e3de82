#!/usr/bin/env bash
# moto 5.2.5: Route 53's CREATE compares with the journal of changes, not with the records that exist.
#
# A record that was deleted cannot be created again with the same values once the zone has another record that sorts after
# it: the error says that it already exists. A record that does exist is created a second time with another value without an
# error, and is listed twice. AWS accepts the first and refuses the second. amazon.aws.route53 takes the error for "no
# change", so in a test the record is missing after a green run.
# Output seen:
#   create again after the deletion: InvalidChangeBatch
#   create an existing record with another value: accepted, listed 2 times
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

venv=${FINDINGS_VENV:-$work/venv}
if [ -z "${FINDINGS_VENV:-}" ]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check 'moto[route53]==5.2.5' boto3==1.44.8
fi
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1

"$venv/bin/python" - <<'PYTHON'
import sys

import boto3
from botocore.exceptions import ClientError
from moto import mock_aws


def change(route53, zone, action, name, address):
    record = {"Name": name, "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": address}]}
    batch = {"Changes": [{"Action": action, "ResourceRecordSet": record}]}
    try:
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)
    except ClientError as e:
        return e.response["Error"]["Code"]
    return "accepted"


with mock_aws():
    route53 = boto3.client("route53")
    zone = route53.create_hosted_zone(Name="example.com", CallerReference="1")["HostedZone"]["Id"]
    change(route53, zone, "CREATE", "z.example.com", "192.0.2.9")
    change(route53, zone, "CREATE", "a.example.com", "192.0.2.1")
    change(route53, zone, "DELETE", "a.example.com", "192.0.2.1")
    again = change(route53, zone, "CREATE", "a.example.com", "192.0.2.1")
    change(route53, zone, "CREATE", "b.example.com", "192.0.2.1")
    twice = change(route53, zone, "CREATE", "b.example.com", "192.0.2.2")
    records = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    listed = sum(record["Name"] == "b.example.com." for record in records)
print("create again after the deletion:", again)
print(f"create an existing record with another value: {twice}, listed {listed} times")
if (again, twice, listed) != ("InvalidChangeBatch", "accepted", 2):
    sys.exit("the behaviour has changed")
PYTHON
