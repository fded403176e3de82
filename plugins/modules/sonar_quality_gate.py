# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Ask SonarCloud whether a commit meets its quality gate."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sonar_quality_gate
short_description: Stop unless SonarCloud's quality gate is met by a commit
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Finds the analysis whose revision is the commit, and asks for its quality gate.
  - Fails with each condition that is not met, and as well if there is no such analysis, if it has no gate, or
    if SonarCloud does not answer. An analysis that is under way is waited for.
  - Works with SonarCloud and with a SonarQube server.
  - SonarQube Cloud deprecated C(api/qualitygates) in September 2025. Where it is not found any more, the verdict is that of
    the analysis' own metrics C(alert_status) and C(quality_gate_details).
options:
  host:
    description: Address of SonarCloud or the SonarQube server.
    type: str
    default: https://sonarcloud.io
  token:
    description: Token that may browse the project.
    type: str
    required: true
  project:
    description: Key of the project.
    type: str
    required: true
  revision:
    description: The commit, as the whole hash.
    type: str
    required: true
  branches:
    description:
      - Branches whose analyses are looked through.
      - Without any it is the project's main branch.
    type: list
    elements: str
    default: []
  pull_request:
    description: Pull request whose analysis it is, the one that O(task) made. The branches are not looked through then.
    type: str
  task:
    description:
      - The scanner's task (C(ceTaskId) in its F(report-task.txt)), needed with O(pull_request).
      - Sonar's list of analyses is documented for branches alone. The task is of the commit that was just scanned.
    type: str
  known:
    description:
      - A RV(verdict) of before, as it stands on the record of a release. If it says that O(revision) met the gate of
        O(project), without an override, it stands for an analysis that Sonar's housekeeping has removed.
      - It is looked at only if Sonar answers that it has no analysis of the commit.
    type: dict
    default: {}
  metrics:
    description: Metrics of the analysis to return.
    type: list
    elements: str
    default: [coverage, duplicated_lines_density, bugs, vulnerabilities, code_smells]
  wait_limit:
    description: How many seconds an analysis that is under way is waited for.
    type: int
    default: 300
  wait_interval:
    description: How many seconds lie between two looks.
    type: float
    default: 5
  timeout:
    description: How many seconds an answer may take. A question without an answer is asked three times.
    type: int
    default: 15
  override_reason:
    description:
      - Why the release goes on though the gate refuses it, or SonarCloud does not answer.
      - The refusal is then a warning, and RV(refusal) has it. Empty to stop.
    type: str
    default: ""
attributes:
  check_mode:
    description: Changes nothing, and does the same in check mode.
    support: full
"""

EXAMPLES = r"""
- name: Stop unless the commit meets the gate
  teal.platform.sonar_quality_gate:
    token: "{{ lookup('ansible.builtin.env', 'SONAR_TOKEN') }}"
    project: example_assistant
    revision: "{{ lookup('ansible.builtin.env', 'GITHUB_SHA') }}"
    branches: [test]
"""

RETURN = r"""
status:
  description: The gate's status. Empty if there was no answer.
  returned: always
  type: str
  sample: OK
refusal:
  description: Why the gate refuses the commit. Empty if it doesn't.
  returned: always
  type: str
overridden:
  description: Whether the release goes on by O(override_reason) alone.
  returned: success
  type: bool
conditions:
  description: The gate's conditions, with C(status), C(metric), C(value), C(comparator) and C(threshold).
  returned: always
  type: list
  elements: dict
measures:
  description: Values of O(metrics) by name, those that the analysis has.
  returned: always
  type: dict
verdict:
  description: What there is to put on record, with C(project), C(revision), C(status), C(date), C(url) and C(override).
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
UNDER_WAY = ("PENDING", "IN_PROGRESS")
#: In which an analysis keeps the verdict of its gate.
GATE_METRICS = ["alert_status", "quality_gate_details"]
NOT_BELOW = {"LT": "fails below", "GT": "fails above"}


class Refused(Exception):
    """The commit may not go on; the message says why."""


class NotThere(Refused):
    """Sonar does not know what was asked for."""


class Gone(Refused):
    """Sonar has removed the endpoint."""


