#!/usr/bin/env bash
# ansible-core 2.19.14 (package ansible 12.3.0): a task that uses one filter of a collection imports all filter files of
# this collection, and the next task imports them again.
#
# Each task runs in a forked worker, and the main process has not loaded the filter. A collection with many filters
# pays for all of them in each task: 2.5 s of CPU in 220 tasks with 17 filter files. If the main process has loaded one
# filter of the collection before (a callback can do that), workers inherit all of them.
# Output seen:
#   tasks that use the filter `used`: 3
#   processes that imported the file of the filter `unused`: 3
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
export ANSIBLE_COLLECTIONS_PATH=$work FINDING_LOG=$work/log

filters=ansible_collections/an/example/plugins/filter
mkdir -p "$filters"
for name in used unused; do
  cat >"$filters/$name.py" <<PYTHON
import os

with open(os.environ["FINDING_LOG"], "a") as log:
    log.write(f"$name {os.getpid()}\n")


class FilterModule:
    def filters(self):
        return {"$name": lambda value: value}
PYTHON
done
cat >play.yml <<'PLAY'
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.debug: {msg: "{{ 1 | an.example.used }}"}
    - ansible.builtin.debug: {msg: "{{ 2 | an.example.used }}"}
    - ansible.builtin.debug: {msg: "{{ 3 | an.example.used }}"}
PLAY
"$venv/bin/ansible-playbook" -i localhost, -c local play.yml >output 2>&1
tasks=$(grep -c '"msg"' output)
imports=$(grep '^unused ' log | sort -u | wc -l)
echo "tasks that use the filter \`used\`: $tasks"
echo "processes that imported the file of the filter \`unused\`: $imports"
[ "$tasks" = 3 ] && [ "$imports" = 3 ] || { echo "the behaviour has changed"; exit 1; }
