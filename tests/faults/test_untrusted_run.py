"""A run folder that comes from somebody else: it must not reach any other file, and run nothing."""

import json
import os
import pickle
import shutil
from pathlib import Path

import pytest

from largeloss.errors import CheckpointError, ConfigError
from largeloss.files import checksummed_json, verified_json, write_text
from largeloss.models import build_classifier
from largeloss.runs.load import load
from largeloss.training.checkpoint_file import save_state
from largeloss.training.run_folder import RunFolder
from processes import SMALL


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A small run of images, to be copied."""
    from conftest import write_image_folder
    from largeloss.cli import run

    root = tmp_path_factory.mktemp("run")
    data = write_image_folder(root / "images")
    arguments = ("train", str(data), *SMALL, "--method", "ll-cp", "--delta-rel", "5", "--epochs")
    assert run([*arguments, "2", "--record", "losses", "--out", str(root / "run")]) == 0
    return root / "run"


@pytest.fixture
def run_folder(finished, tmp_path):
    """A copy of it."""
    return Path(shutil.copytree(finished, tmp_path / "run"))


LINKS = (
    "report.html.partial", "memorization.json.partial", "result.json.partial", "report.html",
    "last/state.pt.partial", "last/state.pt", "last/state.pt.link", "last/previous-state.pt",
    "best/config.json.partial", "best/config.json", "recorded/losses.partial", "recorded/rows.npy",
    "metrics.csv", "metrics.csv.partial", "config.yaml", ".lock", "corrections.parquet",
)  # fmt: skip
FOLDERS = ("best", "last", "recorded", "head")


def commands(run: Path) -> list[tuple[object, ...]]:
    return [
        ("report", run),
        ("analyze", "memorization", run),
        ("analyze", "corrections", run),
        ("evaluate", run),
        ("train", "--resume", "--out", run),
    ]


@pytest.mark.parametrize("name", LINKS)
def test_finding_15_a_link_in_a_run_folder_is_refused(largeloss, run_folder, tmp_path, name):
    victim, link = tmp_path / "victim", run_folder / name
    if link.is_file():  # what is read is the right file, but elsewhere
        link.replace(victim)
    else:
        victim.write_text("mine")
    before = victim.read_bytes()
    link.symlink_to(victim)
    for arguments in commands(run_folder):
        code, _, err = largeloss(*arguments)
        assert code == 2, (arguments, err)
        assert "is a link" in err
        assert name in err.replace("\n", "")
    assert victim.read_bytes() == before


@pytest.mark.parametrize("name", FOLDERS)
def test_finding_15_a_linked_folder_in_a_run_is_refused(largeloss, run_folder, tmp_path, name):
    (tmp_path / "elsewhere").mkdir()
    if (run_folder / name).is_dir():
        shutil.copytree(run_folder / name, tmp_path / "elsewhere", dirs_exist_ok=True)
        shutil.rmtree(run_folder / name)
    (run_folder / name).symlink_to(tmp_path / "elsewhere")
    (run_folder / "result.json").unlink()
    held = sorted((tmp_path / "elsewhere").iterdir())
    for arguments in commands(run_folder):
        code, _, err = largeloss(*arguments)
        assert code == 2, (arguments, err)
        assert "is a link" in err
    assert sorted((tmp_path / "elsewhere").iterdir()) == held


@pytest.mark.parametrize("name", ["result.json", "last/state.pt", "best/config.json"])
def test_finding_15_what_is_no_file_is_refused_at_once(largeloss, run_folder, name):
    (run_folder / name).unlink()
    os.mkfifo(run_folder / name)
    for arguments in commands(run_folder):
        code, _, err = largeloss(*arguments)
        assert code == 2, (arguments, err)
        assert "neither a file nor a folder" in err


def test_finding_15_the_run_folder_itself_may_be_a_link(largeloss, run_folder, tmp_path):
    (tmp_path / "latest").symlink_to(run_folder)
    code, _, err = largeloss("evaluate", tmp_path / "latest")
    assert code == 0, err


def test_finding_15_a_folder_that_cannot_be_is_refused(largeloss, tmp_path):
    code, _, err = largeloss("evaluate", tmp_path / ("x" * 300))
    assert code == 2
    assert "cannot be read" in err


def test_finding_15_a_link_in_an_empty_run_folder(largeloss, image_folder, tmp_path):
    (tmp_path / "victim").write_text("mine")
    (tmp_path / "run").mkdir()
    (tmp_path / "run/.lock").symlink_to(tmp_path / "victim")
    code, _, err = largeloss("train", image_folder, *SMALL, "--out", tmp_path / "run")
    assert code == 2
    assert "is a link" in err
    assert (tmp_path / "victim").read_text() == "mine"


@pytest.mark.parametrize(
    "write", [lambda path: write_text(path, "new"), lambda path: save_state(path, {"n": 1})]
)
@pytest.mark.parametrize("laid", ["link", "hard link", "file"])
def test_finding_15_what_lies_beside_a_file_is_not_written_to(tmp_path, write, laid):
    victim, path = tmp_path / "victim", tmp_path / "out/file"
    victim.write_text("mine")
    path.parent.mkdir()
    for name in ("file.partial", "file.link"):
        beside = path.with_name(name)
        if laid == "link":
            beside.symlink_to(victim)
        elif laid == "hard link":
            os.link(victim, beside)
        else:
            beside.write_text("mine")
    write(path)
    write(path)
    assert victim.read_text() == "mine"
    assert path.with_name("file.partial").read_text() == "mine"
    held = {p.name for p in path.parent.iterdir()} - {"previous-file"}
    assert held == {"file", "file.partial", "file.link"}


def test_finding_15_a_file_that_takes_the_place_of_a_link_leaves_its_target(tmp_path):
    (tmp_path / "victim").write_text("mine")
    (tmp_path / "table.csv").symlink_to(tmp_path / "victim")
    write_text(tmp_path / "table.csv", "new")
    assert (tmp_path / "victim").read_text() == "mine"
    assert (tmp_path / "table.csv").read_text() == "new"


def test_what_a_killed_process_left_half_written_is_removed(tmp_path):
    run = RunFolder(tmp_path / "run")
    run.make()
    run.recorded.mkdir()
    left = [run.path / "metrics.csv.0123.partial", run.last / "state.pt.4567.partial"]
    for path in (*left, run.recorded / "losses.partial"):
        path.touch()
    run.make()
    assert not any(path.exists() for path in left)
    assert (run.recorded / "losses.partial").exists()


def test_a_new_file_has_the_usual_permissions(tmp_path):
    write_text(tmp_path / "a", "")
    (tmp_path / "b").write_text("")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


# best/config.json


class Evil:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def changed(run: Path, change) -> None:
    """Changes ``best/config.json``, and puts its checksum right."""
    path = run / "best/config.json"
    content = verified_json(path.read_text())
    change(content)
    path.write_text(checksummed_json(content))


def within(**values):
    return lambda content: content["architecture"].update(values)


def put(**values):
    return lambda content: content.update(values)


def arguments(backbone="resnet18", **values):
    return within(backbone=backbone, backbone_args=values)


RULE = {"probability": 0.5, "precision": 1.0, "recall": None, "positives": 3}
REVERSED = {"classes": ["blue", "red"], "thresholds": {"blue": RULE, "red": RULE}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (within(weights="/tmp/any.safetensors"), "architecture.weights"),
        (within(pretrained=True), "architecture.pretrained"),
        (within(num_classes=3), "architecture.num_classes"),
        (within(dropout=7), "architecture.dropout"),
        (within(dropout="0.5"), "architecture.dropout"),
        (within(hidden=-1), "architecture.hidden"),
        (within(mean=[0.5]), "mean and std must have 3 numbers"),
        (within(std=[0.5, 0.5, 0.0]), "architecture.std.2"),
        (within(std=[0.5, 0.5, float("nan")]), "architecture.std.2"),
        (within(sample_shape=[3, 10**6, 10**6]), "sample_shape"),
        (within(sample_shape=[16]), "mean and std"),
        (within(backbone="hf-hub:somebody/model"), "architecture.backbone"),
        (within(backbone="local-dir:/tmp/model"), "architecture.backbone"),
        (within(backbone="../model"), "architecture.backbone"),
        (within(backbone="no_such_network"), "no_such_network"),
        (within(backbone="resnet18"), "do not fit each other"),
        (arguments(checkpoint_path="x.pth"), "'checkpoint_path'"),
        (arguments(pretrained=True), "'pretrained'"),
        (arguments(pretrained_cfg="a"), "'pretrained_cfg'"),
        (arguments(pretrained_cfg={"url": "https://example.org/x.pth"}), "backbone_args"),
        (arguments(pretrained_cfg_overlay={"url": "https://example.org/x"}), "backbone_args"),
        (arguments(cache_dir="/tmp/x"), "'cache_dir'"),
        (arguments(features_only=True), "'features_only'"),
        (put(format=99), "its format is 99"),
        (put(format="2"), "its format is '2'"),
        (put(surprise=1), "surprise"),
        (put(classes=["red", "red"]), "named twice"),
        (put(classes=["red"], thresholds=None), "names other classes than the weights"),
        (put(classes=[1, 2]), "classes.0"),
        (put(classes=[]), "classes"),
        (put(**REVERSED), "names other classes than the weights"),
        (put(thresholds={"red": RULE}), "thresholds must name the 2 classes"),
        (put(thresholds=[0.0, 0.0, 0.0]), "thresholds"),
        (put(thresholds={"red": "a", "blue": RULE}), "thresholds.red"),
        (put(thresholds={"red": RULE | {"recall": 1.5}, "blue": RULE}), "thresholds.red.recall"),
        (put(thresholds={"red": RULE | {"probability": 1.0}, "blue": RULE}), "thresholds.red"),
        (put(val_rule="any"), "val_rule"),
        (put(weights_sha256=[]), "weights_sha256"),
        (put(weights_sha256=["0" * 64]), "is not the file that was written"),
        (put(epoch=-1), "epoch"),
        (put(method={}), "method"),
        (lambda content: content.pop("classes"), "classes"),
        (lambda content: content.pop("architecture"), "architecture"),
    ],
)  # fmt: skip
def test_finding_16_a_description_that_says_more_than_it_may(run_folder, change, message):
    changed(run_folder, change)
    with pytest.raises((CheckpointError, ConfigError)) as caught:
        load(run_folder)
    assert message in str(caught.value)


def test_finding_16_it_is_said_on_the_command_line(largeloss, run_folder):
    changed(run_folder, put(format=99))
    code, _, err = largeloss("evaluate", run_folder)
    assert code == 1
    assert "its format is 99; this version of largeloss reads 2" in err


@pytest.mark.parametrize("key", ["checkpoint_path", "pretrained_cfg", "weights"])
def test_finding_16_a_pickle_is_not_run(run_folder, tmp_path, key):
    evil = tmp_path / "evil.pth"
    evil.write_bytes(pickle.dumps(Evil(tmp_path / "ran")))
    changed(run_folder, arguments(**{key: str(evil)}))
    with pytest.raises(ConfigError, match="that can be set"):
        load(run_folder)
    assert not (tmp_path / "ran").exists()


def test_finding_16_settings_of_a_run_reach_timm_no_further(largeloss, image_folder, tmp_path):
    """``config.yaml`` of somebody's run, which is continued."""
    evil = tmp_path / "evil.pth"
    evil.write_bytes(pickle.dumps(Evil(tmp_path / "ran")))
    settings = list(SMALL)
    settings[settings.index("digits")] = "resnet18"
    code, _, err = largeloss(
        "train", image_folder, *settings, "--set", f"model.args.checkpoint_path={evil}",
        "--out", tmp_path / "run",
    )  # fmt: skip
    assert code == 2
    assert "no argument 'checkpoint_path' that can be set" in err
    assert not (tmp_path / "ran").exists()


def test_finding_16_a_description_as_it_was_written_is_read(run_folder):
    model = load(run_folder)
    assert load(run_folder / "best").classes == model.classes == ("red", "blue")
    assert list(model.thresholds) == ["red", "blue"]
    saved = json.loads((run_folder / "best/config.json").read_text())
    assert list(saved["thresholds"]) == ["red", "blue"]


def test_plain_arguments_of_a_backbone_are_passed_on():
    model = build_classifier(
        "mobilenetv2_035", 2, (3, 32, 32), backbone_args={"pad_type": "same", "bn_eps": 1e-3}
    )
    assert model.backbone.bn1.eps == 1e-3
    with pytest.raises(ConfigError, match="must be a number"):
        build_classifier("resnet18", 2, (3, 32, 32), backbone_args={"layers": [[1], 1, 1, 1]})
