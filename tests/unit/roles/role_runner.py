"""Runs a role's tasks in this process: its templates by Ansible's own engine, its modules by `run_module`.

A play costs seconds of CPU, and nobody can get between its modules and AWS. This runs the same task files in a
fraction of that, and a test can change what AWS answers. It knows what the roles use: blocks, included files,
conditions, loops, retries. The scenarios run the same roles in real plays.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from support import ModuleFailed

ROOT = Path(__file__).resolve().parents[3]
KEYWORDS = {
    "name", "when", "loop", "loop_control", "register", "until", "retries", "delay", "vars", "block", "rescue",
    "changed_when", "diff",
}  # fmt: skip


class TaskFailed(Exception):
    """A task failed: its name, and its message."""

    def __init__(self, name: str, result: dict[str, Any]) -> None:
        super().__init__(f"{name}: {result.get('msg')}")
        self.result = result


class Role:
    """One role with its settings, as on one host."""

    def __init__(self, name: str, run_module: Callable[..., dict[str, Any]], **settings: Any) -> None:
        self.folder = ROOT / "roles" / name
        self.run_module = run_module
        self.loader = DataLoader()
        self.loader.set_basedir(str(self.folder))
        self.settings: dict[str, Any] = {}
        for role in ("platform", name):
            for part in ("defaults", "vars"):
                path = ROOT / "roles" / role / part / "main.yml"
                if path.exists():
                    self.settings |= self._yaml(path) or {}
        self.settings |= settings
        self.changed: list[str] = []
        self.messages: list[Any] = []

    def play(self, tasks: str = "main", check: bool = False, **more: Any) -> list[str]:
        """Run a file of tasks. Return the names of the changed tasks, each with the name of its item."""
        self.variables = {**self.settings, **more, "ansible_check_mode": check, "ansible_diff_mode": check}
        self.changed, self.messages = [], []
        self._file(tasks if tasks.endswith(".yml") else f"{tasks}.yml")
        return self.changed

    # -- internals -----------------------------------------------------------------------------------

    def _yaml(self, path: Path) -> Any:
        return self.loader.load_from_file(str(path), trusted_as_template=True)

    def _template(self, value: Any, variables: dict[str, Any]) -> Any:
        return Templar(loader=self.loader, variables=variables).template(value)

    def _true(self, conditions: Any, variables: dict[str, Any]) -> bool:
        conditions = conditions if isinstance(conditions, list) else [conditions]
        return all(
            one if isinstance(one, bool) else self._template(trust_as_template(f"{{{{ {one} }}}}"), variables)
            for one in conditions
        )

    def _file(self, name: str, outer: dict[str, Any] | None = None) -> None:
        for task in self._yaml(self.folder / "tasks" / name) or []:
            self._task(task, outer or {})

    def _task(self, task: dict[str, Any], outer: dict[str, Any]) -> None:
        own = {**outer, **task.get("vars", {})}
        if "block" in task:
            if self._true(task.get("when", True), {**self.variables, **own}):
                try:
                    for inner in task["block"]:
                        self._task(inner, own)
                except TaskFailed:
                    if "rescue" not in task:
                        raise
                    for inner in task["rescue"]:
                        self._task(inner, own)
            return
        (action,) = task.keys() - KEYWORDS
        if action in ("ansible.builtin.include_tasks", "ansible.builtin.import_tasks"):
            if self._true(task.get("when", True), {**self.variables, **own}):
                self._file(self._template(task[action], {**self.variables, **own}), own)
            return
        if "loop" not in task:
            result = self._action(task, action, own)
        else:
            results = [
                {**self._action(task, action, {**own, "item": item}), "item": item}
                for item in self._template(task["loop"], {**self.variables, **own})
            ]
            result = {"results": results, "changed": any(one.get("changed") for one in results)}
            if failed := [one for one in results if one.get("failed")]:
                result |= {"failed": True, "msg": failed[0].get("msg")}
        if "register" in task:
            self.variables[task["register"]] = result
        if result.get("failed"):
            raise TaskFailed(task["name"], result)

    def _action(self, task: dict[str, Any], action: str, own: dict[str, Any]) -> dict[str, Any]:
        variables = {**self.variables, **own}
        if not self._true(task.get("when", True), variables):
            return {"skipped": True, "changed": False}
        result: dict[str, Any] = {}
        for _ in range(1 + int(self._template(task.get("retries", 3 if "until" in task else 0), variables))):
            result = self._once(task, action, self._template(task[action], variables), variables)
            if "register" in task:
                variables[task["register"]] = result
            if self._true(task.get("until", not result.get("failed")), variables):
                break
        else:
            result["failed"] = True
        if result.get("changed") and not result.get("failed"):
            item = own.get("item")
            label = item.get("name", item.get("id")) if isinstance(item, dict) else item
            self.changed.append(f"{task['name']}: {label}" if "item" in own else task["name"])
        return result

    def _once(
        self, task: dict[str, Any], action: str, arguments: dict[str, Any], variables: dict[str, Any]
    ) -> dict[str, Any]:
        if action == "ansible.builtin.assert":
            if self._true(task[action]["that"], variables):
                return {}
            return {"failed": True, "msg": arguments["fail_msg"]}
        if action == "ansible.builtin.fail":
            return {"failed": True, "msg": arguments["msg"]}
        if action == "ansible.builtin.debug":
            self.messages.append(arguments["msg"])
            return {}
        if action == "ansible.builtin.set_stats":
            return {}
        collection, _, short = action.rpartition(".")
        module = importlib.import_module(f"ansible_collections.{collection}.plugins.modules.{short}")
        try:
            return self.run_module(module, check=variables["ansible_check_mode"], **(arguments or {}))
        except ModuleFailed as failure:
            return failure.result
