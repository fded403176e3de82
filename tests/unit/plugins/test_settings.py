"""What preflight says of settings: those that are delivered pass, and each wrong one is named."""

from __future__ import annotations

import functools
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager
from ansible_collections.teal.platform.plugins.plugin_utils import checks
from ansible_collections.teal.platform.plugins.plugin_utils.checks.durations import DURATIONS
from ansible_collections.teal.platform.plugins.plugin_utils.settings import Settings, Specifications

ROOT = Path(__file__).resolve().parents[3]
ENVIRONMENTS = sorted(folder.name for folder in ROOT.glob("inventories/*/"))


class Inventory:
    """An inventory of this repository, with variables as if given with -e."""

    def __init__(self, environment: str) -> None:
        self.loader = DataLoader()
        self.loader.set_basedir(str(ROOT))
        self.inventory = InventoryManager(self.loader, sources=[str(ROOT / "inventories" / environment)])
        self.variables = VariableManager(self.loader, self.inventory, version_info={})
        self.hostvars = HostVars(self.inventory, self.variables, self.loader)
        self.specifications = Specifications(
            ROOT, lambda path: self.loader.load_from_file(path, cache="none", trusted_as_template=True)
        )

    @functools.cache  # noqa: B019 - lives as long as the tests
    def of(self, host: str) -> dict[str, Any]:
        """Return the variables of a host, as a play has them."""
        return {**self.variables.get_vars(host=self.inventory.get_host(host)), "hostvars": self.hostvars}

    def problems(self, without: str = "", **extra: Any) -> list[str]:
        """Return what is wrong, as messages; `without` is a variable that nobody sets."""
        found: list[str] = []
        values: dict[str, Any] = {}
        for host in self.inventory.get_hosts():
            variables = {**self.of(host.name), **extra}
            variables.pop(without, None)
            templar = Templar(loader=self.loader)
            settings = Settings(self.specifications, host.name, variables, templar)
            found += [
                str(problem) for problem in (*settings.problems(), *settings.unknown(extra, ["image_tag"]))
            ]
            values |= settings.values
        return found + [f"{variable}: {message}" for variable, message in checks.run_checks(values)]


@pytest.fixture(scope="module")
def staging() -> Inventory:
    return Inventory("staging")


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_delivered_inventories_are_valid(environment):
    assert Inventory(environment).problems() == []


