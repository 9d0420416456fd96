"""Teachers vote on unobserved training entries; a run with them goes on wherever it was cut off."""

import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from conftest import write_image_folder
from largeloss.config import make_config
from largeloss.errors import CheckpointError, ConfigError, RunError
from largeloss.labels import LabelTable, apply_edits, read_edits
from largeloss.runs.sure_limit import SURE, SureLimit
from largeloss.runs.teachers import (
    AUTHOR,
    LIMIT,
    MISSING,
    Teacher,
    Teaching,
    added_tags,
    write_votes,
)
from largeloss.runs.train import train
from largeloss.training.checkpoint_file import load_state, save_state
from largeloss.training.listener import Listener
from largeloss.training.weights import load_weights

SHAPE = (5, 3)


class Stop(Exception):
    """The plug is pulled."""


class Cut(Listener):
    """Pulls it when the n-th epoch of all trainings begins, or when something is said."""

    def __init__(self, epoch: int = -1, word: str = "nothing of the kind") -> None:
        self.epoch, self.word, self.seen = epoch, word, 0

    def begin_epoch(self, epoch: int, epochs: int, steps: int) -> None:
        if self.seen == self.epoch:
            raise Stop
        self.seen += 1

    def remark(self, text: str) -> None:
        if self.word in text:
            raise Stop


def settings(folder: Path, **training: object):
    return make_config(
        [
            {
                "data": {"path": str(folder), "observe": "single-positive"},
                "method": {"name": "ll-cp", "delta_rel": 40.0},
                "model": {"backbone": "digits", "image_size": 16},
                "training": {
                    "epochs": 4, "batch_size": 4, "lr": 1e-2, "head_lr_factor": 1.0,
                    "workers": 0, "stop_below": None, "teachers": 2, **training,
                },
            }
        ]
    )  # fmt: skip


@given(
    arrays(np.int8, SHAPE, elements=st.integers(-1, 1)),
    arrays(np.float32, (3, 3), elements=st.floats(0, 1, width=32)),
)
def test_only_what_is_unobserved_and_probable_becomes_present(states, probabilities):
    labels = LabelTable.from_dense(states)
    rows = np.array([0, 2, 3])
    expected, unsure = states.copy(), []
    for place, row in enumerate(rows):
        for column in range(3):
            if states[row, column] == -1 and probabilities[place, column] >= SURE:
                expected[row, column] = 1
            elif states[row, column] == -1:
                unsure.append(float(probabilities[place, column]))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "corrections.parquet"
        write_votes(path, labels, rows, probabilities, SureLimit(SURE, 7, 5))
        edits, notes = added_tags(path)
    np.testing.assert_array_equal(apply_edits(labels, edits).to_dense(), expected)
    assert set(edits.author) <= {AUTHOR}
    mean = 100 * sum(unsure) / max(1, len(unsure))
    assert float(notes[MISSING]) == pytest.approx(mean, rel=1e-5)


@pytest.mark.parametrize("limit", [0.9, None])
def test_a_limit_of_their_own_is_kept_to(tmp_path, limit):
    labels = LabelTable.from_dense(np.full((2, 2), -1, dtype=np.int8))
    probabilities = np.array([[0.95, 0.9], [0.85, 0.1]], dtype=np.float32)
    chosen = SureLimit(limit, 10, 9)
    write_votes(tmp_path / "e.parquet", labels, np.arange(2), probabilities, chosen)
    edits, notes = added_tags(tmp_path / "e.parquet")
    assert len(edits) == (0 if limit is None else 2)
    assert SureLimit(*json.loads(notes[LIMIT])) == chosen


def test_what_the_teachers_did_is_told():
    teachers = (Teacher(90.0, 3, 1.0),)
    right = str(Teaching(teachers, 12, None, SureLimit(0.8, 100, 93)))
    assert "One teacher (val mAP 90.0) took 12 unobserved training entries for present;" in right
    assert "The limit is a probability of 0.8: on val, 93 % of the 100 entries above" in right
    assert "expects" not in right
    none = str(Teaching(teachers, 0, 3.0, SureLimit(None, 0, 0)))
    assert "took no unobserved training entry for present. No tag is added: val" in none
    assert "it expects 3.0 % to be" in none
    blind = str(Teaching((*teachers, *teachers), 12, 3.0, SureLimit(0.8, 0, 0)))
    assert "2 teachers" in blind
    assert "val cannot say how often that is right" in blind


def stratify(path: Path) -> None:
    """Each kind of image is as frequent in val as in train: val tells how many tags train lacks."""
    head, *lines = path.read_text(encoding="utf-8").splitlines()
    seen: Counter[str] = Counter()
    for place, line in enumerate(lines):
        image, _, kind = line.split(",", 2)
        split = ("train", "train", "train", "val", "test")[seen[kind] % 5]
        lines[place] = f"{image},{split},{kind}"
        seen[kind] += 1
    path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> tuple[Path, Path]:
    """A folder of images, and a run on it."""
    root = tmp_path_factory.mktemp("teachers")
    folder = write_image_folder(root / "images", num=60)
    stratify(folder / "labels.csv")
    train(settings(folder), root / "whole")
    return folder, root / "whole"


