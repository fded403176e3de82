#!/usr/bin/env bash
# amazon.aws 10.1.2 (package ansible 12.3.0): iam_policy fails in check mode before its role exists.
#
# A play that creates a role and gives it an inline policy cannot be shown by --check: iam_role reports "changed", and
# iam_policy fails with NoSuchEntity. The same tasks run well. moto 5.2.5 stands in for AWS.
# Output seen:
#   check mode: role failed=False, changed=True; policy failed=True: An error occurred (NoSuchEntity) when calling
#     the ListRolePolicies operation: Role trial not found
#   run: policy failed=False, changed=True
set -euo pipefail
work=$(mktemp -d)
server=
trap 'kill $server 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"

venv=${FINDINGS_VENV:-$work/venv}
if [ -z "${FINDINGS_VENV:-}" ]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check ansible==12.3.0 'moto[server]==5.2.5' boto3==1.44.8
fi

# moto's server on a free port, in the place of AWS
"$venv/bin/python" -c '
import time
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
time.sleep(600)' >port 2>server.log &
server=$!
for _ in $(seq 300); do [ -s port ] && break; sleep 0.2; done
AWS_ENDPOINT_URL=http://127.0.0.1:$(cat port)
export AWS_ENDPOINT_URL AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1
export NO_PROXY=127.0.0.1

touch ansible.cfg
export ANSIBLE_CONFIG=$work/ansible.cfg ANSIBLE_HOME=$work ANSIBLE_COLLECTIONS_PATH=$work ANSIBLE_LOCALHOST_WARNING=false
export ANSIBLE_DEPRECATION_WARNINGS=false ANSIBLE_INVENTORY_UNPARSED_WARNING=false ANSIBLE_PYTHON_INTERPRETER=$venv/bin/python

cat >play.yml <<'PLAY'
- hosts: localhost
  gather_facts: false
  vars:
    trust: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {Service: ec2.amazonaws.com}, Action: "sts:AssumeRole"}]}
    policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "s3:ListAllMyBuckets", Resource: "*"}]}
  module_defaults:
    amazon.aws.iam_role: {name: trial, assume_role_policy_document: "{{ trust }}"}
    amazon.aws.iam_policy: {iam_type: role, iam_name: trial, policy_name: list, policy_json: "{{ policy }}"}
  tasks:
    - amazon.aws.iam_role: {}
      check_mode: true
      register: role
    - amazon.aws.iam_policy: {}
      check_mode: true
      ignore_errors: true
      register: check
    - amazon.aws.iam_role: {}
    - amazon.aws.iam_policy: {}
      register: run
    - ansible.builtin.debug:
        msg:
          - "check mode: role failed={{ role is failed }}, changed={{ role.changed }}; policy failed={{ check is failed }}: {{ check.msg | default('') }}"
          - "run: policy failed={{ run is failed }}, changed={{ run.changed }}"
    - ansible.builtin.assert:
        that: [role is changed, check is failed, run is changed]
        fail_msg: the behaviour has changed
PLAY
"$venv/bin/ansible-playbook" -i localhost, -c local play.yml