KEY = "arn:aws:kms:ap-northeast-2:123456789012:key/1234abcd"
WRONG: list[tuple[dict[str, Any], str]] = [
    (
        {"network_cdir": "10.0.0.0/16"},
        "network_cdir is not a variable of the role network: did you mean network_cidr?",
    ),
    ({"platform_regoin": "x"}, "did you mean platform_region?"),
    ({"platform_language": "kr"}, "platform_language = 'kr': must be one of: en, ko"),
    (
        {"platform_timezone": "Asia/Seol"},
        "platform_timezone: is not an IANA time zone, such as Asia/Seoul, Europe/Berlin or UTC. Similar: Asia/Seoul",
    ),
    ({"platform_timezone": "KST"}, "platform_timezone: is not an IANA time zone"),
    ({"imagetag": "1"}, "imagetag is not known: did you mean image_tag?"),
    ({"network_nat": "sometimes"}, "network_nat = 'sometimes': must be one of: none, single, per_zone"),
    (
        {"identity_github_repository": "https://github.com/o/r"},
        "organisation/repository, or with the numeric IDs",
    ),
    ({"identity_github_repository": "o@1/r"}, "organisation/repository, or with the numeric IDs"),
    ({"network_cidr": "10.20.0.0/33"}, "'10.20.0.0/33' is not a range"),
    ({"network_cidr": "10.20.0.1/16"}, "has host bits set"),
    ({"network_cidr": "10.0.0.0/8"}, "from /16 to /28"),
    ({"network_cidr": None}, "network_cidr has no value"),
    ({"network_cidr": trust_as_template("{{ nowhere }}")}, "network_cidr cannot be computed"),
    ({"network_subnet_newbits": 2}, "need 8 subnets"),
    ({"network_subnet_newbits": "many"}, "unable to convert"),
    ({"network_zones": ["ap-northeast-2a", "us-east-1a"]}, "'us-east-1a' is not a zone of ap-northeast-2"),
    ({"network_zones": ["ap-northeast-2a"]}, "at least two different zones"),
    ({"network_public_tiers": ["outside"]}, "'outside' is not in network_tiers"),
    ({"network_database_cidrs": ["0.0.0.0/0"]}, "the whole internet"),
    ({"network_bastion_cidrs": ["::/0"]}, "the whole internet"),
    ({"network_service_ports": ["70000"]}, "'70000' is neither a port"),
    ({"network_service_ports": ["8080"]}, "blue: 30080 is not in network_service_ports (8080)"),
    ({"network_nat": "none"}, "nodes in the tier 'private' need a NAT gateway"),
    ({"platform_region": "ap-nowhere-1"}, "is not an AWS region"),
    ({"platform_environment": "Staging"}, "platform_environment: must have only lower case letters"),
    ({"platform_environment": "staging-of-the-new-service"}, "AWS allows 32"),
    ({"platform_application": "internal-tool"}, "must not begin with 'internal'"),
    ({"platform_name": "mine"}, "is computed from platform_application"),
    ({"platform_environment": "other"}, "here network.other"),
    ({"platform_allowed_accounts": ["12"]}, "'12' is not an account ID"),
    ({"platform_ignored_tags": ["*"]}, "'*' matches Application, CollectionVersion, Component, Environment"),
    ({"platform_ignored_tags": ["Cost,x"]}, "'Cost,x' must be the key of a tag"),
    (
        {"platform_ignored_tags": ["Cost*"], "platform_extra_tags": {"CostCenter": "1"}},
        "'CostCenter' matches platform_ignored_tags",
    ),
    ({"identity_image_accounts": ["12"]}, "'12' is not an account ID"),
    ({"identity_release_keys": ["alias/x"]}, "'alias/x' is not the ARN of a key"),
    ({"release_store_kms_key": "alias/x"}, "must contain the ARN of release_store_kms_key (alias/x)"),
    (
        {"release_store_kms_key": KEY, "identity_release_keys": [f"{KEY}0"]},
        "must contain the ARN of release_store_kms_key",
    ),
    ({"registry_pull_accounts": ["12"], "registry_policy": {}}, "'12' is not an account ID"),
    (
        {"registry_pull_accounts": ["1" * 12], "registry_policy": {"Version": "x"}},
        "together with registry_policy",
    ),
    ({"platform_kubeconfig": "/does/not/exist"}, "the file does not exist"),
    ({"load_balancer_ports": {"blue": 30080, "red": 1}}, "load_balancer_ports.red is not known"),
    ({"load_balancer_ports": {"blue": 30080, "green": 30080}}, "each slot needs a different port"),
    ({"load_balancer_ports": {"blue": 8080, "green": 8081}}, "8080 is not a node port"),
    ({"load_balancer_domain_name": "Shop"}, "a domain name in lower case"),
    ({"load_balancer_domain_name": "shop.example.org"}, "is not in this zone"),
    ({"load_balancer_hosted_zone": "Z0123456789"}, "must be a name, since load_balancer_hosted_zone_managed"),
    ({"load_balancer_certificate_file": "/no.pem"}, "must be set if load_balancer_certificate_file is set"),
    ({"load_balancer_certificate_arn": "arn:aws:acm:us-east-1:1:x"}, "ACM certificate in ap-northeast-2"),
    ({"load_balancer_ssl_policy": "ELBSecurityPolicy-2016-08"}, "only TLS 1.2 and later"),
    ({"load_balancer_subnet_tier": "private"}, "one of network_public_tiers (public)"),
    ({"load_balancer_health_check": {"interval": 5, "timeout": 5}}, "timeout must be less than interval"),
    ({"load_balancer_health_check": {"interval": 1}}, "interval: 1 must be 5 to 300"),
    ({"load_balancer_idle_timeout": 0}, "1 to 4000"),
    (
        {"load_balancer_idle_timeout": 300},
        "slot_keep_alive: must be more than load_balancer_idle_timeout (300)",
    ),
    ({"registry_keep_images": 1}, "at least 2"),
    ({"secrets_list": [{"name": "a key"}]}, "'a key' must have only letters"),
    ({"secrets_list": [{"name": "a"}, {"name": "a"}]}, "'a' is listed twice"),
    ({"secrets_list": [{"name": "a", "value": "x"}]}, "secrets_list.value is not known"),
    (
        {"secrets_list": [{"name": "database"}]},
        "'database' is the name of the component database_user's secret",
    ),
    ({"secrets_recovery_days": 3}, "7 to 30 days"),
    ({"database_user_timeout": 900}, "at most 780 with database_user_runner: job"),
    ({"cluster_version": "2"}, "a minor version of Kubernetes"),
    ({"cluster_node_count": 9}, "must be between cluster_node_min"),
    ({"cluster_node_tier": "hidden"}, "must be one of network_tiers (public, private)"),
    ({"namespace_name": "My_Space"}, "must be a Kubernetes name"),
    ({"database_name": "my-db"}, "lower case letters, digits and underscores"),
    ({"database_backup_retention_days": 99}, "0 to 35 days"),
    ({"database_instance_class": "t3.large"}, "must be an RDS instance class"),
    ({"cluster_node_instance_type": "large"}, "must be an instance type, such as t3.large"),
    # Durations
    (
        {"release_window": "tomorrow"},
        "release_window: must be a length of time such as 90s, 10m, 1h30m or 1d12h",
    ),
    ({"release_rollback_lease": "15 sec"}, "release_rollback_lease: must be a length of time"),
    ({"release_bake": "5분"}, "release_bake: must be a length of time"),
    ({"release_bake": "-5s"}, "release_bake: must be a length of time"),
    ({"release_bake": ""}, "release_bake: must be a length of time"),
    ({"release_bake": "50%"}, "release_bake: must be a length of time"),
    ({"release_bake": True}, "release_bake must be a length of time such as"),
    ({"release_bake": ["60s"]}, "release_bake must be a length of time such as"),
    ({"release_drain": "12h1d"}, "release_drain: must be a length of time"),
    ({"release_drain": "99999999d"}, "release_drain: must be a length of time"),
    ({"release_lease": "0s"}, "release_lease: must be at least 5s"),
    ({"release_steps": [{"weight": 5}]}, "release_steps"),
    (
        {"release_steps": [{"weight": 100, "bake": "1m"}]},
        "release_steps: entry 1 has weight 100, which must be from 1 to 99",
    ),
    (
        {"release_steps": [{"weight": 50, "bake": "1m"}, {"weight": 5, "bake": "1m"}]},
        "release_steps: entry 2 has weight 5, which must be higher than 50",
    ),
    (
        {"release_steps": [{"weight": 5, "bake": "soon"}]},
        "release_steps: entry 1 has bake 'soon', which must be a length of time",
    ),
    ({"release_sticky": "8d"}, "release_sticky: must be at most 7d"),
    ({"slot_schedule_timeout": "1 minute"}, "slot_schedule_timeout: must be a length of time"),
    # Versions are text
    (
        {"release_initial_tag": 1.10},
        "release_initial_tag must be text, but 1.1 is a number: put it in quotes",
    ),
    ({"release_initial_tag": 2}, "release_initial_tag must be text, but 2 is a number"),
    ({"release_version": True}, "release_version must be text, but True is a boolean"),
    ({"release_image_tag": date(2026, 11, 30)}, "release_image_tag must be text, but 2026-11-30 is a date"),
    ({"release_to": ["1.4"]}, "release_to must be text, but ['1.4'] is a list"),
    ({"release_commit": 1e10}, "release_commit must be text"),
    ({"cluster_version": 1.30}, "cluster_version must be text, but 1.3 is a number"),
    ({"database_engine_version": 17}, "database_engine_version must be text, but 17 is a number"),
    ({"cluster_addons": [{"name": "a", "version": 1.2}]}, "cluster_addons.version must be text"),
    # Other text: YAML changes booleans and decimal numbers
    ({"platform_promotes_from": False}, "platform_promotes_from must be text, but False is a boolean"),
    ({"quality_gate_branches": [1.10]}, "quality_gate_branches must be text, but 1.1 is a number"),
    # Tags
    ({"platform_extra_tags": {"environment": "x"}}, "'environment' is a reserved key"),
    ({"platform_extra_tags": {"aws:team": "x"}}, "'aws:team' is a reserved key"),
    ({"platform_extra_tags": {" Name ": "x"}}, "' Name ' is a reserved key"),
    ({"platform_extra_tags": {"Team": ["x"]}}, "'Team' must be text, but is a list"),
    ({"platform_extra_tags": {"Until": date(2026, 11, 30)}}, "'Until' must be text, but is a date"),
    ({"platform_extra_tags": {"Share": "50%"}}, "the value of 'Share' must have at most 256 letters"),
    ({"platform_extra_tags": {"Team": "a "}}, "the value of 'Team' must have at most 256 letters"),
    ({"platform_extra_tags": {"Team": "x" * 257}}, "the value of 'Team' must have at most 256 letters"),
    ({"platform_extra_tags": {"": "x"}}, "'' must have 1 to 128 letters"),
    ({"platform_extra_tags": {"Team": "x", "team": "x"}}, "'team' and 'Team' are the same key for IAM"),
    ({"platform_extra_tags": {True: "x"}}, "the key True is a boolean: put it in quotes"),
    ({"platform_extra_tags": {"AppVersion": "1", "App_Version": 1.10}}, "'App_Version' must be text"),
    ({"platform_extra_tags": {f"t{n}": "x" for n in range(41)}}, "has 41 tags, but at most 40"),
]

