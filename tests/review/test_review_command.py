"""``largeloss review`` by the command line: what it refuses, and a real server."""

import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import sys
import urllib.request
from types import SimpleNamespace

import numpy as np

from largeloss.files import digest
from largeloss.labels import LabelTable, read_labels, write_labels
from largeloss.labels.answers import ANSWERS, standing_answers
from largeloss.review.session import Review
from reviewed import SMALL, answer, entries


def failed(largeloss, *arguments):
    code, _, err = largeloss("review", *arguments, "--port", 0)
    assert code == 2, err
    assert "Traceback" not in err
    return err


def test_what_is_no_finished_run_is_refused(largeloss, tmp_path, reviewed_run):
    assert "There is no run in" in failed(largeloss, tmp_path)
    (reviewed_run / "result.json").unlink()
    assert "is not finished" in failed(largeloss, reviewed_run)


def test_an_unknown_class_is_named(largeloss, reviewed_run):
    err = failed(largeloss, reviewed_run, "--class", "cta")
    assert "no class 'cta'" in err
    assert "Did you mean 'cat'?" in err


def test_a_port_in_use_is_told(largeloss, reviewed_run):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, _, err = largeloss("review", reviewed_run, "--port", port)
    assert code == 2
    assert re.search(rf"Port {port} of 127.0.0.1 cannot be used .*--port", err)


def test_hosts_and_tokens_are_checked(largeloss, reviewed_run):
    err = failed(largeloss, reviewed_run, "--host", "no such host")
    assert "--host no such host is no address" in err
    assert "at least 16" in failed(largeloss, reviewed_run, "--token", "short")
    assert "at least 16" in failed(
        largeloss, reviewed_run, "--token", "a token with blanks; and more"
    )


def test_a_folder_that_cannot_be_written_is_told(largeloss, reviewed_run, monkeypatch):
    refusing = SimpleNamespace(access=lambda path, mode: False, W_OK=os.W_OK)
    monkeypatch.setattr("largeloss.review.checks.os", refusing)  # root may write everywhere
    assert "review cannot be written (permission denied)" in failed(largeloss, reviewed_run)
    monkeypatch.undo()
    shutil.rmtree(reviewed_run / "review")
    (reviewed_run / "review").write_text("a file")
    assert "review cannot be written" in failed(largeloss, reviewed_run)
    (reviewed_run / "review").unlink()
    (reviewed_run / "review").symlink_to("/tmp")
    assert "is a link" in failed(largeloss, reviewed_run)


def test_a_journal_of_another_run_is_refused(largeloss, reviewed_run):
    with Review(reviewed_run):
        pass
    path = reviewed_run / ANSWERS
    with sqlite3.connect(path) as file:
        file.execute("UPDATE journal SET value = 'other' WHERE name = 'weights'")
    file.close()
    before = path.read_bytes()
    assert "holds answers of another run" in failed(largeloss, reviewed_run)
    assert path.read_bytes() == before


def test_answers_stay_where_the_data_are_moved(opened, reviewed, reviewed_run, tmp_path, largeloss):
    _, client = opened()
    row = entries(client)["entries"][0]["row"]
    answer(client, [row], "yes")
    moved = shutil.copytree(reviewed[0] / "data", tmp_path / "moved")
    before = (reviewed_run / "config.yaml").read_bytes()
    found = largeloss("train", moved, *SMALL, "--resume", "--out", reviewed_run)
    assert found[0] == 0, found[2]
    assert (reviewed_run / "config.yaml").read_bytes() != before
    _, client = opened()
    assert entries(client, reviewer="ann")["entries"][0]["answer"] == "yes"


def test_a_journal_of_an_earlier_version_is_opened(opened, reviewed_run):
    session, _ = opened()
    session._journal._file.execute("UPDATE journal SET value = 'x' WHERE name = 'weights'")
    settings = digest(reviewed_run / "config.yaml")
    session._journal._file.execute("INSERT INTO journal VALUES ('settings', ?)", (settings,))
    assert opened()[0].kept == 0


