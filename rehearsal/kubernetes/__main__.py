"""`python -m rehearsal.kubernetes --config PATH`: serve until SIGTERM."""

from __future__ import annotations

import asyncio
import logging
import signal
import ssl
from pathlib import Path
from typing import Any

from aiohttp import web

from rehearsal import config as configuration
from rehearsal.kubernetes.server import Server
from rehearsal.kubernetes.settings import Settings


async def serve(config: dict[str, Any], ended: asyncio.Event) -> None:
    """Serve until the event `ended`; then stop all pods."""
    own = config["kubernetes"]
    server = Server(Settings.of(config), Path(own["ca_file"]), Path(own["kubeconfig"]))
    runner = web.AppRunner(
        server.application, access_log=None, handler_cancellation=True, shutdown_timeout=0.5
    )
    await runner.setup()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(own["cert_file"], own["key_file"])
    try:
        await web.TCPSite(runner, "127.0.0.1", own["port"], ssl_context=context).start()
        await ended.wait()
    finally:
        await server.close()
        await runner.cleanup()


async def main() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    config = configuration.from_arguments("kubernetes")
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await serve(config, ended)


if __name__ == "__main__":
    asyncio.run(main())
