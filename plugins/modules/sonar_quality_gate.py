# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Checks that a commit passes the quality gate of SonarCloud."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sonar_quality_gate
short_description: Fail unless a commit passes SonarCloud's quality gate
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Finds the analysis of the commit, and reads the result of its quality gate.
  - Fails with a list of the failed conditions. Also fails if there is no analysis or no quality gate, or if SonarCloud
    does not respond. Waits for an analysis in progress.
  - Works with SonarCloud and with a SonarQube server.
  - SonarQube Cloud deprecated C(api/qualitygates) in September 2025. If that endpoint does not exist, the module uses the
    metrics C(alert_status) and C(quality_gate_details) of the analysis.
options:
  host:
    description: URL of SonarCloud or the SonarQube server.
    type: str
    default: https://sonarcloud.io
  token:
    description: Token with the permission to browse the project.
    type: str
    required: true
  project:
    description: Key of the project.
    type: str
    required: true
  revision:
    description: Full hash of the commit.
    type: str
    required: true
  branches:
    description:
      - Branches whose analyses are searched.
      - By default the main branch of the project.
    type: list
    elements: str
    default: []
  pull_request:
    description: Key of the pull request that O(task) analyzed. The branches are not searched then.
    type: str
  task:
    description:
      - ID of the scanner's task (C(ceTaskId) in its F(report-task.txt)). Required with O(pull_request).
      - Sonar documents its list of analyses for branches only. The task belongs to the commit that was just scanned.
    type: str
  known:
    description:
      - An earlier RV(verdict), from the record of a release. If O(revision) passed the gate of O(project) without an
        override, this verdict replaces an analysis that Sonar's housekeeping has removed.
      - Only used if Sonar has no analysis of the commit.
    type: dict
    default: {}
  metrics:
    description: Metrics to return.
    type: list
    elements: str
    default: [coverage, duplicated_lines_density, bugs, vulnerabilities, code_smells]
  wait_limit:
    description: Maximum number of seconds to wait for an analysis in progress.
    type: int
    default: 300
  wait_interval:
    description: Seconds between two queries.
    type: float
    default: 5
  timeout:
    description: Timeout of a request in seconds. A request is tried three times.
    type: int
    default: 15
  override_reason:
    description:
      - Reason to continue although the quality gate failed, or SonarCloud did not respond.
      - The failure is then a warning, and RV(refusal) contains it. Empty to fail.
    type: str
    default: ""
attributes:
  check_mode:
    description: Only reads. Works the same in check mode.
    support: full
"""

EXAMPLES = r"""
- name: Check the quality gate of the commit
  teal.platform.sonar_quality_gate:
    token: "{{ lookup('ansible.builtin.env', 'SONAR_TOKEN') }}"
    project: example_assistant
    revision: "{{ lookup('ansible.builtin.env', 'GITHUB_SHA') }}"
    branches: [test]
"""

RETURN = r"""
status:
  description: Status of the quality gate. Empty without a response.
  returned: always
  type: str
  sample: OK
refusal:
  description: Why the check failed. Empty if the commit passed.
  returned: always
  type: str
overridden:
  description: Whether the release continues only because of O(override_reason).
  returned: success
  type: bool
conditions:
  description: Conditions of the quality gate, with C(status), C(metric), C(value), C(comparator) and C(threshold).
  returned: always
  type: list
  elements: dict
measures:
  description: Values of O(metrics) by name, as far as the analysis has them.
  returned: always
  type: dict
verdict:
  description: Result for the release's record, with C(project), C(revision), C(status), C(date), C(url) and C(override).
  returned: always
  type: dict
analysis:
  description: The analysis, with C(key), and C(date) and C(branch), or C(pullRequest).
  returned: always
  type: dict