def test_labels_that_have_changed_since_training_are_told(
    opened, reviewed, reviewed_run, tmp_path, largeloss
):
    moved = shutil.copytree(reviewed[0] / "data", tmp_path / "moved")
    assert largeloss("train", moved, *SMALL, "--resume", "--out", reviewed_run)[0] == 0
    told = []
    opened(remark=told.append)
    assert told == []
    file = read_labels(moved / "labels.parquet")
    states = file.table.to_dense()
    states[np.argwhere(states[:, 0] < 0)[0, 0], 0] = 0
    table = LabelTable.from_dense(states, file.table.images, file.table.classes)
    write_labels(moved / "labels.parquet", table, splits=file.splits)
    opened(remark=told.append)
    assert "not those that the run was trained with" in told[0]


def test_a_second_server_for_the_same_run_is_refused(largeloss, reviewed_run):
    with Review(reviewed_run):
        assert "under review in another process" in failed(largeloss, reviewed_run)


def test_a_run_without_images_is_refused(largeloss, tmp_path):
    lines = ["image,split,a,b"]
    lines += [f"{row},{'train' if row < 8 else 'val'},{row % 2},{row % 3 % 2}" for row in range(12)]
    import torch

    from largeloss.data.folder.read import write_features

    (tmp_path / "data").mkdir()
    (tmp_path / "data/labels.csv").write_text("\n".join(lines) + "\n")
    names = [str(row) for row in range(12)]
    write_features(tmp_path / "data/features.safetensors", torch.randn(12, 3), names)
    words = ("--method", "an", "--epochs", 1, "--workers", 0, "--lr", "1e-2")
    code, _, err = largeloss("train", tmp_path / "data", *words, "--out", tmp_path / "run")
    assert code == 0, err
    assert "there is nothing to show" in failed(largeloss, tmp_path / "run")


def test_without_the_extra_the_command_says_what_to_install(largeloss, reviewed_run, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert "pip install 'largeloss[review]'" in failed(largeloss, reviewed_run)


def test_other_weights_and_damage_rank_anew(reviewed_run):
    with Review(reviewed_run) as before:
        rows = before.queue.rows.tolist()
    kept = reviewed_run / "review/queue.npy"
    content = bytearray(kept.read_bytes())
    content[-5] ^= 1
    kept.write_bytes(content)
    with Review(reviewed_run) as session:
        assert session.queue.rows.tolist() == rows
    assert kept.read_bytes() != bytes(content)
    noted = json.loads((reviewed_run / "review/queue.json").read_text())
    noted["fingerprint"] = "of other weights"
    (reviewed_run / "review/queue.json").write_text(json.dumps(noted))
    with Review(reviewed_run) as session:
        assert session.queue.fingerprint != "of other weights"


def test_answers_of_labels_that_are_gone_are_kept_and_told(opened, reviewed_run):
    session, client = opened()
    answer(client, [entries(client)["entries"][0]["row"]], "yes")
    session._journal._file.execute("UPDATE answers SET image = 'gone.jpg'")
    said = []
    session, _ = opened(remark=said.append)
    assert len(said) == 1
    assert "1 answers are of entries that are no longer" in said[0]
    assert len(standing_answers(reviewed_run / ANSWERS)) == 1


def ask(address, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    headers = {"Origin": address, "Content-Type": "application/json"} if data else {}
    request = urllib.request.Request(address + path, data, headers)
    with urllib.request.urlopen(request, timeout=60) as reply:
        return json.loads(reply.read())


def test_a_server_ends_cleanly_and_keeps_every_answer(command, reviewed_run):
    started = command("review", reviewed_run, "--port", 0, "--class", "cat")
    line = started.process.stdout.readline()
    assert line.strip().endswith("/?class=cat")
    address = line.split()[-1].split("/?")[0]
    first = ask(address, "/api/entries?column=0")["entries"][0]
    said = [{"row": first["row"], "column": 0, "answer": "yes"}]
    body = {"reviewer": "ann", "mode": "suggestions", "answers": said}
    assert ask(address, "/api/answers", body)["answers"][0]["number"] == 1
    started.process.send_signal(signal.SIGINT)
    code, out, err = started.ended()
    assert (code, err) == (0, "")
    assert "Answers to 1 label are kept" in out
    assert "largeloss labels apply" in out
    assert "--out corrected.csv" in out
    assert not (reviewed_run / "review/answers.sqlite3-wal").exists()
    assert [one.answer for one in standing_answers(reviewed_run / ANSWERS)] == ["yes"]
