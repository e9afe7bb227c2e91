"""A camera of the network made of pictures: MJPEG over HTTP, as many cameras speak it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import cv2
import numpy as np

BOUNDARY = "picture"


def encoded(images: Iterable[np.ndarray], quality: int = 90) -> list[bytes]:
    """Pictures (H, W, 3), BGR, as JPEG."""
    return [cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes() for image in images]


def paced(pictures: Iterable[bytes], fps: float) -> Iterator[bytes]:
    """The pictures at a rate; those that are late at once."""
    begun = time.monotonic()
    for k, picture in enumerate(pictures):
        time.sleep(max(0.0, begun + k / fps - time.monotonic()))
        yield picture


class MjpegServer:
    """Serves pictures at an address of this machine; a context manager.

    Attributes:
        connections: how many there were so far.
    """

    def __init__(self, play: Callable[[], Iterable[bytes]], port: int = 0) -> None:
        """Begin to serve.

        Args:
            play: called for each connection; the JPEG pictures to send, after which the connection ends.
            port: 0 for a free one.
        """
        self.connections = 0
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.connections += 1
                self.send_response(200)
                self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={BOUNDARY}")
                self.end_headers()
                for picture in play():
                    head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
                    try:
                        self.wfile.write(head.encode() + picture + b"\r\n")
                    except OSError:  # nobody listens any more
                        return

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.address = f"http://127.0.0.1:{self.port}/"
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self) -> MjpegServer:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
