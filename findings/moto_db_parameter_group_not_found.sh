#!/usr/bin/env bash
# moto 5.2.5: DescribeDBParameterGroups of an unknown name answers with an empty list.
#
# RDS answers DBParameterGroupNotFound. amazon.aws.rds_instance_param_group (10.1.2) relies on the error and fails on moto
# with "list index out of range" when it should create a group.
# Output seen:
#   an unknown name: []
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

venv=${FINDINGS_VENV:-$work/venv}
if [ -z "${FINDINGS_VENV:-}" ]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check 'moto[rds]==5.2.5' boto3==1.44.8
fi

"$venv/bin/python" - <<'PYTHON'
import sys

import boto3
import botocore.exceptions
from moto import mock_aws

with mock_aws():
    rds = boto3.client("rds", "us-east-1")
    try:
        answer = rds.describe_db_parameter_groups(DBParameterGroupName="does-not-exist")
    except botocore.exceptions.ClientError as error:
        sys.exit(f"the behaviour has changed: {error}")
    print(f"an unknown name: {answer['DBParameterGroups']}")
PYTHON
