#!/usr/bin/env bash
# amazon.aws 10.1.2 (package ansible 12.3.0): ec2_vpc_route_table with a new tag creates a second route table.
#
# With lookup=tag (the default) the module finds a table by all the tags that the task sets. A task that gains a tag finds
# none and creates another table; the first one stays, with its subnets. moto 5.2.5 stands in for AWS.
# Output seen:
#   after a tag was added to the task: 2 tables are named private
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
    - amazon.aws.ec2_vpc_net: {name: trial, cidr_block: 10.0.0.0/16}
      register: vpc
    - amazon.aws.ec2_vpc_route_table: {vpc_id: "{{ vpc.vpc.id }}", tags: {Name: private}}
      register: first
    - amazon.aws.ec2_vpc_route_table: {vpc_id: "{{ vpc.vpc.id }}", tags: {Name: private, CostCentre: "42"}}
      register: second
    - amazon.aws.ec2_vpc_route_table_info: {filters: {vpc-id: "{{ vpc.vpc.id }}", "tag:Name": private}}
      register: tables
    - ansible.builtin.debug:
        msg: "after a tag was added to the task: {{ tables.route_tables | length }} tables are named private"
    - ansible.builtin.assert:
        that:
          - first.route_table.id != second.route_table.id
          - tables.route_tables | length == 2
        fail_msg: the behaviour has changed
PLAY
"$venv/bin/ansible-playbook" -i localhost, -c local play.yml
