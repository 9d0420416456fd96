"""One network from a batch to logits and features, by torch, openvino or onnxruntime."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor, nn

from largeloss.errors import ConfigError, RunError
from largeloss.models import Classifier, Output

BACKENDS = ("torch", "openvino", "onnxruntime")
PACKAGES = {
    "torch": (),
    "openvino": ("openvino",),
    "onnxruntime": ("onnx", "onnxruntime", "onnxscript"),
}
"""What each needs beside torch."""
EXTRAS = {"openvino": "fast", "onnxruntime": "export"}
"""Extras of largeloss that install that."""
PART = 4
"""So many images does a thread take at a time on the CPU: what lies between two layers then stays
in the caches; torch is up to twice as fast as with 64."""
Compute = Callable[[Tensor], Output]


class Forward(nn.Module):
    """A network that is not trained any more, as one backend computes it in one precision.

    Takes images (B, 3, H, W) uint8, or features (B, D) float; gives the outputs of
    :class:`~largeloss.models.Classifier`, on the network's device.

    Args:
        network: Its weights must not change meanwhile.
        backend: One of :data:`BACKENDS`; all but torch compute on the CPU, and take images.
        precision: ``"fp32"`` or ``"bf16"``, of the backbone.

    Raises:
        ConfigError: a backend that is not installed, or does not have this precision or input.
        RunError: the network cannot be converted.
    """

    def __init__(self, network: Classifier, backend: str, precision: str) -> None:
        super().__init__()
        check_backend(backend, precision)
        if backend != "torch" and network.mean.ndim != 3:
            raise ConfigError(
                f"--backend {backend} is for networks of images; this model takes features. Leave "
                "it out."
            )
        self.network, self.backend, self.precision = network, backend, precision
        self.remark = ""
        """How it was chosen; empty where nothing was measured."""
        self.difference = 0.0
        """The greatest of a score or a feature from torch's in fp32, on a few images."""
        self._compute: Compute | None = None  # made for the first batch, whose size it needs

    @property
    def name(self) -> str:
        """Backend and precision."""
        return f"{self.backend} {self.precision}"

    @torch.no_grad()
    def forward(self, inputs: Tensor) -> Output:
        if self._compute is None:
            self._compute = self._made(inputs.shape[1:])
        on_cpu = self.network.mean.device.type == "cpu" or self.backend != "torch"
        if not on_cpu or inputs.ndim != 4:
            return self._compute(inputs)
        outputs = map(self._compute, torch.split(inputs, PART * torch.get_num_threads()))
        return Output(*map(torch.cat, zip(*outputs, strict=True)))

    @contextmanager
    def scoring(self) -> Iterator[None]:
        """As of a classifier: it is always in evaluation mode."""
        yield

    def _made(self, sample_shape: torch.Size) -> Compute:
        if self.backend == "torch":
            return self._by_torch
        make = {"openvino": _openvino, "onnxruntime": _onnxruntime}[self.backend]
        example = torch.zeros(2, *sample_shape, dtype=torch.uint8)
        device = self.network.mean.device
        try:
            with self.network.scoring(bf16=False):
                outputs = _Outputs(self.network.cpu()).eval()
                compute = make(outputs, example, self.precision == "bf16")
        except Exception as error:  # converters raise anything about an operation that they lack
            lines = str(error).strip().splitlines()
            raise RunError(
                f"The network cannot be converted for {self.backend} ({type(error).__name__}: "
                f"{lines[0] if lines else 'no reason given'}). Use --backend torch."
            ) from None
        finally:
            self.network.to(device)
        return lambda inputs: Output(*(found.to(device) for found in compute(inputs.cpu())))

    def _by_torch(self, inputs: Tensor) -> Output:
        with self.network.scoring(bf16=self.precision == "bf16"):
            output: Output = self.network(inputs)
        return Output(output.logits.float(), output.features.float())


class _Outputs(nn.Module):
    """Both outputs of a network, as a converter wants them."""

    def __init__(self, network: Classifier) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        output = self.network(inputs)
        return output.logits, output.features


def is_installed(backend: str) -> bool:
    """Whether all that a backend needs is there."""
    return all(find_spec(name) is not None for name in PACKAGES[backend])


def check_backend(backend: str, precision: str = "fp32") -> None:
    """Makes sure that a backend can be used, before anything is computed.

    Raises:
        ConfigError: no such backend, it is not installed, or does not have this precision.
    """
    if backend not in BACKENDS:
        raise ConfigError(f"--backend must be auto, {', '.join(BACKENDS)}, got {backend!r}.")
    missing = [name for name in PACKAGES[backend] if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"--backend {backend} needs {', '.join(missing)}, which is not installed. Install it "
            f"with\n  pip install 'largeloss[{EXTRAS[backend]}]'"
        )
    if backend == "onnxruntime" and precision == "bf16":
        raise ConfigError(
            "onnxruntime has no bf16 on the CPU. Use --backend openvino or torch, or fp32."
        )


def _openvino(outputs: nn.Module, example: Tensor, bf16: bool) -> Compute:
    import openvino
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    # These are the parts of openvino.convert_model, which would also report its use to the maker.
    reader = FrontEndManager().load_by_framework("pytorch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch, of its tracing
        decoder = TorchScriptPythonDecoder(outputs, example_input=(example,))
        model = reader.convert(reader.load(decoder))
    model.reshape(openvino.PartialShape([-1, *example.shape[1:]]))
    options = {
        "INFERENCE_PRECISION_HINT": "bf16" if bf16 else "f32",  # else it takes bf16 by itself
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "PERFORMANCE_HINT": "LATENCY",  # one batch at a time
    }
    request = openvino.Core().compile_model(model, "CPU", options).create_infer_request()

    def compute(inputs: Tensor) -> Output:
        found = request.infer({0: inputs.numpy()}, share_inputs=True)
        return Output(*(torch.from_numpy(values) for values in found.values()))

    return compute


def _onnxruntime(outputs: nn.Module, example: Tensor, bf16: bool) -> Compute:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    names = ["logits", "features"]
    content = onnx_program(outputs, example, "inputs", names).SerializeToString()
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    def compute(inputs: Tensor) -> Output:
        found = session.run(names, {"inputs": inputs.numpy()})
        return Output(*map(torch.from_numpy, found))

    return compute


def onnx_program(module: nn.Module, example: Tensor, inputs: str, outputs: list[str]) -> Any:
    """An ONNX model of a module with one input, for any batch size; names of input and outputs."""
    program: Any = torch.onnx.export(
        module,
        (example,),
        dynamo=True,
        dynamic_shapes=({0: torch.export.Dim("batch")},),
        input_names=[inputs],
        output_names=outputs,
        verbose=False,
    )
    return program.model_proto
