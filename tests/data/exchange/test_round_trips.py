"""Labels written for other programs come back with all three states."""

import json
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from largeloss.data.exchange.coco import read_coco, write_coco
from largeloss.data.exchange.huggingface import read_huggingface, write_huggingface
from largeloss.data.exchange.label_studio import (
    ModelSays,
    label_config,
    read_label_studio,
    write_label_studio,
)
from largeloss.errors import DataError, LabelError
from largeloss.labels import LabelTable

NAME = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters="\\/:"),
    min_size=1, max_size=4,
).filter(lambda name: name not in {".", "..", "file_name", "split"})  # fmt: skip


@st.composite
def tables(draw):
    images = draw(st.lists(NAME, min_size=1, max_size=4, unique=True))
    classes = draw(st.lists(NAME, min_size=1, max_size=4, unique=True))
    size = len(images) * len(classes)
    states = draw(st.lists(st.sampled_from([1, 0, -1]), min_size=size, max_size=size))
    dense = np.array(states, np.int8).reshape(len(images), len(classes))
    return LabelTable.from_dense(dense, [f"images/{name}" for name in images], classes)


def submitted(tasks):
    """As an annotator who submits what is known leaves them."""
    for task in tasks:
        known = [one for one in task["predictions"] if one["model_version"] == "labels"]
        task["annotations"] = [
            {"result": one["result"], "completed_by": 1, "updated_at": "2030-01-01"}
            for one in known
        ]
    return tasks


@given(tables(), st.booleans())
@settings(max_examples=60)
def test_every_format_keeps_three_states(tmp_path_factory, table, with_splits):
    folder = tmp_path_factory.mktemp("exchange")
    splits = ["val"] * table.num_images if with_splits else None
    write_coco(folder / "labels.json", table, splits)
    assert read_coco(folder / "labels.json") == table
    write_huggingface(folder / "metadata.jsonl", table, splits)
    assert read_huggingface(folder / "metadata.jsonl") == table
    tasks = folder / "tasks.json"
    write_label_studio(tasks, table)
    assert read_label_studio(tasks) == []  # nobody annotated anything yet
    tasks.write_text(json.dumps(submitted(json.loads(tasks.read_text()))))
    answers = read_label_studio(tasks)
    rows = [table.images.index(one.image) for one in answers]
    columns = [table.classes.index(one.class_name) for one in answers]
    blank = LabelTable.from_dense(np.full(table.shape, -1), table.images, table.classes)
    assert blank.replace(rows, columns, [one.state for one in answers]) == table


def example():
    dense = [[1, 0, -1], [-1, -1, 1]]
    return LabelTable.from_dense(dense, ["a b.jpg", "ü&?.jpg"], ["cat", "<dog>", "image"])


