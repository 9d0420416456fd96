"""Which backend is the fastest for a network on this machine: measured, never guessed."""

import statistics
import time

import torch
from torch import Tensor

from largeloss import distributed
from largeloss.data import Loader
from largeloss.errors import ConfigError, LargelossError, RunError
from largeloss.forward.backends import BACKENDS, Forward, check_backend, is_installed
from largeloss.forward.memory import full_memory_told
from largeloss.models import Classifier

TOLERANCE = 1e-4
"""Of a score or a feature of a converted network in fp32, absolute."""
GAIN = 1.3
"""So many times as fast must bfloat16 be to be chosen."""
SAMPLE = 16
"""So many inputs are compared at most; half of them are measured."""
WORTH = {"torch": 10.0, "openvino": 10.0, "onnxruntime": 300.0}
"""Seconds that all inputs must take before another way is tried: to convert a network takes 2 s
(openvino) and 10 s (onnxruntime)."""
_SECONDS = 0.5  # of two ways measured in turn, or three turns if they take longer
_TURNS = 3


def check_choice(backend: str, precision: str | None) -> None:
    """Makes sure that a choice can be made, before any work.

    Raises:
        ConfigError: no such backend or precision, or it is not installed.
    """
    if precision not in (None, "auto", "fp32", "bf16"):
        raise ConfigError(f"--precision must be auto, fp32 or bf16, got {precision!r}.")
    if backend != "auto":
        check_backend(backend, precision or "fp32")


def choose(
    network: Classifier,
    sample: Tensor,
    total: int,
    backend: str = "auto",
    precision: str | None = None,
) -> Forward:
    """The network as it will be computed; collective.

    Args:
        network: On its device.
        sample: (B, …): some of the inputs, of which 16 at most are looked at; may be empty.
        total: How many inputs there are for this process.
        backend: ``"auto"``, or one of :data:`.BACKENDS`.
        precision: ``"fp32"``, ``"bf16"``, ``"auto"`` (bf16 if it is at least 1.3 times as fast), or
            None for that of the model.

    Raises:
        ConfigError: no such backend or precision here.
        RunError: the backend that was asked for gives other scores than torch, or cannot take the
            network; or the memory of the GPU is full.
    """
    check_choice(backend, precision)
    if precision is None:
        precision = "bf16" if network.scored_in_bf16 else "fp32"
    sample = sample[:SAMPLE]
    if "auto" not in (backend, precision):
        with full_memory_told():
            return _compared(Forward(network, backend, precision), sample)
    found: Forward | None = None
    told: tuple[str, str, str] | LargelossError | None = None
    if distributed.rank() == 0:
        try:
            with full_memory_told():
                found = _fastest(network, sample, total, backend, precision)
            told = found.backend, found.precision, found.remark
        except LargelossError as error:
            told = error
    told = distributed.from_main(told)  # so that no process waits for one that failed
    if isinstance(told, LargelossError):
        raise told
    if found is None:
        assert told is not None
        with full_memory_told():
            found = _compared(Forward(network, *told[:2]), sample)
        found.remark = told[2]
    return found


def choose_for(
    network: Classifier, loader: Loader, backend: str = "auto", precision: str | None = None
) -> Forward:
    """:func:`choose` for all that ``loader`` is of.

    Raises:
        ConfigError, RunError: as :func:`choose`.
        DataError: an image cannot be read.
    """
    share = -(-len(loader.plans.rows) // distributed.world_size())
    return choose(network, loader.first(SAMPLE), share, backend, precision)


def _fastest(
    network: Classifier, sample: Tensor, total: int, backend: str, precision: str
) -> Forward:
    """One candidate after the other against the best so far."""
    first = Forward(
        network,
        "torch" if backend == "auto" else backend,
        "fp32" if precision == "auto" else precision,
    )
    best = _compared(first, sample)
    candidates = _candidates(first, backend, precision)
    if not candidates or not len(sample):
        return first
    (seconds,) = _seconds([best], sample)
    failed, gain, tried = [], 1.0, False
    for way in candidates:
        if total * seconds < WORTH[way.backend]:
            continue
        tried = True
        try:
            _compared(way, sample)
        except RunError as error:
            failed.append(str(error).replace(" Use --backend torch.", ""))
            continue
        before, now = _seconds([best, way], sample)
        needed = GAIN if way.precision != best.precision else 1.0
        if before >= needed * now:
            best, seconds, gain = way, now, gain * before / now
    if tried:
        best.remark = " ".join([_words(first, best, gain, len(sample)), *failed])
    return best


def _candidates(first: Forward, backend: str, precision: str) -> list[Forward]:
    """All that may be faster than the first."""
    backends = [backend]
    if backend == "auto":
        mean = first.network.mean
        images = mean.device.type == "cpu" and mean.ndim == 3  # else torch alone
        backends = [name for name in BACKENDS if name == "torch" or (images and is_installed(name))]
    precisions = ["fp32", "bf16"] if precision == "auto" else [precision]
    pairs = [(name, exact) for exact in precisions for name in backends]
    left_out = (first.backend, first.precision), ("onnxruntime", "bf16")
    return [Forward(first.network, *pair) for pair in pairs if pair not in left_out]


def _words(first: Forward, best: Forward, gain: float, compared: int) -> str:
    if best is first:
        return f"The network is computed by {best.backend} in {best.precision}."
    return (
        f"The network is computed by {best.backend} in {best.precision}, here {gain:.1f} times as "
        f"fast as {first.backend} in {first.precision}; scores and features of {compared} inputs "
        f"differ by at most {best.difference:.1g} from torch's in fp32. --backend and --precision "
        "choose."
    )


def _compared(way: Forward, sample: Tensor) -> Forward:
    """``way``, after a look at how far it is from torch in fp32.

    Raises:
        RunError: too far for fp32.
    """
    if way.name == "torch fp32" or not len(sample):
        return way
    expected = Forward(way.network, "torch", "fp32")(sample)
    for inputs, rows in ((sample, slice(None)), (sample[:1], slice(1))):  # any size of a batch
        found = way(inputs)
        for one, other in (
            (found.logits.sigmoid(), expected.logits[rows].sigmoid()),
            (found.features, expected.features[rows]),
        ):
            apart = (one - other).abs().nan_to_num(torch.inf).max()  # NaN is no small difference
            way.difference = max(way.difference, float(apart))
    if way.precision == "fp32" and way.difference > TOLERANCE:
        raise RunError(
            f"{way.backend} gives other scores or features than torch: they differ by up to "
            f"{way.difference:.2g} on {len(sample)} inputs, and at most {TOLERANCE:g} is allowed. "
            "Use --backend torch."
        )
    return way


def _seconds(ways: list[Forward], sample: Tensor) -> list[float]:
    """Seconds of an input, by each way: medians, measured in turn."""
    sample = sample[: SAMPLE // 2]
    taken: list[list[float]] = [[] for _ in ways]
    begun = time.perf_counter()
    while len(taken[0]) < _TURNS or time.perf_counter() - begun < _SECONDS:
        for way, seconds in zip(ways, taken, strict=True):
            started = time.perf_counter()
            way(sample).logits.cpu()  # which waits for a GPU
            seconds.append((time.perf_counter() - started) / len(sample))
    return list(map(statistics.median, taken))
