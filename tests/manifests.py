"""Writes an environment's Kubernetes manifests as files, for checkov: `python tests/manifests.py <folder>`.

The manifests are rendered from the roles' templates and defaults, with an example release.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader
from ansible.template import Templar, trust_as_template

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = "production"
TEMPLATES = {
    "slot": ("config_map", "service", "disruption_budget", "deployment"),
    "namespace": ("namespace", "network_policies", "rights"),
    "database_user": ("job",),
}
FOUND = {
    "network": {"cidr": "10.0.0.0/16"},
    "database": {
        "engine": "postgres",
        "endpoint": "database.example.com",
        "port": 5432,
        "database_name": "assistant",
        "master_secret_arn": "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:rds!db-1",
        "resource_id": "db-1",
    },
}
RELEASE = {
    "slot": "blue",
    "number": 1,
    "image": f"123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/assistant@sha256:{'0' * 64}",
    "config": {"LOG_LEVEL": "info"},
    "config_name": "assistant-0123456789",
}


def render(role: str, template: str, **settings: Any) -> str:
    """Return the manifests of a role's template for the environment; `settings` override those of the inventory."""
    loader = DataLoader()
    variables: dict[str, Any] = {}
    for path in (
        ROOT / "roles/platform/defaults/main.yml",
        ROOT / f"roles/{role}/defaults/main.yml",
        ROOT / f"inventories/{ENVIRONMENT}/group_vars/all.yml",
        ROOT / f"inventories/{ENVIRONMENT}/group_vars/{role}.yml",
        ROOT / f"roles/{role}/vars/main.yml",
    ):
        if path.exists():
            variables |= loader.load_from_file(str(path), trusted_as_template=True) or {}
    variables |= {
        "__platform_collection_version": "0",
        "slot_release": RELEASE,
        "slot_replicas": 2,
        "__namespace_needs": {"components": FOUND},
        "__database_user_needs": {"components": FOUND},
        "role_path": str(ROOT / "roles" / role),
        "ansible_search_path": [str(ROOT / "roles" / role)],
    }
    variables |= settings
    text = trust_as_template(f"{{{{ lookup('ansible.builtin.template', '{template}.yml.j2') }}}}")
    return Templar(loader=loader, variables=variables).template(text)


def main(folder: Path) -> None:
    """Write one file per template into `folder`."""
    init_plugin_loader([str(ROOT / ".collections")])
    folder.mkdir(parents=True, exist_ok=True)
    for role, templates in TEMPLATES.items():
        for template in templates:
            (folder / f"{role}-{template}.yml").write_text(render(role, template))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
