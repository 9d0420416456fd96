import pytest
import torch
from safetensors.torch import save_file

from largeloss.errors import ConfigError
from largeloss.models import build_classifier, load_backbone, parameter_groups, weights_id


def small(**more):
    torch.manual_seed(0)
    return build_classifier("digits", 5, (3, 48, 48), **more)


def test_uint8_and_float_images_are_normalised_alike():
    model = small(mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4)).eval()
    images = torch.randint(0, 256, (2, 3, 48, 48), dtype=torch.uint8)
    expected = (images.double() / 255 - torch.tensor([0.5, 0.4, 0.3]).view(3, 1, 1)) / torch.tensor(
        [0.2, 0.3, 0.4]
    ).view(3, 1, 1)
    maps = model.backbone.forward_features(expected.float())
    torch.testing.assert_close(model.maps(images), maps, rtol=1e-4, atol=1e-5)


def test_class_activation_maps_pool_to_the_logits_of_an_average_pooled_network():
    torch.manual_seed(0)
    model = build_classifier("mobilenetv2_035", 4, (3, 64, 64)).eval()
    images = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    maps = model.class_activation_maps(images)
    assert maps.shape == (2, 4, 2, 2)
    pooled = maps.mean(dim=(2, 3)) + model.head.bias
    torch.testing.assert_close(pooled, model(images).logits, rtol=1e-4, atol=1e-5)


def test_class_activation_maps_need_maps():
    model = build_classifier("none", 3, (7,), mean=[0.0] * 7, std=[1.0] * 7)
    with pytest.raises(ConfigError, match="feature maps"):
        model.class_activation_maps(torch.zeros(2, 7))


@pytest.mark.parametrize("pool", ["avg", "max", "avgmax"])
def test_finding_10_maps_are_checked_with_the_pooling_that_the_head_declares(pool):
    torch.manual_seed(0)
    model = build_classifier(
        "resnet10t", 4, (3, 64, 64), backbone_args={"global_pool": pool}
    ).eval()
    images = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    pooled = model.backbone.get_submodule("global_pool")(model.maps(images))
    torch.testing.assert_close(model.logits(pooled), model(images).logits, rtol=1e-4, atol=1e-5)
    assert model.class_activation_maps(images).shape == (2, 4, 2, 2)


def test_finding_10_digits_are_pooled_by_their_maximum():
    images = torch.randint(0, 256, (2, 3, 48, 48), dtype=torch.uint8)
    assert small().eval().class_activation_maps(images).shape == (2, 5, 6, 6)


@pytest.mark.parametrize(
    "backbone",
    ["convnext_atto", "poolformer_s12", "poolformerv2_s12", "edgenext_xx_small", "levit_128s"],
)
def test_finding_10_layers_between_pooling_and_head_are_refused(backbone):
    torch.manual_seed(0)
    size = 224 if backbone.startswith("levit") else 64
    model = build_classifier(backbone, 4, (3, size, size)).eval()
    images = torch.randint(0, 256, (2, 3, size, size), dtype=torch.uint8)
    for _ in range(2):  # the answer is kept
        with pytest.raises(ConfigError, match="straight into the head"):
            model.class_activation_maps(images)


def test_features_may_have_a_hidden_layer():
    model = build_classifier("none", 3, (7,), hidden=11, mean=[0.0] * 7, std=[1.0] * 7)
    output = model(torch.zeros(2, 7))
    assert output.logits.shape == (2, 3)
    assert output.features.shape == (2, 11)


def test_the_head_has_its_own_learning_rate():
    model = small()
    body, head = parameter_groups(model, 1e-3, 10)
    assert (body["lr"], head["lr"]) == (1e-3, 1e-2)
    assert {id(p) for p in head["params"]} == {id(p) for p in model.head.parameters()}
    assert sum(len(g["params"]) for g in (body, head)) == len(list(model.parameters()))


def test_local_weights_load_without_the_classifier(tmp_path):
    trained = small()
    state = {k: v.contiguous() for k, v in trained.backbone.state_dict().items()}
    save_file(state | {"classifier.weight": torch.zeros(1000, 64)}, tmp_path / "w.safetensors")
    torch.manual_seed(5)
    fresh = build_classifier("digits", 5, (3, 48, 48), weights=tmp_path / "w.safetensors")
    for name, value in fresh.backbone.state_dict().items():
        torch.testing.assert_close(value, state[name], rtol=0, atol=0)
    assert weights_id(tmp_path / "w.safetensors", False, "digits").startswith(
        "w.safetensors sha256"
    )


def test_wrong_weights_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="no weights file"):
        load_backbone(small().backbone, tmp_path / "none")
    (tmp_path / "w").write_bytes(b"\x80\x04nonsense")
    with pytest.raises(ConfigError, match="safetensors"):
        load_backbone(small().backbone, tmp_path / "w")
    save_file({"a": torch.zeros(2)}, tmp_path / "w")
    with pytest.raises(ConfigError, match="does not fit this backbone"):
        load_backbone(small().backbone, tmp_path / "w")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("resnet5", 3, (3, 8, 8)), "no backbone 'resnet5'"),
        (("resnet18", 3, (9,)), "features the backbone 'none'"),
        (("none", 3, (3, 8, 8)), "images need a backbone"),
    ],
)
def test_wrong_networks_are_refused(arguments, message):
    with pytest.raises(ConfigError, match=message):
        build_classifier(*arguments)


def test_unknown_backbone_arguments_are_refused():
    with pytest.raises(ConfigError, match="Did you mean 'pad_type'"):
        build_classifier("mobilenetv2_035", 3, (3, 8, 8), backbone_args={"padtype": "same"})
