"""The states of a release, as the engine knows them, and a deploy in time."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

from docs.generate.data import ROOT, read_yaml
from docs.generate.markdown import table

LEGEND = "Green: no request has gone to the new release. Yellow: some may have. Blue: it has come to its end."


def engine() -> ModuleType:
    """Return the engine's module of states, loaded by its path: it needs nothing of Ansible."""
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


def settlement() -> str:
    """Return what happens to a release whose controller is gone, by state."""
    known = engine()
    told = {
        "nothing": "nothing: it has ended",
        "abort": "it is aborted (or the same deploy goes on with it); no request had left the old version",
        "return": "all requests go back to the release before (or the same deploy goes on with it)",
    }
    rows = [[f"`{state}`", told[known.settlement(state)]] for state in known.State]
    return table(["Left in", "What the next run does"], rows)


def timeline() -> str:
    """Return the steps of a deploy as the tasks name them, and where requests go meanwhile."""
    tasks = ROOT / "roles" / "release" / "tasks"
    begin = next(task["block"] for task in read_yaml(tasks / "deploy.yml") if "block" in task)
    locks = next(task for task in begin if "teal.platform.release_begin" in task)
    steps = [locks["name"]] + [_step(task) for task in read_yaml(tasks / "steps.yml") if _moves(task)]
    lines = ["sequenceDiagram", "    participant users as requests", "    participant deploy"]
    lines += [
        "    participant old as live slot",
        "    participant new as idle slot",
        "    users->>old: 100 %",
    ]
    for step in steps:
        switch = "Send all requests" in step
        lines.append(f"    deploy->>{'users' if switch else 'new'}: {step}")
        if switch:
            lines.append("    users->>new: 100 %")
    lines.append("    Note over old: kept warm, then scaled down by playbooks/retire.yml")
    return "\n".join(["```mermaid", *lines, "```"])


def _moves(task: dict) -> bool:
    """Whether a task does something, rather than telling of it."""
    return not task["name"].startswith(("Tell", "Say"))


def _step(task: dict) -> str:
    return task["name"].replace(";", ",")
