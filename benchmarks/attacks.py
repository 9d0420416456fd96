"""Inputs of ``fuzz.py`` that somebody would write on purpose: links, bombs, other settings."""

import os
import random
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from largeloss.analysis.recorded import RecordedLosses
from largeloss.config import make_config
from largeloss.files import checksummed_json, verified_json
from largeloss.runs.load import load
from largeloss.runs.result import RunResult
from largeloss.runs.settings import saved_settings
from largeloss.runs.train import train
from largeloss.training.checkpoint_file import load_state, save_state
from largeloss.training.run_folder import RunFolder

VICTIM = "not of the run"
NAMES = (
    "weights", "pretrained", "checkpoint_path", "pretrained_cfg", "cache_dir", "format", "hidden",
    "dropout", "classes", "thresholds", "sha256", "surprise", "num_classes", "backbone_args",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, -1, 0, 1, 7, 10**6, 10**30, 0.5, 1e308, float("nan"), float("inf"), "", "a",
    "\x00\x1b", "../../x", "hf-hub:a/b", "local-dir:/tmp", "resnet18", "https://example.org/x.pth",
    [], [1], ["a", "a"], [0.5] * 3, [0.0] * 3, {}, {"a": 1}, {"url": "https://example.org/x.pth"},
    {"checkpoint_path": "x.pth"}, {"layers": [10**9] * 4}, [[]] * 9,
)  # fmt: skip


def small_run(folder: Path) -> None:
    """``run``: a finished run of two epochs on twelve images in ``images``; a file beside it."""
    (folder / "images").mkdir()
    stream, lines = np.random.default_rng(0), ["image,split,a,b"]
    for place in range(12):
        pixels = stream.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"images/{place}.png")
        split = ("train", "train", "val", "test")[place % 4]
        lines.append(f"images/{place}.png,{split},{place // 4 % 2},{(place // 4 + 1) % 2}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    settings = {
        "data": {"path": str(folder), "observe": "single-positive"},
        "model": {"backbone": "digits", "image_size": 8},
        "training": {"epochs": 2, "batch_size": 2, "workers": 0, "record": "losses"},
    }
    train(make_config([settings]), folder / "run")
    (folder / VICTIM).write_text("mine")


def read_model(folder: Path) -> None:
    """The weights and what describes them."""
    load(folder / "run")


def use_run(folder: Path) -> None:
    """Reads all of a run, and writes what is written when it goes on; nothing else may change."""
    try:
        path = folder / "run"
        load(path)
        saved_settings(path)
        with RunFolder(path) as run:
            run.make()
            RunResult.read(path)
            state = load_state(run.state_file)
            RecordedLosses.read(path)
            run.write_metrics(state["history"]["epochs"])
            run.keep_best()
            save_state(run.state_file, state)
            run.finish(run.result())
    finally:
        if (folder / VICTIM).read_text() != "mine":
            raise AssertionError("a file that is not of the run was changed")


def nest_yaml(folder: Path, stream: random.Random) -> None:
    """Aliases of aliases, brackets in brackets, or a long list, in ``config.yaml``."""
    number, wide = stream.choice((2, 5, 9, 30, 3000)), stream.randrange(2, 12)
    match stream.randrange(4):
        case 0:
            lines = ["a0: &a0 [x, x]"]
            lines += [
                f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * wide)}]"
                for n in range(1, min(number, 30))
            ]
            text = "\n".join(lines)
        case 1:
            opening, closing = stream.choice((("[", "]"), ("{a: ", "}")))
            text = f"data: {opening * number}{closing * stream.choice((0, number))}"
        case 2:
            text = "\n".join(f"{' ' * n}a:" for n in range(number))
        case _:
            text = f"data:\n  classes: [{', '.join(['&a x', *['*a'] * number])}]"
    (folder / "config.yaml").write_text(text + "\n")


def change_description(folder: Path, stream: random.Random) -> None:
    """One to three values or names in ``best/config.json``; its checksum is put right."""
    path = folder / "run/best/config.json"
    content = verified_json(path.read_text())
    for _ in range(stream.choice((1, 1, 2, 3))):
        within = stream.choice([content, content, *(v for v in content.values() if v)])
        if isinstance(within, dict):
            name = stream.choice([*within, *NAMES])
            if stream.randrange(4):
                within[name] = stream.choice(VALUES)
            else:
                within.pop(name, None)
        elif isinstance(within, list):
            stream.shuffle(within)
            within[:] = within[: stream.randrange(len(within) + 1)] + stream.choice(
                ([], ["a"], [7])
            )
    path.write_text(checksummed_json(content))


def lay_links(folder: Path, stream: random.Random) -> None:
    """A link, a FIFO or an empty folder in place of something in the run, or beside it."""
    run = folder / "run"
    held = sorted(path for path in run.rglob("*"))
    path = stream.choice([run / ".lock", run / "head", *held])
    if stream.randrange(2) and path.parent.is_dir():
        path = path.with_name(
            path.name + stream.choice((".partial", ".link", ".tmp", ".1.partial"))
        )
    moved = folder / "moved"
    if path.exists():
        path.rename(moved)
    match stream.randrange(5):
        case 0:
            path.symlink_to(moved if moved.exists() else folder / VICTIM)
        case 1:
            path.symlink_to(folder / VICTIM)
        case 2:
            path.symlink_to(folder, target_is_directory=True)
        case 3:
            os.mkfifo(path)
        case _:
            path.mkdir()
