"""The monthly cost of an idle environment: quantities from the inventories, prices from a list with sources."""

from __future__ import annotations

from dataclasses import dataclass

from docs.generate import data
from docs.generate.data import Environment
from docs.generate.environments import nat_gateways
from docs.generate.markdown import table

HOURS = 730
REGION = "ap-northeast-2"
BILLED = "billed in April 2026"
CATALOGUE = (
    "[SkyPilot's copy of AWS's price list](https://github.com/skypilot-org/skypilot-catalog), commit 00148f2"
)
PAGE = "<https://aws.amazon.com/{}/pricing/>"
MEMORY = "from memory, without a source"
#: USD, and the source of the price.
PRICES: dict[str, tuple[float, str]] = {
    "EKS control plane, hour": (0.10, BILLED),
    "NAT gateway, hour": (0.059, BILLED),
    "ALB, hour": (0.0225, BILLED),
    "public IPv4 address, hour": (0.005, BILLED),
    "t3.small, hour": (0.026, f"half of a t3.medium ($0.052): {BILLED}"),
    "t3.large, hour": (0.104, f"twice a t3.medium ($0.052): {BILLED}"),
    "m6i.large, hour": (0.118, CATALOGUE),
    "t4g.nano, hour": (0.0052, f"a 64th of a t4g.2xlarge ($0.3328): {CATALOGUE}"),
    "db.t4g.micro, hour": (0.025, f"{BILLED}, for MySQL"),
    "db.t4g.small, hour": (0.051, MEMORY),
    "db.m7g.large, hour": (0.22, MEMORY),
    "EBS gp3, GiB and month": (0.0912, BILLED),
    "RDS gp3, GiB and month": (0.131, BILLED),
    "KMS key, month": (1.0, f"{PAGE.format('kms')}, a copy without a date"),
    "secret, month": (0.40, f"{PAGE.format('secrets-manager')}, a copy of 2026-09-20"),
    "hosted zone, month": (0.50, f"{PAGE.format('route53')}, a copy of 2026-09-20"),
}


ESTIMATE = f"""\
US dollars a month ({HOURS} hours), idle, in `{REGION}`, before tax. **An estimate, not a
measurement**: the quantities come from the inventories, the prices are on-demand prices with their
sources below. No price was read from AWS itself, and nobody was billed for these environments. A
price with * is from memory and may be off by some percent. Use AWS's
[calculator](https://calculator.aws/) before you decide."""

BESIDE = """\
The table excludes costs that depend on use: the ALB's capacity units, data through NAT and out of AWS,
logs, API and Lambda calls, images and backups beyond the free amount, alarms ($0.10 each), older
versions of rotated keys ($1 each), the DynamoDB table (cents), and the second slot while a release is
kept warm (pods need no new node as long as two slots fit on the nodes; on EC2 the second slot is a
second instance)."""


@dataclass(frozen=True)
class Item:
    component: str
    what: str
    price: str
    count: float

    @property
    def month(self) -> float:
        """US dollars a month."""
        return PRICES[self.price][0] * self.count * (HOURS if self.price.endswith("hour") else 1)

    @property
    def certain(self) -> bool:
        return PRICES[self.price][1] != MEMORY


