#!/bin/sh
# pause_kind.sh SECONDS: stop the API server of a kind cluster ($KIND_CLUSTER_NAME, else `kind`) for so long, then let it
# go on. For TEAL_SCENARIO_PAUSE_COMMAND; needs docker.
set -eu
exec docker exec "${KIND_CLUSTER_NAME:-kind}-control-plane" sh -c '
  pid=$(pgrep -x kube-apiserver)
  trap "kill -CONT $pid" EXIT
  kill -STOP "$pid"
  sleep "$1"' pause "$1"
