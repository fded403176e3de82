#!/usr/bin/env bash
# amazon.aws 10.1.2 (package ansible 12.3.0): the diff of ec2_security_group shows only the last port of a rule.
#
# One rule opens two ports. The run creates both permissions in EC2, the diff names one. Whoever approves a change by
# `--check --diff` does not see the other. moto 5.2.5 stands in for AWS.
# Output seen:
#   rule of the task: ports [443, 8443]
#   diff: ports [8443]
#   afterwards in EC2: ports [443, 8443]
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
    group:
      name: web
      description: The web servers
      vpc_id: "{{ vpc.vpc.id }}"
      rules: [{proto: tcp, ports: [443, 8443], cidr_ip: 10.0.0.0/16}]
  tasks:
    - amazon.aws.ec2_vpc_net: {name: trial, cidr_block: 10.0.0.0/16}
      register: vpc
    - amazon.aws.ec2_security_group: "{{ group | combine({'rules': []}) }}"
    - amazon.aws.ec2_security_group: "{{ group }}"
      check_mode: true
      diff: true
      register: check
    - amazon.aws.ec2_security_group: "{{ group }}"
    - amazon.aws.ec2_security_group_info: {filters: {group-name: web}}
      register: after
    - ansible.builtin.copy:
        dest: result.json
        content: "{{ {'check': check, 'after': after} | to_json }}"
PLAY
"$venv/bin/ansible-playbook" -i localhost, -c local play.yml >output 2>&1 || { cat output; exit 1; }
"$venv/bin/python" - <<'PYTHON'
import json
import sys

result = json.load(open("result.json"))
diff = result["check"]["diff"]
diff = diff[0] if isinstance(diff, list) else diff
proposed = sorted(int(rule["from_port"]) for rule in diff["after"]["ip_permissions"])
found = sorted(rule["from_port"] for rule in result["after"]["security_groups"][0]["ip_permissions"])
print("rule of the task: ports [443, 8443]")
print("diff: ports", proposed)
print("afterwards in EC2: ports", found)
if proposed != [8443] or found != [443, 8443]:
    sys.exit("the behaviour has changed")
PYTHON