def items(env: Environment) -> list[Item]:
    """Return the billed items of an environment without requests, with one slot running."""
    found = []
    if count := nat_gateways(env):
        found += [
            Item("network", f"{count} NAT gateway{'s' if count > 1 else ''}", "NAT gateway, hour", count),
            Item("network", "their public addresses", "public IPv4 address, hour", count),
        ]
    zones = len(env["network_zones"])
    found += [
        Item("load_balancer", "ALB, without its capacity units", "ALB, hour", 1),
        Item("load_balancer", f"{zones} public addresses", "public IPv4 address, hour", zones),
        Item("load_balancer", "hosted zone, shared by the account", "hosted zone, month", 1),
    ]
    if env.has("cluster"):
        nodes, kind = env["cluster_node_count"], env["cluster_node_instance_type"]
        found += [
            Item("cluster", "EKS control plane", "EKS control plane, hour", 1),
            Item("cluster", f"{nodes} × {kind}", f"{kind}, hour", nodes),
            Item(
                "cluster",
                f"{nodes} × {env['cluster_node_volume_gib']} GiB",
                "EBS gp3, GiB and month",
                nodes * env["cluster_node_volume_gib"],
            ),
            Item("cluster", "key for its secrets", "KMS key, month", 1),
        ]
    if env.has("instance"):
        found += [
            Item("release", f"one {env['instance_type']}", f"{env['instance_type']}, hour", 1),
            Item(
                "release",
                f"{env['instance_volume_size']} GiB",
                "EBS gp3, GiB and month",
                env["instance_volume_size"],
            ),
            Item("release", "its public address", "public IPv4 address, hour", 1),
        ]
    if env.has("database"):
        kind, copies = env["database_instance_class"], 2 if env["database_multi_az"] else 1
        title = f"{kind}{', two of them (multi-AZ)' if copies > 1 else ''}"
        storage = env["database_storage_gib"]
        found += [
            Item("database", title, f"{kind}, hour", copies),
            Item(
                "database",
                f"{storage} GiB{' × 2' if copies > 1 else ''}",
                "RDS gp3, GiB and month",
                storage * copies,
            ),
            Item("database", "secrets of the master and the service", "secret, month", 2),
        ]
    if env.has("secrets"):
        found.append(Item("secrets", "secrets of the application", "secret, month", len(env["secrets_list"])))
    if env.has("alarms"):
        found.append(Item("alarms", "key for the topic", "KMS key, month", 1))
    if env.has("bastion"):
        kind = env["bastion_instance_type"]
        found.append(Item("bastion", kind, f"{kind}, hour", 1))
        found.append(
            Item(
                "bastion",
                f"{env['bastion_volume_gib']} GiB",
                "EBS gp3, GiB and month",
                env["bastion_volume_gib"],
            )
        )
    return found


def monthly(korean: bool = False) -> str:
    """Return a table of the monthly price of each component in each environment."""
    by_environment = {env.name: items(env) for env in data.environments()}
    rows = []
    for component in dict.fromkeys(item.component for found in by_environment.values() for item in found):
        cells = []
        for found in by_environment.values():
            own = [item for item in found if item.component == component]
            mark = "" if all(item.certain for item in own) else " *"
            month = sum(item.month for item in own)
            cells.append(f"{month:,.0f}{mark}" if month >= 0.5 else "< 1" if own else "–")
        rows.append([component, *cells])
    totals = [f"**{sum(item.month for item in found):,.0f}**" for found in by_environment.values()]
    rows.append(["**합계**" if korean else "**Total**", *totals])
    return table(["구성 요소" if korean else "Component", *by_environment], rows)


def block() -> str:
    """Return the table with its items and the sources of the prices."""
    environments = data.environments()
    billed = [
        [
            env.name,
            item.component,
            item.what,
            f"{PRICES[item.price][0]:g}{'' if item.certain else ' *'}",
            item.price.rpartition(", ")[2],
            f"{item.month:,.2f}",
        ]
        for env in environments
        for item in items(env)
    ]
    sources = [[what, f"{price:g}", source] for what, (price, source) in PRICES.items()]
    return "\n\n".join(
        [
            ESTIMATE,
            monthly(),
            BESIDE,
            "<details><summary>Item by item</summary>\n\n"
            + table(["Environment", "Component", "What", "Price", "per", "Month"], billed)
            + "\n\n</details>",
            "<details><summary>Sources of the prices</summary>\n\n"
            "Billed: amount divided by quantity, from published bills of this region.\n\n"
            + table(["Price of", "USD", "Source"], sources)
            + "\n\n</details>",
        ]
    )
