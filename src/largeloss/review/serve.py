"""The server of a review: a socket of its own, and an end that keeps everything."""

import secrets
import signal
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Self
from urllib.parse import quote, urlencode

import psutil

from largeloss.errors import ConfigError, Interrupted, LargelossError
from largeloss.review.guard import LOOPBACK, Guard
from largeloss.review.session import Review

SHORTEST_TOKEN = 16
_AUDIT_EVERY = 1.0  # seconds


@dataclass(frozen=True)
class Place:
    """Where a server listens, before it answers; closed at the end of a ``with`` statement."""

    listening: socket.socket
    host: str
    token: str | None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.listening.close()

    @property
    def port(self) -> int:
        """The port, also where any free one was asked for."""
        return int(self.listening.getsockname()[1])

    def address(self, **fields: str) -> str:
        """What is opened in a browser."""
        if self.token is not None:
            fields["token"] = self.token
        host = {"0.0.0.0": socket.gethostname(), "::": socket.gethostname()}.get(
            self.host, f"[{self.host}]" if ":" in self.host else self.host
        )
        return f"http://{host}:{self.port}/" + (f"?{urlencode(fields)}" if fields else "")


def listen(host: str, port: int, token: str | None = None) -> Place:
    """Takes the port; nothing is answered yet. Another host than this one gets a token.

    Raises:
        ConfigError: the port is in use, or the host is none of this machine's; or the extra
            ``[review]`` is not installed.
    """
    try:
        for needed in ("fastapi", "uvicorn"):
            import_module(needed)
    except ImportError as error:
        raise ConfigError(
            f"The review needs {error.name}, which is not installed. Install it with: pip install "
            "'largeloss[review]'"
        ) from None
    if token is not None and (len(token) < SHORTEST_TOKEN or quote(token, safe="") != token):
        raise ConfigError(
            f"--token needs at least {SHORTEST_TOKEN} letters, digits, - or _. Leave it out to "
            "have one made."
        )
    if token is None and host not in LOOPBACK:
        token = secrets.token_urlsafe(24)
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ConfigError(f"--host {host} is no address ({error.strerror or error}).") from None
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise ConfigError(
            f"Port {port} of {host} cannot be used ({error.strerror or error}). Name another one "
            "with --port, or --port 0 for any that is free."
        ) from None
    return Place(listening, host, token)


def serve(review: Review, place: Place, ready: Callable[[], None] = lambda: None) -> None:
    """Answers until Ctrl-C or SIGTERM; requests that were begun are finished.

    Args:
        review: An open one.
        place: Of :func:`listen`.
        ready: Called before the first request is answered.

    Raises:
        Interrupted: by SIGTERM. Ctrl-C is the usual end, and returns.
    """
    import uvicorn

    from largeloss.review.app import make_app

    cookie = f"largeloss-review-{place.port}"  # cookies are shared by all ports of a host
    guard = Guard(make_app(review), _hosts(place.host), place.token, cookie)
    config = uvicorn.Config(
        guard, http="h11", ws="none", lifespan="off", log_level="warning", access_log=False,
        server_header=False, proxy_headers=False, timeout_graceful_shutdown=3,
    )  # fmt: skip
    ended = threading.Event()
    writer = threading.Thread(target=_write_audits, args=(review, ended), daemon=True)
    before = signal.signal(signal.SIGTERM, _terminated)
    writer.start()
    try:
        ready()
        uvicorn.Server(config).run(sockets=[place.listening])
    except KeyboardInterrupt:
        pass
    finally:
        ended.set()
        writer.join()
        signal.signal(signal.SIGTERM, before)


def _terminated(number: int, frame: Any) -> None:
    raise Interrupted(number, "Every answer that was acknowledged is kept.")


def _write_audits(review: Review, ended: threading.Event) -> None:
    told = ""
    while not ended.wait(_AUDIT_EVERY):
        try:
            review.write_audit()
            told = ""
        except LargelossError as error:  # tried again every time, and told once
            if told != str(error):
                review.remark(str(error))
            told = str(error)


def _hosts(host: str) -> set[str]:
    """The names that this server answers to."""
    names = {*LOOPBACK, host}
    if host not in LOOPBACK:
        names |= {socket.gethostname(), socket.getfqdn()}
        names |= {
            one.address.split("%")[0]
            for addresses in psutil.net_if_addrs().values()
            for one in addresses
            if one.family in (socket.AF_INET, socket.AF_INET6)
        }
    return names
