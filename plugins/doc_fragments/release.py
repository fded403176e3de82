# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The options that the release modules share."""

from __future__ import annotations


class ModuleDocFragment:
    """`teal.platform.release` documents the options of all release modules; `.step`, `.watch` and `.lock` those of some."""

    DOCUMENTATION = r"""
options:
  name:
    description:
      - Prefix of the environment's resources. The load balancer is C(<name>), the target groups are C(<name>-blue) and
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
    description: Path at which the service reports its version, as JSON.
    type: str
    default: /actuator/info
  version_key:
    description: Dotted path of the version in that JSON.
    type: str
    default: build.version
  observations:
    description: Number of consecutive new connections to each load balancer address that must answer with the version.
    type: int
    default: 3
  observe_timeout:
    description: How long the addresses may take to answer with the new version after a traffic shift, such as V(60s).
    type: str
    default: 60s
  slot_kind:
    description: Whether a slot is a Deployment or an EC2 instance.
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
    description: Tags of the resources that the engine creates.
    type: dict
    default: {}
  language:
    description:
      - Language of the results for people (C(message), C(plan), C(lines), C(event)) and of warnings.
      - C(msg) of a failure is English in any language. Its message id and parameters are in C(msg_i18n).
    type: str
    choices: [en, ko]
    default: en
  timezone:
    description: IANA name of the time zone of these results, such as V(Asia/Seoul). An unknown zone gives times in UTC.
    type: str
    default: UTC
  cluster:
    description: Name of the EKS cluster. Not used if O(kubeconfig) is given.
    type: str
  kubeconfig:
    description: Path of a kubeconfig for the cluster.
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
    description: The release and its lease, as M(teal.platform.release_begin) returned them.
    type: dict
    required: true
"""

    WATCH = r"""
options:
  seconds:
    description: How long the release is watched after the switch, such as V(5m).
    type: str
    default: 60s
  path:
    description: Path of the requests that are sent meanwhile.
    type: str
    default: /actuator/health/readiness
  errors:
    description: Percentage of these requests that may fail. A single failed round of requests is always tolerated.
    type: float
    default: 1.0
  unready_timeout:
    description: How long fewer replicas than at the start may be ready, for example while a node is replaced.
    type: str
    default: 90s
"""

    LOCK = r"""
options:
  lease:
    description: How long this run's lock lasts without renewal. After that, another run may acquire it.
    type: str
    default: 60s
  lock_wait:
    description: How long to wait for the lock if another run holds it, such as V(10m).
    type: str
    default: 0s
  reason:
    description: Reason for the operation. It is recorded.
    type: str
    default: ""
  force:
    description:
      - Words that allow what is refused without them. V(same) deploys the live image again, V(rolled_back) deploys or
        rolls back to a release that was rolled back.
    type: list
    elements: str
    default: []
  who:
    description: User who runs the operation. By default GitHub's actor, or the local user.
    type: str
  run:
    description: Link to the run. By default the run of GitHub Actions.
    type: str
"""
