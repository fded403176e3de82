#!/usr/bin/env bash
# ansible-core 2.19.14 (package ansible 12.3.0): `until` with `retries: 0` never evaluates its condition.
#
# The task runs once and succeeds although the condition is false. With `retries: 1` the same task fails. A role whose
# number of retries is computed from a setting (timeout / delay) therefore passes when the timeout is 0.
# Output seen:
#   retries 0: failed=False
#   retries 1: failed=True
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

venv=${FINDINGS_VENV:-$work/venv}
if [ -z "${FINDINGS_VENV:-}" ]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check ansible-core==2.19.14
fi

touch ansible.cfg
export ANSIBLE_CONFIG=$work/ansible.cfg ANSIBLE_HOME=$work ANSIBLE_LOCALHOST_WARNING=false ANSIBLE_INVENTORY_UNPARSED_WARNING=false
export ANSIBLE_PYTHON_INTERPRETER=$venv/bin/python

cat >play.yml <<'PLAY'
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.command: echo starting
      register: zero
      until: zero.stdout == 'ready'
      retries: 0
    - ansible.builtin.command: echo starting
      register: one
      until: one.stdout == 'ready'
      retries: 1
      delay: 0
      ignore_errors: true
    - ansible.builtin.debug: {msg: "retries 0: failed={{ zero.failed }}"}
    - ansible.builtin.debug: {msg: "retries 1: failed={{ one.failed }}"}
PLAY
"$venv/bin/ansible-playbook" -i localhost, -c local play.yml >output 2>&1
grep -o 'retries [01]: failed=[A-Za-z]*' output
grep -q 'retries 0: failed=False' output && grep -q 'retries 1: failed=True' output || { echo "the behaviour has changed"; exit 1; }
