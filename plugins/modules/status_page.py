#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: status_page
short_description: Write the status of environments as one HTML page
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Stores the status of one environment in a folder as C(<environment>.json). Then writes C(index.html) with all
    environments of the folder side by side, in the order in which they were first stored.
  - The page needs neither a network nor scripts.
options:
  folder:
    description: Path of the folder. It is created if it does not exist.
    type: path
    required: true
  environment:
    description: Name of the environment.
    type: str
    required: true
  application:
    description: Name of the application, used as the title of the page.
    type: str
    required: true
  url:
    description: URL of the service.
    type: str
    default: ""
  status:
    description: The C(status) that M(teal.platform.release_info) returns.
    type: dict
    required: true
  gate:
    description: The result of M(teal.platform.sonar_quality_gate) for the live release. Empty if it was not checked.
    type: dict
    default: {}
  drift_summary:
    description:
      - Path of the file that P(teal.platform.summary#callback) wrote in a run of C(playbooks/provision.yml --check).
      - Empty to show no drift.
    type: path
    default: ""
  language:
    description: Language of the page.
    type: str
    choices: [en, ko]
    default: en
  timezone:
    description: IANA name of the time zone of the times on the page, such as V(Asia/Seoul).
    type: str
    default: UTC
attributes:
  check_mode:
    description: Writes nothing in check mode.
    support: full
"""

EXAMPLES = r"""
- name: Write the page
  teal.platform.status_page:
    folder: status
    environment: staging
    application: assistant
    url: https://staging.assistant.example.com
    status: "{{ __release_info.status }}"
"""

RETURN = r"""
path:
  description: Path of the page.
  returned: success
  type: str
environments:
  description: Names of the environments on the page.
  returned: success
  type: list
  elements: str
"""

import json
import time
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.teal.platform.plugins.module_utils.messages.catalogue import LANGUAGES
from ansible_collections.teal.platform.plugins.module_utils.messages.message import with_messages
from ansible_collections.teal.platform.plugins.module_utils.messages.rendering import Reader
from ansible_collections.teal.platform.plugins.module_utils.status_page import page


def moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def drift(module: AnsibleModule, path: str) -> dict[str, Any]:
    """Return the components that differ, and the time of the check; empty without a file."""
    if not path:
        return {}
    file = Path(path)
    try:
        components = json.loads(file.read_text(encoding="utf-8"))["components"]
        differing = [name for name, found in components.items() if found["state"] != "ok"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        module.fail_json(
            msg=f"drift_summary ({path}) is not a summary of the callback teal.platform.summary: {error!r}. "
            "Write one with PLATFORM_SUMMARY_FILE and --check, or leave drift_summary empty."
        )
    return {"differing": differing, "at": moment(file.stat().st_mtime)}


def stored_statuses(module: AnsibleModule, folder: Path) -> dict[str, dict[str, Any]]:
    """Return the stored statuses by environment."""
    found = {}
    for file in sorted(folder.glob("*.json")):
        try:
            stored = json.loads(file.read_text(encoding="utf-8"))
            _required = stored["since"], stored["status"]["slots"]
            found[stored["environment"]] = stored
        except (OSError, ValueError, KeyError, TypeError) as error:
            module.fail_json(
                msg=f"{file} was not written by this module ({error!r}). Remove it, or use another folder."
            )
    return found


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "folder": {"type": "path", "required": True},
            "environment": {"type": "str", "required": True},
            "application": {"type": "str", "required": True},
            "url": {"type": "str", "default": ""},
            "status": {"type": "dict", "required": True},
            "gate": {"type": "dict", "default": {}},
            "drift_summary": {"type": "path", "default": ""},
            "language": {"type": "str", "choices": list(LANGUAGES), "default": LANGUAGES[0]},
            "timezone": {"type": "str", "default": "UTC"},
        },
        supports_check_mode=True,
    )
    params = module.params
    folder, now = Path(params["folder"]), moment(time.time())
    environments = stored_statuses(module, folder)
    gate = {key: params["gate"].get(key, "") for key in ("status", "refusal")} if params["gate"] else {}
    stored = {
        "environment": params["environment"],
        "url": params["url"],
        "since": environments.get(params["environment"], {}).get("since", now),
        "read": now,
        "status": params["status"],
        "gate": gate,
        "drift": drift(module, params["drift_summary"]),
    }
    environments[params["environment"]] = stored
    reader = Reader(params["language"], params["timezone"])
    text = page([with_messages(each) for each in environments.values()], params["application"], reader)
    if not module.check_mode:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            own = folder / f"{params['environment']}.json"
            own.write_text(json.dumps(stored, indent=2) + "\n", encoding="utf-8")
            (folder / "index.html").write_text(text, encoding="utf-8")
        except OSError as error:
            module.fail_json(msg=f"The status page cannot be written: {error}")
    module.exit_json(
        changed=True,
        path=str((folder / "index.html").absolute()),
        environments=sorted(environments),
    )


if __name__ == "__main__":
    main()
