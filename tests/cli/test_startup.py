"""Slow imports wait until arguments are known to be good; only what is needed is imported."""

import json
import subprocess
import sys
from pathlib import Path

from largeloss.losses import LOSSES

HEAVY = ("torch", "timm", "torchvision", "sklearn", "scipy", "matplotlib", "accelerate")


def imported(commands: list[list[str]], code: int, packages: tuple[str, ...]) -> None:
    """Runs ``commands`` in one new process; none may import one of ``packages``."""
    program = (
        "import json, sys; from largeloss.cli import run\n"
        "commands, code, packages = json.loads(sys.argv[1])\n"
        "for command in commands:\n"
        "    assert run(command) == code, command\n"
        "    found = set(packages) & set(sys.modules)\n"
        "    assert not found, (command, found)\n"
    )
    asked = json.dumps([commands, code, packages])
    ended = subprocess.run(
        [sys.executable, "-c", program, asked], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr


def test_a_wrong_argument_is_told_before_torch_is_imported(image_folder: Path) -> None:
    data, none = str(image_folder), str(image_folder / "none")
    new, taken = f"{none}-either", str(image_folder / "taken")
    Path(taken).mkdir()
    (Path(taken) / "file").touch()
    refused = [
        f"train {none} --out {new}",
        f"train {data} --method ll-q --out {new}",
        f"train {data} --out {taken}",
        f"train {data} --labels {none} --out {new}",
        f"train {data} --weights {none} --out {new}",
        f"train --resume --out {none}",
        f"predict {none} {data}",
        f"predict {data} {data} --out {new}.txt",
        f"evaluate {none}",
        f"evaluate {none} --out {new}.txt",
        f"compare {none}",
        f"compare {data} --methods an,ll-q",
        f"compare {data} --tuned {none}",
        f"tune {none}",
        f"tune {data} --methods an,ll-q",
        f"suggest {none}",
        f"review {none}",
        f"report {none}",
        f"thresholds {none}",
        f"export {none} --to onnx --out {new}.onnx",
        f"export {data} --to hub-folder --out {taken}",
        f"labels log {none}",
        f"labels apply {none} --out {new}.csv",
        f"labels revert {none} --out {new}.csv",
        f"labels export {none} --to coco --out {new}.json",
        f"labels import {none} {data} --from wide --out {new}.parquet",
        f"data import voc2012 {none} --out {new}",
        f"data import csv {data} --out {taken}",
        f"data check {none}",
        f"data digits --out {taken}",
        f"data split {none} --out {new}",
        f"data join a={data} b={none} --out {new}",
        f"analyze memorization {none}",
        f"analyze corrections {none}",
        f"analyze examples {none}",
        f"analyze pointing {none}",
        f"analyze cam {none} --image a.jpg",
        f"reproduce --run --table artificial --data voc2012={none}",
        f"demo --methods ll-q --out {new}",
    ]
    imported([line.split() for line in refused], 2, HEAVY)


def test_predict_and_evaluate_import_what_the_model_needs(small_run: Path, tmp_path: Path) -> None:
    images = next(small_run.parent.glob("**/*.png")).parent
    commands = [
        ["predict", str(small_run), str(images), "--workers", "0", "--out", f"{tmp_path}/a.csv"],
        ["evaluate", str(small_run)],
    ]
    imported(commands, 0, HEAVY[1:6])


def test_what_is_wrong_is_told_to_python_before_torch_is_imported() -> None:
    program = (
        "import sys, largeloss\n"
        "for call in (\n"
        "    lambda: largeloss.load('none'), lambda: largeloss.evaluate('none'),\n"
        "    lambda: largeloss.predict('none', 'a.jpg'), lambda: largeloss.train('none'),\n"
        "    lambda: largeloss.compare('none'), lambda: largeloss.tune('none'),\n"
        "):\n"
        "    try:\n"
        "        call()\n"
        "    except (largeloss.errors.ConfigError, largeloss.errors.DataError):\n"
        "        assert 'torch' not in sys.modules, call\n"
        "    else:\n"
        "        raise AssertionError(call)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr


def test_names_of_methods_are_those_of_their_classes() -> None:
    assert [method.name for method in LOSSES.values()] == list(LOSSES)
