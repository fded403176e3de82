# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Lookup: connection arguments for modules of kubernetes.core."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kubernetes_auth
author: Teal maintainers (@teal-platform)
short_description: Return connection arguments for modules of kubernetes.core
version_added: 0.1.0
description:
  - Returns a dictionary of connection arguments for the modules of C(kubernetes.core).
  - For an EKS cluster, writes a kubeconfig with the endpoint, the CA and a token signed by STS that is valid for 15
    minutes. The file is in Ansible's temporary folder, which is removed at the end of the run. Evaluate the lookup in
    each task.
  - The token is not passed as an argument, since a module of C(kubernetes.core) prints its arguments, including
    C(api_key), on an unexpected error.
  - With O(kubeconfig), returns that file and its context instead, without a call to AWS.
options:
  _terms:
    description: Name of the EKS cluster.
    required: true
  kubeconfig:
    description: Path of a kubeconfig to use instead of the EKS cluster.
    type: str
    default: ""
  context:
    description: Context of O(kubeconfig). Empty for its current context.
    type: str
    default: ""
extends_documentation_fragment:
  - amazon.aws.common.plugins
  - amazon.aws.region.plugins
"""

EXAMPLES = r"""
- name: Create a namespace
  kubernetes.core.k8s:
    kind: Namespace
    name: assistant
  module_defaults:
    group/kubernetes.core.k8s: "{{ lookup('teal.platform.kubernetes_auth', 'assistant-staging') }}"
"""

RETURN = r"""
_raw:
  description: C(kubeconfig) and, if given, C(context).
  type: list
  elements: dict
"""

import base64
import json
import tempfile
from typing import Any

from ansible import constants
from ansible.errors import AnsibleLookupError
from ansible_collections.amazon.aws.plugins.plugin_utils.lookup import AWSLookupBase
from ansible_collections.teal.platform.plugins.module_utils.kubernetes_access import (
    Access,
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
        return [{"kubeconfig": _kubeconfig(access)}]


def _kubeconfig(access: Access) -> str:
    """Write a kubeconfig that only this user can read to Ansible's temporary folder, and return its path."""
    ca = base64.b64encode(access.ca.encode()).decode()
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "eks",
        "contexts": [{"name": "eks", "context": {"cluster": "eks", "user": "eks"}}],
        "clusters": [
            {"name": "eks", "cluster": {"server": access.host, "certificate-authority-data": ca}},
        ],
        "users": [{"name": "eks", "user": {"token": access.token}}],
    }
    with tempfile.NamedTemporaryFile(
        "w", prefix="kubeconfig-", dir=constants.DEFAULT_LOCAL_TMP, delete=False
    ) as file:
        json.dump(content, file)
    return file.name
