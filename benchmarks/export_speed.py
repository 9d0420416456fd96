"""How fast an exported model scores images on the CPU: onnxruntime beside torch.

Images are real (val of the run), decoded and resized before the clock starts. The programs take
turns, and the fastest of their rounds is printed, which other work on the machine disturbs least.

    OMP_NUM_THREADS=1 python benchmarks/export_speed.py RUN [FOLDER-OF-IMAGES]
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch

from largeloss.export.formats import to_onnx, to_torch_export
from largeloss.export.parity import expected_scores, real_inputs
from largeloss.export.scorer import Scorer, input_name
from largeloss.runs.load import load

BATCHES = (1, 16)
ROUNDS = 7


def main() -> None:
    """Prints a table, a line a program."""
    run = Path(sys.argv[1])
    model = load(run)
    inputs = real_inputs(run, model, [Path(path) for path in sys.argv[2:]])
    expected, arrays = expected_scores(model, inputs), inputs.numpy()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(
        to_onnx(model).content, options, providers=["CPUExecutionProvider"]
    )
    scorer, exported, name = Scorer(model), to_torch_export(model), input_name(model)

    @torch.inference_mode()
    def by_torch(batch: Any) -> Any:
        return scorer(torch.from_numpy(batch)).numpy()

    programs: dict[str, Callable[[Any], Any]] = {
        "torch": by_torch,
        "torch.export": exported.scores,
        "onnxruntime": lambda batch: session.run(None, {name: batch})[0],
    }
    print(
        f"{model.saved['architecture']['backbone']}, inputs {list(model.sample_shape)}, "
        f"{torch.get_num_threads()} threads, fastest of {ROUNDS} rounds"
    )
    titles = "".join(f" | Batch of {size} (images/s)" for size in BATCHES)
    print(f"| Program{titles} | Greatest difference |\n| :-- |{' --: |' * (len(BATCHES) + 1)}")
    speeds = {size: _speeds(programs, arrays[:size]) for size in BATCHES}
    for title, program in programs.items():
        worst = np.abs(program(arrays) - expected).max()
        cells = " | ".join(f"{speeds[size][title]:.1f}" for size in BATCHES)
        print(f"| {title} | {cells} | {worst:.1e} |")


def _speeds(programs: dict[str, Callable[[Any], Any]], batch: Any) -> dict[str, float]:
    times: dict[str, list[float]] = {title: [] for title in programs}
    for number in range(ROUNDS + 2):  # the first two warm up
        for title, program in programs.items():
            began = time.perf_counter()
            program(batch)
            if number > 1:
                times[title].append(time.perf_counter() - began)
    return {title: len(batch) / min(values) for title, values in times.items()}


if __name__ == "__main__":
    main()
