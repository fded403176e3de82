"""The policies of the role `identity`, rendered from its own templates as a run renders them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from iam_simulator import allowed

ROOT = Path(__file__).resolve().parents[3]
ROLE = ROOT / "roles" / "identity"
ENVIRONMENTS = ("test", "staging", "production")
ACCOUNT = "123456789012"
REGION = "ap-northeast-2"


class Rendered:
    """Trusts, policies and boundary of one environment, by its inventory and further settings."""

    def __init__(self, environment: str, **settings: Any) -> None:
        self.environment = settings.get("platform_environment", environment)
        self.application = settings.get("platform_application", "assistant")
        self.name = f"{self.application}-{self.environment}"
        self.region, self.account = REGION, ACCOUNT
        loader = DataLoader()
        inventory = ROOT / "inventories" / environment

        def load(path: Path) -> dict:
            return loader.load_from_file(str(path), trusted_as_template=True) or {}

        hosts = load(inventory / "hosts.yml")["all"]["children"]
        components = {component for wave in hosts.values() for component in wave["children"]}
        self.components = settings.get("identity_components", components)
        variables = {
            **load(ROOT / "roles/platform/defaults/main.yml"),
            **load(ROLE / "defaults/main.yml"),
            **load(inventory / "group_vars/all.yml"),
            **load(inventory / "group_vars/identity.yml"),
            **load(ROLE / "vars/main.yml"),
            "__platform_collection_version": "0",
            "__identity_caller": {"account": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:root"},
            "groups": {
                "all": [f"{component}.{self.environment}" for component in self.components]
                + ["network.other"]
            },
            "inventory_hostname": f"identity.{self.environment}",
            "ansible_search_path": [str(ROLE)],
            **settings,
        }
        self.variables = variables
        self.templar = templar = Templar(loader=loader, variables=variables)
        roles = templar.template(variables["__identity_roles"])
        boundary = "{{ lookup('ansible.builtin.template', 'boundary.json.j2') }}"
        self.boundary = json.loads(templar.template(trust_as_template(boundary)))
        self.managed = {
            policy["name"]: json.loads(policy["document"])
            for policy in templar.template(variables["__identity_policies"])
        }
        self.roles = {
            role["name"].removeprefix(f"{self.name}-"): role for role in roles if role.get("needed", True)
        }
        self.trust = {name: json.loads(role["trust"]) for name, role in self.roles.items()}
        self.inline = {
            name: {key: json.loads(text) for key, text in role.get("policies", {}).items()}
            for name, role in self.roles.items()
        }
        # The managed policies of AWS are not in the repository, so they are not evaluated.
        path = self.arn("iam", f"policy/{self.name}/")
        self.policies = {
            name: self.inline[name]
            | {
                arn.removeprefix(path): self.managed[arn.removeprefix(path)]
                for arn in role.get("managed_policies", [])
                if arn.startswith(path)
            }
            for name, role in self.roles.items()
        }

    def may(self, role: str, action: str, resource: str = "*", **context: str) -> bool:
        return allowed(self.policies[role].values(), self.boundary, action, resource, context)

    def arn(self, service: str, resource: str) -> str:
        region = "" if service == "iam" else REGION
        return f"arn:aws:{service}:{region}:{ACCOUNT}:{resource}"


def tags(environment: str, component: str = "", request: bool = False) -> dict[str, str]:
    kind = "aws:RequestTag" if request else "aws:ResourceTag"
    own = {f"{kind}/Environment": environment, f"{kind}/Application": "assistant"}
    return {**own, f"{kind}/Component": component} if component else own
