#!/usr/bin/env bash
# moto 5.2.5: ListInstanceProfiles ignores PathPrefix.
#
# AWS returns the instance profiles below the path. moto returns all of them, whereas its ListRoles does filter. Code that
# deletes "its own" profiles by path deletes those of others in a test.
# Output seen:
#   roles below /one/: ['a']
#   instance profiles below /one/: ['a', 'b']
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

venv=${FINDINGS_VENV:-$work/venv}
if [ -z "${FINDINGS_VENV:-}" ]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check 'moto[iam]==5.2.5' boto3==1.44.8
fi
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1

"$venv/bin/python" - <<'PYTHON'
import sys

import boto3
from moto import mock_aws

with mock_aws():
    iam = boto3.client("iam")
    for name, path in (("a", "/one/"), ("b", "/two/")):
        iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument="{}")
        iam.create_instance_profile(InstanceProfileName=name, Path=path)
    roles = [r["RoleName"] for r in iam.list_roles(PathPrefix="/one/")["Roles"]]
    found = iam.list_instance_profiles(PathPrefix="/one/")["InstanceProfiles"]
    profiles = sorted(p["InstanceProfileName"] for p in found)
print("roles below /one/:", roles)
print("instance profiles below /one/:", profiles)
if (roles, profiles) != (["a"], ["a", "b"]):
    sys.exit("the behaviour has changed")
PYTHON
