"""The main job on real photographs; needs LARGELOSS_DATA."""

import csv
import json
import shutil

from largeloss.cli import run

CLASSES = ("cat", "dog", "horse")


def test_a_linear_head_on_ninety_photographs(real_data, tmp_path):
    root = tmp_path / "photos"
    root.mkdir()
    with (real_data / "voc-animals/labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    chosen = []
    for name in CLASSES:
        chosen += [r for r in rows if r[name] == "1" and sum(r[c] == "1" for c in CLASSES) == 1][
            :30
        ]
    with (root / "labels.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image", *CLASSES])
        for row in chosen:
            name = row["image"].rsplit("/", 1)[-1]
            shutil.copy(real_data / "voc-animals" / row["image"], root / name)
            writer.writerow([name, *("1" if row[c] == "1" else "" for c in CLASSES)])
    weights = real_data / "weights/mobilenetv2_100-imagenet.safetensors"
    code = run(
        [
            "train", str(root), "--backbone", "mobilenetv2_100", "--weights", str(weights),
            "--set", "model.args.pad_type=same", "--set", "model.mean=[0.5,0.5,0.5]",
            "--set", "model.std=[0.5,0.5,0.5]", "--protocol", "linear", "--image-size", "128",
            "--epochs", "8", "--workers", "0", "--out", str(tmp_path / "run"),
        ]
    )  # fmt: skip
    assert code == 0
    result = json.loads((tmp_path / "run/result.json").read_text())
    assert result["test_map"] > 55  # chance is a third
    assert result["test_rule"] == "assume-absent"
    assert result["start_weights"].startswith("mobilenetv2_100-imagenet.safetensors sha256:")
