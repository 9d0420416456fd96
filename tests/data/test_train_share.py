"""A share of the training images: nested, drawn by the seed, the same labels; 1 changes nothing."""

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from largeloss.config import make_config
from largeloss.data import Dataset
from largeloss.data.inputs.source import LabelsOnly
from largeloss.errors import ConfigError
from largeloss.labels import LabelTable
from largeloss.runs.data import DataReader, with_hidden_labels
from largeloss.runs.settings import saved_settings


def dataset(num=50):
    labels = np.random.default_rng(0).integers(0, 2, (num + 10, 3))
    labels[:, 0] = 1
    rows = np.arange(num + 10)
    splits = {"train": rows[:num], "val": rows[num : num + 5], "test": rows[num + 5 :]}
    return Dataset("some", LabelsOnly(num + 10), LabelTable.from_dense(labels), splits)


@given(st.floats(0.02, 1), st.floats(0.02, 1), st.integers(0, 99))
def test_a_smaller_share_is_within_a_larger_one(one, other, seed):
    small, large = (dataset().with_train_share(share, seed) for share in sorted((one, other)))
    assert len(small.rows("train")) == round(min(one, other) * 50)
    assert set(small.rows("train")) <= set(large.rows("train"))
    for found in (small, large):
        used = np.concatenate(list(found.splits.values()))
        assert np.array_equal(np.sort(used), np.arange(60))
        assert np.array_equal(found.rows("train"), np.sort(found.rows("train")))
        for split in ("val", "test"):
            assert np.array_equal(found.rows(split), dataset().rows(split))


def test_the_seed_draws_the_images():
    draws = {tuple(dataset().with_train_share(0.2, seed).rows("train")) for seed in range(5)}
    assert len(draws) == 5


def test_all_images_are_the_data_as_it_is():
    data = dataset()
    assert data.with_train_share(1) is data
    found = with_hidden_labels(make_config([]), data)
    assert found.training is found.reference is data


@pytest.mark.parametrize("share", [0, 0.001, -1, 1.5])
def test_other_shares_are_refused(share):
    with pytest.raises(ConfigError, match=r"at least one of the 50 training images"):
        dataset().with_train_share(share)


def test_an_image_shows_the_same_labels_in_every_share():
    tables = [
        with_hidden_labels(
            make_config([{"data": {"observe": "single-positive", "train_share": share}}]), dataset()
        )
        for share in (1.0, 0.3)
    ]
    assert tables[0].training.labels == tables[1].training.labels
    assert np.array_equal(tables[1].training.rows("train"), tables[1].reference.rows("train"))


def test_the_data_of_all_shares_and_seeds_is_read_once(monkeypatch):
    reads, remarks = [], []

    def read(settings):
        reads.append(settings)
        return dataset()

    monkeypatch.setattr("largeloss.runs.data.read_data", read)
    reader = DataReader(with_hidden_labels, remarks.append)
    for share in (1.0, 0.5, 0.2):
        for seed in (1200, 1201):
            given = {"observe": "single-positive", "observe_seed": seed, "train_share": share}
            settings = make_config([{"data": given}])
            found = reader(settings)
            assert reader.opened(settings).training.labels == found.training.labels
            assert len(found.training.rows("train")) == 50 * share
            assert not found.training.labels.is_complete
            assert found.reference.labels.is_complete
    assert len(reads) == 1
    assert remarks == []
    reader(make_config([{"data": {"classes": ["0", "1"]}}]))
    assert len(reads) == 2


def test_a_run_of_a_version_without_the_setting_goes_on(small_run, tmp_path):
    content = yaml.safe_load((small_run / "config.yaml").read_text())
    assert content["data"].pop("train_share") == 1
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(content))
    assert saved_settings(tmp_path, saved_settings(small_run)).data.train_share == 1


def test_features_are_extracted_once_for_all_shares(image_folder, largeloss, tmp_path):
    cache = tmp_path / "cache"
    code, _, err = largeloss(
        "compare", image_folder, "--backbone", "digits", "--image-size", "16", "--epochs", 1,
        "--workers", 0, "--batch-size", 4, "--protocol", "linear", "--cache", cache,
        "--methods", "full", "--complete", "0.5", "--seeds", 1, "--out",
        tmp_path / "both",
    )  # fmt: skip
    assert code == 0, err
    assert len(list((cache / "features").glob("*.safetensors"))) == 1


def test_images_that_were_left_out_are_none_that_the_run_was_trained_on(
    image_folder, largeloss, tmp_path
):
    run = tmp_path / "run"
    code, _, err = largeloss(
        "train", image_folder, "--backbone", "digits", "--image-size", "16", "--epochs", 1,
        "--workers", 0, "--batch-size", 4, "--method", "full", "--set", "data.train_share=0.5",
        "--out", run,
    )  # fmt: skip
    assert code == 0
    assert "Of 18 training images 9 are trained on" in err
    code, _, err = largeloss("evaluate", run, image_folder, "--split", "train")
    assert code == 0
    assert "9 of 18 inputs of train are among those that the run was trained on" in err
