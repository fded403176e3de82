"""The action plugin preflight: all problems in one message, each where it belongs, before anyone is asked."""

from __future__ import annotations

import re
from typing import Any
from unittest.mock import Mock

import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible.utils.display import Display
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager
from ansible_collections.teal.platform.plugins.action import preflight

HOSTS = """
network:
  hosts: {network.qa: {}}
  vars: {network_cidr: 10.0.0.0/33, network_nta: single}
load_balancer:
  hosts: {load_balancer.qa: {}}
  vars: {load_balancer_domain_name: shop.example.com}
all:
  vars: {platform_environment: qa, platform_application: shop, platform_region: eu-west-9}
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Return run(hosts, extra, **arguments) -> result, with the modules that were asked in `run.asked`."""

    def run(
        hosts: str, extra: dict[str, Any] | None = None, limit: list[str] | None = None, **arguments: Any
    ) -> dict[str, Any]:
        (tmp_path / "hosts.yml").write_text(hosts)
        loader = DataLoader()
        inventory = InventoryManager(loader, sources=[str(tmp_path / "hosts.yml")])
        variables = VariableManager(loader, inventory, version_info={})
        variables._extra_vars = extra or {}
        monkeypatch.setattr(preflight, "load_extra_vars", lambda loader: extra or {})
        task = Mock(args=arguments, async_val=0, environment=[], check_mode=False)
        action = preflight.ActionModule(
            task=task, connection=Mock(), play_context=Mock(), loader=loader, templar=Templar(loader=loader),
            shared_loader_obj=None,
        )  # fmt: skip
        monkeypatch.setattr(
            action, "_execute_module", lambda **call: run.asked.append(call) or {"account": "123456789012"}
        )
        hostvars = HostVars(inventory, variables, loader)
        groups = inventory.get_groups_dict()
        plays = {"ansible_play_hosts_all": limit or groups["all"]}
        return action.run(task_vars={"hostvars": hostvars, "groups": groups, **plays})

    run.asked = []
    return run


def test_all_problems_are_in_one_message_by_place(run):
    result = run(HOSTS)
    assert result["failed"]
    lines = result["msg"].splitlines()
    assert lines[0] == "3 settings are wrong. Nothing was created or changed."
    assert sorted(line for line in lines if line.endswith(":")) == ["all components:", "network:"]
    network = lines[lines.index("network:") :]
    assert any("10.0.0.0/33" in line for line in network)
    assert any("did you mean network_nat?" in line for line in network)
    assert run.asked == []


def test_valid_settings_are_followed_by_the_check_of_access(run):
    right = HOSTS.replace("/33", "/16").replace(", network_nta: single", "").replace("west-9", "west-1")
    result = run(right)
    assert not result.get("failed"), result
    assert result["account"] == "123456789012"
    assert [call["module_name"] for call in run.asked] == ["teal.platform.access_info"]
    assert run.asked[0]["module_args"]["region"] == "eu-west-1"


CLUSTER = """
cluster:
  hosts: {cluster.qa: {}}
  vars: {cluster_node_count: 3}
"""


def test_build_checks_zones_and_quota_for_nodes(run):
    right = HOSTS.replace("/33", "/16").replace(", network_nta: single", "").replace("west-9", "west-1")
    fits = "network_nat: single, network_service_ports: [30080-30081], load_balancer_ports: {blue: 30080, green: 30081}"
    right = right.replace("platform_region: eu-west-1", f"platform_region: eu-west-1, {fits}")
    done = run(right + CLUSTER)
    assert not done.get("failed"), done
    asked = run.asked[-1]["module_args"]
    assert asked["zones"] == ["eu-west-1a", "eu-west-1c"]
    assert asked["nodes"] == {
        "cluster": "shop-qa",
        "instance_type": "t3.large",
        "count": 3,
        "capacity_type": "ON_DEMAND",
    }
    run(right + CLUSTER, limit=["network.qa"])
    assert "nodes" not in run.asked[-1]["module_args"]
    run(right, {"image_tag": "1.0.0"}, playbook="deploy")
    assert not {"zones", "nodes"} & run.asked[-1]["module_args"].keys()


