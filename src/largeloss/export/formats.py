"""Exported programs in memory, each with a function that computes scores by it."""

import io
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from largeloss.errors import ConfigError, RunError
from largeloss.export.scorer import Scorer, example, input_name, metadata
from largeloss.forward.backends import onnx_program
from largeloss.runs.load import TrainedClassifier

PACKAGES = ("onnx", "onnxruntime", "onnxscript")
"""Of the extra ``export``."""
Floats = NDArray[np.floating[Any]]


class Program(NamedTuple):
    """An exported model."""

    content: bytes
    """Of its file."""
    scores: Callable[[NDArray[Any]], Floats]
    """(B, C) of inputs (B, …), computed by what the content says."""


def check_packages() -> None:
    """Makes sure that ONNX can be written and run.

    Raises:
        ConfigError: a package is missing.
    """
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"--to onnx needs {', '.join(missing)}, which is not installed. Install it with\n"
            "  pip install 'largeloss[export]'"
        )


def to_onnx(model: TrainedClassifier) -> Program:
    """ONNX with any batch size; classes and thresholds are in its metadata.

    Raises:
        ConfigError: packages are missing.
        RunError: the network cannot be exported.
    """
    check_packages()
    import onnx
    import onnxruntime

    name = input_name(model)
    try:
        proto = onnx_program(Scorer(model), example(model), name, ["scores"])
        onnx.helper.set_model_props(proto, metadata(model))
        content = proto.SerializeToString()
        session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    except Exception as error:  # exporters raise anything about an operation that they lack
        raise _failed("ONNX", error) from None

    def scores(inputs: NDArray[Any]) -> Floats:
        found: Floats = session.run(None, {name: inputs})[0]
        return found

    return Program(content, scores)


def to_torch_export(model: TrainedClassifier) -> Program:
    """A program of ``torch.export`` with any batch size, for ``torch.export.load``.

    Raises:
        RunError: the network cannot be exported.
    """
    file = io.BytesIO()
    try:
        with warnings.catch_warnings():
            # torch, of its own tensors when it saves them
            warnings.filterwarnings("ignore", "No complete tensor found in the group", UserWarning)
            program = torch.export.export(
                Scorer(model),
                (example(model),),
                dynamic_shapes=({0: torch.export.Dim("batch")},),
            )
            torch.export.save(program, file, extra_files=metadata(model))
        loaded = torch.export.load(io.BytesIO(file.getvalue())).module()
    except Exception as error:  # exporters raise anything about an operation that they lack
        raise _failed("torch.export", error) from None

    @torch.no_grad()
    def scores(inputs: NDArray[Any]) -> Floats:
        found: Tensor = loaded(torch.from_numpy(inputs))
        return found.numpy()

    return Program(file.getvalue(), scores)


def _failed(what: str, error: Exception) -> RunError:
    lines = str(error).strip().splitlines()
    return RunError(
        f"The network cannot be exported by {what} ({type(error).__name__}: "
        f"{lines[0] if lines else 'no reason given'}). Nothing was written. --to hub-folder works "
        "for every network."
    )
