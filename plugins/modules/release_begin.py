#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: release_begin
short_description: Acquire the lock and begin a release
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Resolves the image, chooses the slot, acquires the environment's lock as a lease, recovers an interrupted release (or
    resumes it, if it has the same image and configuration), and records the new release.
  - Begins nothing if the image and its configuration are live already.
  - In check mode it returns the plan, and acquires no lock.
options:
  repository:
    description: ECR repository of the images.
    type: str
  image_repository:
    description: Repository in another registry. Images are deployed by their name from there, and ECR is not queried.
    type: str
    default: ""
  image_tag:
    description: Tag of the image. Either this or O(image_digest).
    type: raw
    default: ""
  image_digest:
    description: Digest of the image.
    type: raw
    default: ""
  version:
    description: Version that the service must report. Empty for any.
    type: raw
    default: ""
  commit:
    description: Commit that the image was built from.
    type: str
    default: ""
  gate:
    description: Verdict of the quality gate for the commit, as M(teal.platform.sonar_quality_gate) returns it. It is stored
      in the release's record.
    type: dict
    default: {}
  config:
    description: Configuration of the service, as environment variables. References, never secrets.
    type: dict
    default: {}
  kind:
    description: V(rollback) for a cold rollback.
    type: str
    choices: [deploy, rollback]
    default: deploy
  initial:
    description:
      - Only begin if no release is live yet. If the image is not in the registry, begin nothing and return the commands
        that push it.
    type: bool
    default: false
  to:
    description: With O(kind=rollback), the target release, by its number such as V(r42) or its tag.
    type: raw
    default: ""
  alarms:
    description:
      - Names of the CloudWatch alarms that M(teal.platform.release_bake) will check. With O(kind=deploy) all of them must
        exist.
      - Not checked with O(initial=true), because the alarms may be created at the same time.
    type: list
    elements: str
    default: []
  bake:
    description: How long the release will be watched with traffic. The module warns of an alarm that needs longer to be
      raised.
    type: str
    default: 60s
  bake_path:
    description: Path at which the release will be watched. The module fails if another load balancer rule matches its
      requests.
    type: str
    default: ""
  check_paths:
    description: Paths at which the preview of the release will be checked. The module fails for them in the same case.
    type: list
    elements: str
    default: []
  steps:
    description:
      - Shares of the traffic that the release gets before all of it. They are recorded, so a run that continues the release
        takes the same steps.
      - Only with O(kind=deploy). If no release is live yet, there are no steps.
    type: list
    elements: dict
    default: []
    suboptions:
      weight:
        description: Percentage of the requests, from 1 to 99. Each entry needs a higher one than the entry before.
        type: int
        required: true
      bake:
        description: How long the release is watched with this share.
        type: str
        required: true
  sticky:
    description: How long a client stays with the version that answered it first, during O(steps). V(0s) for no stickiness.
    type: str
    default: 0s
  inventory:
    description: Path of the inventory, for the commands in messages.
    type: str
    default: ""
extends_documentation_fragment:
  - teal.platform.release
  - teal.platform.release.lock
attributes:
  check_mode:
    description: Returns the plan, and acquires no lock.
    support: full
"""

EXAMPLES = r"""
- name: Begin the release
  teal.platform.release_begin:
    name: assistant-staging
    domain: staging.assistant.example.com
    namespace: assistant
    workload: assistant
    cluster: assistant-staging
    repository: assistant
    image_tag: 1.4.2
  register: __release
"""

RETURN = r"""
release:
  description: The release and its lease, for the following steps.
  type: dict
  returned: when there is something to do
unchanged:
  description: Whether the image and its configuration are live already.
  type: bool
  returned: always
plan:
  description: What will be done, as text.
  type: list
  elements: str
  returned: always
