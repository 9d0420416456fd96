"""Trained models, loaded from their folders."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from largeloss.data.inputs.image_files import open_pixels, resize
from largeloss.errors import CheckpointError, ConfigError, DataError
from largeloss.forward.choice import check_choice
from largeloss.models import Classifier, Output, build_classifier
from largeloss.runs.arguments import check_number, check_workers
from largeloss.runs.predict.features import predict_features
from largeloss.runs.predict.predictions import Predictions
from largeloss.runs.predict.sources import AnyPath, as_path, as_paths, find_images
from largeloss.runs.tag_rules import logit_thresholds, saved_calibration
from largeloss.training.description import TagRule
from largeloss.training.determinism import prepare_gpu
from largeloss.training.run_folder import RunFolder
from largeloss.training.weights import load_config, load_weights

UNCHOSEN = TagRule(probability=0.5, precision=None, recall=None, positives=0)
"""Of every class, while a run is not finished."""
_PIXELS = " Pixels are a NumPy array of shape (H, W, 3) and dtype uint8."


class TrainedClassifier(torch.nn.Module):
    """A trained model with all that is needed to use it.

    Called with images (B, 3, H, W) uint8, as :meth:`preprocess` gives them, or with features (B, D)
    float, it returns logits (B, C).

    Args:
        network: With the trained weights.
        saved: The content of ``config.json`` beside the weights, see
            :class:`~largeloss.training.description.Description`.
    """

    def __init__(self, network: Classifier, saved: dict[str, Any]) -> None:
        super().__init__()
        self.network, self.saved = network, saved
        self.classes: tuple[str, ...] = tuple(saved["classes"])
        self.sample_shape: tuple[int, ...] = tuple(saved["architecture"]["sample_shape"])
        """(3, H, W) of images, (D,) of features."""
        chosen = saved.get("thresholds") or dict.fromkeys(self.classes, UNCHOSEN)
        self.tag_rules = {name: TagRule.model_validate(chosen[name]) for name in self.classes}
        """Class → from which probability on it is tagged, and what that came to on val."""
        self.calibration = saved_calibration(saved)
        """Of the probabilities; None where they are the network's own."""
        self.logit_thresholds = logit_thresholds(self.tag_rules, self.calibration)
        """(C,): a class is tagged where its logit lies above; infinite where it never is."""
        self.max_value: int | None = saved.get("max_value")
        """The largest whole number that a pixel of an image file can have; None for that of its
        type."""
        self.eval()

    @property
    def thresholds(self) -> dict[str, float | None]:
        """Class → probability above which it is tagged; None where it never is."""
        return {name: rule.probability for name, rule in self.tag_rules.items()}

    @property
    def never_tagged(self) -> dict[str, list[str]]:
        """Why classes are never tagged → their names."""
        chosen_for = self.saved.get("chosen_for") or {"aim": "", "unreachable": []}
        found: dict[str, list[str]] = {}
        for name, limit in self.thresholds.items():
            if limit is None:
                reason = "no training image had the tag"
                if name in chosen_for["unreachable"]:
                    reason = f"no threshold reaches {chosen_for['aim']} on val"
                found.setdefault(reason, []).append(name)
        return found

    def forward(self, inputs: Tensor) -> Tensor:
        """(B, C) logits, on the device of the weights, of inputs on any."""
        device = next(self.network.parameters()).device
        output: Output = self.network(inputs.to(device))
        return output.logits

    def scores(self, logits: Tensor) -> Tensor:
        """(B, C) float64 probabilities of logits (B, C), calibrated where the model is."""
        logits = logits.double()
        if self.calibration is not None:
            slopes, offsets = self.calibration.slopes, self.calibration.offsets
            logits = logits * torch.from_numpy(slopes).to(logits)
            logits += torch.from_numpy(offsets).to(logits)
        return logits.sigmoid()

    def preprocess(self, image: Path | str | NDArray[np.uint8]) -> Tensor:
        """(3, H, W) uint8: an image file, or pixels (H, W, 3) uint8, as the model takes them.

        Raises:
            DataError: the file cannot be read, other pixels, or the model takes features.
        """
        self.check_takes_images()
        if isinstance(image, np.ndarray):
            pixels = _checked_pixels(image)
        else:
            pixels = open_pixels(as_path(image, _PIXELS), self.max_value)
        return resize(torch.from_numpy(pixels).permute(2, 0, 1), self.sample_shape[1])

    def predict(
        self,
        images: AnyPath | Sequence[AnyPath] = (),
        *,
        lists: AnyPath | Sequence[AnyPath] = (),
        bad_images: str = "error",
        batch_size: int = 64,
        workers: int = 2,
        backend: str = "auto",
        precision: str | None = None,
    ) -> Predictions:
        """Scores and tags for images; each is decoded once, when you come to it.

        The network is moved to the GPU where there is one, and stays there.

        Args:
            images: Files, folders (all images in them and below), or patterns such as
                ``photos/*.jpg``. For a model of features one ``features.safetensors``, as in a data
                folder, or a folder that holds it.
            lists: Files that name images: one path per line (``.txt``), or a table (``.csv``,
                ``.parquet``) with a column ``image`` or ``path``. Relative paths start from the
                folder of the list. ``"-"`` is the standard input.
            bad_images: What an image that cannot be read does: ``"error"`` stops there, with
                ``"skip"`` it is left out, and ``skipped`` of the result has it.
            batch_size: Images that are scored together.
            workers: Processes that decode.
            backend: What computes the network: ``"torch"``, ``"openvino"``, ``"onnxruntime"``, or
                ``"auto"``: what is measured to be the fastest when you begin to iterate, where
                there are many images. All give the same scores in fp32, within 1e-4.
            precision: ``"fp32"``, ``"bf16"``, ``"auto"`` (bf16 where that is at least 1.3 times as
                fast), or None for the precision that the model was measured in.

        Returns:
            An iterable that computes while you iterate; its length is the number of images named.

        Raises:
            DataError: images or features are missing, or are not what the model takes. While you
                iterate: an image cannot be read.
            ConfigError: an option is out of range; a backend that is not installed.
        """
        if bad_images not in ("error", "skip"):
            raise ConfigError(f"--bad-images must be error or skip, got {bad_images!r}.")
        check_number("batch_size", batch_size, 1)
        check_workers(workers)
        check_choice(backend, precision)
        paths, listed = as_paths(images), as_paths(lists)
        network = self.network.to("cuda" if torch.cuda.is_available() else "cpu")
        digest = hashlib.sha256(json.dumps(self.saved, sort_keys=True).encode()).hexdigest()
        if len(self.sample_shape) == 1:
            return predict_features(
                network,
                self.classes,
                self.logit_thresholds,
                [*paths, *listed],
                batch_size,
                self.scores,
                digest,
                backend,
                precision,
            )
        found = find_images(paths, listed)
        return Predictions(
            network,
            self.classes,
            self.logit_thresholds,
            self.scores,
            found.paths,
            self.sample_shape[1],
            digest,
            self.max_value,
            bad_images,
            batch_size,
            workers,
            backend,
            precision,
            found.left_out,
            found.paths.repeated,
            listed,
        )

    def check_takes_images(self) -> None:
        """Refuses models of features.

        Raises:
            DataError: the model was trained on features.
        """
        if len(self.sample_shape) != 3:
            raise DataError("This model was trained on features and takes no images.")


