#!/usr/bin/env bash
# amazon.aws 10.1.2 (package ansible 12.3.0): rds_instance_param_group hides differences.
#
# In check mode a changed value is reported as "ok", and the run then changes it. A parameter that the family does not
# have is neither an error nor a warning: the task is green, and "errors" in its result is the only sign.
# moto 5.2.5 stands in for AWS; its new parameter groups are empty, so the play adds one parameter,
# log_statement, as AWS lists it.
# Output seen:
#   changed value, check mode: changed=False
#   changed value, run: changed=True
#   unknown name: failed=False, changed=False, warnings=[], errors=['Parameter log_statment is not an available
#     parameter for the postgres17 engine']
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

cat >parameter.py <<'PYTHON'
import boto3

rds = boto3.client("rds")
rds.create_db_parameter_group(DBParameterGroupName="trial", DBParameterGroupFamily="postgres17", Description="Trial")
rds.modify_db_parameter_group(
    DBParameterGroupName="trial",
    Parameters=[{"ParameterName": "log_statement", "ParameterValue": "none", "ApplyMethod": "immediate",
                 "DataType": "string", "IsModifiable": True}],
)
PYTHON
cat >play.yml <<'PLAY'
- hosts: localhost
  gather_facts: false
  module_defaults:
    amazon.aws.rds_instance_param_group: {state: present, name: trial, engine: postgres17, description: Trial}
  tasks:
    - ansible.builtin.script: parameter.py
      args: {executable: "{{ ansible_playbook_python }}"}
    - amazon.aws.rds_instance_param_group: {params: {log_statement: ddl}}
      check_mode: true
      register: check
    - amazon.aws.rds_instance_param_group: {params: {log_statement: ddl}}
      register: run
    - amazon.aws.rds_instance_param_group: {params: {log_statment: ddl}}
      register: unknown
    - ansible.builtin.debug:
        msg:
          - "changed value, check mode: changed={{ check.changed }}"
          - "changed value, run: changed={{ run.changed }}"
          - "unknown name: failed={{ unknown is failed }}, changed={{ unknown.changed }}, warnings={{ unknown.warnings | default([]) }}, errors={{ unknown.errors }}"
    - ansible.builtin.assert:
        that:
          - check is not changed
          - run is changed
          - unknown is not failed and unknown is not changed
          - not (unknown.warnings | default([]))
        fail_msg: the behaviour has changed
PLAY
"$venv/bin/ansible-playbook" -i localhost, -c local play.yml
