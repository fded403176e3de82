#!/usr/bin/env bash
# amazon.aws 10.1.2 (package ansible 12.3.0): iam_role's option "wait" works the wrong way round.
#
# Documented: with wait=true (the default) the module waits until the role exists. The code of wait_iam_exists() returns
# at once if wait is true, and calls the waiter "role_exists" (GetRole) if it is false. The script counts the calls of
# GetRole with moto's recorder. moto 5.2.5 stands in for AWS.
# Output seen:
#   wait: true calls GetRole 3 times
#   wait: false calls GetRole 6 times
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
  tasks:
    - amazon.aws.iam_role: {name: "wait-{{ wait }}", wait: "{{ wait }}", assume_role_policy_document: "{{ trust }}"}
PLAY
recorder=$AWS_ENDPOINT_URL/moto-api/recorder
request() { "$venv/bin/python" -c '
import sys, urllib.request
print(urllib.request.urlopen(urllib.request.Request(sys.argv[2], method=sys.argv[1])).read().decode())' "$@"; }
for wait in true false; do
  request POST "$recorder/reset-recording" >/dev/null
  request POST "$recorder/start-recording" >/dev/null
  "$venv/bin/ansible-playbook" -i localhost, -c local -e wait=$wait play.yml >$wait.log 2>&1 || { cat $wait.log; exit 1; }
  request GET "$recorder/download-recording" | "$venv/bin/python" -c '
import base64, json, sys
calls = [json.loads(line) for line in sys.stdin if line.strip()]
bodies = [base64.b64decode(call["body"]) if call.get("body_encoded") else (call["body"] or "").encode() for call in calls]
print(sum(b"Action=GetRole&" in body for body in bodies))' >$wait.count
  echo "wait: $wait calls GetRole $(cat $wait.count) times"
done
[ "$(cat true.count)" -lt "$(cat false.count)" ] || { echo "the behaviour has changed"; exit 1; }
