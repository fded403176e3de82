"""The states of a release, read from the engine, and the sequence of a deploy, read from the role `release`."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

from docs.generate.data import ROOT, read_yaml

LEGEND = "Green: the new release has received no request. Yellow: it may have. Blue: the release has ended."


def engine() -> ModuleType:
    """Return the engine's module `states`, loaded by its path: it imports nothing from Ansible."""
    path = ROOT / "plugins" / "module_utils" / "release" / "states.py"
    spec = importlib.util.spec_from_file_location("_teal_states", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def states() -> str:
    """Return the state machine as Mermaid."""
    known = engine()
    lines = ["stateDiagram-v2"]
    for state, following in known.TRANSITIONS.items():
        begin = str(state) if state else "[*]"
        lines += [f"    {begin} --> {after}" for after in known.State if after in following]
    lines += [f"    {state} --> [*]" for state in known.State if state in known.TERMINAL]
    lines += [
        "    classDef untouched fill:#e6f4ea,stroke:#2e7d32,color:#1b1b1b",
        "    classDef moving fill:#fff3cd,stroke:#b26a00,color:#1b1b1b",
        "    classDef ended fill:#e3f2fd,stroke:#1565c0,color:#1b1b1b",
        f"    class {','.join(state for state in known.State if state in known.BEFORE_SWITCH)} untouched",
        f"    class {','.join(_moving(known))} moving",
        f"    class {','.join(state for state in known.State if state in known.TERMINAL)} ended",
    ]
    return "\n".join(["```mermaid", *lines, "```", "", LEGEND])


def _moving(known: ModuleType) -> list[str]:
    return [state for state in known.State if state not in known.BEFORE_SWITCH | known.TERMINAL]


def timeline() -> str:
    """Return the steps of a deploy by the names of their tasks, and which slot has the requests."""
    tasks = ROOT / "roles" / "release" / "tasks"
    begin = next(task["block"] for task in read_yaml(tasks / "deploy.yml") if "block" in task)
    locks = next(task for task in begin if "teal.platform.release_begin" in task)
    lines = ["sequenceDiagram", "    participant users as requests", "    participant deploy"]
    lines += [
        "    participant old as live slot",
        "    participant new as idle slot",
        "    users->>old: 100 %",
    ]
    for task in [locks, *filter(_is_step, read_yaml(tasks / "steps.yml"))]:
        switch = "teal.platform.traffic_switch" in task
        # Mermaid ends a message at a semicolon.
        lines.append(f"    deploy->>{'users' if switch else 'new'}: {task['name'].replace(';', ',')}")
        if switch:
            lines.append("    users->>new: 100 %")
    lines.append("    Note over old: kept warm, then scaled down by playbooks/retire.yml")
    return "\n".join(["```mermaid", *lines, "```"])


def _is_step(task: dict) -> bool:
    """Whether a task changes the release: it calls a module of the engine, or the role `slot`."""
    role = task.get("ansible.builtin.include_role", {}).get("name")
    return role == "teal.platform.slot" or any(key.startswith("teal.platform.") for key in task)