"""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import open_url

ATTEMPTS = 3
PAGE = 500
UNFINISHED = ("PENDING", "IN_PROGRESS")
#: Metrics that hold the result of an analysis' quality gate.
GATE_METRICS = ["alert_status", "quality_gate_details"]
NOT_BELOW = {"LT": "fails below", "GT": "fails above"}


class Refused(Exception):
    """The commit did not pass; the message says why."""


class NotFound(Refused):
    """Sonar did not find the object."""


class EndpointRemoved(Refused):
    """Sonar has removed the endpoint."""


class NoAnalysis(Refused):
    """Sonar has no analysis of the commit."""


class Sonar:
    """Client of SonarCloud's Web API."""

    def __init__(
        self, host: str, token: str, timeout: int, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self.host, self._token, self._timeout, self._pause = host.rstrip("/"), token, timeout, pause

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """Return the JSON of a path. Raises Refused on an error."""
        known = {name: value for name, value in query.items() if value}
        url = f"{self.host}/api/{path}?{urlencode(known)}"
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
        for attempt in range(1, ATTEMPTS + 1):
            try:
                answer = open_url(url, headers=headers, timeout=self._timeout, http_agent="teal.platform")
                return json.loads(answer.read())
            except HTTPError as e:
                if e.code < 500 and e.code != 429:
                    kind = {404: NotFound, 410: EndpointRemoved}.get(e.code, Refused)
                    raise kind(self._explained(e, path, query)) from None
                why = f"HTTP {e.code}"
            except (URLError, OSError, ValueError) as e:
                why = str(getattr(e, "reason", e)) or type(e).__name__
            if attempt < ATTEMPTS:
                self._pause(2.0**attempt)
        raise Refused(f"{self.host} does not respond to {path} ({why}, {ATTEMPTS} attempts)")

    def _explained(self, error: HTTPError, path: str, query: dict[str, Any]) -> str:
        if error.code == 401:
            return f"{self.host} does not accept the token"
        if error.code == 403:
            return f"the token has no permission for {path} of {self.host}"
        try:
            said = "; ".join(one["msg"] for one in json.loads(error.read())["errors"])
        except (ValueError, KeyError, TypeError):
            said = f"HTTP {error.code}"
        return f"{self.host} rejects {path}: {said}"

    def find(self, project: str, revision: str, scope: dict[str, str]) -> dict[str, Any] | None:
        """Return the newest analysis of a revision in a branch or pull request."""
        page = 0
        while True:
            page += 1
            try:
                found = self.get("project_analyses/search", project=project, ps=PAGE, p=page, **scope)
            except NotFound:
                if not scope:
                    raise
                return None  # the project exists, but the branch was never analyzed
            for analysis in found["analyses"]:
                if analysis.get("revision") == revision:
                    return {"key": analysis["key"], "date": analysis["date"], **scope}
            if page * PAGE >= found["paging"]["total"]:
                return None

    def task(self, identity: str) -> dict[str, Any]:
        """What became of the report that a scanner has sent."""
        return self.get("ce/task", id=identity)["task"]

    def tasks(self, project: str) -> tuple[int, dict[str, Any]]:
        """Return the number of unfinished analyses of a project, and the last finished one."""
        found = self.get("ce/component", component=project)
        unfinished = [task for task in found.get("queue") or [] if task["status"] in UNFINISHED]
        return len(unfinished), found.get("current") or {}


def find(
    sonar: Sonar, parameters: dict[str, Any], now: Callable[[], float], pause: Callable[[float], None]
) -> dict[str, Any]:
    """Return the analysis of the revision, after all unfinished ones of the project. Raises Refused without one.

    Waits even if an analysis exists: an unfinished one may be of the same revision, such as in a run that was started
    again after an issue was marked.
    """
    project, revision = parameters["project"], parameters["revision"]
    scopes = [{"branch": branch} for branch in parameters["branches"]]
    until = now() + parameters["wait_limit"]
    while True:
        # Read the tasks first: an analysis that ends between the two queries is found by the second.
        unfinished, last = sonar.tasks(project)
        results = (sonar.find(project, revision, scope) for scope in scopes or [{}])
        analysis = next(filter(None, results), None)
        if analysis and (not unfinished or now() >= until):
            return analysis
        where = ", ".join(" ".join(scope.values()) for scope in scopes) or "the main branch"
        if not unfinished:
            failed = " The last analysis of the project failed." if last.get("status") == "FAILED" else ""
            raise NoAnalysis(f"there is no analysis of {revision} of {project} ({where}).{failed}")
        if now() >= until:
            limit = parameters["wait_limit"]
            raise Refused(f"there is no analysis of {revision} of {project} ({where}) after {limit} s")
        pause(parameters["wait_interval"])


def of_task(
    sonar: Sonar, parameters: dict[str, Any], now: Callable[[], float], pause: Callable[[float], None]
) -> dict[str, Any]:
    """Return the analysis of a pull request by the scanner's task, after waiting for it. Raises Refused."""
    identity, project, pull_request = (parameters[name] for name in ("task", "project", "pull_request"))
    until = now() + parameters["wait_limit"]
    while (task := sonar.task(identity))["status"] in UNFINISHED:
        if now() >= until:
            raise Refused(f"task {identity} of {project} did not finish within {parameters['wait_limit']} s")
        pause(parameters["wait_interval"])
    found = task.get("componentKey"), task.get("pullRequest")
    if found != (project, pull_request):
        raise Refused(
            f"task {identity} belongs to {found[0]}, pull request {found[1]}, not to {project}, pull request "
            f"{pull_request}"
        )
    if not task.get("analysisId"):
        raise Refused(f"task {identity} of {project} has no analysis (status {task['status']})")
    return {"key": task["analysisId"], "pullRequest": pull_request}


def condition(found: dict[str, Any]) -> dict[str, Any]:
    """Return a condition of the gate with readable keys."""
    return {
        "status": found["status"],
        "metric": found["metricKey"],
        "value": found.get("actualValue", "unknown"),
        "comparator": found.get("comparator", ""),
        "threshold": found.get("errorThreshold", ""),
    }


def failures(conditions: list[dict[str, Any]]) -> Iterator[str]:
    """Yield a line for each failed condition."""
    for one in conditions:
        if one["status"] != "OK":
            fails = NOT_BELOW.get(one["comparator"], "fails by")
            yield f"{one['metric']} is {one['value']}, and {fails} {one['threshold']}"


def gate(sonar: Sonar, project: str, analysis: dict[str, Any]) -> dict[str, Any]:
    """Return `status` and `conditions` of an analysis, from its gate or from its metrics. Raises Refused."""
    try:
        return sonar.get("qualitygates/project_status", analysisId=analysis["key"])["projectStatus"]
    except (NotFound, EndpointRemoved):  # the analysis exists, so the deprecated endpoint was removed
        return of_metrics(measures(sonar, project, GATE_METRICS, analysis))


def of_metrics(found: dict[str, str]) -> dict[str, Any]:
    """Return the result in `alert_status` and `quality_gate_details`, in the format of project_status; NONE without them.

    The details omit conditions whose metric has no value. They never improve the status.
    """
    try:
        details = json.loads(found.get("quality_gate_details") or "{}")
    except ValueError:
        details = {}
    if not isinstance(details, dict):
        details = {}
    levels = {found.get("alert_status"), details.get("level")} - {None, "", "OK"}
    conditions = [
        {
            "status": one.get("level", ""),
            "metricKey": one.get("metric", ""),
            "comparator": one.get("op", ""),
            "errorThreshold": one.get("error", ""),
            "actualValue": one.get("actual", "unknown"),
        }
        for one in details.get("conditions") or []
    ]
    status = levels.pop() if levels else "OK" if found.get("alert_status") else "NONE"
    return {"status": status, "conditions": conditions}


def measures(sonar: Sonar, project: str, metrics: list[str], analysis: dict[str, Any]) -> dict[str, str]:
    """Return the values of the metrics in an analysis. Raises Refused.

    For a pull request, Sonar stores the values of the newest analysis only.
    """
    scope = {name: analysis[name] for name in ("branch", "pullRequest") if name in analysis}
    if "pullRequest" in scope:
        names = ",".join(metrics)
        shown = sonar.get("measures/component", component=project, metricKeys=names, **scope)
        return {one["metric"]: one["value"] for one in shown["component"]["measures"] if "value" in one}
    history = sonar.get(
        "measures/search_history",
        component=project,
        metrics=",".join(metrics),
        to=analysis["date"],
        **{"from": analysis["date"]},
        **scope,
    )
    return {
        one["metric"]: one["history"][-1]["value"]
        for one in history["measures"]
        if one["history"] and "value" in one["history"][-1]
    }


def passed_before(parameters: dict[str, Any]) -> bool:
    """Return whether, by the earlier verdict, the commit passed the gate without an override."""
    known = parameters["known"]
    met = {
        "project": parameters["project"],
        "revision": parameters["revision"],
        "status": "OK",
        "override": "",
    }
    return all(known.get(name) == value for name, value in met.items())


def ask(sonar: Sonar, module: AnsibleModule, result: dict[str, Any]) -> None:
    """Check the quality gate and fill `result`. Raises Refused."""
    parameters = module.params
    for name in ("token", "project", "revision"):
        if not parameters[name]:
            raise Refused(f"{name} is empty")
    find_analysis = of_task if parameters["pull_request"] else find
    try:
        analysis = find_analysis(sonar, parameters, time.monotonic, time.sleep)
    except NoAnalysis as e:
        if not passed_before(parameters):
            raise
        result |= {"status": "OK", "verdict": parameters["known"]}
        module.warn(
            f"{e} According to the release's record, it passed the gate at {parameters['known'].get('date')}."
        )
        return
    result["analysis"] = analysis
    found = gate(sonar, parameters["project"], analysis)
    result["status"] = found["status"]
    where = {"id": parameters["project"]} | {
        key: analysis[key] for key in ("branch", "pullRequest") if key in analysis
    }
    url = f"{sonar.host}/dashboard?{urlencode(where)}"
    result["verdict"] |= {"status": found["status"], "date": analysis.get("date", ""), "url": url}
    result["conditions"] = [condition(one) for one in found.get("conditions") or []]
    try:
        result["measures"] = measures(sonar, parameters["project"], parameters["metrics"], analysis)
    except Refused as e:  # measures are only reported: a metric that Sonar removed must not fail a commit
        module.warn(f"No measures: {e}")
    if found["status"] == "NONE":
        raise Refused(
            f"{parameters['project']} has no quality gate, or this is the first analysis of its branch, for which "
            "Sonar computes none. Run the analysis again"
        )
    if found["status"] != "OK":
        lines = list(failures(result["conditions"])) or [f"status {found['status']}"]
        raise Refused("\n".join([f"{parameters['project']} {parameters['revision'][:7]}:", *lines]))


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(
        argument_spec={
            "host": {"type": "str", "default": "https://sonarcloud.io"},
            "token": {"type": "str", "required": True, "no_log": True},
            "project": {"type": "str", "required": True},
            "revision": {"type": "str", "required": True},
            "branches": {"type": "list", "elements": "str", "default": []},
            "pull_request": {"type": "str"},
            "task": {"type": "str"},
            "known": {"type": "dict", "default": {}},
            "metrics": {
                "type": "list",
                "elements": "str",
                "default": ["coverage", "duplicated_lines_density", "bugs", "vulnerabilities", "code_smells"],
            },
            "wait_limit": {"type": "int", "default": 300},
            "wait_interval": {"type": "float", "default": 5},
            "timeout": {"type": "int", "default": 15},
            "override_reason": {"type": "str", "default": ""},
        },
        required_by={"pull_request": ["task"]},
        supports_check_mode=True,
    )
    parameters = module.params
    result: dict[str, Any] = {"status": "", "refusal": "", "conditions": [], "measures": {}, "analysis": {}}
    asked = {name: parameters[name] for name in ("project", "revision")}
    result["verdict"] = {**asked, "status": "", "date": "", "url": "", "override": ""}
    try:
        ask(Sonar(parameters["host"], parameters["token"], parameters["timeout"]), module, result)
    except Refused as e:
        result["refusal"] = str(e)
    reason = parameters["override_reason"].strip()
    if result["refusal"] and not reason:
        module.fail_json(msg=f"The quality gate refuses the commit. {result['refusal']}", **result)
    if result["refusal"]:
        result["verdict"]["override"] = reason
        module.warn(f"The quality gate is overridden ({reason}), though: {result['refusal']}")
    module.exit_json(changed=False, overridden=bool(result["refusal"]), **result)


if __name__ == "__main__":
    main()