def test_the_run_tells_of_its_teachers(whole):
    _, run = whole
    result = json.loads((run / "result.json").read_text())
    edits = read_edits(run / "corrections.parquet")
    added = edits.select(edits.author == AUTHOR)
    assert len(result["teaching"]["teachers"]) == 2
    assert result["teaching"]["added"] == len(added) > 0
    assert result["num_corrections"] == len(edits)
    assert (added.score >= SURE).all()
    assert any("2 teachers (val mAP" in note for note in result["notes"])
    one, two = (load_weights(run / f"teacher-{n}" / "best") for n in range(2))
    assert not torch.equal(one["head.weight"], two["head.weight"])
    assert not torch.equal(one["head.weight"], load_weights(run / "best")["head.weight"])


@pytest.mark.parametrize(
    "cut",
    [lambda: Cut(1), lambda: Cut(5), lambda: Cut(9), lambda: Cut(word="teachers")],
    ids=["first teacher", "second teacher", "student", "after the vote"],
)
def test_a_run_that_is_cut_off_goes_on_the_same(whole, tmp_path, cut: Callable[[], Cut]):
    folder, run = whole
    with pytest.raises(Stop):
        train(settings(folder), tmp_path / "cut", listener=cut())
    train(settings(folder), tmp_path / "cut", resume=True)
    for part in (".", "teacher-0", "teacher-1"):
        one, two = (load_state(root / part / "last/state.pt") for root in (run, tmp_path / "cut"))
        for name, value in one["model"].items():
            assert torch.equal(value, two["model"][name])
        best, again = (load_weights(root / part / "best") for root in (run, tmp_path / "cut"))
        assert all(torch.equal(best[name], again[name]) for name in best)
    before, after = (read_edits(root / "corrections.parquet") for root in (run, tmp_path / "cut"))
    np.testing.assert_array_equal(before.rows, after.rows)
    np.testing.assert_array_equal(before.score, after.score)


def flipped(labels: Path, split: str) -> None:
    """Another label for the first image of a split."""
    head, *lines = labels.read_text(encoding="utf-8").splitlines()
    place = next(n for n, line in enumerate(lines) if line.split(",")[1] == split)
    *before, last = lines[place].split(",")
    lines[place] = ",".join([*before, "0" if last == "1" else "1"])
    labels.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")


@pytest.mark.parametrize("split", ["train", "val"])
@pytest.mark.parametrize("epoch", [1, 2], ids=["before the second teacher", "before the student"])
def test_other_labels_are_refused_although_teachers_are_finished(tmp_path, split, epoch):
    folder = write_image_folder(tmp_path / "images", num=30)
    asked = settings(folder, epochs=1).with_values(data={"observe": "fraction=0.5"})
    with pytest.raises(Stop):
        train(asked, tmp_path / "cut", listener=Cut(epoch))
    shutil.rmtree(tmp_path / "cut/teacher-0/last")  # its result says it, too
    flipped(folder / "labels.csv", split)
    with pytest.raises(CheckpointError, match=r"labels.* are not those that .*teacher-0 was begun"):
        train(asked, tmp_path / "cut", resume=True)


def test_a_table_that_is_drawn_is_the_same_after_a_teacher_in_another_session(tmp_path):
    folder = write_image_folder(tmp_path / "images", num=30)
    asked = settings(folder, epochs=1, teachers=1).with_values(
        method={"name": "role", "delta_rel": None}
    )
    train(asked, tmp_path / "whole")
    with pytest.raises(Stop):
        train(asked, tmp_path / "cut", listener=Cut(1))
    train(asked, tmp_path / "cut", resume=True)
    one, two = (load_state(tmp_path / name / "last/state.pt") for name in ("whole", "cut"))
    for part in ("criterion", "model"):
        assert one[part].keys() == two[part].keys()
        tensors = [name for name, value in one[part].items() if isinstance(value, torch.Tensor)]
        assert tensors
        assert all(torch.equal(one[part][name], two[part][name]) for name in tensors)


@pytest.mark.parametrize(
    ("first", "more"),
    [("teacher-0", {"teachers": 1}),
     ("head", {"teachers": 0, "protocol": "linear-init", "head_epochs": 2})],
)  # fmt: skip
def test_all_sessions_count_in_the_wall_time(tmp_path, first, more):
    folder = write_image_folder(tmp_path / "images", num=30)
    asked = settings(folder, epochs=2, **more).with_values(data={"cache": tmp_path / "cache"})
    with pytest.raises(Stop):
        train(asked, tmp_path / "run", listener=Cut(1))
    file = tmp_path / "run" / first / "last/state.pt"
    save_state(file, load_state(file) | {"wall_seconds": 1000.0})
    with pytest.raises(Stop):  # the first phase ends in this session, the last begins
        train(asked, tmp_path / "run", resume=True, listener=Cut(1))
    assert train(asked, tmp_path / "run", resume=True).wall_seconds > 1000