def test_coco_has_absences_as_lvis_has_them(tmp_path):
    write_coco(tmp_path / "labels.json", example(), ["train", "val"])
    content = json.loads((tmp_path / "labels.json").read_text())
    assert content["images"] == [
        {"id": 1, "file_name": "a b.jpg", "split": "train", "neg_category_ids": [2]},
        {"id": 2, "file_name": "ü&?.jpg", "split": "val", "neg_category_ids": []},
    ]
    assert content["annotations"] == [
        {"id": 1, "image_id": 1, "category_id": 1}, {"id": 2, "image_id": 2, "category_id": 3}
    ]  # fmt: skip
    content["images"][1]["neg_category_ids"] = [1, 3]
    (tmp_path / "both.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match="has an annotation of 'image', which its neg_category_ids"):
        read_coco(tmp_path / "both.json")
    content["images"][1]["neg_category_ids"] = [1, 9]
    (tmp_path / "both.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"\$.images\[1\].neg_category_ids is 9, which is none of"):
        read_coco(tmp_path / "both.json")


def test_huggingface_has_a_nullable_column_for_each_class(tmp_path):
    write_huggingface(tmp_path / "metadata.jsonl", example())
    first, _ = (tmp_path / "metadata.jsonl").read_text().splitlines()
    assert json.loads(first) == {"file_name": "a b.jpg", "cat": 1, "<dog>": 0, "image": None}
    written = (tmp_path / "metadata.jsonl").read_text()
    (tmp_path / "metadata.jsonl").write_text(written, encoding="utf-8-sig")
    assert read_huggingface(tmp_path / "metadata.jsonl") == example()
    table = LabelTable.from_dense([[1]], ["a"], ["split"])
    with pytest.raises(LabelError, match="A class is called 'split'"):
        write_huggingface(tmp_path / "other.jsonl", table)


def test_label_studio_asks_for_every_tag_and_hears_the_model(tmp_path):
    table, path = example(), tmp_path / "tasks.json"
    model = ModelSays({0: np.array([0.1, 0.2, 0.75]), 1: np.array([0.3, np.nan, 0.9])},
                      np.array([0.5, 0.5, 0.6]))  # fmt: skip
    config = write_label_studio(path, table, model, prefix="https://files/")
    tasks = json.loads(path.read_text())
    assert [task["data"] for task in tasks] == [
        {"image": "https://files/a%20b.jpg", "name": "a b.jpg"},
        {"image": "https://files/%C3%BC%26%3F.jpg", "name": "ü&?.jpg"},
    ]
    known, said = tasks[0]["predictions"]
    assert [(one["from_name"], one["value"]["choices"]) for one in known["result"]] == [
        ("cat", ["yes"]), ("<dog>", ["no"]),
    ]  # fmt: skip
    assert said["model_version"] == "largeloss"
    assert [
        (one["from_name"], one["value"]["choices"], one["score"]) for one in said["result"]
    ] == [("image", ["yes"], 0.75)]
    assert (said["score"], tasks[1]["predictions"][1]["score"]) == (0.75, 0.3)
    view = ElementTree.fromstring(config.read_text())
    picture = view.find("Image").attrib["name"]
    assert [one.attrib["name"] for one in view.iter("Choices")] == list(table.classes)
    assert picture not in table.classes
    assert {one.attrib["toName"] for one in view.iter("Choices")} == {picture}
    assert {one["to_name"] for one in known["result"] + said["result"]} == {picture}
    assert [one.attrib["value"] for one in view.iter("Choice")] == ["yes", "no", "unsure"] * 3
    with pytest.raises(LabelError, match="which XML cannot hold"):
        label_config(LabelTable.from_dense([[1]], ["a"], ["\x01"]))


def answer(word, name="cat", kind="choices"):
    return {"from_name": name, "type": kind, "value": {"choices": [word]}}


def test_what_comes_back_from_label_studio(tmp_path):
    path = tmp_path / "export.json"
    tasks = [
        {"id": 1, "data": {"image": "x", "name": "a.jpg"}, "predictions": [], "annotations": [
            {"completed_by": {"id": 4, "email": "anna@b.c"}, "result": [
                answer("yes"), answer("unsure", "dog"),
                {"from_name": "box", "type": "rectanglelabels", "value": {"x": 1}},
            ]},
            {"completed_by": 5, "updated_at": "2030-01-01T00:00:00Z", "result": [answer("no")]},
            {"was_cancelled": True, "result": [answer("no")]},
        ]},
        {"id": 2, "data": {"name": "b.jpg"}, "annotations": []},
    ]  # fmt: skip
    path.write_text(json.dumps(tasks))
    assert [tuple(one) for one in read_label_studio(path)] == [
        ("a.jpg", "cat", 1, "anna@b.c", ""),
        ("a.jpg", "dog", -1, "anna@b.c", ""),
        ("a.jpg", "cat", 0, "5", "2030-01-01T00:00:00Z"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no export of Label Studio"),
        ("[" * 100_000, "no export of Label Studio"),
        ('{"images": []}', "no export of Label Studio"),
        ('[{"image": "a.jpg", "cat": "yes"}]', "no export of Label Studio"),
        ('[{"data": {"image": "a.jpg"}}]', r"\$\[0\]: 'data' has no 'name'"),
        (json.dumps([{"data": {"name": "a"}, "annotations": [{"result": [answer("maybe")]}]}]),
         r"the answer to 'cat' is \['maybe'\]. Needed is one of yes, no, unsure"),
    ],
)  # fmt: skip
def test_other_exports_of_label_studio_are_refused(tmp_path, text, message):
    (tmp_path / "export.json").write_text(text)
    with pytest.raises(DataError, match=message):
        read_label_studio(tmp_path / "export.json")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there is no image with a class"),
        ('{"file_name": "a"}\n', "there is no image with a class"),
        ('{"file_name": "a", "cat": 1}\n[1]\n', "line 2: this is no JSON object"),
        ("[" * 100_000, "line 1: this is no JSON object"),
        ('{"file_name": "a", "cat": 1, "cat": 0}', "line 1: .*'cat'.* twice"),
        ('{"cat": 1}', "line 1: there is no 'file_name'"),
        ('{"file_name": "a", "cat": 2}', "line 1: 'cat' is 2. Needed: 1"),
        ('{"file_name": "a", "cat": [1]}', r"line 1: 'cat' is \[1\]. Needed: 1"),
        ('{"file_name": "a", "cat": "1"}', "line 1: 'cat' is '1'. Needed: 1"),
    ],
)
def test_other_metadata_is_refused(tmp_path, text, message):
    (tmp_path / "metadata.jsonl").write_text(text)
    with pytest.raises(DataError, match=message):
        read_huggingface(tmp_path / "metadata.jsonl")
    with pytest.raises(DataError, match="cannot be read"):
        read_huggingface(tmp_path / "none.jsonl")
