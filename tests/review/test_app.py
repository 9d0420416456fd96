"""The interface of the review, as the page uses it."""

import io
import json
import os
import sqlite3
from threading import Thread

import numpy as np
import pytest
from PIL import Image

from largeloss.labels.answers import ANSWERS, standing_answers, standing_flags
from reviewed import CLASSES, ODD, ORIGIN, answer, entries, post


def test_classes_and_entries(review):
    session, client = review
    found = client.get("/api/classes", params={"reviewer": "ann"}).json()
    assert [one["name"] for one in found["classes"]] == list(CLASSES)
    assert found["agreement"] == {"both": 0, "agree": 0}
    table = session.table
    for column in range(3):
        blank = {row for row in range(30) if table.at([row], [column])[0] < 0}
        listed = entries(client, column, limit=100)
        assert {one["row"] for one in listed["entries"]} == blank
        assert listed["total"] == listed["open"] == found["classes"][column]["suggestions"]
        scores = [one["score"] for one in listed["entries"]]
        assert scores == sorted(scores, reverse=True)
        assert [one["rank"] for one in listed["entries"]] == list(range(1, len(blank) + 1))
    names = {one["image"] for one in entries(client, 0, limit=100)["entries"]}
    assert ODD in names or table.at([7], [0])[0] >= 0


def test_answers_undo_and_open_entries_are_those_of_a_list(review):
    session, client = review
    order = [one["row"] for one in entries(client, limit=100)["entries"]]
    stream, said, steps = np.random.default_rng(1), {}, []
    for _ in range(40):
        if stream.random() < 0.3:
            found = post(client, "undo", reviewer="ann").json()
            if steps:
                for row, before in steps.pop():
                    said.pop(row)
                    if before is not None:
                        said[row] = before
                assert {one["row"]: one["answer"] for one in found["undone"]} == {
                    one["row"]: said.get(one["row"]) for one in found["undone"]
                }
            else:
                assert found == {"undone": []}
        else:
            rows = stream.choice(order, int(stream.integers(1, 4)), replace=False).tolist()
            word = str(stream.choice(["yes", "no", "unsure"]))
            steps.append([(row, said.get(row)) for row in rows])
            found = answer(client, rows, word).json()
            said |= dict.fromkeys(rows, word)
            counts = [list(said.values()).count(one) for one in ("yes", "no", "unsure")]
            assert [found["class"][one] for one in ("yes", "no", "unsure")] == counts
        start, limit = (int(stream.integers(0, 8)), int(stream.integers(1, 9)))
        left = [row for row in order if row not in said]
        shown = entries(client, reviewer="ann", start=start, limit=limit, open=1)
        assert shown["open"] == len(left)
        assert [one["row"] for one in shown["entries"]] == left[start : start + limit]
        shown = entries(client, reviewer="ann", start=start, limit=limit)
        assert [one["row"] for one in shown["entries"]] == order[start : start + limit]
        assert all(one["answer"] == said.get(one["row"]) for one in shown["entries"])
    assert entries(client, reviewer="bob", open=1)["open"] == len(order)
    kept = {one.image: one.answer for one in standing_answers(session.run / ANSWERS)}
    assert kept == {session.names[row]: word for row, word in said.items()}


def test_the_second_reviewer_is_told_of_the_first_and_agreement_is_counted(review):
    _, client = review
    rows = [one["row"] for one in entries(client)["entries"]]
    assert answer(client, rows[:3], "yes", reviewer="ann").json()["answers"][0]["others"] == []
    found = answer(client, rows[:2], "no", reviewer="bob").json()
    assert found["answers"][0]["others"] == [{"reviewer": "ann", "answer": "yes"}]
    answer(client, rows[1:2], "yes", reviewer="bob")
    answer(client, rows[2:3], "unsure", reviewer="bob")  # neither agrees nor disagrees
    found = client.get("/api/classes").json()
    assert found["reviewers"] == ["ann", "bob"]
    assert found["agreement"] == {"both": 2, "agree": 1}
    assert entries(client, reviewer="bob")["entries"][0]["others"][0]["answer"] == "yes"
    post(client, "undo", reviewer="ann")
    assert client.get("/api/classes").json()["agreement"] == {"both": 0, "agree": 0}


