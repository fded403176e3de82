"""Tables and diagrams of the environments, generated from their inventories."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from docs.generate import costs, data
from docs.generate.data import Environment
from docs.generate.markdown import page, table, value

KOREAN = {
    "Environment": "환경",
    "Deployed from the branch": "배포 브랜치",
    "Network": "네트워크",
    "public subnets": "퍼블릭 서브넷",
    "public and private subnets": "퍼블릭·프라이빗 서브넷",
    "no NAT": "NAT 없음",
    "one NAT gateway": "NAT 게이트웨이 1개",
    "a NAT gateway per zone": "가용 영역마다 NAT 게이트웨이",
    "Service runs on": "서비스 실행 위치",
    "an EC2 instance per slot": "슬롯마다 EC2 인스턴스 하나",
    "nodes": "노드",
    "Load balancer": "로드 밸런서",
    "TLS by ACM": "ACM으로 TLS",
    "Database": "데이터베이스",
    "multi-AZ": "다중 AZ",
    "one zone": "단일 AZ",
    "protected from deletion": "삭제 방지",
    "public": "퍼블릭",
    "private": "프라이빗",
    "subnets, not publicly accessible": "서브넷, 외부 차단",
    "backups kept for {} d": "백업 {}일 보관",
    "Lambda functions beside the service": "서비스와 별도인 Lambda 함수",
    "behind an HTTP API": "HTTP API로 호출",
    "Database access for people": "사람의 데이터베이스 접근 경로",
    "bastion, by SSM": "배스천 호스트(SSM)",
    "only from networks that the inventory lists": "인벤토리에 적은 네트워크에서만",
    "Bake time after the switch": "전환 후 관찰 시간",
    "Previous version kept running for": "이전 버전 유지 시간",
    "Cost per month, idle": "유휴 상태의 월 비용",
}


def overview(korean: bool = False) -> str:
    """Return a table that compares the environments."""
    environments = data.environments()

    def translate(text: str) -> str:
        return KOREAN[text] if korean else text

    rows: list[tuple[str, Callable[[Environment], str]]] = [
        ("Deployed from the branch", lambda e: f"`{e.name}`"),
        ("Network", lambda e: _network(e, translate)),
        ("Service runs on", lambda e: _compute(e, translate)),
        ("Load balancer", lambda e: f"ALB, {translate('TLS by ACM')}, `{e['load_balancer_domain_name']}`"),
        ("Database", lambda e: _database(e, translate)),
        (
            "Lambda functions beside the service",
            lambda e: translate("behind an HTTP API") if e.has("functions") else "–",
        ),
        (
            "Database access for people",
            lambda e: translate(
                "bastion, by SSM" if e.has("bastion") else "only from networks that the inventory lists"
            ),
        ),
        ("Bake time after the switch", lambda e: e["release_bake"]),
        ("Previous version kept running for", lambda e: e["release_window"]),
        ("Cost per month, idle", lambda e: f"${sum(item.month for item in costs.items(e)):,.0f}"),
    ]
    return table(
        [translate("Environment"), *(each.name.upper() for each in environments)],
        [[translate(title), *(make(each) for each in environments)] for title, make in rows],
    )


def _network(env: Environment, translate: Callable[[str], str]) -> str:
    tiers = "public and private subnets" if "private" in env["network_tiers"] else "public subnets"
    nat = {"none": "no NAT", "single": "one NAT gateway", "per_zone": "a NAT gateway per zone"}
    return f"`{env['network_cidr']}`, {translate(tiers)}, {translate(nat[env['network_nat']])}"


def _compute(env: Environment, translate: Callable[[str], str]) -> str:
    if env.has("cluster"):
        count, kind = env["cluster_node_count"], env["cluster_node_instance_type"]
        return f"EKS {env['cluster_version']}, {count} × `{kind}` {translate('nodes')}"
    return f"{translate('an EC2 instance per slot')}, `{env['instance_type']}`"


def _database(env: Environment, translate: Callable[[str], str]) -> str:
    if not env.has("database"):
        return "–"
    tier = env["database_tier"]
    facts = [
        f"{env['database_engine']} {env['database_engine_version']}",
        f"`{env['database_instance_class']}`",
        translate("multi-AZ" if env["database_multi_az"] else "one zone"),
        f"{translate(tier) if tier in KOREAN else tier} {translate('subnets, not publicly accessible')}",
        translate("backups kept for {} d").format(env["database_backup_retention_days"]),
    ]
    if env["database_deletion_protection"]:
        facts.append(translate("protected from deletion"))
    return ", ".join(facts)


# -- pictures --------------------------------------------------------------------------------------


def picture(env: Environment) -> str:
    """Return an environment's architecture as a Mermaid flowchart."""
    tiers: dict[str, list[str]] = {tier: [] for tier in env["network_tiers"]}
    outside, edges = [], ["users -->|HTTPS 443, HTTP redirects| alb"]
    front = env["load_balancer_subnet_tier"]
    tiers[front].append(f'alb{{{{"ALB<br/>{env["load_balancer_domain_name"]}<br/>blue 100 / green 0"}}}}')
    slots, place = _slots(env)
    tiers[place].append(slots)
    ports = env["load_balancer_ports"]
    edges += [f"alb ==>|{ports['blue']}| blue", f"alb -.->|{ports['green']}| green"]
    if count := nat_gateways(env):
        tiers[front].append(f'nat["NAT gateway × {count}"]')
        edges.append("service --> nat")
    if env.has("database"):
        zones = "multi-AZ" if env["database_multi_az"] else "one zone"
        engine = f"{env['database_engine']} {env['database_engine_version']}"
        label = f'database[("{engine}<br/>{env["database_instance_class"]}, {zones}")]'
        tiers[env["database_tier"]].append(label)
        edges.append("service --> database")
    if env.has("bastion"):
        tiers[env["bastion_tier"]].append(f'bastion["bastion<br/>{env["bastion_instance_type"]}"]')
        edges.append("people([people, by SSM]) --> bastion --> database")
    if env.has("registry"):
        outside.append(f'registry[("ECR {env["platform_application"]}<br/>shared by the account")]')
        edges.append("registry -.->|image by digest| service")
    if env.has("release_store"):
        outside.append('releases[("DynamoDB<br/>lock and history")]')
    if env.has("secrets"):
        names = ", ".join(secret["name"] for secret in env["secrets_list"])
        outside.append(f'secrets["Secrets Manager<br/>{names}"]')
        edges.append("service -.->|reads at run time| secrets")
    if env.has("functions"):
        routes = ", ".join(route["route"] for route in env["functions_routes"])
        outside.append(f'functions["HTTP API and Lambda<br/>{routes}"]')
        edges.append("users --> functions")
    if env.has("alarms"):
        outside.append('alarms["CloudWatch alarms and SNS"]')
    zones = len(env["network_zones"])
    lines = [
        "flowchart TB",
        "    users([requests])",
        f'    subgraph vpc["VPC {env["network_cidr"]}, {zones} zones"]',
    ]
    for tier, content in tiers.items():
        lines.append(f'        subgraph tier_{tier}["{tier} subnets"]')
        lines += [f"            {line}" for item in content for line in item.splitlines()]
        lines.append("        end")
    lines += ["    end", *(f"    {item}" for item in outside), *(f"    {edge}" for edge in edges)]
    lines += [
        "    classDef blue fill:#dbe9ff,stroke:#1f5fbf,color:#16202a",
        "    classDef green fill:#d9f2e3,stroke:#1b7a43,color:#16202a",
        "    class blue blue",
        "    class green green",
    ]
    return "\n".join(["```mermaid", *lines, "```"])


