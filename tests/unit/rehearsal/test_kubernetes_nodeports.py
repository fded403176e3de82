"""Node ports: data that arrives before the connection to the pod is not lost."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest

from rehearsal.kubernetes.nodeports import Inward


@pytest.mark.parametrize("ends", [False, True])
def test_early_data_reaches_the_pod(ends: bool) -> None:
    async def body() -> tuple[bytes, Any]:
        got: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        async def pod(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            got.set_result(await (reader.read() if ends else reader.readexactly(9)))
            writer.close()

        server = await asyncio.start_server(pod, "127.0.0.1", 0)
        address = server.sockets[0].getsockname()
        inward = Inward(SimpleNamespace(target=lambda at: address), ("127.0.0.1", 30080))  # type: ignore[arg-type]
        # Some Python versions keep reading from a paused transport.
        transport = mock.Mock(is_closing=lambda: False)
        inward.connection_made(transport)
        inward.data_received(b"GET /")
        inward.data_received(b" ...")
        if ends:
            assert inward.eof_received(), "the answer is still to come"
        received = await asyncio.wait_for(got, 5)
        server.close()
        return received, transport

    received, transport = asyncio.run(body())
    assert received == b"GET / ..."
    transport.abort.assert_not_called()
    transport.resume_reading.assert_called_once()
