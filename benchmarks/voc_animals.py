"""The table of the README: full, AN, LL-R, LL-Ct and LL-Cp on real photographs.

Linear heads on frozen features first: Delta of each large-loss method is chosen on val with seed 0,
then three seeds are run with it. Then MobileNetV2 end to end (128 pixels, 6 epochs) with the same
Deltas. Finished runs are skipped, so the command goes on where it stopped.

    LARGELOSS_DATA=… make bench-voc
"""

import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
OUT = Path("runs/bench-voc")
GRID = {"ll-r": (0.1, 0.2, 0.5), "ll-ct": (0.1, 0.2, 0.5), "ll-cp": (0.1, 1.0, 2.0)}
SEEDS = "3"
LINEAR = ("--frozen", "--image-size", "224", "--epochs", "25")
END_TO_END = ("--image-size", "128", "--epochs", "6")


def main() -> None:
    """Runs everything that is missing and prints the tables."""
    root = os.environ.get("LARGELOSS_DATA")
    if not root:
        sys.exit("Set LARGELOSS_DATA to the folder that holds voc-animals/ and weights/.")
    data = Path(root) / "voc-animals"
    weights = Path(root) / "weights" / "mobilenetv2_100-imagenet.safetensors"
    shared = (str(data), "--config", str(HERE / "voc-animals.yaml"), "--weights", str(weights))
    linear = OUT / "linear"
    every = [f"{method}:{delta}" for method, deltas in GRID.items() for delta in deltas]
    compare(*shared, *LINEAR, "--methods", ",".join(every), "--seeds", "1", "--out", str(linear))
    chosen = ["full", "an", *(f"{method}:{best_delta(linear, method)}" for method in GRID)]
    for title, settings, out in (
        ("Linear head on frozen features", LINEAR, linear),
        ("End to end", END_TO_END, OUT / "end-to-end"),
    ):
        print(f"\n{title}\n", flush=True)
        arguments = ("--methods", ",".join(chosen), "--seeds", SEEDS, "--out", str(out))
        compare(*shared, *settings, *arguments)
        print((out / "table.md").read_text(encoding="utf-8"))


def compare(*arguments: str) -> None:
    """``largeloss compare``, stopping everything where it fails."""
    subprocess.run([sys.executable, "-m", "largeloss", "compare", *arguments], check=True)


def best_delta(out: Path, method: str) -> float:
    """The Delta with the best val mAP, with seed 0."""
    scores = {}
    for delta in GRID[method]:
        result = (out / f"{method}-{delta:g}-seed0" / "result.json").read_text(encoding="utf-8")
        scores[delta] = json.loads(result)["val_map"]
    return max(scores, key=lambda delta: scores[delta])


if __name__ == "__main__":
    main()
