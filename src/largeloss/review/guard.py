"""What stands before every request: whose page asks, with which token, and how much it sends.

A page of another site cannot read from this server or write to it: the name in ``Host`` must be one
of this server's, which also stops names that are made to point here (DNS rebinding); and ``Origin``
must be the server itself, which no other page can pretend.
"""

import hmac
import json
import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, urlencode

BODY_LIMIT = 1 << 16
"""Bytes of a request that are read: 200 answers take 10,000."""
LOOPBACK = ("127.0.0.1", "localhost", "::1")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}
_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9A-Za-z._-]+))(?::[0-9]{1,5})?")
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


class Guard:
    """An ASGI application before another one.

    Args:
        app: What answers.
        hosts: Names and addresses of this server, without the port: a tunnel may change it.
        token: Without it, or the cookie that it is exchanged for, nothing is answered.
        cookie: The name of that cookie.
    """

    def __init__(
        self, app: App, hosts: Iterable[str], token: str | None = None, cookie: str = "review"
    ) -> None:
        self._app, self._token, self._cookie = app, token, cookie
        self._hosts = frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # there are no web sockets
        headers = _headers(scope)
        refused = self._refused(scope, headers)
        if refused is not None:
            await _answer(send, *refused)
            return
        if self._token is not None and not self._has_cookie(headers):
            await self._exchange_token(scope, send, self._token)
            return
        await self._limited(scope, receive, send)

    def _refused(self, scope: Message, headers: dict[str, list[str]]) -> tuple[int, str] | None:
        hosts = headers.get("host", [])
        if len(hosts) != 1 or _name_of(hosts[0]) not in self._hosts:
            return 403, "This server does not answer to that Host. Use the address it printed."
        origins = headers.get("origin", [])
        if origins and origins not in ([f"http://{hosts[0]}"], [f"https://{hosts[0]}"]):
            return 403, "Pages of other sites may not ask this server (Origin)."
        if scope["method"] in ("GET", "HEAD"):
            return None
        if scope["method"] != "POST":
            return 405, "Only GET and POST are answered."
        if not origins:
            return 403, "A request that changes something needs an Origin."
        kinds = headers.get("content-type", [""])
        if kinds[0].split(";")[0].strip().lower() != "application/json":
            return 415, "The Content-Type must be application/json."
        length = headers.get("content-length", ["0"])[0]
        if not length.isdecimal() or int(length) > BODY_LIMIT:
            return 413, f"At most {BODY_LIMIT:,} bytes are read."
        return None

    def _has_cookie(self, headers: dict[str, list[str]]) -> bool:
        try:
            cookies = SimpleCookie("; ".join(headers.get("cookie", [])))
        except CookieError:
            return False
        found = cookies.get(self._cookie)
        return found is not None and _same(found.value, self._token or "")

    async def _exchange_token(self, scope: Message, send: Send, token: str) -> None:
        """The token in the address becomes a cookie, and leaves the address."""
        fields = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        given = [value for name, value in fields if name == "token"]
        if scope["method"] != "GET" or len(given) != 1 or not _same(given[0], token):
            await _answer(send, 401, "Open the address with its token, as the server printed it.")
            return
        rest = urlencode([(name, value) for name, value in fields if name != "token"])
        headers = {
            "location": "/" + (f"?{rest}" if rest else ""),
            "set-cookie": f"{self._cookie}={token}; HttpOnly; SameSite=Strict; Path=/",
        }
        await _answer(send, 303, "See /.", headers)

    async def _limited(self, scope: Message, receive: Receive, send: Send) -> None:
        """Reads the body, up to the limit, before the application sees the request."""
        body, more = b"", scope["method"] == "POST"
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > BODY_LIMIT:
                await _answer(send, 413, f"At most {BODY_LIMIT:,} bytes are read.")
                return
        unread = [{"type": "http.request", "body": body, "more_body": False}]

        async def replayed() -> Message:
            return unread.pop() if unread else await receive()

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name.lower() for name, _ in message["headers"]}
                added = {"cache-control": "no-store", **_HEADERS}
                message["headers"] = [
                    *message["headers"],
                    *((n.encode(), v.encode()) for n, v in added.items() if n.encode() not in own),
                ]
            await send(message)

        await self._app(scope, replayed, guarded)


def _headers(scope: Message) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        found.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return found


def _name_of(host: str) -> str:
    """``localhost`` of ``LOCALHOST:8000``, ``::1`` of ``[::1]:8000``; empty where it is neither."""
    found = _HOST.fullmatch(host)
    return (found[1] or found[2]).lower() if found else ""


def _same(one: str, two: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "replace"), two.encode())


async def _answer(
    send: Send, status: int, text: str, headers: dict[str, str] | None = None
) -> None:
    body = json.dumps({"error": text} if status >= 400 else {"see": "/"}).encode()
    sent = {
        "content-type": "application/json",
        "content-length": str(len(body)),
        "cache-control": "no-store",
        "connection": "close",
        **_HEADERS,
        **(headers or {}),
    }
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
        }
    )
    await send({"type": "http.response.body", "body": body})