"""

from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.messages.message import listed, message, text_of
from ansible_collections.teal.platform.plugins.module_utils.release import (
    deploy,
    images,
    plan,
    rollback,
    service_config,
    step_settings,
)
from ansible_collections.teal.platform.plugins.module_utils.release.alarms import Alarms
from ansible_collections.teal.platform.plugins.module_utils.release.engine import (
    LOCK_ARGUMENTS,
    Engine,
    run,
    ticket,
)
from ansible_collections.teal.platform.plugins.module_utils.release.observed_state import named
from ansible_collections.teal.platform.plugins.module_utils.release.store import StoreError, label
from ansible_collections.teal.platform.plugins.module_utils.release.traffic import TrafficError
from ansible_collections.teal.platform.plugins.module_utils.text_values import require_text

STEP_OPTIONS = {
    "weight": {"type": "int", "required": True},
    "bake": {"type": "str", "required": True},
}
ARGUMENTS = {
    "repository": {"type": "str"},
    "image_repository": {"type": "str", "default": ""},
    "image_tag": {"type": "raw", "default": ""},
    "image_digest": {"type": "raw", "default": ""},
    "version": {"type": "raw", "default": ""},
    "commit": {"type": "str", "default": ""},
    "gate": {"type": "dict", "default": {}},
    "config": {"type": "dict", "default": {}},
    "kind": {"type": "str", "choices": ["deploy", "rollback"], "default": "deploy"},
    "initial": {"type": "bool", "default": False},
    "to": {"type": "raw", "default": ""},
    "alarms": {"type": "list", "elements": "str", "default": []},
    "bake": {"type": "str", "default": "60s"},
    "bake_path": {"type": "str", "default": ""},
    "check_paths": {"type": "list", "elements": "str", "default": []},
    "steps": {"type": "list", "elements": "dict", "default": [], "options": STEP_OPTIONS},
    "sticky": {"type": "str", "default": "0s"},
    "inventory": {"type": "str", "default": ""},
    **LOCK_ARGUMENTS,
}


def request(engine: Engine) -> deploy.Request:
    """Return the requested release. Raises Refused."""
    params = engine.params
    paths = {
        "watched": [params["bake_path"]] if params["bake_path"] else [],
        "checked": params["check_paths"],
    }
    if unknown := set(params["force"]) - set(plan.FORCE_WORDS):
        allowed = message("plan.either", one=plan.FORCE_WORDS[0], other=plan.FORCE_WORDS[1])
        raise plan.Refused(message("plan.unknown_force", given=listed(sorted(unknown)), allowed=allowed))
    if params["kind"] == "rollback":
        target, _older = rollback.recorded(
            engine.store, params["to"], engine.store.history(rollback.HISTORY_LIMIT)
        )
        return deploy.Request(
            **{key: target.get(key, "") for key in ("image", "tag", "digest", "commit", "config_name")},
            version=target.get("version", ""),
            config=target.get("config", {}),
            gate=target.get("gate", {}),
            tests=target.get("tests", {}),
            kind="rollback",
            reason=params["reason"],
            to=target["id"],
            force=[*params["force"], plan.SAME],
            **paths,
        )
    tag, digest = params["image_tag"], params["image_digest"]
    if params["image_repository"]:
        image = images.as_given(params["image_repository"], tag, digest)
    else:
        images.check(tag, digest)
        image = images.resolve(engine.client("ecr"), params["repository"], tag, digest)
    if problem := next(step_settings.problems(params["steps"]), None):
        raise plan.Refused(f"release_steps is refused: {problem}")
    if problem := next(service_config.wrong(params["config"], params["slot_kind"]), None):
        raise plan.Refused(message("begin.config_refused", problem=problem))
    variables = service_config.environment(params["config"])
    return deploy.Request(
        image=image.reference,
        tag=image.tag,
        digest=image.digest,
        commit=params["commit"],
        gate=params["gate"],
        version=params["version"],
        config=variables,
        config_name=images.config_name(params["workload"] or params["name"], variables),
        reason=params["reason"],
        force=params["force"],
        steps=step_settings.normalized(params["steps"]),
        sticky=int(engine.length("sticky")),
        **paths,
    )


def begin(engine: Engine) -> dict[str, Any]:
    """Begin a release, or report that there is nothing to do."""
    require_text(engine.module, "image_tag", "image_digest", "version", "to")
    if engine.params["initial"] and (nothing := initial(engine)):
        return {"changed": False, "unchanged": True, "plan": [nothing]}
    try:
        wanted = request(engine)
    except images.ImageMissing as error:
        if not engine.params["initial"]:
            raise
        lines = [
            text_of(error),
            message("begin.then_deploy", inventory=engine.params["inventory"]),
        ]
        return {"changed": False, "unchanged": True, "plan": lines}
    if not engine.params["initial"]:
        check_alarms(engine, wanted.kind)
    if engine.module.check_mode:
        begun = deploy.preview(engine.context, wanted)
    else:
        who = engine.who(wanted.kind, wanted.tag or wanted.digest)
        begun = deploy.begin(engine.context, wanted, who, engine.length("lease"), engine.length("lock_wait"))
    return result_of(begun, wanted)


def check_alarms(engine: Engine, kind: str) -> None:
    """Check that the alarms exist, and warn of late ones. Raises Refused for a deploy; a rollback only gets a warning."""
    alarms = Alarms(lambda: engine.client("cloudwatch", attempts=1), engine.params["alarms"], engine.clock)
    try:
        warnings = alarms.check(engine.length("bake"))
    except plan.Refused as error:
        if kind == "deploy":
            raise
        warnings = [text_of(error)]
    for warning in warnings:
        engine.warn(warning)


def initial(engine: Engine) -> str:
    """Return why there is no first release to begin, or the empty string."""
    try:
        now = engine.context.observe()
    except (StoreError, TrafficError):
        if not engine.module.check_mode:
            raise
        return message("begin.later")
    if now.live:
        return message("begin.serving", name=named(now.live), slot=now.live_slot)
    if engine.params["image_tag"] or engine.params["image_digest"]:
        return ""
    return message("begin.not_set")


def result_of(begun: deploy.Begun, wanted: deploy.Request) -> dict[str, Any]:
    """Return the module's result."""
    what = wanted.tag or wanted.digest
    lines = [begun.recovered] if begun.recovered else []
    if begun.plan.unchanged:
        lines.append(message("begin.live_already", image=what, slot=begun.now.live_slot))
        return {"changed": bool(begun.recovered), "unchanged": True, "plan": lines}
    verb = "continue" if begun.resumed else wanted.kind
    serving = (
        message("begin.serving", name=named(begun.now.live), slot=begun.plan.from_slot)
        if begun.plan.from_release
        else message("begin.no_release")
    )
    lines.append(message(f"verb.{verb}", image=what, slot=begun.plan.slot, serving=serving))
    result: dict[str, Any] = {"changed": True, "unchanged": False, "plan": lines}
    if begun.release and begun.lease:
        result["release"] = ticket(begun.lease, begun.release) | {"number": label(begun.release["id"])}
    return result


def main() -> None:
    run(ARGUMENTS, begin)


if __name__ == "__main__":
    main()
