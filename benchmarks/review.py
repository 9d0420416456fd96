"""``make bench-review``: the server of a review with many images and four reviewers at once.

    python benchmarks/review.py [--images 100000] [--answers 250] [--out runs/bench-review]

Prints how long the server takes to start (ranking, and with the ranking kept), until the first grid
is there (page, classes, 24 entries, their thumbnails, six at a time as a browser does), until an
answer is acknowledged with four reviewers who also fetch thumbnails; and the memory of the server.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from reviewable import CLASSES, make_run

REVIEWERS, GRID, CONNECTIONS = 4, 24, 6


class Server:
    """``largeloss review`` in a process of its own, when it has said where it listens."""

    def __init__(self, run: Path) -> None:
        began = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "largeloss", "review", str(run), "--port", "0"],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = ""
        while "http://" not in line:
            line = self.process.stdout.readline()
            if not line:
                raise SystemExit("The server did not start.")
        self.seconds = time.monotonic() - began
        used = psutil.Process(self.process.pid).cpu_times()
        self.cpu_seconds = used.user + used.system
        self.port = int(line.rsplit(":", 1)[1].strip("/ \n"))

    def memory(self) -> tuple[float, float]:
        """Resident now, and of it what is no file mapped, in MiB."""
        found = psutil.Process(self.process.pid).memory_full_info()
        return found.rss / 2**20, found.uss / 2**20

    def end(self) -> None:
        """As Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)


class Client:
    """One connection that is kept open."""

    def __init__(self, port: int) -> None:
        self._origin = f"http://127.0.0.1:{port}"
        self._connection = HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(self, path: str, body: Any = None) -> bytes:
        """The content of the answer."""
        headers = {"Origin": self._origin, "Content-Type": "application/json"}
        text = None if body is None else json.dumps(body)
        method = "GET" if body is None else "POST"
        self._connection.request(method, path, text, {} if body is None else headers)
        reply = self._connection.getresponse()
        content = reply.read()
        if reply.status != 200:
            raise SystemExit(f"{path}: {reply.status} {content[:200]!r}")
        return content


def first_grid(port: int, column: int) -> float:
    """Seconds from the first request of a page until 24 thumbnails are there."""
    clients = [Client(port) for _ in range(CONNECTIONS)]
    began = time.monotonic()
    clients[0].ask("/")
    clients[0].ask("/api/classes")
    rows = grid(clients[0], column, "reviewer")
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        parts = [rows[k::CONNECTIONS] for k in range(CONNECTIONS)]
        list(pool.map(thumbnails, clients, parts))
    return time.monotonic() - began


def grid(client: Client, column: int, reviewer: str) -> list[int]:
    """The rows of the first open entries."""
    path = f"/api/entries?column={column}&reviewer={reviewer}&open=1&limit={GRID}"
    return [entry["row"] for entry in json.loads(client.ask(path))["entries"]]


def thumbnails(client: Client, rows: list[int]) -> None:
    """Fetches them one after the other."""
    for row in rows:
        client.ask(f"/thumbnails/{row}")


def review(port: int, number: int, answers: int) -> list[float]:
    """The milliseconds of one reviewer's answers, who looks at a class of their own."""
    client, taken = Client(port), []
    while len(taken) < answers:
        rows = grid(client, number, f"reviewer-{number}")
        thumbnails(client, rows)
        for row in rows:
            said = [{"row": row, "column": number, "answer": "no" if row % 3 else "yes"}]
            body = {"reviewer": f"reviewer-{number}", "mode": "suggestions", "answers": said}
            began = time.monotonic()
            client.ask("/api/answers", body)
            taken.append(1000 * (time.monotonic() - began))
    return taken[:answers]


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--answers", type=int, default=250)
    parser.add_argument("--out", type=Path, default=Path("runs/bench-review"))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    run = make_run(arguments.out / str(arguments.images), arguments.images)
    shutil.rmtree(run / "review", ignore_errors=True)
    print(f"{arguments.images:,} images of {CLASSES} classes; load {os.getloadavg()[0]:.1f}")
    server = Server(run)
    print(f"start, ranking: {server.seconds:.1f} s, {server.cpu_seconds:.1f} s of CPU time")
    server.end()
    server = Server(run)
    print(f"start, ranking kept: {server.seconds:.1f} s, {server.cpu_seconds:.1f} s of CPU time")
    print(f"first grid: {first_grid(server.port, 0):.2f} s")
    print(f"first grid of another class: {first_grid(server.port, 7):.2f} s")
    with ThreadPoolExecutor(REVIEWERS) as pool:
        parts = pool.map(lambda k: review(server.port, k, arguments.answers), range(REVIEWERS))
        taken = np.array([one for part in parts for one in part])
    median, late = np.percentile(taken, [50, 95])
    print(
        f"{len(taken):,} answers of {REVIEWERS} reviewers: median {median:.0f} ms, 95 % within "
        f"{late:.0f} ms, the slowest {taken.max():.0f} ms"
    )
    whole, own = server.memory()
    print(f"memory of the server: {whole:,.0f} MiB resident, {own:,.0f} MiB of it its own")
    server.end()


if __name__ == "__main__":
    main()
