"""The load balancers: their addresses, the routing table of each address, and their TLS certificates."""

from __future__ import annotations

import asyncio
import itertools
import random
import ssl
from pathlib import Path
from typing import Any

from rehearsal import certificates, routing


class RoutingTable:
    """One immutable state of a load balancer's routing: listeners by port, target groups by ARN."""

    def __init__(self, balancer: dict[str, Any], groups: dict[str, dict[str, Any]]) -> None:
        self.dns_name: str = balancer["dns_name"]
        self.idle_timeout: float = balancer["idle_timeout"]
        self.listeners = {listener["port"]: listener for listener in balancer["listeners"]}
        self.rules = {port: routing.compile_rules(one["rules"]) for port, one in self.listeners.items()}
        self.groups = groups


class Node:
    """One address of a load balancer, with its current routing table."""

    def __init__(self, balancer: Balancer, address: str) -> None:
        self.balancer = balancer
        self.address = address
        self.table: RoutingTable | None = None
        self._generation = -1

    def update(self, generation: int, table: RoutingTable) -> None:
        """Use a newer routing table; ignore one that is older than the current."""
        if generation > self._generation:
            self._generation, self.table = generation, table


class Balancer:
    """A load balancer: its names and its addresses, each a node."""

    def __init__(self, arn: str) -> None:
        self.arn = arn
        self.dimension = arn.split(":loadbalancer/")[-1]
        self.account, self.region = "", ""
        self.names: set[str] = set()
        self.nodes: dict[str, Node] = {}
        self._turn = itertools.count()

    def node(self) -> Node:
        """Return the next address in turn, as DNS does."""
        return list(self.nodes.values())[next(self._turn) % len(self.nodes)]


class LoadBalancers:
    """All load balancers, from the last snapshot of moto."""

    def __init__(self, spread: float) -> None:
        self.balancers: dict[str, Balancer] = {}
        self.spread = spread
        self.serial = ""
        self._generation = itertools.count()

    def apply(self, snapshot: dict[str, Any]) -> None:
        """Update all addresses of all load balancers, each after a random delay."""
        self.serial = snapshot["serial"]
        generation = next(self._generation)
        groups = {group["arn"]: group for group in snapshot["target_groups"]}
        present = {balancer["arn"] for balancer in snapshot["load_balancers"]}
        self.balancers = {arn: b for arn, b in self.balancers.items() if arn in present}
        for found in snapshot["load_balancers"]:
            try:
                table = RoutingTable(found, groups)
            except routing.Unsupported as e:
                print(f"{found['name']}: {e}; its routing stays unchanged")
                continue
            balancer = self.balancers.setdefault(found["arn"], Balancer(found["arn"]))
            balancer.account, balancer.region = found["account"], found["region"]
            certified = [n for one in found["listeners"] for names in one["certificates"] for n in names]
            balancer.names = {found["dns_name"], *found["aliases"], *(n.lower() for n in certified)}
            addresses = found["addresses"] or ["1", "2"]
            balancer.nodes = {a: balancer.nodes.get(a) or Node(balancer, a) for a in addresses}
            for node in balancer.nodes.values():
                if node.table is None or not self.spread:
                    node.update(generation, table)
                else:
                    wait = random.uniform(0, self.spread)
                    asyncio.get_running_loop().call_later(wait, node.update, generation, table)

    def find(self, host: str) -> Node | None:
        """Return the address that a client gets for `host`; None if no load balancer has that name."""
        host = host.lower().rstrip(".")
        for balancer in self.balancers.values():
            if host in balancer.nodes:
                return balancer.nodes[host]
        wildcard = "*." + host.partition(".")[2]
        for name in (host, wildcard):
            for balancer in self.balancers.values():
                if name in balancer.names:
                    return balancer.node()
        return None


class Certificates:
    """TLS contexts for listeners: with the names of their ACM certificates, signed by the emulator's authority.

    Unlike on AWS, the certificates also have the load balancer's DNS name, so that a load balancer without a domain
    can be reached over TLS.
    """

    def __init__(self, ca: dict[str, str], folder: Path) -> None:
        self._ca = certificates.Pair(Path(ca["cert_file"]), Path(ca["key_file"]))
        self._folder = folder
        self._contexts: dict[tuple[str, ...], ssl.SSLContext] = {}
        self._leaves: dict[tuple[str, ...], ssl.SSLContext] = {}

    def context(self, table: RoutingTable, port: int) -> ssl.SSLContext:
        """Return the context of a listener. SNI selects the certificate; the first one is the default."""
        names = [tuple(c) for c in table.listeners[port]["certificates"]] or [()]
        key = (table.dns_name, *("\n".join(n) for n in names))
        if key not in self._contexts:
            leaves = [(one, self._leaf((*one, table.dns_name))) for one in names]
            context = self._leaf((*names[0], table.dns_name), fresh=True)

            def by_name(connection: Any, name: str | None, _: ssl.SSLContext) -> None:
                wildcard = "*." + (name or "").partition(".")[2]
                for known, leaf in leaves:
                    if name in known or wildcard in known:
                        connection.context = leaf
                        return

            context.sni_callback = by_name
            self._contexts[key] = context
        return self._contexts[key]

    def for_host(self, host: str) -> ssl.SSLContext:
        """Return the context for a host of an emulated service."""
        return self._leaf((host,))

    def _leaf(self, names: tuple[str, ...], fresh: bool = False) -> ssl.SSLContext:
        if fresh or names not in self._leaves:
            pair = certificates.server(self._folder, f"leaf-{len(self._leaves)}", list(names), self._ca)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(pair.cert_file, pair.key_file)
            context.set_alpn_protocols(["http/1.1"])
            self._leaves[names] = context
        return self._leaves[names]
