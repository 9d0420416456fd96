"""Published settings by name: ``voc2012/ll-r``.

A preset is a layer of settings, as in a settings file, beneath everything else that is given; what
came of it is in the run's ``config.yaml``. Where a value was not published, the source says so.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from largeloss.config import RunConfig, deep_merged, make_config, merged, read_yaml
from largeloss.errors import ConfigError
from largeloss.losses import check_name
from largeloss.losses.recipes import RECIPES

_KIM = "Kim et al., CVPR 2022, with the authors' settings"
_COLE = "Cole et al., CVPR 2021"
_ZHOU = "Zhou et al., ECCV 2022, as their code runs it; early stopping from Kim et al."
_CHEN = "Chen et al., IJCAI 2024, as their code runs it"
_LR = "learning rate of the large-loss methods, none being published for this one"
_V1 = "from ImageNet V1 weights: add --pretrained, or --weights FILE"
_ADAM = {"optimizer": "adam", "weight_decay": 0.0}


@dataclass(frozen=True)
class Preset:
    """Settings and where they are from."""

    name: str
    settings: dict[str, Any]
    source: str


class SettingsLayers(NamedTuple):
    """What a user says of a run's settings, weakest first."""

    preset: str | None = None
    """``collection/method``, or ``collection``."""
    file: Path | None = None
    """YAML."""
    options: Mapping[str, Mapping[str, Any]] = {}
    """Sections."""
    sets: tuple[str, ...] = ()
    """``section.name=value``."""

    @property
    def named(self) -> list[str]:
        """The settings that options and ``sets`` give, as ``training.lr``; not those of a file."""
        flat = [f"{section}.{name}" for section, own in self.options.items() for name in own]
        return [*flat, *(text.partition("=")[0].strip() for text in self.sets)]

    @property
    def of_file(self) -> list[str]:
        """The settings that the file gives, as ``training.lr``."""
        content = {} if self.file is None else read_yaml(self.file)
        sections = ((name, own) for name, own in content.items() if isinstance(own, Mapping))
        return [f"{section}.{name}" for section, own in sections for name in own]

    def made(
        self, under: Mapping[str, Any] | None = None, over: Mapping[str, Any] | None = None
    ) -> RunConfig:
        """The settings, over ``under`` and, but for ``sets``, below ``over``.

        Raises:
            ConfigError: no such preset, file or setting, or a wrong value.
        """
        file = {} if self.file is None else read_yaml(self.file)
        layers: list[Mapping[str, Any]] = [under or {}, file, self.options, over or {}]
        if self.preset is not None:
            given = merged(layers, self.sets).get("method", {})
            method = given.get("name") if isinstance(given, Mapping) else None
            layers.insert(0, find_preset(self.preset, method).settings)
        return make_config(layers, self.sets)


class _Collection(NamedTuple):
    training: dict[str, Any]
    delta_rel: dict[str, float]
    """Percent, by method."""
    expected_positives: float


_SGD = {"optimizer": "sgd", "lr": 5e-3, "momentum": 0.9, "weight_decay": 1e-3}
_COLLECTIONS = {
    "voc2012": _Collection(_SGD, {"ll-r": 0.2, "ll-ct": 0.2, "ll-cp": 0.1}, 1.5),
    "coco2014": _Collection(_ADAM | {"lr": 1e-5}, {"ll-r": 0.4, "ll-ct": 0.2, "ll-cp": 0.2}, 2.9),
    "nuswide": _Collection(_ADAM | {"lr": 1e-5}, {"ll-r": 0.4, "ll-ct": 0.2, "ll-cp": 0.2}, 1.9),
    "cub": _Collection(_ADAM | {"lr": 7.5e-5}, {"ll-r": 0.4, "ll-ct": 0.4, "ll-cp": 0.2}, 31.4),
}
_BASELINES = ("full", "an", "iu", "wan", "lsan", "epr", "role")
_EM = {  # entropy_weight, soft_label_weight, warmup_epochs, batch size, learning rate
    "voc2012": (0.2, 0.02, 5, 8, 1e-5),
    "coco2014": (0.1, 0.9, 5, 16, 1e-5),
    "nuswide": (0.1, 0.2, 4, 16, 1e-5),
    "cub": (0.01, 0.4, 3, 8, 1e-4),
}
_LATER = ("em", "em-apl", "asl", "p-asl", "hill", "splc", "gr", "crisp")
_DIGITS = {
    "data": {"observe": "single-positive"},
    "model": {"backbone": "digits", "image_size": 48, "mean": [0.2] * 3, "std": [0.3] * 3},
    "training": {
        "epochs": 14,
        "batch_size": 32,
        "optimizer": "adam",
        "lr": 1e-3,
        "head_lr_factor": 1.0,
        "mirror": False,
        "stop_below": None,
    },
}
_DIGITS_DELTA_REL = {"ll-r": 1.0, "ll-ct": 0.5, "ll-cp": 0.2}
_OPENIMAGES = {
    "model": {"backbone": "resnet101.tv_in1k"},
    "training": {"protocol": "end-to-end"},
}


def presets() -> dict[str, Preset]:
    """All presets by name, collection by collection."""
    return {preset.name: preset for preset in (*_published(), *_openimages(), *_digits())}


