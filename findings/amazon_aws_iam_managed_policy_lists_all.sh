#!/usr/bin/env bash
# amazon.aws 10.1.2 (package ansible 12.3.0): iam_managed_policy lists all policies of the account to find one by its
# name, those of AWS included.
#
# The module calls ListPolicies without a scope. AWS has more than 1,300 policies of its own and returns 100 a page, so
# each item of a loop costs 14 or more calls, also if nothing changes. The script counts the calls with moto's recorder.
# moto 5.2.5 stands in for AWS, with the policies of AWS that it contains.
# Output seen:
#   policies of the account itself: 1
#   calls of ListPolicies to look up one policy: 16
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
MOTO_IAM_LOAD_MANAGED_POLICIES=true "$venv/bin/python" -c '
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
    document: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "s3:ListAllMyBuckets", Resource: "*"}]}
  tasks:
    - amazon.aws.iam_managed_policy: {name: example, policy: "{{ document }}"}
PLAY
recorder=$AWS_ENDPOINT_URL/moto-api/recorder
request() { "$venv/bin/python" -c '
import sys, urllib.request
print(urllib.request.urlopen(urllib.request.Request(sys.argv[2], method=sys.argv[1])).read().decode())' "$@"; }
"$venv/bin/ansible-playbook" -i localhost, -c local play.yml >first.log 2>&1 || { cat first.log; exit 1; }
request POST "$recorder/reset-recording" >/dev/null
request POST "$recorder/start-recording" >/dev/null
"$venv/bin/ansible-playbook" -i localhost, -c local play.yml >second.log 2>&1 || { cat second.log; exit 1; }
grep -q 'changed=0' second.log
request GET "$recorder/download-recording" | "$venv/bin/python" -c '
import base64, json, sys
calls = [json.loads(line) for line in sys.stdin if line.strip()]
bodies = [base64.b64decode(call["body"]) if call.get("body_encoded") else (call["body"] or "").encode() for call in calls]
print(sum(b"Action=ListPolicies&" in body for body in bodies))' >count
own=$("$venv/bin/python" -c 'import boto3; print(len(boto3.client("iam").list_policies(Scope="Local")["Policies"]))')
echo "policies of the account itself: $own"
echo "calls of ListPolicies to look up one policy: $(cat count)"
[ "$own" = 1 ] && [ "$(cat count)" -ge 10 ] || { echo "the behaviour has changed"; exit 1; }
