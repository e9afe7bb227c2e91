"""A file over http or https, from any of its bytes on, with limits on the time that waiting may take."""

from __future__ import annotations

import http.client
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import IO

CONNECT_SECONDS = 5.0  # looking up the name, connecting and shaking hands, together
READ_SECONDS = 30.0  # of silence, once connected


class BrokenError(Exception):
    """The connection could not be made, or ended before the file did."""


class RefusedError(Exception):
    """The server answers that it will not deliver; its code and words."""


def connect_from(address: str, start: int) -> http.client.HTTPResponse | None:
    """The answer to a request for what follows the first `start` bytes; None if nothing follows them.

    Raises:
        BrokenError: no connection within `CONNECT_SECONDS`, or no answer within `READ_SECONDS`.
        RefusedError: the server does not deliver.
    """
    request = urllib.request.Request(address, headers={"User-Agent": "skelact"})
    if start:
        request.add_header("Range", f"bytes={start}-")
    opener = urllib.request.build_opener(_HTTPHandler, _HTTPSHandler, _RedirectHandler)
    try:
        return opener.open(request, timeout=CONNECT_SECONDS)
    except urllib.error.HTTPError as error:
        if start and error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return None
        raise RefusedError(f"{error.code} {error.reason}") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise BrokenError(_reason(error)) from None


def first_byte(response: http.client.HTTPResponse) -> int:
    """Which byte of the file the answer starts with; 0 from a server that does not know ranges."""
    found = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(found[1]) if found and response.status == http.HTTPStatus.PARTIAL_CONTENT else 0


def receive(response: http.client.HTTPResponse, size: int) -> bytes:
    """The next bytes, at most `size`; empty at the end.

    Raises:
        BrokenError: the connection is lost, or silent for `READ_SECONDS`.
    """
    try:
        return response.read(size)
    except (OSError, http.client.HTTPException) as error:
        raise BrokenError(_reason(error)) from None


def _reason(error: Exception) -> str:
    cause = getattr(error, "reason", error)
    return str(getattr(cause, "strerror", None) or cause) or type(cause).__name__


def _connect_in_time(connect: Callable[[], None]) -> None:
    """Connect in a thread of its own, because looking up a name waits as long as it likes."""
    failures: list[Exception] = []

    def attempt() -> None:
        try:
            connect()
        except (OSError, ValueError, http.client.HTTPException) as error:
            failures.append(error)

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(CONNECT_SECONDS)
    if thread.is_alive():
        raise TimeoutError(f"no connection within {CONNECT_SECONDS:g} seconds")
    if failures:
        raise failures[0]


class _HTTPConnection(http.client.HTTPConnection):
    def connect(self) -> None:
        _connect_in_time(super().connect)
        self.sock.settimeout(READ_SECONDS)


class _HTTPSConnection(http.client.HTTPSConnection):
    def connect(self) -> None:
        _connect_in_time(super().connect)
        self.sock.settimeout(READ_SECONDS)


class _HTTPHandler(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_HTTPConnection, req)


class _HTTPSHandler(urllib.request.HTTPSHandler):
    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_HTTPSConnection, req)


class _RedirectHandler(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        # A short checksum is no shield against forgery, so https must not lead to anything weaker.
        if not newurl.startswith(("https:", f"{req.type}:")):
            raise urllib.error.HTTPError(newurl, code, "a redirection to a weaker protocol", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)