def find_preset(name: str, method: str | None = None) -> Preset:
    """The preset ``collection/method``, or ``collection`` with the method given beside it.

    Without a method, ``collection`` is that of ll-r.

    Raises:
        ConfigError: there is none of that name, or it is of another method than the one given;
            there is no such method.
    """
    known = presets()
    if name in known and method is not None and known[name].settings["method"]["name"] != method:
        raise ConfigError(
            f"The preset {name!r} is not of {method}. Write --preset {name.split('/')[0]} to have "
            f"the settings of {method}."
        )
    full_name = name if "/" in name else f"{name}/{method or 'll-r'}"
    if full_name not in known:
        if method is not None:
            check_name(method)
        collection = full_name.split("/")[0]
        methods = [key.split("/")[1] for key in known if key.split("/")[0] == collection]
        there_are = (
            f"for {collection} there are {', '.join(methods)}"
            if methods
            else f"there are presets for {', '.join(dict.fromkeys(k.split('/')[0] for k in known))}"
        )
        raise ConfigError(
            f"There is no preset {full_name!r}; {there_are}. 'largeloss presets' lists all."
        )
    return known[full_name]


def _published() -> Iterator[Preset]:
    for name, collection in _COLLECTIONS.items():
        common = {
            "data": {"observe": "single-positive", "observe_seed": 1200},
            "model": {"backbone": "resnet50.tv_in1k", "image_size": 448},
            "training": {"epochs": 10, "batch_size": 16, "head_lr_factor": 10.0, "stop_below": 3.0}
            | collection.training,
        }
        for method in (*_BASELINES, *collection.delta_rel):
            own: dict[str, Any] = {"name": method}
            source = f"{_KIM}; {_LR}"
            if method in collection.delta_rel:
                own["delta_rel"] = collection.delta_rel[method]
                source = _KIM
            elif method in ("epr", "role"):
                own["expected_positives"] = collection.expected_positives
                source = f"{_COLE}; {_KIM}; {_LR}"
            elif method == "lsan":
                own["smoothing"] = 0.1
                source = f"{_COLE}; {_KIM}; {_LR}"
            settings = deep_merged(common, {"method": own})
            yield Preset(f"{name}/{method}", settings, f"{source}; {_V1}")
        yield from _later(name, common)
        for recipe in RECIPES:
            settings = deep_merged(common, {"method": {"name": recipe}})
            yield Preset(f"{name}/{recipe}", settings, f"ours: a recipe; training: {_KIM}; {_V1}")


def _later(name: str, common: Mapping[str, Any]) -> Iterator[Preset]:
    """Later methods, of which settings for the collection ``name`` were published."""
    entropy, soft, warmup, batch, lr = _EM[name]
    em = {"batch_size": batch, "lr": lr, "head_lr_factor": 1.0} | _ADAM
    own = {"entropy_weight": entropy}
    apl = own | {"soft_label_weight": soft, "warmup_epochs": warmup}
    gr: dict[str, Any] = {"slope": 2.0, "offset": -2.0}
    if name != "voc2012":
        gr = {"slope": 10.0, "offset": -8.0}
    if name == "cub":
        gr["q_absent"] = 1.5
    robust = {"batch_size": 8, "lr": 1e-5, "epochs": 8, "stop_below": 2.0} | _ADAM
    source = _CHEN if name == "voc2012" else f"{_CHEN}; the training is that for VOC"
    for method, settings, training, of in (
        ("em", own, em, _ZHOU),
        ("em-apl", apl, em, _ZHOU),
        ("gr", gr, robust, source),
    ):
        both = {"method": {"name": method} | settings, "training": training}
        yield Preset(f"{name}/{method}", deep_merged(common, both), f"{of}; {_V1}")


def _openimages() -> Iterator[Preset]:
    unknown = "ResNet-101; Δ and the learning rate are not published: defaults"
    for method in ("an", "iu", "wan", "lsan", "ll-r", "ll-ct", "ll-cp"):
        settings = deep_merged(_OPENIMAGES, {"method": {"name": method}})
        yield Preset(f"openimages-v3/{method}", settings, f"{_KIM}: {unknown}")
    yield Preset(
        "openimages-v3/curriculum",
        deep_merged(_OPENIMAGES, {"method": {"name": "curriculum", "rule": "positives"}}),
        "Durand et al., CVPR 2019: partial cross-entropy; ResNet-101 from Kim et al.; the rule's "
        "limit and the learning rate are not published: defaults; the rule accepts tags alone, "
        "since labels for nearly every entry would not fit into memory",
    )
    imcl = {
        "model": {"image_size": 224},
        # of the network, the head and the label graph: 1e-8, 1e-3 and 0.5
        "method": {"name": "imcl", "version": "code", "lr_factor": 5e7},
        "training": {
            "optimizer": "rmsprop-tf",
            "lr": 1e-8,
            "head_lr_factor": 1e5,
            "momentum": 0.9,
            "batch_size": 20,
            "epochs": 1,
            "mirror": False,
        },
    }
    yield Preset(
        "openimages-v3/imcl",
        deep_merged(_OPENIMAGES, imcl),
        "Huynh and Elhamifar, CVPR 2020, as their code runs it: TensorFlow's RMSProp (0.9, "
        "momentum 0.9, epsilon 1), 224 pixels; ours: a constant learning rate, and a dictionary of "
        "features without gradient; end to end only, since the learning rates are multiples of the "
        "network's",
    )


def _digits() -> Iterator[Preset]:
    for method in (*_BASELINES, *_DIGITS_DELTA_REL, "curriculum", "imcl", *_LATER, *RECIPES):
        own: dict[str, Any] = {"name": method}
        if method in _DIGITS_DELTA_REL:
            own["delta_rel"] = _DIGITS_DELTA_REL[method]
        elif method in ("epr", "role"):
            own["expected_positives"] = 2.5  # one to four digits, equally often
        settings = deep_merged(_DIGITS, {"method": own})
        yield Preset(f"digits/{method}", settings, "ours: the embedded digit scenes of the demo")