def _checked_pixels(given: NDArray[Any]) -> NDArray[np.uint8]:
    """A copy of pixels, in the order that torch takes.

    Raises:
        DataError: they are not (H, W, 3) uint8.
    """
    fits = given.ndim == 3 and given.shape[2] == 3 and given.size > 0
    if not fits or given.dtype != np.uint8:
        raise DataError(
            f"Pixels must be an array of shape (H, W, 3) and dtype uint8, but have shape "
            f"{given.shape} and dtype {given.dtype}. Of values in [0, 1], give (255 * "
            "pixels).round().astype('uint8'); of grey pixels, three equal channels."
        )
    return np.array(given, order="C")


def load(folder: Path) -> TrainedClassifier:
    """The best weights of a run, which may come from anybody: nothing else is read or fetched.

    Args:
        folder: A run folder, or its ``best/``.

    Raises:
        ConfigError, CheckpointError: nothing there, damaged, of another version, or asking for
            more than a network that is built and given the weights beside it.
    """
    prepare_gpu()
    best = RunFolder(folder).trained
    saved, weights = load_config(best), load_weights(best)
    try:
        with torch.random.fork_rng(devices=[]):  # the first weights, drawn at random, are replaced
            network = build_classifier(num_classes=len(saved["classes"]), **saved["architecture"])
        network.load_state_dict(weights)
        network.scored_in_bf16 = saved["scoring_precision"] == "bf16"
        return TrainedClassifier(network, saved)
    except (KeyError, TypeError, RuntimeError) as error:
        raise CheckpointError(
            f"{best}: weights and config.json do not fit each other ({error})."
        ) from None