def test_everything_is_there_when_it_is_opened_again(opened):
    session, client = opened()
    rows = [one["row"] for one in entries(client)["entries"]]
    answer(client, rows[:2], "yes")
    answer(client, rows[2:4], "no")
    post(client, "undo", reviewer="ann")
    post(client, "flags", reviewer="ann", row=rows[0], column=0, flagged=True)
    before = [client.get("/api/classes").json(), entries(client, reviewer="ann", limit=100)]
    session, client = opened()
    after = [client.get("/api/classes").json(), entries(client, reviewer="ann", limit=100)]
    assert after == before
    assert [one.image for one in standing_flags(session.run / ANSWERS)] == [session.names[rows[0]]]
    assert post(client, "undo", reviewer="ann").json()["undone"][0]["answer"] is None
    post(client, "flags", reviewer="ann", row=rows[0], column=0, flagged=False)
    assert standing_flags(session.run / ANSWERS) == []


def test_what_the_model_said_is_kept_with_the_answer(review):
    session, client = review
    first = entries(client, 2)["entries"][0]
    answer(client, [first["row"]], "yes", column=2)
    (kept,) = standing_answers(session.run / ANSWERS)
    assert (kept.class_name, kept.score, kept.before) == ("dog", first["score"], -1)
    assert (kept.reviewer, kept.mode) == ("ann", "suggestions")


def test_images_thumbnails_and_maps(review):
    session, client = review
    kept = session.run / "review/thumbnails"
    for row in (0, 7):  # the second has an odd name
        found = client.get(f"/thumbnails/{row}")
        assert Image.open(io.BytesIO(found.content)).size == (24, 16)
        again = client.get(f"/thumbnails/{row}", headers={"If-None-Match": found.headers["etag"]})
        assert again.status_code == 304
    assert len(list(kept.iterdir())) == 2
    assert Image.open(io.BytesIO(client.get("/images/0").content)).format == "JPEG"
    found = client.get("/maps/0/1")
    assert Image.open(io.BytesIO(found.content)).format == "PNG"
    thumbnail = kept / f"{session.images.version(0)}.jpg"
    thumbnail.unlink()
    thumbnail.symlink_to("/etc/passwd")  # laid there by somebody
    assert client.get("/thumbnails/0").content[:2] == b"\xff\xd8"
    assert not thumbnail.is_symlink()


def test_examples_are_confirmed(review):
    session, client = review
    for column in range(3):
        found = [
            one["row"] for one in client.get(f"/api/examples?column={column}").json()["entries"]
        ]
        tagged = [row for row in range(30) if session.table.at([row], [column])[0] == 1]
        assert found == tagged[:3]


def test_examples_are_listed_while_another_reviewer_answers(review):
    session, client = review
    rows = [one["row"] for one in entries(client)["entries"]]
    answer(client, rows[:6], "no")
    other = Thread(target=session.answer, args=("bob", "suggestions", [((rows[7], 0), "no")]))

    class Interrupted(dict):
        def items(self):
            for number, pair in enumerate(super().items()):
                if number == 1:
                    other.start()
                    other.join(0.5)
                yield pair

    tally = session.standing.tally(0)
    tally.latest = Interrupted(tally.latest)
    assert session.examples(0)
    other.join()
    assert rows[7] in tally.latest


def test_what_the_audit_has_answered_is_not_expected_any_more(review):
    session, client = review
    size = session.queue.size(0)
    rows = [session.queue.row(0, place) for place in range(size)]
    assert set(rows) <= set(session.sample.rows[0])
    answer(client, rows[:10], "yes")

    def outlook():
        one = client.get("/api/classes").json()["classes"][0]
        return one["expected"], one["worth"]

    before = outlook()
    assert before[1] == size - 10 > 0
    answer(client, rows[10:], "no", mode="audit")
    assert outlook() == (0, 0)
    post(client, "undo", reviewer="ann")
    assert outlook() == before


