"""The data plane of the rehearsal's load balancers: an HTTP proxy that behaves as the ALBs in moto say.

`http://<name>/` asked of the proxy is a request at the ALB's port 80; `CONNECT <name>:443` leads to its HTTPS
listener, whose TLS is terminated here. `<name>` is an ALB's DNS name, a name of one of its certificates or of
a Route 53 alias, or one of its addresses. Each address has a routing table of its own, and they change a
moment apart, as in AWS. Not rehearsed: HTTP/2 to clients, target stickiness, authentication actions, Lambda
targets. `https://discord.com` and `https://sonarcloud.io` lead to their stand-ins.

    GET /rehearsal/ready       200 once it serves
    GET /rehearsal/balancers   what it knows: load balancers, their names and addresses, targets' health
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

from rehearsal import config as settings
from rehearsal import http1
from rehearsal.load_balancers import Certificates, LoadBalancers
from rehearsal.proxy import Proxy
from rehearsal.targets import Address, Health, Resolver

SPREAD_SECONDS = 0.4
REPORT_SECONDS = 5.0
CERTIFICATES = "truststore.pki.rds.amazonaws.com"
"""Where AWS publishes the authorities of RDS."""


class Links:
    """The ties to moto: what changes there comes here, what is found here goes there."""

    def __init__(self, config: dict[str, Any], http: aiohttp.ClientSession) -> None:
        self._url = config["aws"]["url"]
        self._http = http
        self._reports: asyncio.Queue[list[dict[str, str]]] = asyncio.Queue()
        self.report = self._reports.put_nowait

    async def follow(self, proxy: Proxy) -> None:
        """Apply each change of load balancers as it comes."""
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

    async def look_around(self, proxy: Proxy) -> None:
        """Learn of nodes that came or changed, and let go of connections that are of no use."""
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
            proxy.pool.keep_only(wanted)
            await asyncio.sleep(2)

    async def tell_health(self) -> None:
        """Pass on what health checks found, in the order in which they found it."""
        while True:
            await self._post("/rehearsal/target-health", await self._reports.get())

    async def tell_metrics(self, proxy: Proxy) -> None:
        """Pass on what was counted, every few seconds, as CloudWatch's metrics of the ALB."""
        while True:
            await asyncio.sleep(REPORT_SECONDS)
            counted, proxy.metrics = proxy.metrics, defaultdict(Counter)
            for (arn, group), counts in counted.items():
                if balancer := proxy.load_balancers.balancers.get(arn):
                    dimensions = [{"Name": "LoadBalancer", "Value": balancer.dimension}]
                    if group:
                        dimensions.insert(0, {"Name": "TargetGroup", "Value": group.rsplit(":", 1)[1]})
                    data = [
                        {"MetricName": name, "Value": count, "Unit": "Count", "Dimensions": dimensions}
                        for name, count in counts.items()
                    ]
                    put = {
                        "namespace": "AWS/ApplicationELB",
                        "account": balancer.account,
                        "region": balancer.region,
                    }
                    await self._post("/rehearsal/metrics", {**put, "data": data})

    async def _post(self, path: str, body: Any) -> None:
        try:
            async with self._http.post(self._url + path, json=body) as response:
                if response.status != 200:
                    print(f"POST {path}: {response.status} {(await response.text())[:200]}")
        except (aiohttp.ClientError, TimeoutError) as e:
            print(f"POST {path}: {e}")


def stand_ins(config: dict[str, Any]) -> dict[str, Address]:
    """Where the hosts are that clients have built in."""
    apis = f"*.execute-api.{config.get('region')}.amazonaws.com"
    parts = {"discord.com": "discord", "sonarcloud.io": "sonar", apis: "aws", CERTIFICATES: "aws"}
    return {
        host: Address("127.0.0.1", config[part]["port"])
        for host, part in parts.items()
        if "port" in config.get(part, {})
    }


@contextlib.asynccontextmanager
async def running(config: dict[str, Any]) -> AsyncIterator[Proxy]:
    """The data plane of `config`, serving as long as the context lasts; gives the Proxy."""
    mine = config["balancer"]
    with tempfile.TemporaryDirectory(prefix="teal-balancer-") as folder:
        timeout = aiohttp.ClientTimeout(total=10)
        control = aiohttp.ClientSession(timeout=timeout)
        # A health check makes a connection of its own each time, as an ALB's does.
        checks = aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))
        async with control, checks:
            links = Links(config, control)
            load_balancers = LoadBalancers(mine.get("spread_seconds", SPREAD_SECONDS))
            tls = Certificates(config["ca"], Path(folder))
            health = Health(checks, lambda found: links.report(found))
            proxy = Proxy(load_balancers, tls, health, Resolver(config, control), stand_ins(config))
            server = await asyncio.start_server(
                proxy.handle, "127.0.0.1", mine["port"], limit=http1.LIMIT, backlog=512
            )
            work = (
                links.follow(proxy),
                links.look_around(proxy),
                links.tell_health(),
                links.tell_metrics(proxy),
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
    # The proxy is what these variables lead to; it must not go through itself.
    for variable in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        os.environ.pop(variable, None)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    asyncio.run(serve(settings.from_arguments("balancer")))
