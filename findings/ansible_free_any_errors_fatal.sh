#!/usr/bin/env bash
# ansible-core 2.19.14 (package ansible 12.3.0): strategy "free" ignores any_errors_fatal.
#
# Two hosts, any_errors_fatal: true, and the first host fails. With "linear" the other host stops after that task. With
# "free" it runs on, with a warning in the output. Output seen:
#   linear: the host second stopped
#   free: the host second ran the task after the failure
#   [WARNING]: Using any_errors_fatal with the free strategy is not supported, as tasks are executed independently
#     on each host
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

venv=${FINDINGS_VENV:-$work/venv}
if [ -z "${FINDINGS_VENV:-}" ]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check ansible==12.3.0
fi

touch ansible.cfg
export ANSIBLE_CONFIG=$work/ansible.cfg ANSIBLE_HOME=$work ANSIBLE_COLLECTIONS_PATH=$work ANSIBLE_LOCALHOST_WARNING=false
export ANSIBLE_DEPRECATION_WARNINGS=false ANSIBLE_INVENTORY_UNPARSED_WARNING=false ANSIBLE_PYTHON_INTERPRETER=$venv/bin/python

cat >play.yml <<'PLAY'
- hosts: all
  gather_facts: false
  strategy: "{{ which }}"
  any_errors_fatal: true
  tasks:
    - ansible.builtin.command: "{{ 'false' if inventory_hostname == 'first' else 'true' }}"
    - ansible.builtin.command: "touch {{ playbook_dir }}/{{ which }}-{{ inventory_hostname }}"
PLAY
for which in linear free; do
  ANSIBLE_FORCE_COLOR=0 COLUMNS=200 "$venv/bin/ansible-playbook" -i first,second -c local -e "which=$which" play.yml >"$which.log" 2>&1 || true
  echo "$which: the host second $([ -e "$which-second" ] && echo 'ran the task after the failure' || echo 'stopped')"
done
grep 'WARNING.*any_errors_fatal' free.log || true
[ ! -e linear-second ] && [ -e free-second ] || { echo "the behaviour has changed"; exit 1; }