RIGHT: list[dict[str, Any]] = [
    {"release_steps": [{"weight": 5, "bake": "10m"}, {"weight": 50, "bake": "60s"}], "release_sticky": "15m"},
    {"release_window": "1d12h", "release_bake": 60, "release_drain": "1.5m", "release_lease": " 1m 30s "},
    {
        "platform_extra_tags": {
            "CostCenter": 1234,
            "Shared": True,
            "팀": "결제 서비스",
            "Note": None,
            "Share": 0.5,
        }
    },
    {"release_initial_tag": "1.10", "release_reason": 42},
]


@pytest.mark.parametrize(("extra", "message"), WRONG, ids=lambda value: str(value)[:60])
def test_wrong_setting_is_reported(staging, extra, message):
    found = staging.problems(**extra)
    assert any(message in problem for problem in found), found


@pytest.mark.parametrize("extra", RIGHT, ids=lambda value: str(value)[:60])
def test_valid_setting_is_accepted(staging, extra):
    assert staging.problems(**extra) == []


def test_all_durations_are_checked(staging):
    """An unchecked duration would fail late, after the bake or in a rollback."""
    specs = {
        name: option for options in staging.specifications.roles.values() for name, option in options.items()
    }
    lengths = {
        name
        for name, option in specs.items()
        if option.get("type") == "str"
        and re.search(r"^\d+[smhd]$|default\('\d+[smhd]'\)", str(option.get("default", "")))
    }
    assert lengths == set(DURATIONS)


