#!/bin/sh
# pause_kind.sh SECONDS: pause the API server of a kind cluster ($KIND_CLUSTER_NAME, by default `kind`) for this time, then
# resume it. For TEAL_SCENARIO_PAUSE_COMMAND. Needs docker.
set -eu
exec docker exec "${KIND_CLUSTER_NAME:-kind}-control-plane" sh -c '
  pid=$(pgrep -x kube-apiserver)
  trap "kill -CONT $pid" EXIT
  kill -STOP "$pid"
  sleep "$1"' pause "$1"
