"""``predict``: the network alone by each backend, and the whole command in seconds of CPU time."""

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import torch
from measure import Line, interleaved, seconds

from largeloss.forward import Forward
from largeloss.models import Classifier, build_classifier
from largeloss.training.description import FORMAT
from largeloss.training.weights import save_weights

SIZE, BATCH, CLASSES = 224, 64, 20
WAYS = (("torch", "fp32"), ("openvino", "fp32"), ("onnxruntime", "fp32"),
        ("torch", "bf16"), ("openvino", "bf16"))  # fmt: skip
REACH = {"mobilenetv2_100": (2.0, 4.0), "resnet50": (1.2, 2.4)}
ARGUMENTS = {"mobilenetv2_100": {"pad_type": "same"}, "resnet50": {}}
FIRST = """
import sys, time, largeloss
next(iter(largeloss.load(sys.argv[1]).predict(sys.argv[2])))
print(time.process_time())
"""


def lines() -> Iterator[Line]:
    """MobileNetV2 and ResNet-50, then the command with the first of them."""
    root = os.environ.get("LARGELOSS_DATA")
    if not root:
        raise SystemExit("Set LARGELOSS_DATA to the folder that holds voc-animals/ and weights/.")
    weights = Path(root) / "weights/mobilenetv2_100-imagenet.safetensors"
    for backbone in REACH:
        network = _network(backbone, weights if backbone == "mobilenetv2_100" else None)
        yield from _alone(backbone, network)
    yield _command(_network("mobilenetv2_100", weights), Path(root) / "voc-animals/images")


def _network(backbone: str, weights: Path | None) -> Classifier:
    torch.manual_seed(0)
    return build_classifier(
        backbone,
        CLASSES,
        (3, SIZE, SIZE),
        backbone_args=ARGUMENTS[backbone],
        weights=weights,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
    ).eval()


def _alone(backbone: str, network: Classifier) -> Iterator[Line]:
    images = torch.randint(0, 256, (BATCH, 3, SIZE, SIZE), dtype=torch.uint8)

    @torch.no_grad()
    def whole() -> object:
        return network(images)

    forwards = {way: Forward(network, *way) for way in WAYS}
    sampled = interleaved(
        {"torch fp32, 64 at a time": whole}
        | {forward.name: partial(forward, images) for forward in forwards.values()},
        rounds=3,
    )
    expected = forwards["torch", "fp32"](images)
    for precision, reach in zip(("fp32", "bf16"), REACH[backbone], strict=True):
        named = [f"{way} {exact}" for way, exact in WAYS if exact == precision]
        best = min(named, key=lambda name: sampled[name].median)
        gain = sampled["torch fp32"].median / sampled[best].median
        before = sampled["torch fp32, 64 at a time"].median / sampled[best].median
        found = forwards[best.split()[0], precision](images)
        apart = max(
            float((one - two).abs().max()) for one, two in zip(found, expected, strict=True)
        )
        yield Line(
            f"network alone, {precision}",
            f"{backbone}, {BATCH} images of {SIZE} px",
            f"{gain:.1f}× as fast as torch ({best})",
            f"≥ {reach:g}×",
            gain >= reach and (precision == "bf16" or apart <= 1e-4),
            seconds(sampled) if precision == "fp32" else {},
            f"{BATCH / sampled[best].median:.0f} images per second; {before:.1f}× torch with "
            f"{BATCH} images at a time; logits and features within {apart:.1g}",
        )


def _command(network: Classifier, images: Path) -> Line:
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        (run / "best").mkdir(parents=True)
        save_weights(run / "best", network, _config())
        number = sum(1 for _ in images.iterdir())
        out = str(Path(folder) / "scores.csv")
        taken = _cpu([sys.executable, "-m", "largeloss", "predict", str(run), str(images),
                      "--out", out])  # fmt: skip
        command = [sys.executable, "-c", FIRST, str(run), str(images)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        first = float(done.stdout.split()[-1])
    return Line(
        "predict, whole command",
        f"{number} photographs of 256 px, mobilenetv2_100 at {SIZE} px",
        f"{taken:.0f} s of CPU time",
        "≤ 45 s",
        taken <= 45,
        {},
        f"with imports, measurement and conversion; the first result after {first:.1f} s of "
        "the main process",
    )


def _config() -> dict[str, object]:
    backbone = "mobilenetv2_100"
    return {
        "format": FORMAT,
        "architecture": {
            "backbone": backbone,
            "backbone_args": ARGUMENTS[backbone],
            "hidden": 0,
            "dropout": 0.0,
            "sample_shape": [3, SIZE, SIZE],
            "mean": [0.5] * 3,
            "std": [0.5] * 3,
        },
        "classes": [f"class {number}" for number in range(CLASSES)],
        "preprocessing": "RGB",
        "method": {"name": "an"},
        "start_weights": "none",
        "epoch": 0,
        "val_map": 0.0,
        "scoring_precision": "fp32",
    }


def _cpu(command: list[str]) -> float:
    """Seconds of CPU time, of all its processes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
