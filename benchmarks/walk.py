"""How far it is from ``largeloss train`` to the first cross-entropy: files, and hops between files.

One run of LL-R, one epoch, on a folder of ten small images. A hop is a call from one file of the
package into another; importing is not counted.

    python benchmarks/walk.py [--list]
"""

import argparse
import inspect
import os
import sys
import tempfile
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
from PIL import Image

import largeloss

PACKAGE = str(Path(largeloss.__file__).parent)
END = "cross_entropy.py"
"""The walk ends at the first call into this file."""
OPTIONS = "--backbone digits --image-size 16 --batch-size 4 --epochs 1 --workers 0 --method ll-r"


def write_images(folder: Path) -> None:
    """Ten images with labels, and splits of their own."""
    stream = np.random.default_rng(0)
    lines = ["image,split,one,two"]
    for number in range(10):
        pixels = stream.integers(0, 255, (20, 20, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
        split = ("train", "train", "train", "val", "test")[number % 5]
        lines.append(f"{number}.png,{split},{number % 2},{(number // 2) % 2}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


class Walk:
    """Follows the calls within the package until the end is reached."""

    def __init__(self) -> None:
        self.hops: list[tuple[str, str]] = []
        self.before_the_first_step = 0
        self.ended = False

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        """Called by the interpreter."""
        name = frame.f_code.co_filename
        if self.ended or event != "call" or not name.startswith(PACKAGE):
            return
        if not frame.f_code.co_flags & inspect.CO_OPTIMIZED:  # a module or a class that is made
            return
        caller = frame.f_back
        while caller is not None and not caller.f_code.co_filename.startswith(PACKAGE):
            caller = caller.f_back
        origin = caller.f_code.co_filename if caller is not None else ""
        if origin != name:
            self.hops.append((origin, name))
        if frame.f_code.co_name == "train_epoch" and not self.before_the_first_step:
            self.before_the_first_step = len(self.hops)
        self.ended = name.endswith(END)


def main() -> None:
    """Walks once and prints what it came to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--list", action="store_true", help="Print the files, in order.")
    listed = parser.parse_args().list
    from largeloss.cli import run

    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "images"
        data.mkdir()
        write_images(data)
        walk = Walk()
        silent = os.open(os.devnull, os.O_WRONLY)
        kept = [os.dup(1), os.dup(2)]
        os.dup2(silent, 1), os.dup2(silent, 2)
        sys.setprofile(walk)
        try:
            code = run(["train", str(data), "--out", f"{folder}/run", *OPTIONS.split()])
        finally:
            sys.setprofile(None)
            os.dup2(kept[0], 1), os.dup2(kept[1], 2)
    if code or not walk.ended:
        sys.exit(f"The training failed with exit code {code}.")
    files = list(dict.fromkeys(name for _, name in walk.hops))
    if listed:
        print("\n".join(str(Path(name).relative_to(PACKAGE)) for name in files))
    print(
        f"{len(files)} files, {len(walk.hops)} hops to the first cross-entropy, "
        f"{walk.before_the_first_step} of them before the first step."
    )


if __name__ == "__main__":
    main()