GOOD = {"row": 0, "column": 0, "answer": "yes"}


@pytest.mark.parametrize(
    ("mode", "answers", "says"),
    [
        ("suggestions", [], "at least 1"),
        ("suggestions", [GOOD] * 201, "at most 200"),
        ("suggestions", [GOOD] * 2, "an image once"),
        ("suggestions", [GOOD, GOOD | {"column": 1}], "one class"),
        ("other", [GOOD], "mode"),
        ("suggestions", [GOOD | {"answer": "maybe"}], "'yes'"),
        ("suggestions", [GOOD | {"row": "0"}], "integer"),
        ("suggestions", [GOOD | {"row": 10**30}], "less than"),
        ("suggestions", [GOOD | {"row": -1}], "greater than"),
        ("suggestions", [GOOD | {"row": 999}], "999"),
        ("suggestions", [GOOD | {"row": 35}], "35"),
        ("suggestions", [GOOD | {"column": 9}], "no class"),
        ("suggestions", [GOOD | {"x": 1}], "Extra"),
    ],
)
def test_wrong_answers_are_refused_and_nothing_is_kept(review, mode, answers, says):
    session, client = review
    found = post(client, "answers", reviewer="ann", mode=mode, answers=answers)
    assert 400 <= found.status_code < 500
    assert says in found.json()["error"]
    assert not list(session._journal.answers())


def test_observed_labels_cannot_be_answered(review):
    session, client = review
    row = next(row for row in range(30) if session.table.at([row], [0])[0] >= 0)
    blank = entries(client)["entries"][0]["row"]
    found = answer(client, [blank, row], "yes")
    assert found.status_code == 400
    assert "observed already" in found.json()["error"]
    assert not list(session._journal.answers())


@pytest.mark.parametrize("name", ["", " ann", "a\nb", "x" * 41, "\ud800", "\u202e"])
def test_names_of_reviewers_are_printable(review, name):
    _, client = review
    body = json.dumps({"reviewer": name})
    headers = {**ORIGIN, "Content-Type": "application/json"}
    assert client.post("/api/undo", content=body, headers=headers).status_code == 422


@pytest.mark.parametrize("body", ["", "[" * 30_000, '{"reviewer":', "NaN", "[]", "null"])
def test_a_body_that_is_no_request_is_refused(review, body):
    _, client = review
    headers = {**ORIGIN, "Content-Type": "application/json"}
    found = client.post("/api/undo", content=body, headers=headers)
    assert 400 <= found.status_code < 500
    assert found.json()["error"]


def test_a_disk_that_is_full_is_told_and_earlier_answers_stay(review):
    session, client = review
    rows = [one["row"] for one in entries(client)["entries"]]
    answer(client, rows[:1], "yes")
    session._journal._file.execute("PRAGMA query_only = 1")  # as a disk that went away
    found = answer(client, rows[1:2], "yes")
    assert found.status_code == 507
    assert "is not kept, those before it are" in found.json()["error"]
    assert entries(client, reviewer="ann")["entries"][1]["answer"] is None
    session._journal._file.execute("PRAGMA query_only = 0")
    assert answer(client, rows[1:2], "yes").status_code == 200


def test_an_image_that_is_gone_is_told(review, reviewed):
    _, client = review
    image = reviewed[0] / "data/images/03.png"
    content = image.read_bytes()
    image.unlink()
    try:
        found = client.get("/images/3")
        assert found.status_code == 404
        assert "03.png" in found.json()["error"]
        image.write_bytes(content[:60])
        assert client.get("/thumbnails/3").status_code == 404
    finally:
        image.write_bytes(content)


def test_synchronous_writing(review):
    session, _ = review
    file = session._journal._file
    assert file.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert file.execute("PRAGMA synchronous").fetchone() == (2,)
    assert isinstance(file, sqlite3.Connection)
    assert os.path.exists(session.run / ANSWERS)


