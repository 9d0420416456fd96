"""Everything that waits for a GPU, in one command that continues: writes docs/reference/gpu.md.

Each part is kept in runs/gpu/DEVICE/ when it is done, and skipped the next time; a part that fails
is named on the page with its reason, and tried again. Without a GPU,

    python benchmarks/gpu.py --device cpu --tiny --out FOLDER

runs every part in a small form, so that the command itself is tested; its page goes into FOLDER.

    LARGELOSS_DATA=… make gpu
"""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch
from gpu_parts import HERE, PARTS, NotRunError, Place

from largeloss.files import write_json, write_text
from largeloss.version import __version__

PAGE = Path("docs/reference/gpu.md")


def run(place: Place, only: list[str]) -> dict[str, Any]:
    """Runs what is missing; each part's lines, or why it was not run."""
    found: dict[str, Any] = {}
    for name, (title, part) in PARTS.items():
        kept = place.out / f"{name}.json"
        if kept.is_file():
            found[name] = json.loads(kept.read_text(encoding="utf-8"))
            continue
        if only and name not in only:
            found[name] = {"missing": "it was not asked for (--only)"}
            continue
        print(f"{title} …", flush=True)
        try:
            found[name] = {"lines": part(place), "commit": commit()}
        except NotRunError as why:
            found[name] = {"missing": str(why)}
            print(f"  not run: {why}", flush=True)
        else:
            write_json(kept, found[name])
    return found


def page(place: Place, found: dict[str, Any]) -> str:
    """The page in Markdown."""
    done = {name: part for name, part in found.items() if "lines" in part}
    lines = [
        f"# On a GPU: {place.name}" if place.device == "cuda" else "# Tried on a CPU: no GPU",
        "",
        f"Written by `make gpu` (`benchmarks/gpu.py`): largeloss {__version__}, PyTorch "
        f"{torch.__version__}, CUDA {torch.version.cuda or 'none'}"
        f"{', every part in a small form' if place.tiny else ''}.",
    ]
    for name, part in done.items():
        lines += ["", f"## {PARTS[name][0]}", "", *part["lines"], "", f"Commit {part['commit']}."]
    lines += ["", "## Not run", ""]
    missing = {name: part["missing"] for name, part in found.items() if name not in done}
    lines += [f"- {PARTS[name][0]}: {why}." for name, why in missing.items()] or ["Nothing."]
    return "\n".join(lines) + "\n"


def commit() -> str:
    """Of this checkout."""
    command = ["git", "-C", str(HERE), "describe", "--always", "--dirty"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def main() -> None:
    """Runs everything that is missing and writes the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--tiny", action="store_true", help="Every part in a small form.")
    parser.add_argument("--only", default="", help=f"Of {','.join(PARTS)}.")
    parser.add_argument("--out", type=Path, default=Path("runs/gpu"))
    given = parser.parse_args()
    only = [name for name in given.only.split(",") if name]
    if unknown := set(only) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    if given.device == "cuda" and not torch.cuda.is_available():
        sys.exit(
            "There is no CUDA device here, so nothing was run. To try the command itself: "
            "python benchmarks/gpu.py --device cpu --tiny --out FOLDER."
        )
    place = Place(given.device, given.tiny, given.out)
    kind = re.sub(r"\W+", "-", place.name).strip("-").lower() + "-tiny" * given.tiny
    place = Place(given.device, given.tiny, given.out / kind)
    place.out.mkdir(parents=True, exist_ok=True)
    target = PAGE if given.device == "cuda" and not given.tiny else place.out / "gpu.md"
    write_text(target, page(place, run(place, only)))
    print(f"written: {target}")


if __name__ == "__main__":
    main()
