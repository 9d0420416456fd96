"""``make test-kill-review``: the server of a review is killed in mid-click, again and again.

Four reviewers answer, answer several at once and undo without a pause; the server is killed
(SIGKILL) at a random moment and started again. What it then says must be what was acknowledged to
each reviewer; the one request that was under way may have been kept or not.

    python benchmarks/kill_review.py [--kills 200] [--out runs/kill-review]
"""

import argparse
import http.client
import json
import os
import random
import shutil
import signal
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

from reviewable import make_run

from largeloss.review.serve import listen, serve
from largeloss.review.session import Review

import_module("largeloss.review.app")  # before the processes are forked, which then start at once

REVIEWERS = ("ann", "bob", "cleo", "dan")
WORDS = {"yes", "no", "unsure"}
COLUMN = 0
Said = dict[int, str]
"""Row → answer."""


def merged(steps: list[Said]) -> Said:
    """What a reviewer has said, the last word on each row."""
    return {row: word for step in steps for row, word in step.items()}


class Reviewer:
    """Answers until the server is gone, and knows what was acknowledged."""

    def __init__(self, name: str, stream: random.Random) -> None:
        self.name, self.stream = name, stream
        self.steps: list[Said] = []
        self.under_way: tuple[str, Said] | None = None
        self.acknowledged = 0

    def work(self, port: int, rows: list[int]) -> None:
        """Clicks until the connection breaks."""
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            while True:
                self.click(client, port, rows)
        except (OSError, http.client.HTTPException):
            client.close()

    def click(self, client: http.client.HTTPConnection, port: int, rows: list[int]) -> None:
        """One request; what it changes counts when the answer is there."""
        body: dict[str, Any] = {"reviewer": self.name}
        if self.steps and self.stream.random() < 0.2:
            kind, said = "undo", {}
        else:
            kind = "answers"
            number = 1 if self.stream.random() < 0.8 else 24
            chosen = self.stream.sample(rows, number)
            now = merged(self.steps)
            # Another word than before: so that it shows whether the last step was kept.
            said = {row: self.stream.choice(sorted(WORDS - {now.get(row)})) for row in chosen}
            body["mode"] = "suggestions"
            body["answers"] = [
                {"row": row, "column": COLUMN, "answer": word} for row, word in said.items()
            ]
        self.under_way = kind, said
        headers = {"Origin": f"http://127.0.0.1:{port}", "Content-Type": "application/json"}
        client.request("POST", f"/api/{kind}", json.dumps(body), headers)
        reply = client.getresponse()
        content = reply.read()
        if reply.status != 200:
            raise SystemExit(f"{kind}: {reply.status} {content[:300]!r}")
        json.loads(content)
        self.steps = self.after()
        self.under_way = None
        self.acknowledged += 1

    def after(self) -> list[Said]:
        """The steps that stand when what is under way is kept."""
        if self.under_way is None:
            return self.steps
        kind, said = self.under_way
        return self.steps[:-1] if kind == "undo" else [*self.steps, said]

    def is_kept(self, found: Said) -> bool:
        """Whether the server says what was acknowledged, with or without what was under way."""
        for steps in (self.steps, self.after()):
            if found == merged(steps):
                self.steps, self.under_way = steps, None
                return True
        return False


def start(run: Path) -> tuple[int, int]:
    """Starts the server in a process of its own: its number, and its port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    number = os.fork()
    if number:
        return number, port
    try:
        with listen("127.0.0.1", port) as place, Review(run, remark=print) as review:
            serve(review, place)
    except BaseException as error:
        print(f"The server failed: {type(error).__name__}: {error}", file=sys.stderr)
    finally:
        sys.stderr.flush()
        os._exit(1)


def said(port: int, reviewer: str) -> tuple[list[int], Said]:
    """All rows of the class, and what the server says that a reviewer has answered."""
    deadline, entries = time.monotonic() + 100, []
    while True:
        try:
            client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            start, total = 0, 1
            while start < total:
                query = f"column={COLUMN}&reviewer={reviewer}&start={start}&limit=200"
                client.request("GET", f"/api/entries?{query}")
                part = json.loads(client.getresponse().read())
                entries += part["entries"]
                start, total = start + 200, part["total"]
            client.close()
            break
        except OSError:
            if time.monotonic() > deadline:
                raise SystemExit("The server does not answer.") from None
            time.sleep(0.02)
    answered = {one["row"]: one["answer"] for one in entries if one["answer"] is not None}
    return [one["row"] for one in entries], answered


def main() -> None:
    """Kills and compares."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--out", type=Path, default=Path("runs/kill-review"))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    run = make_run(arguments.out, 400)
    shutil.rmtree(run / "review", ignore_errors=True)
    stream = random.Random(0)
    reviewers = [Reviewer(name, random.Random(name)) for name in REVIEWERS]
    lost = in_mid_click = 0
    for kill in range(arguments.kills + 1):
        number, port = start(run)
        for reviewer in reviewers:
            rows, found = said(port, reviewer.name)
            if not reviewer.is_kept(found):
                lost += 1
                print(f"After kill {kill}, answers of {reviewer.name} are not those acknowledged.")
                shutil.copytree(run, arguments.out / f"lost-{kill}", dirs_exist_ok=True)
        if kill < arguments.kills:
            with ThreadPoolExecutor(len(reviewers)) as pool:
                for reviewer in reviewers:
                    pool.submit(reviewer.work, port, rows)
                time.sleep(stream.uniform(0.02, 0.6))
                os.kill(number, signal.SIGKILL)
                os.waitpid(number, 0)
            in_mid_click += any(one.under_way for one in reviewers)
        else:
            os.kill(number, signal.SIGKILL)
            os.waitpid(number, 0)
    acknowledged = sum(one.acknowledged for one in reviewers)
    print(
        f"{arguments.kills} kills, {in_mid_click} of them in mid-click; {acknowledged:,} requests "
        f"acknowledged, {lost} times an answer was lost."
    )
    sys.exit(bool(lost))


if __name__ == "__main__":
    main()