def test_what_is_sent_again_with_its_id_is_done_once(opened):
    """Its acknowledgement was lost: the server was killed just after the commit."""
    _, client = opened()
    rows = [one["row"] for one in entries(client, limit=2)["entries"]]
    first, second, third = ("abcdefghijklmnop" + end for end in ("1", "2", "3"))

    def say(client, id_, word):
        said = [{"row": row, "column": 0, "answer": word} for row in rows]
        return post(
            client, "answers", reviewer="ann", mode="suggestions", answers=said, id=id_
        ).json()  # fmt: skip

    numbers = [one["number"] for one in say(client, first, "yes")["answers"]]
    assert [one["number"] for one in say(client, first, "yes")["answers"]] == numbers
    say(client, second, "no")
    session, client = opened()  # and after a new start
    assert [one["number"] for one in say(client, first, "yes")["answers"]] == numbers
    assert [one.answer for one in standing_answers(session.run / ANSWERS)] == ["no", "no"]
    expected = [{"row": row, "column": 0, "answer": "yes"} for row in rows]
    for _ in range(2):
        found = post(client, "undo", reviewer="ann", id=third).json()
        assert found["undone"] == expected
    session, client = opened()
    found = post(client, "undo", reviewer="ann", id=third).json()
    assert (found["undone"], found["mode"]) == (expected, "suggestions")
    assert [one.answer for one in standing_answers(session.run / ANSWERS)] == ["yes", "yes"]
    assert post(client, "undo", reviewer="ben", id=third).json() == {"undone": []}
    assert post(client, "undo", reviewer="ann", id="short").status_code == 422
    other = [{"row": rows[0], "column": 0, "answer": "no"}]
    for mode, said in (("suggestions", other), ("suggestions", [other[0] | {"row": rows[1]}])):
        found = post(client, "answers", reviewer="ann", mode=mode, answers=said, id=first)
        assert 400 <= found.status_code < 500
        assert "Other answers were given" in found.json()["error"]


def test_what_is_open_is_told_to_each_reviewer(review):
    session, client = review

    def open_to(reviewer):
        found = client.get("/api/classes", params={"reviewer": reviewer}).json()["classes"][0]
        return found["open"]["suggestions"], found["open"]["audit"]

    size, sampled = session.queue.size(0), len(session.sample.rows[0])
    assert open_to("ann") == open_to("bob") == (size, sampled)
    answer(client, list(session.sample.rows[0]), "no", mode="audit")
    assert open_to("ann") == (size - sampled, 0)
    assert open_to("bob") == (size, sampled)
    found = answer(client, [session.sample.rows[0][0]], "no", reviewer="bob").json()
    assert found["class"]["open"] == {"suggestions": size - 1, "audit": sampled}


def test_answers_that_nobody_sees_are_not_undone(opened, reviewed_run):
    session, client = opened()
    rows = [one["row"] for one in entries(client)["entries"]]
    answer(client, rows[:1], "yes")
    answer(client, rows[1:2], "no")
    name = session.names[rows[1]]
    session._journal._file.execute("UPDATE answers SET image = 'gone' WHERE image = ?", (name,))
    _, client = opened()
    found = post(client, "undo", reviewer="ann").json()
    assert [one["row"] for one in found["undone"]] == rows[:1]
    assert post(client, "undo", reviewer="ann").json() == {"undone": []}
    assert [one.image for one in standing_answers(reviewed_run / ANSWERS)] == ["gone"]


def test_what_a_page_of_another_run_sends_is_refused(review):
    session, client = review
    row = entries(client)["entries"][0]["row"]
    told = client.get("/api/classes").json()["identity"]
    said = {"mode": "suggestions", "answers": [{"row": row, "column": 0, "answer": "yes"}]}
    for route, body in (
        ("answers", said), ("undo", {}), ("flags", {"row": row, "column": 0, "flagged": True})
    ):  # fmt: skip
        found = post(client, route, reviewer="ann", review="0" * 16, **body)
        assert found.status_code == 409
        assert "another run" in found.json()["error"]
        assert post(client, route, reviewer="ann", review=told, **body).status_code == 200
    assert len(list(session._journal.answers())) == 0  # given, and undone
