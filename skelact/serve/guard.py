"""What a browser may ask of the server, and for whom.

The server has no password: whoever reaches it may use it. A page of another site, open in a browser that reaches it,
may not: neither by sending a form or a script's request here (cross-site request forgery), which browsers mark by
`Origin` and `Sec-Fetch-Site`, nor by a name of its own that it makes lead here (DNS rebinding), which shows in `Host`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
# A report holds its script, style and video itself; in a sandbox it is of no site, and cannot ask the server anything.
REPORT_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; "
    "media-src data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox allow-scripts"
)


class Guard:
    """Refuses what comes from other sites, and adds headers that keep browsers strict to all answers."""

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        """Guard an application that may be asked by these names, and by any address."""
        self.app = app
        self._hosts = {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let the application do so."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_strict(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        reason = refusal(scope["method"], Headers(scope=scope), self._hosts)
        answer = JSONResponse({"error": reason}, 403) if reason else self.app
        await answer(scope, receive, send_strict)


def refusal(method: str, headers: Headers, hosts: Collection[str]) -> str | None:
    """Why a request is not answered, as a sentence; None if it is.

    Args:
        method: of the request.
        headers: Host, Origin and Sec-Fetch-Site count. Programs other than browsers send neither of the latter.
        hosts: the names, in small letters, by which the server may be asked.
    """
    host = headers.get("host", "")
    name = _host_name(host)
    if name not in hosts and not _is_address(name):
        return f"this server does not answer to the name {name!r}: start it with --allow-host {name or 'NAME'}"
    if method in SAFE_METHODS:
        return None
    origin = headers.get("origin")
    if origin is not None and origin.lower() not in (f"http://{host.lower()}", f"https://{host.lower()}"):
        return "a page of another site may not use this server"
    if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        return "a page of another site may not use this server"
    return None


def _host_name(host: str) -> str:
    """A Host header without its port."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    """Whether this is an address, which no other site can have."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
