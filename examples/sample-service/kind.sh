#!/bin/sh
# kind.sh REPOSITORY:TAG VERSION BEHAVIOUR: build the sample service's image and load it into a kind cluster
# ($KIND_CLUSTER_NAME, by default `kind`). For TEAL_REHEARSAL_IMAGE_COMMAND. Needs docker and kind.
set -eu
cd "$(dirname "$0")/../.."
docker build --quiet --file examples/sample-service/Dockerfile --tag "$1" \
  --build-arg "VERSION=$2" --build-arg "BEHAVIOUR=$3" rehearsal
kind load docker-image "$1"