class NoAnalysis(Refused):
    """Sonar answers, and has no analysis of the commit."""


class Sonar:
    """SonarCloud's Web API, as far as it is needed."""

    def __init__(
        self, host: str, token: str, timeout: int, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self.host, self._token, self._timeout, self._pause = host.rstrip("/"), token, timeout, pause

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """The JSON of a path. Raises Refused where there is none."""
        known = {name: value for name, value in query.items() if value}
        url = f"{self.host}/api/{path}?{urlencode(known)}"
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
        for attempt in range(1, ATTEMPTS + 1):
            try:
                answer = open_url(url, headers=headers, timeout=self._timeout, http_agent="teal.platform")
                return json.loads(answer.read())
            except HTTPError as e:
                if e.code < 500 and e.code != 429:
                    kind = {404: NotThere, 410: Gone}.get(e.code, Refused)
                    raise kind(self._explained(e, path, query)) from None
                why = f"HTTP {e.code}"
            except (URLError, OSError, ValueError) as e:
                why = str(getattr(e, "reason", e)) or type(e).__name__
            if attempt < ATTEMPTS:
                self._pause(2.0**attempt)
        raise Refused(f"{self.host} does not answer {path} ({why}, {ATTEMPTS} attempts)")

    def _explained(self, error: HTTPError, path: str, query: dict[str, Any]) -> str:
        if error.code == 401:
            return f"{self.host} does not take the token"
        if error.code == 403:
            return f"the token may not see {path} of {self.host}"
        try:
            said = "; ".join(one["msg"] for one in json.loads(error.read())["errors"])
        except (ValueError, KeyError, TypeError):
            said = f"HTTP {error.code}"
        return f"{self.host} refuses {path}: {said}"

    def find(self, project: str, revision: str, scope: dict[str, str]) -> dict[str, Any] | None:
        """The newest analysis of a revision in a branch or pull request."""
        page = 0
        while True:
            page += 1
            try:
                found = self.get("project_analyses/search", project=project, ps=PAGE, p=page, **scope)
            except NotThere:
                if not scope:
                    raise
                return None  # a branch that was never analysed; that the project is there is known
            for analysis in found["analyses"]:
                if analysis.get("revision") == revision:
                    return {"key": analysis["key"], "date": analysis["date"], **scope}
            if page * PAGE >= found["paging"]["total"]:
                return None

    def task(self, identity: str) -> dict[str, Any]:
        """What became of the report that a scanner has sent."""
        return self.get("ce/task", id=identity)["task"]

    def tasks(self, project: str) -> tuple[int, dict[str, Any]]:
        """How many analyses of a project are under way, and the one that ended last."""
        found = self.get("ce/component", component=project)
        under_way = [task for task in found.get("queue") or [] if task["status"] in UNDER_WAY]
        return len(under_way), found.get("current") or {}


def find(
    sonar: Sonar, parameters: dict[str, Any], now: Callable[[], float], pause: Callable[[float], None]
) -> dict[str, Any]:
    """The analysis of the revision, waiting while any is under way. Raises Refused without one.

    One that stands already may be about to be followed by another of the same revision: a run that is started again
    after an issue was marked. What is under way is waited for in any case.
    """
    project, revision = parameters["project"], parameters["revision"]
    scopes = [{"branch": branch} for branch in parameters["branches"]]
    until = now() + parameters["wait_limit"]
    while True:
        # Asked first: what ends between the two questions is found by the second.
        under_way, last = sonar.tasks(project)
        looks = (sonar.find(project, revision, scope) for scope in scopes or [{}])
        analysis = next(filter(None, looks), None)
        if analysis and (not under_way or now() >= until):
            return analysis
        where = ", ".join(" ".join(scope.values()) for scope in scopes) or "the main branch"
        if not under_way:
            failed = " The last analysis of the project failed." if last.get("status") == "FAILED" else ""
            raise NoAnalysis(f"there is no analysis of {revision} of {project} ({where}).{failed}")
        if now() >= until:
            limit = parameters["wait_limit"]
            raise Refused(f"after {limit} s there is no analysis of {revision} of {project} ({where}) yet")
        pause(parameters["wait_interval"])


def of_task(
    sonar: Sonar, parameters: dict[str, Any], now: Callable[[], float], pause: Callable[[float], None]
) -> dict[str, Any]:
    """The analysis that a scanner's task makes of a pull request, waiting while it is under way. Raises Refused."""
    identity, project, pull_request = (parameters[name] for name in ("task", "project", "pull_request"))
    until = now() + parameters["wait_limit"]
    while (task := sonar.task(identity))["status"] in UNDER_WAY:
        if now() >= until:
            raise Refused(f"after {parameters['wait_limit']} s task {identity} of {project} is not done yet")
        pause(parameters["wait_interval"])
    found = task.get("componentKey"), task.get("pullRequest")
    if found != (project, pull_request):
        raise Refused(
            f"task {identity} is of {found[0]}, pull request {found[1]}, not of {project}, pull request {pull_request}"
        )
    if not task.get("analysisId"):
        raise Refused(f"task {identity} of {project} made no analysis: its status is {task['status']}")
    return {"key": task["analysisId"], "pullRequest": pull_request}


def condition(found: dict[str, Any]) -> dict[str, Any]:
    """A gate's condition, in plain names."""
    return {
        "status": found["status"],
        "metric": found["metricKey"],
        "value": found.get("actualValue", "unknown"),
        "comparator": found.get("comparator", ""),
        "threshold": found.get("errorThreshold", ""),
    }


def failures(conditions: list[dict[str, Any]]) -> Iterator[str]:
    """A line for each condition that is not met."""
    for one in conditions:
        if one["status"] != "OK":
            fails = NOT_BELOW.get(one["comparator"], "fails by")
            yield f"{one['metric']} is {one['value']}, and {fails} {one['threshold']}"


def gate(sonar: Sonar, project: str, analysis: dict[str, Any]) -> dict[str, Any]:
    """The verdict of an analysis, C(status) and C(conditions): the gate's own, or that of the metrics. Raises Refused."""
    try:
        return sonar.get("qualitygates/project_status", analysisId=analysis["key"])["projectStatus"]
    except (NotThere, Gone):  # the deprecated endpoint was removed; the analysis itself has just been found
        return of_metrics(measures(sonar, project, GATE_METRICS, analysis))


def of_metrics(found: dict[str, str]) -> dict[str, Any]:
    """The verdict that `alert_status` and `quality_gate_details` hold, as project_status would answer. Without, it is NONE.

    The details leave out conditions whose metric has no value. They never make a verdict better than the status.
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
    """The values of the metrics in an analysis. Raises Refused.

    Of a pull request, Sonar keeps those of its newest analysis alone.
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


def vouched(parameters: dict[str, Any]) -> bool:
    """Whether the verdict of before says that this very commit met the gate by itself."""
    known = parameters["known"]
    met = {
        "project": parameters["project"],
        "revision": parameters["revision"],
        "status": "OK",
        "override": "",
    }
    return all(known.get(name) == value for name, value in met.items())


def ask(sonar: Sonar, module: AnsibleModule, result: dict[str, Any]) -> None:
    """Fill `result`. Raises Refused."""
    parameters = module.params
    for name in ("token", "project", "revision"):
        if not parameters[name]:
            raise Refused(f"{name} is empty")
    look = of_task if parameters["pull_request"] else find
    try:
        analysis = look(sonar, parameters, time.monotonic, time.sleep)
    except NoAnalysis as e:
        if not vouched(parameters):
            raise
        result |= {"status": "OK", "verdict": parameters["known"]}
        module.warn(
            f"{e} It met the gate at {parameters['known'].get('date')}, as the release's record says."
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
    except Refused as e:  # they are told, and judge nothing: a metric that Sonar dropped refuses no commit
        module.warn(f"No measures: {e}")
    if found["status"] == "NONE":
        raise Refused(
            f"{parameters['project']} has no quality gate, or this is the first analysis of its branch, for which "
            "none is computed: analyse once more"
        )
    if found["status"] != "OK":
        lines = list(failures(result["conditions"])) or [f"its status is {found['status']}"]
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
