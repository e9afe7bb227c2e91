"""The server as a process: its address, its models, its end."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
import tempfile
from collections.abc import Callable, Collection
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from skelact.errors import OutputError, UsageError
from skelact.predictor import Predictor
from skelact.serve.limits import Limits


def check_extra() -> None:
    """Make sure that what the server is made of is installed.

    Raises:
        UsageError: it is not.
    """
    try:
        import fastapi  # noqa: F401
        import python_multipart  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise UsageError(f"`skelact serve` needs {error.name}: pip install 'skelact[serve]'") from None


def serve(
    predictor: Predictor,
    limits: Limits,
    host: str,
    port: int,
    hosts: Collection[str],
    on_ready: Callable[[str], None],
    warn: Callable[[str], None],
) -> None:
    """Answer until a signal ends it; the job at work is then stopped, and nothing of any is left.

    Args:
        predictor: its models are loaded before anything is answered.
        limits: see there.
        host: name or address of this machine to be asked at.
        port: 0 for any that is free.
        hosts: further names by which it may be asked.
        on_ready: called with the address of the page.
        warn: called with one sentence if others than this machine can ask.

    Raises:
        UsageError: an unknown host.
        OutputError: the address cannot be had.
        SkelactError: models cannot be loaded.
    """
    with closing(_listen(host, port)) as listener:
        address, used = listener.getsockname()[:2]
        if not ipaddress.ip_address(address.partition("%")[0]).is_loopback:
            warn(
                f"whoever reaches this machine at port {used} can use this server: it asks for no password and "
                "encrypts nothing; leave --host out if that is not wanted"
            )
        warm_up(predictor)
        _run(predictor, limits, listener, {"localhost", host, *hosts}, lambda: on_ready(_url(host, used)))


def warm_up(predictor: Predictor) -> None:
    """Load all models, by finding nobody in a second of grey."""
    _ = predictor.recognizer
    with tempfile.TemporaryDirectory(prefix="skelact-serve-") as folder:
        path = Path(folder) / "grey.avi"
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 8, (128, 128))
        for _ in range(8):
            writer.write(np.full((128, 128, 3), 128, np.uint8))
        writer.release()
        predictor.extract(path)


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket: who asks before the models are loaded waits."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except OSError as error:
        raise UsageError(
            f"there is no host {host!r} ({error.strerror}): give a name or address of this machine"
        ) from None
    try:
        return socket.create_server(address[:2], family=family)
    except OSError as error:
        raise OutputError(
            f"port {port} of {host} cannot be had ({error.strerror}): give another --port, or 0 for any that is free"
        ) from None


def _url(host: str, port: int) -> str:
    with suppress(ValueError):
        address = ipaddress.ip_address(host)
        if address.is_unspecified:
            host = "127.0.0.1" if address.version == 4 else "::1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _run(
    predictor: Predictor, limits: Limits, listener: socket.socket, hosts: Collection[str], on_ready: Callable[[], None]
) -> None:
    import uvicorn

    from skelact.report import write_report
    from skelact.serve.app import create_app

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            on_ready()

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            # First, as it waits for the answers that are under way, and those for their jobs.
            await asyncio.to_thread(app.state.jobs.close)
            await super().shutdown(sockets)

    app = create_app(predictor, limits, hosts, write_report)
    logging.basicConfig(format="%(levelname)s: %(message)s")
    options: dict[str, Any] = {"log_config": None, "access_log": False, "server_header": False, "proxy_headers": False}
    with suppress(KeyboardInterrupt):  # which uvicorn raises again once all is ended
        Server(uvicorn.Config(app, lifespan="on", **options)).run([listener])
