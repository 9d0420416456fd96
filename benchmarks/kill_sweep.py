"""``make test-kill``: training is killed again and again, and must come out the same bit for bit.

A series is one run, begun and resumed until it ends while its processes are killed (SIGKILL) at
random moments, some of them on purpose in the middle of a save; then everything in its folder that
is no time is compared with the run that was never killed. Finished series are kept in a log, so
that the sweep goes on where it stopped.

    python benchmarks/kill_sweep.py [--kills 200] [--out runs/kill]
"""

import argparse
import json
import os
import random
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from largeloss.data import Dataset, FeatureArray
from largeloss.labels import LabelTable
from largeloss.losses import LOSSES
from largeloss.models import build_classifier
from largeloss.training import checkpoint_file as container
from largeloss.training.evaluation import Evaluator, Evaluators
from largeloss.training.fit import Phase, fit
from largeloss.training.recipe import Recipe
from largeloss.training.run_folder import RunFolder
from largeloss.training.start import start
from largeloss.training.weights import load_weights

METHODS = ("ll-r", "ll-cp", "role", "curriculum")
CLASSES, INPUTS = 12, 32
LONGEST = 120.0
"""Seconds that a process may take; more is a hang."""


def train(out: Path) -> None:
    """A small run, recorded, saved after every second step; resumed where it has begun."""
    method = out.name.split("-ranks")[0]
    stream = np.random.default_rng(0)
    truth = stream.integers(0, 2, (600, CLASSES))
    values = truth @ stream.normal(size=(CLASSES, INPUTS)) + stream.normal(size=(600, INPUTS))
    table = LabelTable.from_dense(truth)
    splits = {"train": np.arange(500), "val": np.arange(500, 550), "test": np.arange(550, 600)}
    given = Dataset("numbers", FeatureArray(torch.from_numpy(values).float()), table, splits)
    data = given.observed("single-positive")
    settings: dict[str, dict[str, Any]] = {
        "ll-r": {"delta_rel": 5.0},
        "ll-cp": {"delta_rel": 5.0},
        "role": {"labels": torch.from_numpy(data.labels.to_dense()), "expected_positives": 6.0},
        "curriculum": {"limit": 0.55},
    }
    device = start()
    torch.manual_seed(0)
    model = build_classifier(
        "none", CLASSES, (INPUTS,), hidden=64, mean=[0.0] * INPUTS, std=[1.0] * INPUTS, dropout=0.2
    )
    run = RunFolder(out)
    val, test = (Evaluator.of(table, splits[name]) for name in ("val", "test"))
    recipe = Recipe(epochs=5, batch_size=10, lr=1e-3, stop_below=None, checkpoint_every=2)
    criterion, config = LOSSES[method](**settings[method]), {"classes": list(table.classes)}
    phase = Phase(
        model, criterion, data, Evaluators(val, test), recipe, run, config, recording=True
    )
    fit(phase, device, resume=run.state_file.is_file())


def child(out: Path, rank: int, ranks: int, port: int, dies_in_save: int) -> int:
    """Starts a process of the run; gives its number."""
    number = os.fork()
    if number:
        return number
    code = 1
    try:
        if ranks > 1:
            os.environ |= {
                "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(ranks),
                "LOCAL_WORLD_SIZE": str(ranks), "MASTER_ADDR": "127.0.0.1",
                "MASTER_PORT": str(port), "ACCELERATE_USE_CPU": "true",
            }  # fmt: skip
        if dies_in_save and rank == 0:
            die_in_save(dies_in_save)
        train(out)
        code = 0
    except BaseException as error:
        print(f"{out.name}, process {rank}: {type(error).__name__}: {error}", file=sys.stderr)
    finally:
        sys.stderr.flush()
        os._exit(code)


def die_in_save(number: int) -> None:
    """Lets this process be killed within the ``number``-th of its saving's calls to the system."""
    left = [number]

    def dying(call: Callable[..., Any]) -> Callable[..., Any]:
        def count(*arguments: Any, **named: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*arguments, **named)

        return count

    container._Summing.write = dying(container._Summing.write)  # type: ignore[method-assign]
    container.os.fsync = dying(os.fsync)
    container.os.link = dying(os.link)
    Path.replace = dying(Path.replace)  # type: ignore[method-assign]


