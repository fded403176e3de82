"""A live emulated Kubernetes for tests, with a fake AWS."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import socket
import tempfile
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from rehearsal import certificates
from rehearsal.kubernetes.__main__ import serve

Json = dict[str, Any]
REGISTRY = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/assistant"
BEHAVIOURS = ("crash", "never-ready", "error", "slow", "wrong-version", "dies")


class FakeAws:
    """A fake AWS with two clusters, `staging` with two nodes and `production` with one; images by tag."""

    def __init__(self) -> None:
        self.clusters: list[Json] = [
            cluster("staging", "created-once", [node("a", 1), node("b", 2)]),
            cluster("production", "created-once", [node("a", 3)]),
        ]
        self.caller = "arn:aws:sts::123456789012:user/moto"
        self.asked: list[str] = []
        #: The user's own programs, by tag.
        self.programs: dict[str, Json] = {}
        #: The POST requests: path and body.
        self.bodies: list[tuple[str, Json]] = []
        aws = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = aws.answer(self.path)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                aws.bodies.append((self.path, body))
                answer = json.dumps({"environment": {"AWS_ENDPOINT_URL": aws.url}}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        ).start()

    def answer(self, path: str) -> tuple[int, bytes]:
        parts = urllib.parse.urlsplit(path)
        query = dict(urllib.parse.parse_qsl(parts.query))
        if parts.path == "/rehearsal/clusters":
            return 200, json.dumps({"clusters": self.clusters}).encode()
        if parts.path == "/rehearsal/images":
            tag = query["ref"].rpartition(":")[2]
            if tag == "missing":
                return 404, b"{}"
            behaviour = tag if tag in BEHAVIOURS else "ok"
            found = {"version": tag, "behaviour": behaviour, "digest": "sha256:" + "0" * 64}
            own = {"program": self.programs[tag]} if tag in self.programs else {}
            return 200, json.dumps(found | own).encode()
        if parts.path == "/rehearsal/caller":
            self.asked.append(query["cluster"])
            return (200, json.dumps({"arn": self.caller}).encode()) if self.caller else (403, b"{}")
        return 404, b""


def cluster(name: str, created: str, nodes: list[Json]) -> Json:
    admins = ["arn:aws:sts::123456789012:user/moto"]
    return {
        "name": name,
        "arn": f"arn:{name}",
        "created": created,
        "admins": admins,
        "entries": [],
        "nodes": nodes,
    }


def node(zone: str, number: int) -> Json:
    return {
        "instance_id": f"i-{number:017d}",
        "az": f"ap-northeast-2{zone}",
        "cluster": "",
        "nodegroup": "workers",
        "private_dns": f"ip-10-0-0-{number}.ap-northeast-2.compute.internal",
        "private_ip": f"10.0.0.{number}",
    }


class Live:
    """The server in a separate thread, with its administrator's kubeconfig."""

    def __init__(self, home: Path, subnet: str) -> None:
        self.aws = FakeAws()
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.url = f"https://127.0.0.1:{self.port}"
        ca = certificates.authority(home / "tls")
        pair = certificates.server(home / "tls", "kubernetes", ["127.0.0.1", "localhost"], ca)
        self.ca_file, self.kubeconfig = ca.cert_file, home / "kubeconfig"
        self.config = {
            "home": str(home),
            "aws": {"url": self.aws.url},
            "subnet": subnet,
            "kubernetes": {
                "url": self.url,
                "port": self.port,
                "ca_file": str(ca.cert_file),
                "cert_file": str(pair.cert_file),
                "key_file": str(pair.key_file),
                "kubeconfig": str(self.kubeconfig),
                "boot": 0.05,
                "first_backoff": 0.2,
                "longest_backoff": 0.4,
            },
        }
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()
        until(lambda: self.kubeconfig.exists() and "production" in self.kubeconfig.read_text())

    async def _run(self) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        await serve(self.config, self._ended)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(10)
        self.aws.server.shutdown()
        self.aws.server.server_close()


def until(true: Callable[[], Any], seconds: float = 20.0, every: float = 0.05) -> Any:
    """Return the result of `true` as soon as it is true. Raises AssertionError after `seconds`."""
    import time

    end = time.monotonic() + seconds
    while not (result := true()):
        assert time.monotonic() < end, "the condition was not met in time"
        time.sleep(every)
    return result


@contextlib.contextmanager
def live(home: Path, subnet: str = "127.91.7") -> Iterator[Live]:
    # All test workers share the machine's addresses: another worker waits for them.
    with (Path(tempfile.gettempdir()) / f"teal-{subnet}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        running = Live(home, subnet)
        try:
            yield running
        finally:
            running.close()
