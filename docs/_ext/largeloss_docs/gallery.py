"""``make gallery``: reports for docs/gallery.md, made by the commands that the page shows.

Those of real photographs are made where ``LARGELOSS_DATA`` is set, and stay in docs/_build and
runs, which git ignores. The site has what is there when it is built: publish one that was built
in a fresh clone.
"""

import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parents[2]
REPORTS = DOCS / "_build/gallery/reports"
RUNS = Path("runs/gallery")
_LINEAR = "--protocol linear --record losses --methods full,an,ll-r:0.5 --seeds 1 --epochs 25"


@dataclass(frozen=True)
class Shown:
    """A report of the gallery."""

    name: str
    title: str
    words: str
    command: str

    @property
    def real(self) -> bool:
        """Whether it shows photographs of others."""
        return "$LARGELOSS_DATA" in self.command


SHOWN = (
    Shown(
        "demo",
        "Digit scenes",
        "The whole demonstration: five methods, what each memorises, and images with the tags that "
        "LL-R left out.",
        f"largeloss demo --out {RUNS}/demo",
    ),
    Shown(
        "voc-animals",
        "voc-animals",
        "Photographs of Pascal VOC 2012 with one tag each; a linear head on frozen features.",
        "largeloss compare $LARGELOSS_DATA/voc-animals --config benchmarks/voc-animals.yaml "
        "--weights $LARGELOSS_DATA/weights/mobilenetv2_100-imagenet.safetensors --image-size 224 "
        f"{_LINEAR} --out {RUNS}/voc-animals",
    ),
    Shown(
        "fashion",
        "fashion",
        "Street photographs with one of 36 tags each; a linear head on frozen features.",
        "largeloss compare $LARGELOSS_DATA/fashion --observe single-positive "
        "--backbone mobilenetv2_100 --set model.args.pad_type=same "
        "--set 'model.mean=[0.5,0.5,0.5]' --set 'model.std=[0.5,0.5,0.5]' "
        "--weights $LARGELOSS_DATA/weights/mobilenetv2_100-imagenet.safetensors --image-size 224 "
        f"{_LINEAR} --lr 1e-4 --batch-size 16 --out {RUNS}/fashion",
    ),
)


def markdown() -> str:
    """A section a report: the page where it was made, else how to make it."""
    return "\n\n".join(part for one in SHOWN for part in _section(one)) + "\n"


def _section(one: Shown) -> list[str]:
    made = (REPORTS / f"{one.name}.html").is_file()
    page = f"reports/{one.name}.html"
    frame = (
        f'```{{raw}} html\n<p><a href="{page}">Open it alone</a></p>\n<iframe src="{page}" '
        f'title="{one.title}" loading="lazy" style="width: 100%; height: 75vh; border: 1px solid '
        'var(--color-background-border)"></iframe>\n```'
    )
    missing = "This copy of the site was built without it; `make gallery` makes it" + (
        " where `LARGELOSS_DATA` names a folder with this collection." if one.real else "."
    )
    console = f"```console\n{one.command}\n```"
    return [f"## {one.title}", one.words, console, frame if made else missing]


def main() -> int:
    """Makes what can be made; finished trainings of a comparison are not repeated."""
    shutil.rmtree(REPORTS, ignore_errors=True)
    REPORTS.mkdir(parents=True)
    data = os.environ.get("LARGELOSS_DATA")
    for one in SHOWN:
        if one.real and not (data and Path(data, one.name).is_dir()):
            print(f"{one.name}: left out, LARGELOSS_DATA names no folder that has it.")
            continue
        words = shlex.split(one.command.replace("$LARGELOSS_DATA", str(data)))
        code = subprocess.run([sys.executable, "-m", *words]).returncode
        if code:
            return code
        shutil.copyfile(RUNS / one.name / "report.html", REPORTS / f"{one.name}.html")
    print(f"{', '.join(sorted(path.stem for path in REPORTS.iterdir()))} → {REPORTS}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
