"""The data plane of the load balancers: an HTTP proxy that behaves as the ALBs in moto are configured.

A proxy request for `http://<name>/` is a request to the ALB's port 80; `CONNECT <name>:443` connects to its HTTPS
listener, whose TLS is terminated here. `<name>` is an ALB's DNS name, a name in one of its certificates, a
Route 53 alias, or one of its addresses. Each address has its own routing table, and the tables change at slightly
different times, as on AWS. Not implemented: HTTP/2 to clients, stickiness to a single target, authentication actions, Lambda
targets. `https://discord.com` and `https://sonarcloud.io` lead to the emulated services.

    GET /rehearsal/ready       200 as soon as the proxy serves
    GET /rehearsal/balancers   the load balancers, their names and addresses, and the health of the targets
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

from rehearsal import balancer_metrics, http1
from rehearsal import config as settings
from rehearsal.balancer_metrics import Metrics
from rehearsal.load_balancers import Certificates, LoadBalancers
from rehearsal.proxy import Proxy
from rehearsal.targets import Address, Health, Resolver

SPREAD_SECONDS = 0.4
CERTIFICATES = "truststore.pki.rds.amazonaws.com"
"""The host where AWS publishes the certificate authorities of RDS."""


class MotoLink:
    """The connection to moto: reads the load balancers from it, and sends it target health and metrics."""

    def __init__(self, config: dict[str, Any], http: aiohttp.ClientSession) -> None:
        self._url = config["aws"]["url"]
        self._http = http
        self._reports: asyncio.Queue[list[dict[str, str]]] = asyncio.Queue()
        self.report = self._reports.put_nowait

    async def follow(self, proxy: Proxy) -> None:
        """Apply every change of the load balancers."""
        while True:
            try:
                url = f"{self._url}/rehearsal/load-balancers"
                async with self._http.get(url, params={"since": proxy.load_balancers.serial}) as response:
                    snapshot = await response.json()
            except (aiohttp.ClientError, TimeoutError, ValueError):
                await asyncio.sleep(0.3)
                continue
            if snapshot["serial"] != proxy.load_balancers.serial:
                proxy.load_balancers.apply(snapshot)
                used = [group for group in snapshot["target_groups"] if group["load_balancers"]]
                proxy.health.watch(used, proxy.resolver.ip)
                await proxy.resolver.refresh()

    async def refresh_targets(self, proxy: Proxy) -> None:
        """Update the addresses of the targets every 2 s, and close idle connections to former targets."""
        while True:
            await proxy.resolver.refresh()
            wanted = set()
            for balancer in proxy.load_balancers.balancers.values():
                for node in balancer.nodes.values():
                    for group in node.table.groups.values() if node.table else ():
                        among = [t["id"] for t in group["targets"]]
                        for t in group["targets"]:
                            if ip := proxy.resolver.ip(t["id"], among):
                                wanted.add(Address(ip, t["port"]))
            proxy.pool.retain(wanted)
            await asyncio.sleep(2)

    async def send_health(self) -> None:
        """Send the results of health checks to moto, in order."""
        while True:
            await self._post("/rehearsal/target-health", await self._reports.get())

    async def send_metrics(self, proxy: Proxy) -> None:
        """Send the minutes that CloudWatch publishes now to moto."""
        while True:
            await asyncio.sleep(min(1.0, proxy.metrics.period / 10))
            for at, arn, group, minute in proxy.metrics.due():
                if balancer := proxy.load_balancers.balancers.get(arn):
                    put = {
                        "namespace": balancer_metrics.NAMESPACE,
                        "account": balancer.account,
                        "region": balancer.region,
                        "data": balancer_metrics.data(at, balancer.dimension, group, minute),
                    }
                    await self._post("/rehearsal/metrics", put)

    async def _post(self, path: str, body: Any) -> None:
        try:
            async with self._http.post(self._url + path, json=body) as response:
                if response.status != 200:
                    print(f"POST {path}: {response.status} {(await response.text())[:200]}")
        except (aiohttp.ClientError, TimeoutError) as e:
            print(f"POST {path}: {e}")


def emulated_hosts(config: dict[str, Any]) -> dict[str, Address]:
    """Return the local addresses of the public hosts that the emulator replaces."""
    apis = f"*.execute-api.{config.get('region')}.amazonaws.com"
    parts = {"discord.com": "discord", "sonarcloud.io": "sonar", apis: "aws", CERTIFICATES: "aws"}
    return {
        host: Address("127.0.0.1", config[part]["port"])
        for host, part in parts.items()
        if "port" in config.get(part, {})
    }


@contextlib.asynccontextmanager
async def running(config: dict[str, Any]) -> AsyncIterator[Proxy]:
    """Run the data plane of `config` during the context, and yield its Proxy."""
    mine = config["balancer"]
    with tempfile.TemporaryDirectory(prefix="teal-balancer-") as folder:
        timeout = aiohttp.ClientTimeout(total=10)
        control = aiohttp.ClientSession(timeout=timeout)
        # Every health check opens a new connection, as an ALB's does.
        checks = aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))
        async with control, checks:
            link = MotoLink(config, control)
            load_balancers = LoadBalancers(mine.get("spread_seconds", SPREAD_SECONDS))
            tls = Certificates(config["ca"], Path(folder))
            health = Health(checks, lambda found: link.report(found))
            resolver = Resolver(config, control)
            metrics = Metrics(**mine.get("metrics", {}))
            proxy = Proxy(load_balancers, tls, health, resolver, emulated_hosts(config), metrics)
            server = await asyncio.start_server(
                proxy.handle, "127.0.0.1", mine["port"], limit=http1.LIMIT, backlog=512
            )
            work = (
                link.follow(proxy),
                link.refresh_targets(proxy),
                link.send_health(),
                link.send_metrics(proxy),
            )
            tasks = [asyncio.create_task(one) for one in work]
            try:
                yield proxy
            finally:
                server.close()
                health.stop()
                for task in tasks:
                    task.cancel()


async def serve(config: dict[str, Any]) -> None:
    """Run until SIGTERM or SIGINT."""
    end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end.set)
    async with running(config):
        await end.wait()


if __name__ == "__main__":
    # These variables point to this proxy, which must not use itself.
    for variable in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        os.environ.pop(variable, None)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    asyncio.run(serve(settings.from_arguments("balancer")))
