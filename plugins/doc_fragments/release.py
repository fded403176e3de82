# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Options that the modules of the release engine share."""

from __future__ import annotations


class ModuleDocFragment:
    """`teal.platform.release` is what all have; `.step`, `.watch` and `.lock` are for those that need them."""

    DOCUMENTATION = r"""
options:
  name:
    description:
      - Prefix of the environment's names. The load balancer bears it, the target groups are C(<name>-blue) and
        C(<name>-green), and the table of releases is C(<name>-releases).
    type: str
    required: true
  domain:
    description: Domain name of the service. The load balancer's certificate is checked against it.
    type: str
    required: true
  port:
    description: Port of the load balancer's HTTPS listener.
    type: int
    default: 443
  version_path:
    description: Path at which the service tells its version, as JSON.
    type: str
    default: /actuator/info
  version_key:
    description: Where in that JSON the version stands, with dots between the steps.
    type: str
    default: build.version
  observations:
    description: How many new connections in a row to each address of the load balancer have to answer as expected.
    type: int
    default: 3
  observe_timeout:
    description: For how long the answers may take to change after the weights did, such as V(60s).
    type: str
    default: 60s
  slot_kind:
    description: What a slot is, a Deployment or an EC2 instance.
    type: str
    choices: [kubernetes, instance]
    default: kubernetes
  namespace:
    description: Namespace of the Deployments. Required with O(slot_kind=kubernetes).
    type: str
  workload:
    description: The Deployments are C(<workload>-blue) and C(<workload>-green). Required with O(slot_kind=kubernetes).
    type: str
  tags:
    description: Tags of what the engine makes.
    type: dict
    default: {}
  cluster:
    description: Name of the EKS cluster. Not used if O(kubeconfig) is given.
    type: str
  kubeconfig:
    description: A kubeconfig by which Kubernetes is reached.
    type: path
  context:
    description: Context of O(kubeconfig) to use.
    type: str
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

    STEP = r"""
options:
  release:
    description: The release, as M(teal.platform.release_begin) returned it. It holds the lease that the step is done under.
    type: dict
    required: true
"""

    WATCH = r"""
options:
  seconds:
    description: For how long the release is watched after the switch, such as V(5m).
    type: str
    default: 60s
  path:
    description: What is asked for meanwhile.
    type: str
    default: /actuator/health/readiness
  errors:
    description: Percent of these requests that may fail. What fails at once and once only is always forgiven.
    type: float
    default: 1.0
  unready_timeout:
    description: For how long fewer replicas than it began with may be ready, as when a node is replaced.
    type: str
    default: 90s
"""

    LOCK = r"""
options:
  lease:
    description: After how long without a sign of life the lock of this run may be taken by another one.
    type: str
    default: 60s
  lock_wait:
    description: For how long to wait for the lock if somebody else holds it, such as V(10m).
    type: str
    default: 0s
  reason:
    description: Why this is done. It is kept on record.
    type: str
    default: ""
  force:
    description:
      - Words that ask for what is refused without them. V(same) deploys again what is live already, V(rolled_back)
        deploys or goes to a release that was rolled back.
    type: list
    elements: str
    default: []
  who:
    description: Who does this. By default GitHub's actor, or the user.
    type: str
  run:
    description: Link to the run. By default that of GitHub Actions.
    type: str
"""
