"""``make test-kill-review-page``: the review's server is killed while somebody clicks in Chromium.

In each round a reviewer clicks through the page, Yes, No, Unsure, Undo and "all visible: no", until
the server is killed (SIGKILL) at a random moment. What it had acknowledged by then must be in its
journal, and nothing that the page shows as saved may be missing there. Then the server is started
again, the page sends what it kept, and the journal must hold what the page shows, each step once.

    python benchmarks/kill_review_page.py [--kills 50] [--seed 0]
"""

import argparse
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

from playwright.sync_api import Page, TimeoutError, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "review"))
from review_server import Server, write_run

from largeloss.labels.answers import ANSWERS, standing_answers

NOTED = """
window.acknowledged = [];
const ask = window.fetch;
window.fetch = async (address, options) => {
  const response = await ask(address, options);
  if (options?.method === "POST" && response.ok) {
    const reply = await response.clone().json();
    window.acknowledged.push([JSON.parse(options.body), reply]);
  }
  return response;
};
"""
"""Notes every acknowledgement before the page sees it."""
FIRST, LATEST = 20, 0.15
"""The server is killed at most so many clicks and seconds after the first one."""
BUTTONS = ["yes"] * 5 + ["no"] * 5 + ["unsure", "undo", "undo", "all-no", "flag"]


FORKS = """
import os, signal, sys
import uvicorn, largeloss.review.app, largeloss.review.serve
from largeloss.cli import run
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for _ in sys.stdin:
    number = os.fork()
    if number == 0:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os._exit(run(sys.argv[1:]))
    print(number, flush=True)
"""


class Forked(Server):
    """The server in a copy of a process that has imported everything: it begins within a second."""

    _parent: subprocess.Popen[str] | None = None
    _number = 0

    def begin(self) -> None:
        if self._parent is None:
            self._parent = subprocess.Popen(
                [sys.executable, "-c", FORKS, *self.words],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        print(file=self._parent.stdin, flush=True)
        self._number = int(self._parent.stdout.readline())

    def runs(self) -> bool:
        return Path(f"/proc/{self._number}").exists()

    def kill(self) -> None:
        os.kill(self._number, signal.SIGKILL)
        while self.runs():
            time.sleep(0.001)

    def end(self) -> None:
        """The process that is copied, too."""
        self.kill()
        self._parent.communicate("")


def numbers(run: Path) -> set[int]:
    """Of all answers that the journal holds, undone or not."""
    with closing(sqlite3.connect(run / ANSWERS)) as file:
        return {number for (number,) in file.execute("SELECT number FROM answers")}


def standing(run: Path, reviewer: str) -> dict[str, str]:
    """Image → answer, of one reviewer; the page stays with the first class."""
    answers = standing_answers(run / ANSWERS)
    return {one.image: one.answer for one in answers if one.reviewer == reviewer}


def check(page: Page, run: Path, reviewer: str) -> int:
    """What is acknowledged, or shown as saved, is kept; the number of acknowledged answers."""
    told = [
        one["number"]
        for _, reply in page.evaluate("window.acknowledged")
        for one in reply.get("answers", [])
    ]
    lost = set(told) - numbers(run)
    assert not lost, f"{reviewer}: {len(lost)} acknowledged answers are not in the journal"
    assert len(set(told)) == len(told), f"{reviewer}: an answer was acknowledged twice"
    saved: list[list[str]] = page.locator(".tile[data-answer]").evaluate_all(
        "all => all.filter(t => !t.querySelector('.chip[data-unsaved]'))"
        ".map(t => [t.getAttribute('aria-label').split(' · ')[1], t.dataset.answer])"
    )
    for image, answer in saved:
        assert standing(run, reviewer).get(image) == answer, f"{reviewer}: {image} is not saved"
    return len(told)


def compare(page: Page, run: Path, reviewer: str) -> None:
    """The journal holds what the acknowledgements come to, and nothing more."""
    expected: dict[int, str] = {}
    for asked, reply in page.evaluate("window.acknowledged"):
        expected |= {one["row"]: one["answer"] for one in asked.get("answers", [])}
        expected |= {one["row"]: one["answer"] for one in reply.get("undone", [])}
    found = sorted(standing(run, reviewer).values())
    wanted = sorted(answer for answer in expected.values() if answer is not None)
    assert found == wanted, f"{reviewer}: the journal and what was acknowledged differ"


def click(page: Page, stream: random.Random, server: Server) -> int:
    """Until the server has been killed and three more clicks were made; the number of clicks."""
    killer = threading.Timer(stream.uniform(0, LATEST), server.kill)
    clicks, first, after = 0, stream.randrange(1, FIRST), 0
    while after < 3:
        with suppress(TimeoutError):  # "all visible" is gone while nothing is
            page.locator(f"footer [data-action={stream.choice(BUTTONS)}]").click(timeout=500)
            clicks += 1
        page.wait_for_timeout(stream.uniform(0, 40))
        if clicks == first and not killer.ident:
            killer.start()
        after += killer.ident is not None and not killer.is_alive()
    killer.join()
    return clicks


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    stream = random.Random(asked.seed)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("Needed: Chromium on the PATH (on Debian: apt-get install chromium).")
    totals = dict.fromkeys(("kills", "clicks", "acknowledged", "of them after the restart"), 0)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = Forked(write_run(Path(folder) / "data"))
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for kill in range(asked.kills):
            reviewer = f"reviewer-{kill}"
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.add_init_script(NOTED)
            page.goto(f"{server.address}/?reviewer={reviewer}")
            page.wait_for_selector(".tile[data-current][data-shown]")
            totals["clicks"] += click(page, stream, server)
            before = check(page, server.run, reviewer)
            server.start()
            expect(page.locator("#saved")).to_have_text("All answers saved", timeout=60_000)
            after = check(page, server.run, reviewer)
            compare(page, server.run, reviewer)
            totals["kills"] += 1
            totals["acknowledged"] += after
            totals["of them after the restart"] += after - before
            page.close()
            print(
                f"{kill + 1}: {before} acknowledged before the kill, {after - before} after",
                flush=True,
            )
        browser.close()
        server.end()
    print(json.dumps(totals))


if __name__ == "__main__":
    main()
