import pytest

from largeloss.config import make_config, read_yaml
from largeloss.errors import ConfigError
from largeloss.runs.settings import head_method, resolved


def test_later_layers_win_and_sets_win_over_all():
    config = make_config(
        [{"training": {"epochs": 3, "seed": 1}}, {"training": {"epochs": 4}}],
        ["training.epochs=5", "model.args.pad_type=same", "model.mean=[0.5,0.5,0.5]"],
    )
    assert (config.training.epochs, config.training.seed) == (5, 1)
    assert config.model.args == {"pad_type": "same"}
    assert config.model.mean == [0.5, 0.5, 0.5]


def test_an_empty_section_of_a_file_changes_nothing():
    given: tuple[dict[str, int] | None, ...] = ({"epochs": 3}, None, {"seed": 1})
    layers = [{"training": section} for section in given]
    training = make_config(layers).training
    assert (training.epochs, training.seed) == (3, 1)
    with pytest.raises(ConfigError, match="training is a section"):
        make_config(layers, ["training="])


def test_presets_are_resolved_so_that_the_saved_config_shows_them():
    assert make_config([]).training.lr == 1e-4
    sgd = make_config([], ["training.optimizer=sgd"]).training
    assert (sgd.lr, sgd.weight_decay, sgd.momentum) == (5e-3, 1e-3, 0.9)
    deltas = {
        name: resolved(make_config([], [f"method.name={name}"])).method.delta_rel
        for name in ("ll-r", "ll-ct", "ll-cp", "an")
    }
    assert deltas == {"ll-r": 0.2, "ll-ct": 0.2, "ll-cp": 0.1, "an": None}


@pytest.mark.parametrize(
    ("method", "epochs"),
    [
        ({"name": "gr"}, 7),
        ({"name": "gr", "num_epochs": 3}, 3),
        ({"name": "ll-r", "delta_rel": "auto"}, 7),
        ({"name": "ll-ct", "delta_rel": "auto", "num_epochs": 3}, 3),
        ({"name": "ll-cp", "delta_rel": "auto"}, None),
        ({"name": "ll-r", "delta_rel": 0.5, "num_epochs": 7}, None),  # of a run's file
        ({"name": "ll-r", "delta_rel": 0.5, "num_epochs": 3}, 3),  # which is refused
        ({"name": "fine-tune"}, 7),
        ({"name": "ll-r"}, None),
        ({"name": "fine-tune", "delta_rel": 0.5}, None),
        ({"name": "an"}, None),
    ],
)
def test_methods_that_go_by_the_number_of_epochs_are_told_it(method, epochs):
    training = {"epochs": 7, "protocol": "linear-init", "head_epochs": 5, "head_method": "gr"}
    settings = resolved(make_config([{"method": method, "training": training}]))
    assert settings.method.given().get("num_epochs") == epochs
    assert head_method(settings).given()["num_epochs"] == 5


@pytest.mark.parametrize(
    ("backbone", "mean"),
    [
        ("resnet50", [0.485, 0.456, 0.406]),
        ("vit_base_patch16_224", [0.5] * 3),
        ("digits", [0.485, 0.456, 0.406]),
        ("none", [0.485, 0.456, 0.406]),
    ],
)
def test_images_are_normalised_as_timm_does_for_the_backbone(backbone, mean):
    model = resolved(make_config([{"model": {"backbone": backbone}}])).model
    assert model.mean == mean
    given = make_config([{"model": {"backbone": backbone, "mean": [0, 0, 1]}}])
    assert resolved(given).model.mean == [0, 0, 1]


def test_a_saved_config_reads_back_equal(tmp_path):
    import yaml

    config = make_config([{"data": {"classes": ["a", "b"], "path": "x"}}])
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(config.plain()))
    again = make_config([read_yaml(tmp_path / "c.yaml")])
    assert again == config
    assert not again.differences(config)
    other = make_config([read_yaml(tmp_path / "c.yaml")], ["training.lr=0.5"])
    assert config.differences(other) == ["training.lr: 0.0001 → 0.5"]


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        (["training.epoch=3"], "training.epoch: there is no such setting; did you mean 'epochs'"),
        (["trainin.epochs=3"], "did you mean 'training'"),
        (["training.epochs=0"], "greater than or equal to 1, got 0"),
        (["training.optimizer=lamb"], "'adam', 'sgd', 'rmsprop' or 'rmsprop-tf', got 'lamb'"),
        (["method.delta_rel=200"], "less than or equal to 100, got 200"),
        (["nonsense"], "section.name=value"),
    ],
)
def test_wrong_settings_are_explained(sets, message):
    with pytest.raises(ConfigError, match="(?s)" + message):
        make_config([], sets)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "training:\n  lr: 1\n  epochs: 2\n  lr: 2\n",
            "the name 'lr' stands in line 2 and .* line 4",
        ),
        (
            "training: {lr: 1}\nmodel: {}\ntraining: {}\n",
            "'training' stands in line 1 and .* line 3",
        ),
        ("training: {lr: 1, lr: 2}\n", "'lr' stands in line 1 and again in line 1"),
    ],
)
def test_a_name_that_stands_twice_is_refused(tmp_path, content, message):
    (tmp_path / "c.yaml").write_text(content)
    with pytest.raises(ConfigError, match=rf"c\.yaml cannot be read as YAML: .*{message}"):
        read_yaml(tmp_path / "c.yaml")
    with pytest.raises(ConfigError, match="the name 'a' stands"):
        make_config([], ["model.args={a: 1, a: 2}"])


def test_names_in_several_mappings_and_merges_are_no_repetition(tmp_path):
    text = "x: {base: &b {<<: &a {lr: 1, epochs: 2}, lr: 3}}\ny: {<<: *b}\nz: {lr: 1}\n"
    (tmp_path / "c.yaml").write_text(text)
    found = read_yaml(tmp_path / "c.yaml")
    assert found == {"x": {"base": {"lr": 3, "epochs": 2}}, "y": found["x"]["base"], "z": {"lr": 1}}


@pytest.mark.parametrize("content", ["[1, 2]", "a: b: c", "text"])
def test_wrong_files_are_refused(tmp_path, content):
    (tmp_path / "c.yaml").write_text(content)
    with pytest.raises(ConfigError, match=r"c\.yaml"):
        read_yaml(tmp_path / "c.yaml")
    with pytest.raises(ConfigError, match="no settings file"):
        read_yaml(tmp_path / "none.yaml")
