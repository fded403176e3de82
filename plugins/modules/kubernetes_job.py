#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""A Job of Kubernetes that is run once, and whose failure is told with its reason."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kubernetes_job
short_description: Run a Job in Kubernetes once, and wait for it
version_added: 0.1.0
author: Teal maintainers
description:
  - Runs a Job and waits until it is complete. Nothing is done if a Job of its name is complete already; one
    that failed is run anew. So a Job that should run again when it changes has a hash in its name.
  - Unlike C(kubernetes.core.k8s) with C(wait) it doesn't wait for a Job that has failed, and tells what its
    containers said last.
options:
  cluster:
    description: Name of the EKS cluster. Needed without O(kubeconfig).
    type: str
  kubeconfig:
    description: A kubeconfig file to use instead of O(cluster).
    type: path
  context:
    description: Context of O(kubeconfig). Its current one if empty.
    type: str
  definition:
    description: The Job as Kubernetes takes it, with C(metadata.name) and C(metadata.namespace).
    type: dict
    required: true
  wait_timeout:
    description: For how many seconds to wait.
    type: int
    default: 600
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Migrate the database
  teal.platform.kubernetes_job:
    cluster: shop-staging
    definition:
      apiVersion: batch/v1
      kind: Job
      metadata:
        name: migrate-8c1f
        namespace: shop
      spec:
        backoffLimit: 0
        template:
          spec:
            restartPolicy: Never
            containers:
              - name: migrate
                image: shop:1.4.2
                args: [migrate]
"""

RETURN = r"""
seconds:
  description: For how many seconds it was waited.
  type: float
  returned: when the Job was run or waited for
"""

import time
from collections.abc import Callable
from typing import Any, NoReturn

try:
    from kubernetes import client as kubernetes
    from kubernetes.client.exceptions import ApiException
    from urllib3.exceptions import HTTPError
except ImportError:  # api_client reports the missing library
    pass

from ansible_collections.teal.platform.plugins.module_utils.kubernetes_access import (
    KUBERNETES_ARGUMENTS,
    api_client,
)
from ansible_collections.teal.platform.plugins.module_utils.resource import AnsibleAWSModule

LOG_LINES = 20
LOG_SECONDS = 5
NAMESPACE_SECONDS = 60


class Job:
    """One Job, by the typed API."""

    def __init__(self, module: AnsibleAWSModule, client: Any) -> None:
        self.module = module
        self.definition, self.timeout = module.params["definition"], module.params["wait_timeout"]
        self.name = self.definition["metadata"]["name"]
        self.namespace = self.definition["metadata"]["namespace"]
        #: Kubernetes removes the pod of a Job whose time is over, and its log with it.
        self.words: list[str] = []
        self.batch, self.core = kubernetes.BatchV1Api(client), kubernetes.CoreV1Api(client)

    def find(self) -> Any:
        try:
            return self.batch.read_namespaced_job(self.name, self.namespace)
        except ApiException as error:
            if error.status == 404:
                return None
            raise

    @staticmethod
    def outcome(job: Any) -> tuple[str, str] | None:
        """Return ("Complete" or "Failed", why), or None while the Job runs."""
        for condition in job.status.conditions or []:
            if condition.type in ("Complete", "Failed") and condition.status == "True":
                return condition.type, f"{condition.reason}: {condition.message}"
        return None

    def start(self) -> None:
        """Make the Job; its namespace may be made at this very moment, beside it."""

        def made() -> bool:
            try:
                self.batch.create_namespaced_job(self.namespace, self.definition)
            except ApiException as error:
                if error.status == 404:
                    return False
                raise
            return True

        self._poll(made, f"start, since there is no namespace '{self.namespace}',", NAMESPACE_SECONDS)

    def remove(self) -> None:
        self.batch.delete_namespaced_job(self.name, self.namespace, propagation_policy="Foreground")
        self._poll(lambda: self.find() is None, "go", self.timeout)

    def wait(self) -> float:
        """Wait until the Job is complete; end the module if it fails."""
        started = read = time.monotonic()

        def done() -> bool:
            nonlocal read
            job = self.find()
            if job is None:
                self.module.fail_json(msg=f"Job '{self.namespace}/{self.name}' was removed while it ran")
            outcome = self.outcome(job)
            if outcome and outcome[0] == "Failed":
                self.fail(outcome[1])
            if not outcome and time.monotonic() - read >= LOG_SECONDS:
                read, self.words = time.monotonic(), self._last_words() or self.words
            return outcome is not None

        self._poll(done, "complete", self.timeout)
        return time.monotonic() - started

    def _poll(self, done: Callable[[], bool], what: str, timeout: float) -> None:
        started = time.monotonic()
        while not done():
            waited = time.monotonic() - started
            if waited > timeout:
                self.fail(f"it did not {what} in {timeout} s")
            time.sleep(min(3.0, max(0.1, waited / 10)))

    def fail(self, reason: str) -> NoReturn:
        words = self._last_words() or self.words
        self.module.fail_json(msg="\n".join([f"Job '{self.namespace}/{self.name}' failed: {reason}", *words]))

    def _last_words(self) -> list[str]:
        """Return what the newest pod's containers wait for, or said last."""
        pods = self.core.list_namespaced_pod(self.namespace, label_selector=f"job-name={self.name}").items
        if not pods:
            return []
        pod = max(pods, key=lambda one: one.metadata.creation_timestamp)
        words = []
        statuses = [*(pod.status.init_container_statuses or []), *(pod.status.container_statuses or [])]
        for status in statuses:
            waiting, ended = status.state.waiting, status.state.terminated
            if status.state.running:
                words.append(f"Container {status.name} runs. Its last lines:")
                words.append(self._log(pod.metadata.name, status.name))
            if waiting and waiting.reason not in ("PodInitializing", "ContainerCreating"):
                words.append(f"Container {status.name} waits: {waiting.reason}: {waiting.message}")
            if ended and ended.exit_code != 0:
                words.append(f"Container {status.name} ended with {ended.exit_code}. Its last lines:")
                words.append(self._log(pod.metadata.name, status.name))
        return words or [f"Its pod {pod.metadata.name} is {pod.status.phase}."]

    def _log(self, pod: str, container: str) -> str:
        try:
            return self.core.read_namespaced_pod_log(
                pod, self.namespace, container=container, tail_lines=LOG_LINES
            )
        except (ApiException, HTTPError) as error:
            return f"(its log can't be read: {getattr(error, 'reason', error)})"


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            **KUBERNETES_ARGUMENTS,
            "definition": {"type": "dict", "required": True},
            "wait_timeout": {"type": "int", "default": 600},
        },
        supports_check_mode=True,
    )
    job = Job(module, api_client(module))
    try:
        found = job.find()
        outcome = job.outcome(found) if found else None
        if outcome and outcome[0] == "Complete":
            module.exit_json(changed=False)
        # One that runs was started by somebody else, or by a run that was killed.
        running = found is not None and outcome is None
        if module.check_mode:
            module.exit_json(changed=not running)
        if outcome:
            job.remove()
        if not running:
            job.start()
        module.exit_json(changed=not running, seconds=round(job.wait(), 1))
    except ApiException as error:
        module.fail_json(msg=f"Kubernetes refused: {error.status} {error.reason}: {error.body}")
    except HTTPError as error:
        module.fail_json(msg=f"Kubernetes does not answer: {error}")


if __name__ == "__main__":
    main()
