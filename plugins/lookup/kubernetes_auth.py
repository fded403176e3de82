# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Lookup: what kubernetes.core's modules need to reach the environment's Kubernetes."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kubernetes_auth
author: Teal maintainers
short_description: What kubernetes.core's modules need to reach an EKS cluster
version_added: 0.1.0
description:
  - Returns a dictionary of connection arguments for the modules of C(kubernetes.core).
  - For an EKS cluster these are its endpoint, its CA and a token signed by STS that is good for 15 minutes.
    Look it up lazily, for each task, and keep it in no fact. Where C(kubernetes.core) gets it as C(api_key),
    Ansible masks it in all output.
  - With O(kubeconfig) given, it returns that and its context instead, and AWS isn't asked.
options:
  _terms:
    description: Name of the EKS cluster.
    required: true
  kubeconfig:
    description: A kubeconfig file to use instead of the EKS cluster.
    type: str
    default: ""
  context:
    description: Context of O(kubeconfig). Empty for its current one.
    type: str
    default: ""
extends_documentation_fragment:
  - amazon.aws.common.plugins
  - amazon.aws.region.plugins
"""

EXAMPLES = r"""
- name: Make a namespace
  kubernetes.core.k8s:
    kind: Namespace
    name: assistant
  module_defaults:
    group/kubernetes.core.k8s: "{{ lookup('teal.platform.kubernetes_auth', 'assistant-staging') }}"
"""

RETURN = r"""
_raw:
  description: Either C(host), C(ca_cert) and C(api_key), or C(kubeconfig) and, if one is given, C(context).
  type: list
  elements: dict
"""

import hashlib
import tempfile
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.errors import AnsibleLookupError
from ansible_collections.amazon.aws.plugins.plugin_utils.lookup import AWSLookupBase
from ansible_collections.teal.platform.plugins.module_utils.kubernetes_access import (
    KubernetesAccessError,
    eks_access,
)


class LookupModule(AWSLookupBase):
    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[dict]:
        """Return one dictionary of connection arguments for the one cluster in `terms`."""
        super().run(terms, variables, **kwargs)
        if len(terms) != 1 or not terms[0]:
            raise AnsibleLookupError("kubernetes_auth takes the name of one EKS cluster.")
        kubeconfig, context = self.get_option("kubeconfig"), self.get_option("context")
        if kubeconfig:
            return [{"kubeconfig": kubeconfig, **({"context": context} if context else {})}]
        try:
            access = eks_access(self.client("eks"), self.client("sts"), terms[0])
        except KubernetesAccessError as error:
            raise AnsibleLookupError(str(error)) from error
        return [{"host": access.host, "ca_cert": _ca_file(access.ca), "api_key": access.token}]


def _ca_file(ca: str) -> str:
    """Return a file with the CA, in the private folder that Ansible removes at the end of its run."""
    path = (
        Path(constants.DEFAULT_LOCAL_TMP)
        / f"kubernetes-ca-{hashlib.sha256(ca.encode()).hexdigest()[:16]}.pem"
    )
    if not path.exists():
        # Written aside and renamed: another worker may read it meanwhile.
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as part:
            part.write(ca)
        Path(part.name).rename(path)
    return str(path)
