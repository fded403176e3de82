#!/usr/bin/env bash
# ansible-core 2.19.14 (package ansible 12.3.0): --start-at-task with a name that no task has ends with 0.
#
# The playbook runs no task. ansible-playbook prints an error about the name, and its exit code is that of a success, so a
# pipeline that misspells a task goes on.
# Output seen:
#   [ERROR]: No matching task "Second tsk" found. Note: --start-at-task can only follow static includes.
#   exit code 0, tasks run: 0
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

cat >play.yml <<'PLAY'
- hosts: localhost
  gather_facts: false
  tasks:
    - name: First task
      ansible.builtin.debug: {msg: first}
    - name: Second task
      ansible.builtin.debug: {msg: second}
PLAY
code=0
"$venv/bin/ansible-playbook" -i localhost, -c local play.yml --start-at-task "Second tsk" >output 2>&1 || code=$?
grep "No matching task" output
run=$(grep -c '^TASK' output || true)
echo "exit code $code, tasks run: $run"
[ "$code" = 0 ] && [ "$run" = 0 ] || { echo "the behaviour has changed"; exit 1; }