def test_tags_are_text_for_every_resource(staging):
    variables = {**staging.of("network.staging"), "platform_extra_tags": {"CostCenter": 1234, "Shared": True}}
    settings = Settings(staging.specifications, "network.staging", variables, Templar(loader=staging.loader))
    assert list(settings.problems()) == []
    tags = settings.values["platform_tags"]
    assert {tags["CostCenter"], tags["Shared"]} == {"1234", "true"}
    assert all(isinstance(value, str) for value in tags.values())


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"bastion_tier": "public"}, "bastion_public_address: must be true in the public tier 'public'"),
        ({"bastion_tier": "hidden"}, "must be one of network_tiers (public, private)"),
        ({"network_nat": "none"}, "a bastion in the tier 'private' needs a NAT gateway"),
    ],
)
def test_bastion_without_outbound_access_is_refused(extra, message):
    found = Inventory("production").problems(**extra)
    assert any(message in problem for problem in found), found
    assert Inventory("production").problems(bastion_tier="public", bastion_public_address=True) == []


def test_missing_setting_is_reported(staging):
    found = staging.problems(without="load_balancer_domain_name")
    assert any(problem.startswith("load_balancer_domain_name is missing: Domain name") for problem in found)


def test_message_contains_the_place_of_a_wrong_value(staging):
    variables = staging.of("network.staging")
    settings = Settings(staging.specifications, "network.staging", variables, Templar(loader=staging.loader))
    assert "inventories/staging/group_vars/network.yml:2" in settings.origin("network_cidr")


def test_unknown_variables_are_ignored(staging):
    assert staging.problems(my_own_variable=1, ansible_user="x", __internal=2) == []


def test_secrets_are_not_shown(staging):
    variables = {**staging.of("network.staging"), "network_key": ["planted"]}
    settings = Settings(staging.specifications, "network.staging", variables, Templar(loader=staging.loader))
    problems = settings.value_problems("network_key", {"type": "int", "no_log": True})
    text = " ".join(map(str, problems))
    assert "(hidden)" in text and "planted" not in text


def test_every_check_uses_existing_variables(staging):
    """A check of a misspelt variable would never run."""
    known = staging.specifications.names
    assert {name for names, _ in checks.CHECKS for name in names} - known == set()
