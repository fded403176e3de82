#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: status_page
short_description: Write the status of environments as one page of HTML
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Keeps the status of one environment in a folder, as C(<environment>.json), and writes C(index.html) there,
    with all environments that the folder has, side by side. The one that was kept first stands first.
  - The page needs no network and no script.
options:
  folder:
    description: The folder. It is made if it is missing.
    type: path
    required: true
  environment:
    description: Name of the environment.
    type: str
    required: true
  application:
    description: Name of the application, the page's title.
    type: str
    required: true
  url:
    description: Where the service is reached.
    type: str
    default: ""
  status:
    description: What M(teal.platform.release_info) returned as C(status).
    type: dict
    required: true
  gate:
    description: What M(teal.platform.sonar_quality_gate) returned of what is live. Empty if it was not asked.
    type: dict
    default: {}
  drift_summary:
    description:
      - File that P(teal.platform.summary#callback) wrote of a run of C(playbooks/provision.yml --check).
      - Empty if there is none.
    type: path
    default: ""
attributes:
  check_mode:
    description: Writes nothing.
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
  description: The page.
  returned: success
  type: str
environments:
  description: Names of the environments on it.
  returned: success
  type: list
  elements: str
"""

import json
import time
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.teal.platform.plugins.module_utils.status_page import page


def moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def drift(module: AnsibleModule, path: str) -> dict[str, Any]:
    """Return which components a check found to differ, and when; empty if no file was named."""
    if not path:
        return {}
    file = Path(path)
    try:
        components = json.loads(file.read_text(encoding="utf-8"))["components"]
        differing = [name for name, found in components.items() if found["state"] != "ok"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        module.fail_json(msg=f"drift_summary ({path}) is not what the callback summary writes: {error!r}")
    return {"differing": differing, "at": moment(file.stat().st_mtime)}


def kept_of(module: AnsibleModule, folder: Path) -> dict[str, dict[str, Any]]:
    """Return what is kept of environments, by name."""
    found = {}
    for file in sorted(folder.glob("*.json")):
        try:
            kept = json.loads(file.read_text(encoding="utf-8"))
            _needed = kept["since"], kept["status"]["slots"]
            found[kept["environment"]] = kept
        except (OSError, ValueError, KeyError, TypeError) as error:
            module.fail_json(
                msg=f"{file} is not what this module writes ({error!r}); remove it, or use another folder"
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
        },
        supports_check_mode=True,
    )
    params = module.params
    folder, now = Path(params["folder"]), moment(time.time())
    environments = kept_of(module, folder)
    gate = {key: params["gate"].get(key, "") for key in ("status", "refusal")} if params["gate"] else {}
    kept = {
        "environment": params["environment"],
        "url": params["url"],
        "since": environments.get(params["environment"], {}).get("since", now),
        "read": now,
        "status": params["status"],
        "gate": gate,
        "drift": drift(module, params["drift_summary"]),
    }
    environments[params["environment"]] = kept
    text = page(list(environments.values()), params["application"])
    if not module.check_mode:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            own = folder / f"{params['environment']}.json"
            own.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
            (folder / "index.html").write_text(text, encoding="utf-8")
        except OSError as error:
            module.fail_json(msg=f"The page cannot be written: {error}")
    module.exit_json(
        changed=True,
        path=str((folder / "index.html").absolute()),
        environments=sorted(environments),
    )


if __name__ == "__main__":
    main()
