"""The audit: its sample, what counts, and the file that it writes."""

import json
from unittest.mock import Mock

import numpy as np
import pytest

from largeloss.errors import LabelError, RunError
from largeloss.files import checksummed_json, verified_json
from largeloss.labels import LabelTable
from largeloss.labels.audit import AUDIT, read_audit
from largeloss.review import session as sessions
from largeloss.review.audit import open_sample
from largeloss.review.serve import _write_audits
from reviewed import CLASSES, answer, entries, post


def table_of(given):
    return LabelTable.from_dense(given)


def test_the_sample_is_of_unobserved_training_entries_drawn_once_and_only_grows(tmp_path):
    stream = np.random.default_rng(0)
    given = stream.integers(-1, 2, (60, 3))
    given[:, 2] = 1
    train, path, table = np.arange(0, 60, 2), tmp_path / "sample.json", table_of(given)
    first = open_sample(path, table, train, 5, "a")
    for column in range(3):
        blank = {row for row in train.tolist() if given[row, column] < 0}
        assert first.populations[column] == len(blank)
        assert len(first.rows[column]) == len(set(first.rows[column])) == min(5, len(blank))
        assert set(first.rows[column]) <= blank
        assert [first.place(column, row) for row in first.rows[column]] == list(
            range(len(first.rows[column]))
        )
    before = path.read_bytes()
    assert open_sample(path, table, train, 5, "a").rows == first.rows
    assert open_sample(path, table, train, 2, "a").rows == first.rows
    assert path.read_bytes() == before
    more = open_sample(path, table, train, 100, "a")
    assert [more.rows[k][: len(first.rows[k])] for k in range(3)] == list(first.rows)
    assert [len(rows) for rows in more.rows] == list(more.populations)
    assert open_sample(path, table, train, 5, "other labels").rows == first.rows  # the same seed


def test_images_that_are_trained_on_no_longer_leave_the_sample(tmp_path):
    path, table = tmp_path / "sample.json", table_of(np.full((20, 1), -1))
    first = open_sample(path, table, np.arange(20), 5, "a").rows[0]
    train = np.setdiff1d(np.arange(20), first[:3])
    found = open_sample(path, table, train, 5, "a")
    assert found.rows[0][:2] == first[3:]
    assert len(set(found.rows[0])) == 5
    assert set(found.rows[0]) <= set(train.tolist())
    assert open_sample(path, table, train, 5, "a").rows == found.rows


def test_every_entry_is_as_likely_to_be_drawn(tmp_path):
    counts = np.zeros(12)
    given = np.full((12, 400), -1)  # 400 classes are 400 draws
    found = open_sample(tmp_path / "sample.json", table_of(given), np.arange(12), 3, "a")
    for rows in found.rows:
        counts[list(rows)] += 1
    assert counts.sum() == 1200
    assert ((counts - 100) ** 2 / 75).sum() < 30  # chi square, 11 degrees of freedom


def test_a_damaged_sample_is_told(tmp_path):
    path = tmp_path / "sample.json"
    table = table_of(np.full((4, 2), -1))
    open_sample(path, table, np.arange(4), 2, "a")
    for content in (path.read_text().replace('"seed": 1200', '"seed": 1'), "{", "[]"):
        path.write_text(content)
        with pytest.raises(RunError, match=r"sample\.json cannot be read"):
            open_sample(path, table, np.arange(4), 2, "a")
    wrong = {"labels": "a", "seed": 1, "rows": [[9], [0]]}
    path.write_text(checksummed_json(wrong))
    with pytest.raises(RunError, match="not those of the labels"):
        open_sample(path, table, np.arange(4), 2, "a")


def audited(client, column=0):
    return client.get("/api/classes").json()["classes"][column]["audit"]


