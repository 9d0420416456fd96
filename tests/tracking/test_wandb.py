"""Weights & Biases offline: its own files hold what the run folder holds. By make test-tracking."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from run_folders import Noting, asking, copied, interrupted, trained_to

from largeloss.runs.result import RunResult
from largeloss.runs.tracking import tracked

wandb = pytest.importorskip("wandb")


@pytest.fixture
def followed(small_run, tmp_path) -> Path:
    return copied(small_run, tmp_path)


@pytest.fixture
def listener() -> Noting:
    return Noting()


@pytest.fixture(autouse=True)
def offline(monkeypatch, tmp_path):
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    monkeypatch.setenv("WANDB_SILENT", "true")
    yield
    wandb.teardown()  # or the next test would have these settings


def records(path: Path) -> Iterator[Any]:
    """Of a ``.wandb`` file: a log as LevelDB writes it, after seven bytes of its own."""
    from wandb.proto.wandb_internal_pb2 import Record

    content, place, parts = path.read_bytes(), 7, b""
    while place + 7 <= len(content):
        left = 32768 - place % 32768
        if left < 7:
            place += left
            continue
        _, length, kind = struct.unpack_from("<IHB", content, place)
        parts += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # whole, or the last part
            record = Record()
            record.ParseFromString(parts)
            yield record
            parts = b""


def told(folder: Path) -> dict[str, Any]:
    """What was sent of a run: its names, settings, steps, summary, artifacts and exit codes."""
    found: dict[str, Any] = {
        "ids": set(), "groups": set(), "config": {}, "steps": [], "summary": {}, "artifacts": {},
        "exits": [],
    }  # fmt: skip
    for path in sorted(folder.glob("wandb/offline-run-*/*.wandb")):
        for record in records(path):
            kind = record.WhichOneof("record_type")
            if kind == "run":
                found["ids"].add(record.run.run_id)
                found["groups"].add(record.run.run_group)
            elif kind == "config":
                for item in record.config.update:
                    found["config"][item.key] = json.loads(item.value_json)
            elif kind == "history":
                values = {
                    ".".join(item.nested_key) or item.key: json.loads(item.value_json)
                    for item in record.history.item
                }
                found["steps"].append((record.history.step.num, values))
            elif kind == "summary":
                for item in record.summary.update:
                    name = ".".join(item.nested_key) or item.key
                    found["summary"][name] = json.loads(item.value_json)
            elif kind == "artifact":
                names = {entry.path for entry in record.artifact.manifest.contents}
                found["artifacts"][record.artifact.type] = names
            elif kind == "exit":
                found["exits"].append(record.exit.exit_code)
    return found


def test_a_run_that_is_resumed_is_one_run_with_each_epoch_once(followed, listener, tmp_path):
    result = (followed / "result.json").rename(tmp_path / "result.json")
    trained_to(followed, 2)
    interrupted(followed, "wandb", listener, "both", epochs=3)
    result.rename(followed / "result.json")
    trained_to(followed, 4)
    with tracked(asking(followed, "wandb"), followed, listener, "both"):
        pass
    assert not listener.remarks
    found, run = told(tmp_path), RunResult.read(followed)
    (name,) = found["ids"]
    assert json.loads((followed / "tracking.json").read_text())["wandb"]["run"] == name
    assert found["groups"] == {"both"}
    assert found["config"]["training"]["epochs"] == 1
    epochs = [(step, values["epoch"]) for step, values in found["steps"] if "val_map" in values]
    assert epochs == [(0, 0), (1, 1), (2, 2), (3, 3)]
    shown = {name.partition(".")[0] for _, values in found["steps"] for name in values}
    assert {"classes", "report", "train_loss"} <= shown
    assert found["summary"]["result/test_map"] == pytest.approx(run.test_map)
    assert found["summary"]["test_ap/red"] == pytest.approx(100 * run.test_ap["red"])
    assert found["artifacts"]["model"] == {"model.safetensors", "config.json"}
    assert {"report.html", "config.yaml", "result.json"} <= found["artifacts"]["run"]
    assert found["exits"] == [1, 0]
    assert "wandb sync" in listener.messages[0]


def test_without_a_login_training_goes_on(followed, listener, monkeypatch, tmp_path):
    monkeypatch.setenv("WANDB_MODE", "online")
    monkeypatch.setenv("WANDB_API_KEY", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with tracked(asking(followed, "wandb"), followed, listener):
        pass
    (remark,) = listener.remarks
    assert "wandb has failed" in remark
