"""The analysis on the emulator's metrics: real requests through the load balancer, read as the release engine does."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from ansible_collections.teal.platform.plugins.module_utils.release.analysis import (
    Measured,
    Result,
    Thresholds,
    judge,
)
from ansible_collections.teal.platform.plugins.module_utils.release.analysis_messages import summary
from ansible_collections.teal.platform.plugins.module_utils.release.clock import Clock
from ansible_collections.teal.platform.plugins.module_utils.release.request_metrics import RequestMetrics
from aws_resources import name, network

from rehearsal import balancer, http1

THRESHOLDS = Thresholds(error_rate=5, latency_p90_ratio=4, min_requests=20, minutes=1, period=1, delay=1.5)


def build(cloud: Any, ports: dict[str, int]) -> dict[str, str]:
    """Create a load balancer whose rule forwards to old, with one target group for each port. Return names and ARNs."""
    vpc, subnets = network(cloud)
    elb = cloud.client("elbv2")
    made = elb.create_load_balancer(Name=name(), Subnets=subnets)["LoadBalancers"][0]
    arns = {"balancer": made["LoadBalancerArn"], "host": made["DNSName"]}
    for slot, port in ports.items():
        group = elb.create_target_group(
            Name=name(), Protocol="HTTP", Port=port, VpcId=vpc, TargetType="ip", HealthCheckPath="/health"
        )
        arns[slot] = group["TargetGroups"][0]["TargetGroupArn"]
        elb.register_targets(TargetGroupArn=arns[slot], Targets=[{"Id": "127.0.0.1", "Port": port}])
    listener = elb.create_listener(
        LoadBalancerArn=arns["balancer"], Protocol="HTTP", Port=80, DefaultActions=[forward(arns, 100, 0)]
    )
    return arns | {"listener": listener["Listeners"][0]["ListenerArn"]}


def forward(arns: dict[str, str], old: int, new: int) -> dict[str, Any]:
    groups = [
        {"TargetGroupArn": arns[slot], "Weight": weight} for slot, weight in (("old", old), ("new", new))
    ]
    return {"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}


@contextlib.asynccontextmanager
async def service(status: int, seconds: float) -> AsyncIterator[int]:
    """Serve on a port: each fourth answer has the status, and each takes some time."""
    answers = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal answers
        with contextlib.suppress(OSError, EOFError, asyncio.CancelledError):
            while head := await http1.read_head(reader):
                answers += head.start[1] == b"/"
                found = status if answers % 4 == 0 else 200
                await asyncio.sleep(seconds)
                writer.write(http1.answer(found, "x"))
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def load(config: dict[str, Any], host: str, count: int) -> None:
    """Send requests through the load balancer, 10 at once."""
    async with aiohttp.ClientSession() as http:

        async def ask() -> None:
            async with http.get(f"http://{host}/", proxy=config["balancer"]["proxy_url"]) as answer:
                await answer.read()

        for _ in range(count // 10):
            await asyncio.gather(*(ask() for _ in range(10)))


async def wait_for_weight(proxy: Any, arns: dict[str, str], share: int) -> None:
    """Wait until the data plane has the load balancer, and the weight of the new version."""
    async with asyncio.timeout(60):
        while not (node := proxy.load_balancers.find(arns["host"].lower())) or not node.table:
            await asyncio.sleep(0.05)
        groups: list[dict[str, Any]] = []
        while not any(int(group.get("Weight", 1)) == share for group in groups):
            await asyncio.sleep(0.05)
            rules = node.table.listeners[80]["rules"]
            groups = rules[0]["actions"][0]["ForwardConfig"]["TargetGroups"]
            groups = [group for group in groups if group["TargetGroupArn"] == arns["new"]]


@pytest.mark.parametrize(
    ("status", "seconds", "result", "found"),
    [
        (200, 0.0, Result.PASSED, []),
        (500, 0.0, Result.FAILED, ["error_rate"]),
        (200, 0.4, Result.FAILED, ["latency_p90_ratio"]),
    ],
)
def test_verdict_on_real_requests(
    compressed: tuple[dict[str, Any], Any], status: int, seconds: float, result: Result, found: list[str]
) -> None:
    config, cloud = compressed
    config["balancer"]["spread_seconds"] = 0

    async def play() -> None:
        async with service(200, 0.05) as old, service(status, 0.05 + seconds) as new:
            arns = await asyncio.to_thread(build, cloud, {"old": old, "new": new})
            async with balancer.running(config) as proxy:
                await wait_for_weight(proxy, arns, 0)
                await load(config, arns["host"], 60)
                await asyncio.sleep(1)
                began = time.time()
                await asyncio.to_thread(
                    cloud.client("elbv2").modify_listener,
                    ListenerArn=arns["listener"],
                    DefaultActions=[forward(arns, 0, 100)],
                )
                await wait_for_weight(proxy, arns, 100)
                changed = time.time()
                while time.time() // 1 <= changed // 1:  # The minute of the switch does not count.
                    await asyncio.sleep(0.05)
                await load(config, arns["host"], 60)
                metrics = RequestMetrics(
                    lambda: cloud.client("cloudwatch"), arns["balancer"], arns["new"], arns["old"], Clock(), 1
                )
                async with asyncio.timeout(60):
                    while True:
                        reading = await asyncio.to_thread(metrics.read, began - 15)
                        verdict = judge(
                            THRESHOLDS,
                            Measured(time.time(), changed, began, reading.new, reading.old, reading.balancer),
                        )
                        if verdict.new.requests == 60:
                            break
                        await asyncio.sleep(0.2)
                assert [each.code for each in verdict.findings] == found, summary(verdict)
                assert verdict.result == result
                assert verdict.compared_with == "before"
                assert verdict.baseline.requests == 60
                assert verdict.new.errors == (15 if status == 500 else 0)

    asyncio.run(play())