def test_tags_that_were_tampered_with_are_refused(whole, tmp_path):
    folder, _ = whole
    with pytest.raises(Stop):
        train(settings(folder), tmp_path / "cut", listener=Cut(word="teachers"))
    (tmp_path / "cut/corrections.parquet").write_bytes(b"nothing of the kind")
    with pytest.raises(RunError, match=r"The tags of the teachers in .* cannot be used"):
        train(settings(folder), tmp_path / "cut", resume=True)


def test_a_delta_that_chooses_itself_follows_what_the_teacher_expects(whole, tmp_path):
    folder, _ = whole
    asked = settings(folder, teachers=1, epochs=2).with_values(method={"delta_rel": "auto"})
    train(asked, tmp_path / "run")
    result = json.loads((tmp_path / "run/result.json").read_text())
    assert result["estimated"]["missing_percent"] == pytest.approx(result["teaching"]["missing"])
    assert any("it expects" in note for note in result["notes"])
    (told,) = [note for note in result["notes"] if note.startswith("Δ auto")]
    assert "missing tags (as the teachers expect)" in told


def test_a_share_that_somebody_has_counted_is_kept_less_what_the_teachers_add(tmp_path):
    folder = write_image_folder(tmp_path / "images", num=150)
    stratify(folder / "labels.csv")
    told = settings(folder, teachers=1).with_values(method={"delta_rel": "auto", "missing": 40.0})
    train(told, tmp_path / "run")
    result = json.loads((tmp_path / "run/result.json").read_text())
    hidden = sum(counts[2] for counts in result["train_counts"].values())
    added = result["teaching"]["added"]
    assert added > 0
    expected = max(0.0, 0.4 * hidden - added) / (hidden - added)
    assert result["estimated"]["missing_percent"] == pytest.approx(100 * expected)
    assert not any("it expects" in note for note in result["notes"])
    (said,) = [note for note in result["notes"] if note.startswith("Δ auto")]
    assert "missing tags (as told, less what the teachers have added)" in said


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--protocol", "linear"), "--teachers trains whole networks"),
        (("--record", "losses"), "--record losses is of one training"),
    ],
)
def test_what_does_not_go_with_teachers(largeloss, image_folder, tmp_path, more, message):
    code, _, err = largeloss(
        "train", image_folder, "--backbone", "digits", "--image-size", "16", "--teachers", "1",
        "--observe", "single-positive", "--cache", tmp_path / "cache", *more, "--out",
        tmp_path / "run",
    )  # fmt: skip
    assert code == 2
    assert message in err
    assert not (tmp_path / "run").exists()


def test_the_recipe_is_compared_with_others_by_its_own_name(largeloss, image_folder, tmp_path):
    code, _, err = largeloss(
        "compare", image_folder, "--backbone", "digits", "--image-size", "16", "--epochs", "3",
        "--batch-size", "8", "--workers", "0", "--observe", "single-positive", "--methods",
        "ll-r:auto,auto", "--seeds", "1", "--out", tmp_path / "c",
    )  # fmt: skip
    assert code == 0, err
    found = json.loads((tmp_path / "c/results.json").read_text())
    assert [(run["method"], run["delta_rel"]) for run in found["runs"]] == [
        ("ll-r", "auto"),
        ("auto", None),
    ]
    assert "| Recipe |  |" in (tmp_path / "c/table.md").read_text()
    plain, taught = (
        json.loads((tmp_path / "c" / name / "result.json").read_text())
        for name in ("ll-r-auto-seed0", "auto-seed0")
    )
    assert plain["teaching"] == {}
    assert not any("recipe.md" in note for note in plain["notes"])
    assert any("Recipe: GR, --augment light, --teachers 1." in one for one in taught["notes"])
    assert len(taught["teaching"]["teachers"]) == 1
    assert taught["teaching"]["missing"] is None
    assert not any("expects" in note for note in taught["notes"])
    code, _, err = largeloss("report", tmp_path / "c/auto-seed0")
    assert code == 0, err


def complete(folder: Path, method: str, teachers: int | None, observe: str | None):
    made = settings(folder, teachers=teachers)
    return make_config(
        [made.plain() | {"method": {"name": method}}, {"data": {"observe": observe}}]
    )


@pytest.mark.filterwarnings("ignore::largeloss.errors.CompleteLabelsWarning")
def test_teachers_that_could_add_nothing_are_not_trained(tmp_path):
    data = write_image_folder(tmp_path / "data")
    with pytest.raises(ConfigError, match="none is unobserved here"):
        train(complete(data, "ll-r", 2, None), tmp_path / "asked")
    assert not (tmp_path / "asked").exists()
    # by default, and where labels are hidden for other methods alone
    for number, (method, asked, observe) in enumerate(
        (("auto", None, None), ("full", 2, "single-positive"))
    ):
        out = tmp_path / str(number)
        result = train(complete(data, method, asked, observe), out)
        assert any("teachers have no tag to add" in text for text in result.notes)
        assert not result.teaching
        assert not [*out.glob("teacher-*")]
        again = train(complete(data, method, asked, observe), out, resume=True)
        assert again.test_ap == result.test_ap
