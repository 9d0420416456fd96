"""The recipe for voc-animals, on a tree of three images in the official layout."""

import csv
import subprocess
import sys
from pathlib import Path

from PIL import Image

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "make_voc_animals.py"


def test_animal_images_are_taken_with_their_labels(tmp_path):
    voc = tmp_path / "VOC2012"
    lists = voc / "ImageSets/Main"
    lists.mkdir(parents=True)
    (voc / "JPEGImages").mkdir()
    for image in ("a", "b", "c"):
        Image.new("RGB", (500, 375), "green").save(voc / f"JPEGImages/{image}.jpg")
    states = {"cat": (1, -1, 0), "dog": (-1, -1, 1), "person": (1, 1, -1)}
    states |= dict.fromkeys(("cow", "horse", "sheep"), (-1, -1, -1))
    for name, (a, b, c) in states.items():
        (lists / f"{name}_train.txt").write_text(f"a {a:2d}\nb {b:2d}\n")
        (lists / f"{name}_val.txt").write_text(f"c {c:2d}\n")
    out = tmp_path / "out"
    subprocess.run([sys.executable, str(SCRIPT), str(voc), str(out)], check=True)
    with (out / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(r["image"], r["split"]) for r in rows] == [
        ("images/a.jpg", "train"),
        ("images/c.jpg", "test"),
    ]
    assert [rows[0][name] for name in ("cat", "dog", "person")] == ["1", "0", "1"]
    assert [rows[1][name] for name in ("cat", "dog", "person")] == ["0", "1", "0"]
    with Image.open(out / "images/a.jpg") as scaled:
        assert scaled.size == (256, 192)
