#!/usr/bin/env bash
# amazon.aws 10.1.2 (package ansible 12.3.0): elb_application_lb_info ends with a TypeError when no load balancer has the name.
#
# Without `names` the same module returns an empty list. The message names neither the load balancer nor the option, so a
# role that looks whether its load balancer exists lists all of them. moto 5.2.5 stands in for AWS.
# Output seen:
#   all: failed=False, 0 found
#   by name: failed=True: Task failed: Module failed: 'NoneType' object is not iterable
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
  tasks:
    - amazon.aws.elb_application_lb_info:
      register: all
    - amazon.aws.elb_application_lb_info: {names: [web]}
      register: named
      ignore_errors: true
    - ansible.builtin.copy:
        dest: result.json
        content: "{{ {'all': all, 'named': named} | to_json }}"
PLAY
"$venv/bin/ansible-playbook" -i localhost, -c local play.yml >output 2>&1 || { cat output; exit 1; }
"$venv/bin/python" - <<'PYTHON'
import json
import sys

result = json.load(open("result.json"))
everything, named = result["all"], result["named"]
message = (named.get("msg", "") + named.get("exception", "")).strip()
print(f"all: failed={everything['failed']}, {len(everything['load_balancers'])} found")
print(f"by name: failed={named['failed']}: {named.get('msg')}")
if everything["failed"] or not named["failed"] or "'NoneType' object is not iterable" not in message:
    sys.exit("the behaviour has changed")
PYTHON
