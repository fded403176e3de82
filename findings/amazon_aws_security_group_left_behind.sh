#!/usr/bin/env bash
# amazon.aws 10.1.2 (package ansible 12.3.0): ec2_security_group leaves an empty security group behind.
#
# A rule names a group that does not exist, without group_desc. In check mode the task is green and reports "changed".
# The run creates the group, fails at the rule and leaves the group without its rules. moto 5.2.5 stands in for AWS.
# Output seen:
#   check mode: failed=False, changed=True
#   run: failed=True: group 'does-not-exist' not found and would be automatically created by rule {'proto': 'tcp',
#     'from_port': 443, 'to_port': 443, 'group_name': 'does-not-exist'} but no description was provided
#   afterwards: 1 group, 0 rules
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
      rules: [{proto: tcp, ports: [443], group_name: [does-not-exist]}]
  tasks:
    - amazon.aws.ec2_vpc_net: {name: trial, cidr_block: 10.0.0.0/16}
      register: vpc
    - amazon.aws.ec2_security_group: "{{ group }}"
      check_mode: true
      register: check
    - amazon.aws.ec2_security_group: "{{ group }}"
      ignore_errors: true
      register: run
    - amazon.aws.ec2_security_group_info: {filters: {group-name: web}}
      register: after
    - ansible.builtin.debug:
        msg:
          - "check mode: failed={{ check is failed }}, changed={{ check.changed }}"
          - "run: failed={{ run is failed }}: {{ run.msg | default('') }}"
          - "afterwards: {{ after.security_groups | length }} group, {{ after.security_groups | map(attribute='ip_permissions') | map('length') | sum }} rules"
    - ansible.builtin.assert:
        that:
          - check is not failed and check is changed
          - run is failed
          - after.security_groups | length == 1
          - after.security_groups[0].ip_permissions == []
        fail_msg: the behaviour has changed
PLAY
"$venv/bin/ansible-playbook" -i localhost, -c local play.yml
