"""What the documentation's commands find: small things under the names that it uses."""

import json
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image
from safetensors.numpy import save_file
from trees_coco import Instance, write_coco
from trees_voc import write_voc

from largeloss.labels import read_labels
from largeloss.labels.answers import ANSWERS
from largeloss.labels.journal import Journal, Said
from largeloss.review.session import Review

CLASSES = ("cat", "dog", "horse", "sofa")
SMALL = (
    "--backbone", "digits", "--image-size", "16", "--epochs", "10", "--batch-size", "16",
    "--workers", "0", "--set", "training.stop_below=null",
)  # fmt: skip
"""Follow the options of what is trained, and so replace them."""
DROPPED = {"--pretrained": 1, "--weights": 2, "--seeds": 2, "--config": 2, "--cache": 2}
"""Options that are left out, with the number of their words."""
RUNS = {
    "RUN": "ll-r", "runs/mine": "ll-r", "RUN-AN": "an", "RUN-ROLE": "role", "RUN-LL-CT": "ll-ct",
    "runs/tags": "ll-r",
}  # fmt: skip
"""Finished runs that a page takes for granted, and their methods."""


def write_data(root: Path, *, tags_only: bool = False) -> Path:
    """Twenty-four images, each with a colour for every class that it shows; complete labels.

    Args:
        root: A new folder.
        tags_only: Training images have one tag, and nothing is known of their other classes.
    """
    stream = np.random.default_rng(0)
    (root / "images").mkdir(parents=True)
    lines = [",".join(("image", "split", *CLASSES))]
    for row in range(24):
        shown = stream.integers(0, 2, len(CLASSES))
        shown[row % len(CLASSES)] = 1
        name = f"images/{row:06d}.jpg"
        pixels = (
            np.repeat(shown * 200, 4).astype(np.uint8)[None, :, None].repeat(16, 0).repeat(3, 2)
        )
        Image.fromarray(pixels).save(root / name)
        split = ("train", "train", "train", "train", "val", "test")[row % 6]
        tag = [1 if column == row % len(CLASSES) else "" for column in range(len(CLASSES))]
        states = tag if tags_only and split == "train" else shown
        lines.append(",".join((name, split, *map(str, states))))
    (root / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


def write_boxes(path: Path, images: Path) -> None:
    """A COCO file of one's own for the images of a folder, which it makes."""
    images.mkdir(parents=True, exist_ok=True)
    entries, drawn = [], []
    for number in range(12):
        entries.append({"id": number, "file_name": f"{number}.jpg", "width": 16, "height": 12})
        box = [2, 1, 8, 7]
        drawn.append(
            {"id": number, "image_id": number, "category_id": number % 2 + 1, "bbox": box,
             "iscrowd": 0, "area": 56}
        )  # fmt: skip
        Image.new("RGB", (16, 12), (20 * number, 0, 0)).save(images / f"{number}.jpg")
    categories = [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]
    path.write_text(json.dumps({"images": entries, "annotations": drawn, "categories": categories}))


def furnish(folder: Path) -> None:
    """Writes everything but the runs."""
    for name in ("DATA", "photos"):
        write_data(folder / name)
    for name in ("IMAGES", "tags"):
        write_data(folder / name, tags_only=True)
    shutil.copytree(folder / "DATA/images", folder / "new-photos")
    for name in ("photo.jpg", "a.jpg", "b.jpg"):
        shutil.copy(folder / "DATA/images/000001.jpg", folder / name)
    names = "".join(f"DATA/images/{row:06d}.jpg\n" for row in range(24))
    (folder / "photos.csv").write_text(f"image\n{names}", encoding="utf-8")
    write_voc(folder / "VOCdevkit", 2012)
    animals = {k: [Instance(("cat", "dog", "horse")[k % 3])] for k in range(1, 31)}
    write_coco(folder / "COCO", 2017, train=animals)
    for file, images in (
        ("boxes.json", "photos"), ("train.json", "photos/train"), ("test.json", "photos/test"),
    ):  # fmt: skip
        write_boxes(folder / file, folder / images)
    write_annotations(folder / "export.json")
    image = read_labels(folder / "DATA/labels.csv").table.images[0]
    filled = "".join(f"{image},{name},1,1\n" for name in CLASSES)
    (folder / "filled.csv").write_text(f"image,class,label,rank\n{filled}")
    shutil.copytree(folder / "DATA/images", folder / "captions/images")
    tagged = "".join(f"{row:06d}.jpg\t{CLASSES[row % 4]}\n" for row in range(24))
    (folder / "captions/tags.txt").write_text(tagged)
    write_other_labels(folder)


def write_other_labels(folder: Path) -> None:
    """The same images with tag lists, in another coding, and as features."""
    shutil.copy(folder / "DATA/labels.csv", folder / "corrected.csv")
    shutil.copytree(folder / "DATA/images", folder / "taglists/images")
    complete = read_labels(folder / "DATA/labels.csv")
    states = complete.table.lookup(np.arange(complete.table.num_images))
    lists, numbers = ["image,split,labels"], [",".join(("image", "split", *CLASSES))]
    for name, split, row in zip(complete.table.images, complete.splits or (), states, strict=True):
        tags = ";".join(np.array(CLASSES)[row == 1])
        lists.append(f"{name},{split},{tags}")
        numbers.append(",".join((name, split, *map(str, row))))
    features = folder / "features/features.safetensors"
    features.parent.mkdir()
    save_file({"features": states.astype(np.float32)}, features)
    (folder / "taglists/labels.csv").write_text("\n".join(lists) + "\n", encoding="utf-8")
    (folder / "names.txt").write_text("cat\ndog\n", encoding="utf-8")
    for path in ("features/labels.csv", "spml.csv"):
        (folder / path).write_text("\n".join(numbers) + "\n", encoding="utf-8")


def write_annotations(path: Path) -> None:
    """What Label Studio exports after one annotator said yes to every tag of an image."""
    result = [
        {"from_name": name, "type": "choices", "value": {"choices": ["yes"]}} for name in CLASSES
    ]
    annotations = [{"completed_by": 4, "result": result}]
    data = {"image": "/data/local-files/?d=images/000000.jpg", "name": "images/000000.jpg"}
    path.write_text(json.dumps([{"data": data, "annotations": annotations}]))


def answer(run: Path, data: Path) -> None:
    """Two reviewers who say of some cats otherwise than the labels."""
    (run / ANSWERS).parent.mkdir()
    journal, table = Journal(run / ANSWERS, {"run": "RUN"}), read_labels(data / "labels.csv").table
    for row, reviewer in enumerate(("anna", "anna", "ben")):
        state = int(table.at([row], [0])[0])
        word = "no" if state == 1 else "yes"
        said = Said(table.images[row], table.classes[0], word, 0.7, state)
        journal.add(reviewer, "suggestions", [said])
    journal.close()


def arguments_of(run: Path) -> list[str]:
    """How a run of :data:`RUNS` is trained: on a table of which most is hidden, or on tags."""
    labels = ["tags"] if run.name == "tags" else ["DATA", "--observe", "single-positive"]
    return [*labels, "--method", RUNS[str(run)], "--record", "losses"]


def shrunk(words: list[str]) -> list[str]:
    """The arguments of a command, small: plural names are one run, trainings are of ten epochs.

    Digit scenes are not furnished, and have thousands of images: two epochs of a tenth.
    """
    words = [word.removesuffix("…") for word in words[1:]]
    if words[0] not in ("train", "compare"):
        return words
    scenes = any(now == "digits" and last != "--backbone" for last, now in pairwise(words))
    few = ["--epochs", "2", "--set", "data.train_share=0.1"] if scenes else []
    kept: list[str] = []
    while words:
        count = DROPPED.get(words[0], 0)
        kept += [] if count else words[:1]
        del words[: count or 1]
    return [*kept, *SMALL, *few, *(["--seeds", "1"] if kept[0] == "compare" else [])]


def prepare(words: list[str], train: Callable[[list[str], Path], None]) -> None:
    """Trains the runs that a command reads and that are not there; removes what it would write."""
    target = Path(words[words.index("--out") + 1]) if "--out" in words else None
    for word in words:
        if word in RUNS and Path(word) != target and not Path(word).exists():
            train(arguments_of(Path(word)), Path(word))
            if word == "RUN":
                answer(Path(word), Path("DATA"))
    if target is not None and "--resume" not in words and target.exists():
        shutil.rmtree(target) if target.is_dir() else target.unlink()


def review(run: Path) -> None:
    """In place of a server and somebody at a browser: answers a suggestion of each class."""
    with Review(run) as opened:
        for column in range(len(opened.classes)):
            place = opened.queue.row(column, 0), column
            opened.answer("ana", "suggestions", [(place, "yes" if column % 2 else "no")])