def _slots(env: Environment) -> tuple[str, str]:
    """Return the slots of an environment, and their tier."""
    if env.has("cluster"):
        nodes = f"{env['cluster_node_count']} × {env['cluster_node_instance_type']}"
        title = (
            f"EKS {env['cluster_version']}, {nodes} ({env['cluster_node_min']} to {env['cluster_node_max']})"
        )
        slot, tier = f"{env['slot_replicas']} pods", env["cluster_node_tier"]
    else:
        title, slot, tier = f"EC2 {env['instance_type']}", "an instance", "public"
    lines = [
        f'subgraph service["{title}"]',
        f'    blue["slot blue<br/>{slot}"]',
        f'    green["slot green<br/>{slot}"]',
    ]
    return "\n".join([*lines, "end"]), tier


def nat_gateways(env: Environment) -> int:
    return {"none": 0, "single": 1, "per_zone": len(env["network_zones"])}[env["network_nat"]]


def needs() -> str:
    """Return the look-ups between components as a Mermaid flowchart, in waves, over all environments."""
    waves: dict[str, list[str]] = {}
    for env in data.environments():
        for wave, components in env.waves.items():
            known = waves.setdefault(wave, [])
            known += [component for component in components if component not in known]
    lines = ["flowchart LR"]
    for wave, components in waves.items():
        _, number, *words = wave.split("_")
        lines.append(f'    subgraph {wave}["wave {number}: {" ".join(words)}"]')
        lines += [f"        {component}" for component in components]
        lines.append("    end")
    for components in waves.values():
        lines += [f"    {need} --> {component}" for component in components for need in data.needs(component)]
    names = list(waves)
    lines += [f"    {first} ~~~ {second}" for first, second in pairwise(names)]
    return "\n".join(["```mermaid", *lines, "```"])


# -- the page --------------------------------------------------------------------------------------


def environments_page() -> str:
    environments = data.environments()
    parts = [
        "Generated from [`inventories/`](../inventories/). A setting that an inventory lacks has the "
        "[default of its role](reference/README.md).",
        overview(),
    ]
    for env in environments:
        waves = [
            f"{number}. {', '.join(components)}" for number, components in enumerate(env.waves.values(), 1)
        ]
        parts += [f"## {env.name.upper()}", picture(env), "Components by wave:", "\n".join(waves)]
    parts += [
        "## Comparison of the settings",
        "All settings in the inventories. – is an empty value. A blank cell means that the inventory does not set it.",
    ]
    files = dict.fromkeys(file for env in environments for file in env.settings)
    for file in files:
        rows = _settings(file, environments)
        if rows:
            parts += [f"### {file}", table(["Setting", *(env.name for env in environments)], rows)]
    return page("Environments", *parts)


def _settings(file: str, environments: list[Environment]) -> list[list[Any]]:
    names = dict.fromkeys(name for env in environments for name in env.settings.get(file, {}))
    return [
        [
            f"`{name}`",
            *(
                value(env.settings[file][name]) if name in env.settings.get(file, {}) else ""
                for env in environments
            ),
        ]
        for name in names
        if not name.startswith("ansible_")
    ]