def test_profile_and_keys_together_are_reported(run, monkeypatch):
    """Also where a playbook of one's own begins with preflight."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    right = HOSTS.replace("/33", "/16").replace(", network_nta: single", "").replace("west-9", "west-1")
    message = run(right, {"platform_aws_profile": "shop"})["msg"]
    assert "platform_aws_profile is 'shop', and the shell has AWS_ACCESS_KEY_ID" in message
    assert run.asked == []


def test_access_is_not_checked_on_request(run):
    right = HOSTS.replace("/33", "/16").replace(", network_nta: single", "").replace("west-9", "west-1")
    assert not run(right, access=False).get("failed")
    assert run.asked == []


def test_variables_of_the_playbook_are_checked(run):
    right = HOSTS.replace("/33", "/16").replace(", network_nta: single", "").replace("west-9", "west-1")
    extra = {"imgae_tag": "1.0.0"}
    message = run(right, extra, playbook="deploy")["msg"]
    assert "imgae_tag is not known: did you mean image_tag?" in message
    assert not run(right, {"image_tag": "1.0.0"}, playbook="deploy").get("failed")


def test_misplaced_hosts_are_reported(run):
    odd = HOSTS.replace("network.qa", "network.other").replace("\nload_balancer:", "\nbalancers:")
    message = run(odd)["msg"]
    assert "network.other:\n  - the host must have the name <component>.<platform_environment>" in message
    assert "load_balancer.qa:\n  - the host must be in the group 'load_balancer'" in message


RIGHT = HOSTS.replace("/33", "/16").replace(", network_nta: single", "").replace("west-9", "west-1")
RELEASE = "release_domain_name: shop.example.com, slot_node_ports: {blue: 8080, green: 8080}"


def test_unquoted_version_is_reported_once(run):
    result = run(RIGHT, {"image_tag": 1.10}, playbook="deploy")
    lines = result["msg"].splitlines()
    assert lines[0] == "1 setting is wrong. Nothing was created or changed."
    assert "image_tag must be text, but 1.1 is a number: put it in quotes" in result["msg"]
    assert run.asked == []


def test_value_used_by_a_default_is_reported_under_its_own_name(run):
    hosts = f"{RIGHT}release:\n  hosts: {{release.qa: {{{RELEASE}}}}}\n"
    result = run(hosts, {"lock_wait": "15 sec"}, playbook="deploy")
    lines = result["msg"].splitlines()
    assert lines[0] == "1 setting is wrong. Nothing was created or changed."
    assert "lock_wait = '15 sec': must be a length of time such as 90s, 10m, 1h30m or 1d12h" in result["msg"]


IDENTITY = """
identity:
  hosts: {identity.qa: {}}
"""


def test_policies_over_the_size_limit_of_iam_are_reported(run):
    right = HOSTS.replace("/33", "/16").replace(", network_nta: single", "").replace("west-9", "west-1")
    few = [f"service-{number}.example.com" for number in range(3)]
    done = run(right + IDENTITY, {"identity_domain_names": few})
    assert not done.get("failed"), done
    many = [f"service-{number}.example.com" for number in range(100)]
    message = run(right + IDENTITY, {"identity_domain_names": many})["msg"]
    assert re.search(r"the inline policies of the role shop-qa-provision would have \d+ characters", message)
    assert "the permissions boundary would have" in message
    assert "IAM allows 10240. Shorten identity_domain_names" in message
    assert not run(right + IDENTITY, {"identity_domain_names": many}, playbook="retire").get("failed")


def test_trust_policy_that_needs_a_higher_quota_is_a_warning(run, monkeypatch):
    right = HOSTS.replace("/33", "/16").replace(", network_nta: single", "").replace("west-9", "west-1")
    warned: list[str] = []
    monkeypatch.setattr(Display, "warning", lambda self, text, **kwargs: warned.append(text))

    def trusted(count: int) -> dict[str, Any]:
        people = [f"arn:aws:iam::123456789012:role/people/engineer-{number:03}" for number in range(count)]
        return {"identity_trusted_principals": {"deploy": [], "provision": [], "qa": people}}

    assert not run(right + IDENTITY, trusted(50)).get("failed")
    assert len(warned) == 1
    assert "'Role trust policy length'" in warned[0]
    message = run(right + IDENTITY, trusted(90))["msg"]
    assert "the trust policy of the role shop-qa-qa would have" in message
    assert "Shorten identity_trusted_principals" in message


def test_custom_manifests_are_checked_before_a_release_begins(run, tmp_path):
    folder = tmp_path / "manifests"
    hosts = f"{RIGHT}release:\n  hosts: {{release.qa: {{{RELEASE}, slot_manifests_dir: {folder}}}}}\n"
    message = run(hosts, playbook="deploy")["msg"]
    assert f"slot:\n  - slot_manifests_dir = '{folder}': the folder does not exist" in message
    assert run.asked == []
    assert not run(hosts, playbook="destroy").get("failed")
