"""A web server on this machine that serves ranges and cuts connections when told."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass
class Site:
    """What is served, and how badly."""

    files: Mapping[str, bytes]
    ranges: bool = True
    etag: str | None = '"1"'
    cuts: int = 0
    """So many answers are cut in the middle."""
    saved: Callable[[], bool] = lambda: True
    """Whether the client has kept something of what it got: only then is an answer cut."""
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    """(path, range) of each GET."""
    url: str = ""


@contextmanager
def serving(site: Site) -> Iterator[Site]:
    """``site`` with its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(body=False)

        def do_GET(self) -> None:
            self.answer(body=True)

        def answer(self, body: bool) -> None:
            content = site.files.get(self.path)
            if content is None:
                self.send_error(404)
                return
            asked = self.headers.get("Range")
            if body:
                site.requests.append((self.path, asked))
            start, end = 0, len(content) - 1
            if asked and site.ranges:
                first, _, last = asked.removeprefix("bytes=").partition("-")
                start, end = int(first), min(end, int(last or end))
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{end}/{len(content)}")
            else:
                self.send_response(200)
            part = content[start : end + 1]
            if site.ranges:
                self.send_header("Accept-Ranges", "bytes")
            if site.etag:
                self.send_header("ETag", site.etag)
            self.send_header("Content-Length", str(len(part)))
            self.end_headers()
            if not body:
                return
            if site.cuts and len(part) > 1:
                site.cuts -= 1
                self.wfile.write(part[: len(part) // 2])
                self.wfile.flush()
                deadline = time.monotonic() + 20
                while not site.saved() and time.monotonic() < deadline:
                    time.sleep(0.01)
            else:
                self.wfile.write(part)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        site.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield site
        finally:
            server.shutdown()
            thread.join()