def attempt(out: Path, ranks: int, after: float, dies_in_save: int) -> str:
    """Starts all processes and kills them after some seconds: "killed", "done" or "failed"."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    numbers = [child(out, rank, ranks, port, dies_in_save) for rank in range(ranks)]
    began, codes, killed = time.monotonic(), {}, False
    while len(codes) < ranks:
        for number in numbers:
            if number not in codes:
                ended, status = os.waitpid(number, os.WNOHANG)
                if ended:
                    codes[number] = os.waitstatus_to_exitcode(status)
        passed = time.monotonic() - began
        dead = -signal.SIGKILL in codes.values()
        if not killed and (passed > after or (dead and len(codes) < ranks)):
            killed = True
            for number in numbers:
                if number not in codes:
                    os.kill(number, signal.SIGKILL)
        if passed > LONGEST:
            raise SystemExit(f"{out}: a process hangs.")
        time.sleep(0.002)
    if killed or -signal.SIGKILL in codes.values():
        return "killed"
    return "done" if set(codes.values()) == {0} else "failed"


def content(out: Path) -> dict[str, Any]:
    """Everything that a run leaves, but for times."""
    state = container.load_state(out / "last" / "state.pt")
    del state["wall_seconds"]
    state["history"]["epochs"] = [
        {name: value for name, value in epoch.items() if name != "seconds"}
        for epoch in state["history"]["epochs"]
    ]
    recorded = {
        path.name: torch.from_numpy(np.load(path)) for path in (out / "recorded").glob("*.npy")
    }
    return {"state": state, "best": load_weights(out / "best"), "recorded": recorded}


def same(one: Any, two: Any) -> bool:
    """Bit for bit, through nested values."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, two) or bool((one.isnan() & two.isnan() | (one == two)).all())
    if isinstance(one, dict):
        return one.keys() == two.keys() and all(same(one[key], two[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(two) and all(map(same, one, two))
    return bool(one == two)


def series(out: Path, ranks: int, seconds: float, stream: random.Random) -> dict[str, int]:
    """One run to its end; how often it was killed."""
    counts = {"kills": 0, "kills in saves": 0, "failures": 0}
    shutil.rmtree(out, ignore_errors=True)
    while True:
        in_save = stream.random() < 0.3
        step = stream.randrange(1, 400) if in_save else 0
        found = attempt(out, ranks, LONGEST if in_save else stream.uniform(0, seconds), step)
        if found == "done":
            return counts
        counts["kills" if found == "killed" else "failures"] += 1
        counts["kills in saves"] += found == "killed" and in_save
        if counts["failures"] > 3:
            return counts


def main() -> None:
    """Sweeps until there are enough kills."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--out", type=Path, default=Path("runs/kill"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.out.mkdir(parents=True, exist_ok=True)
    log = arguments.out / "log.jsonl"
    done = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    while sum(entry["kills"] for entry in done) < arguments.kills:
        number = len(done)
        method, ranks = METHODS[number % 4], 1 + number // 4 % 2
        whole = arguments.out / f"{method}-ranks{ranks}-whole"
        if not (whole / "seconds.json").is_file():
            shutil.rmtree(whole, ignore_errors=True)
            began = time.monotonic()
            if attempt(whole, ranks, LONGEST, 0) != "done":
                raise SystemExit(f"{whole}: the run that nobody kills fails.")
            (whole / "seconds.json").write_text(json.dumps(time.monotonic() - began))
        seconds = json.loads((whole / "seconds.json").read_text())
        out = arguments.out / f"{method}-ranks{ranks}-cut"
        counts = series(out, ranks, seconds, random.Random(number))
        entry = {"method": method, "ranks": ranks, "number": number, **counts}
        entry["same"] = counts["failures"] == 0 and same(content(whole), content(out))
        with log.open("a") as file:
            file.write(json.dumps(entry) + "\n")
        done.append(entry)
        print(entry, flush=True)
        if not entry["same"]:
            shutil.copytree(out, arguments.out / f"lost-{number}", dirs_exist_ok=True)
    kills, lost = sum(entry["kills"] for entry in done), sum(not entry["same"] for entry in done)
    saves = sum(entry["kills in saves"] for entry in done)
    print(f"{kills} kills in {len(done)} runs, {saves} of them within a save: {lost} runs differ.")
    sys.exit(bool(lost))


if __name__ == "__main__":
    main()