def test_only_answers_of_the_audit_say_what_counts(opened, reviewed_run):
    (reviewed_run / "review/sample.json").unlink()
    session, client = opened(audited=6)
    shown = entries(client, mode="audit", reviewer="ann")
    rows = [one["row"] for one in shown["entries"]]
    assert rows == list(session.sample.rows[0])
    assert shown["entries"][0]["score"] is None
    answer(client, rows[:2], "yes")  # as suggestions: they do not count
    assert audited(client)["answered"] == 0
    shown = entries(client, mode="audit", reviewer="ann", open=1)
    assert shown["open"] == 6
    assert [one["answer"] for one in shown["entries"]] == [None] * 6  # each is asked in its order
    answer(client, rows[:4], "no", mode="audit")
    answer(client, rows[4:5], "unsure", mode="audit")
    found = post(client, "undo", reviewer="ann").json()
    assert (found["mode"], found["undone"][0]["answer"]) == ("audit", None)
    answer(client, rows[4:5], "unsure", mode="audit")
    assert audited(client)["present"] == 0
    answer(client, rows[:1], "yes")  # on second thoughts, wherever they were had
    answer(client, rows[1:2], "yes", reviewer="bob")  # they disagree: nobody knows
    found = audited(client)
    assert (found["answered"], found["present"], found["unsure"]) == (5, 1, 2)
    assert found["estimate"] == 1 / 3
    assert entries(client, mode="audit", reviewer="ann", open=1)["open"] == 1
    assert entries(client, mode="audit", reviewer="bob", open=1)["open"] == 6
    other = next(
        row for row in range(30) if session.is_open_for_answers(row, 0) and row not in rows
    )
    assert "not in the audit" in answer(client, [other], "no", mode="audit").json()["error"]
    for _ in range(3):
        post(client, "undo", reviewer="ann")
    assert audited(client)["answered"] == 0


def test_the_file_follows_answers_to_audited_entries_wherever_they_were_given(opened):
    session, client = opened()
    rows = session.sample.rows[0][:5]
    answer(client, rows, "yes", mode="audit")
    session.write_audit()
    assert read_audit(session.run / AUDIT).by_class[0].present == 5
    answer(client, rows[:2], "no")  # on second thoughts, in the list of suggestions
    session.write_audit()
    assert read_audit(session.run / AUDIT).by_class[0].present == 3 == audited(client)["present"]


def test_the_file_is_written_once_there_is_room_again(opened, monkeypatch):
    told = []
    session, client = opened(remark=told.append)
    answer(client, session.sample.rows[0][:5], "yes", mode="audit")

    def full(*_):
        raise RunError("no space left")

    with monkeypatch.context() as patched:
        patched.setattr(sessions, "write_audit", full)
        with pytest.raises(RunError, match="no space left"):
            session.write_audit()
        _write_audits(session, Mock(wait=Mock(side_effect=[False, False, True])))
        assert told == ["no space left"]  # and not again every second
    session.write_audit()
    assert read_audit(session.run / AUDIT).by_class[0].present == 5


def test_the_audit_of_all_entries_is_the_truth_is_written_and_reported(opened, reviewed, largeloss):
    session, client = opened(audited=1000)
    _, truth = reviewed
    assert not (session.run / AUDIT).exists()
    shares = []
    for column in range(3):
        rows = [one["row"] for one in entries(client, column, mode="audit", limit=100)["entries"]]
        for word in ("yes", "no"):
            chosen = [row for row in rows if (truth[row, column] == 1) == (word == "yes")]
            assert answer(client, chosen, word, column=column, mode="audit").status_code == 200
        shares.append((int(truth[rows, column].sum()), len(rows)))
    session.write_audit()
    found = read_audit(session.run / AUDIT)
    assert found.classes == CLASSES
    for one, (present, population) in zip(found.by_class, shares, strict=True):
        assert (one.present, one.population, one.answered) == (present, population, population)
        assert one.low == one.estimate == one.high == present / population
    present, population = map(sum, zip(*shares, strict=True))
    assert found.overall.estimate == pytest.approx(present / population)
    assert found.overall.low == pytest.approx(found.overall.high)
    content = json.loads((session.run / AUDIT).read_text())
    assert [one["class"] for one in content["classes"]] == list(CLASSES)
    assert content["overall"]["classes"] == 3
    verified_json((session.run / AUDIT).read_text())
    page = largeloss("report", session.run)
    assert page[0] == 0, page[2]
    shown = (session.run / "report.html").read_text()
    assert "Missing tags, by the audit" in shown
    assert f"{100 * present / population:.1f} % are missing tags" in shown
    assert "onerror=alert(1)>" not in shown  # names are escaped
    (session.run / AUDIT).write_text((session.run / AUDIT).read_text().replace(": 3,", ": 2,"))
    with pytest.raises(LabelError, match="Remove it"):
        read_audit(session.run / AUDIT)
    assert largeloss("report", session.run)[0] == 0
    assert "audit.json cannot be read" in (session.run / "report.html").read_text()
