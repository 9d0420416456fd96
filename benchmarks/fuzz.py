"""``make fuzz``: files damaged at random are read; nothing but a message may come of it.

For every reader a small, right file or folder is written, one of its files is changed (bytes
flipped, cut out, doubled, put in), and it is read. What an attacker would write is tried as well
(``attacks.py``). Allowed is that it is read, or refused with an error of largeloss; an error of
another kind, a hang of more than ten seconds, a leap in memory or a file changed elsewhere is a
finding, which is kept in the output folder. The same number is the same input.

    python benchmarks/fuzz.py [--inputs 20000] [--first 0] [--out runs/fuzz]
"""

import argparse
import collections
import random
import resource
import shutil
import signal
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from largeloss.config import make_config, read_yaml
from largeloss.data.folder.boxes import Boxes, read_boxes, write_boxes
from largeloss.data.folder.dataset_json import read_description
from largeloss.data.folder.read import read_features, read_folder, write_features
from largeloss.data.importers import arff, coco, cub, nuswide, openimages, voc
from largeloss.data.inputs.image_files import ImageFiles
from largeloss.errors import LargelossError
from largeloss.labels import LabelTable, read_edits, read_labels, write_labels
from largeloss.training.checkpoint_file import load_state, save_state

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "data" / "importers"))
import attacks
from trees_coco import write_coco
from trees_cub import write_cub
from trees_nuswide import write_nuswide
from trees_openimages import write_openimages
from trees_voc import write_voc

SECONDS = 10
BYTES = 4 * 2**30
TOKENS = (
    b"", b",", b"\n", b'"', b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"nan", b"inf", b"-1", b"1e999",
    b"99999999999999999999", b"{", b"}", b"[", b"]", b"<", b">", b"&a;",
    b"<!DOCTYPE a [<!ENTITY a 'b'>]>", b"../", b"/etc/passwd", b"null", b"true", b"'", b"{0 1}",
    b"@data", b"!!python/object", b"&x *x",
)  # fmt: skip

Reader = Callable[[Path], object]


def labels(folder: Path) -> None:
    table = LabelTable.from_dense(
        np.random.default_rng(0).integers(-1, 2, (12, 4)).astype(np.int8),
        images=[f"{n}.png" for n in range(12)],
        classes=list("abcd"),
    )
    write_labels(folder / "labels.csv", table, splits=["train"] * 8 + ["val"] * 2 + ["test"] * 2)


def parquet(folder: Path) -> None:
    labels(folder)
    table = read_labels(folder / "labels.csv").table
    write_labels(folder / "labels.parquet", table)
    (folder / "labels.csv").unlink()


def boxes(folder: Path) -> None:
    corners = np.array([[0, 0, 4, 4], [1, 1, 3, 3]], np.float32)
    found = Boxes(np.array([0, 1]), np.array([0, 1], np.int32), corners, np.zeros(2, bool))
    write_boxes(folder / "boxes.parquet", found, BOXED)


BOXED = LabelTable.from_dense(np.ones((2, 2), np.int8), images=["0", "1"], classes=["a", "b"])


def features(folder: Path) -> None:
    write_features(folder / "features.safetensors", torch.randn(2, 5), ["0", "1"])


def folder_of_images(folder: Path) -> None:
    labels(folder)
    images(folder, 12)


def images(folder: Path, number: int = 6) -> None:
    stream = np.random.default_rng(0)
    for place in range(number):
        kind = ("png", "jpg", "gif", "webp", "bmp", "tiff")[place % 6] if number == 6 else "png"
        pixels = stream.integers(0, 256, (9, 13, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{place}.{kind}")


def read_images(folder: Path) -> None:
    for path in sorted(folder.iterdir()):
        ImageFiles((path,), 8).read([0], [False])


def config(folder: Path) -> None:
    text = "data:\n  path: x\n  classes: [a, b]\nmethod:\n  name: ll-r\n  delta_rel: 0.2\n"
    (folder / "config.yaml").write_text(text + "training:\n  epochs: 3\n  lr: 1e-3\n")


def saved(folder: Path) -> None:
    save_state(folder / "state.pt", {"a": torch.arange(20), "b": {"c": [1, 2.0, None, "x"]}})


def relation(folder: Path) -> None:
    rows = "\n".join(f"{n},{n / 2},{n % 2}" for n in range(9))
    heading = "@relation r\n@attribute a numeric\n@attribute b numeric\n@attribute c {0,1}\n@data\n"
    (folder / "r.arff").write_text(heading + rows + "\n")


def read_json(folder: Path) -> object:
    files = [f"{name}={folder}/annotations/instances_{name}2017.json" for name in ("train", "val")]
    return coco.read_files(files, [str(folder)], "unknown")


READERS: dict[str, tuple[Callable[[Path], object], Reader]] = {
    "labels.csv": (labels, lambda f: read_labels(f / "labels.csv")),
    "labels.parquet": (parquet, lambda f: read_labels(f / "labels.parquet")),
    "data folder": (folder_of_images, lambda f: read_folder(f, image_size=8)),
    "boxes.parquet": (boxes, lambda f: read_boxes(f / "boxes.parquet", BOXED)),
    "corrections.parquet": (boxes, lambda f: read_edits(f / "boxes.parquet")),
    "features": (features, lambda f: read_features(f / "features.safetensors", BOXED)),
    "images": (images, read_images),
    "config.yaml": (config, lambda f: make_config([read_yaml(f / "config.yaml")])),
    "config.json": (attacks.small_run, attacks.read_model),
    "YAML bombs": (config, lambda f: make_config([read_yaml(f / "config.yaml")])),
    "descriptions": (attacks.small_run, attacks.read_model),
    "run folders": (attacks.small_run, attacks.use_run),
    "dataset.json": (
        lambda f: (f / "dataset.json").write_text(
            '{"format": 1, "name": "a", "classes": ["a"], "images": "."}'
        ),
        read_description,
    ),
    "state.pt": (saved, lambda f: load_state(f / "state.pt")),
    "VOC": (lambda f: write_voc(f, 2012), lambda f: voc.read(f, 2012)),
    "COCO": (lambda f: write_coco(f, 2017), lambda f: coco.read(f, 2017)),
    "COCO json": (lambda f: write_coco(f, 2017), read_json),
    "NUS-WIDE": (write_nuswide, lambda f: nuswide.read(f, "official")),
    "CUB": (write_cub, cub.read),
    "OpenImages": (write_openimages, openimages.read),
    "ARFF": (relation, lambda f: arff.read(f / "r.arff", -1)),
}


Attack = Callable[[Path, random.Random], None]
ATTACKS: dict[str, Attack] = {
    "YAML bombs": attacks.nest_yaml,
    "descriptions": attacks.change_description,
    "run folders": attacks.lay_links,
}
"""What is done in place of damage, by the reader's name."""


def damage_a_file(name: str, folder: Path, stream: random.Random) -> None:
    """One of the files in the folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if name == "config.json":
        files = [folder / "run/best/config.json"]
    texts = [path for path in files if path.suffix not in (".jpg", ".png")] or files
    path = stream.choice(files if name in ("images", "data folder") else texts)
    path.write_bytes(damaged(path.read_bytes(), stream))


def damaged(content: bytes, stream: random.Random) -> bytes:
    """One to four changes."""
    found = bytearray(content)
    for _ in range(stream.choice((1, 1, 1, 2, 4))):
        place = stream.randrange(len(found) + 1)
        end = min(len(found), place + stream.choice((1, 1, 4, 30, len(found))))
        match stream.randrange(5):
            case 0 if found:
                found[place % len(found)] ^= 1 << stream.randrange(8)
            case 1:
                del found[place:end]
            case 2:
                found[place:place] = found[place:end]
            case 3:
                found[place:place] = stream.choice(TOKENS)
            case _:
                found[place:end] = stream.randbytes(end - place)
    return bytes(found)


def attempt(name: str, number: int, right: Path, out: Path) -> str:
    """Damages a copy and reads it: "read", "refused", or "found"."""
    stream = random.Random(f"{name} {number}")
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "input"
        shutil.copytree(right, folder)
        if name in ATTACKS:
            ATTACKS[name](folder, stream)
        else:
            damage_a_file(name, folder, stream)
        signal.alarm(SECONDS)
        try:
            READERS[name][1](folder)
            return "read"
        except LargelossError:
            return "refused"
        except BaseException as error:
            kept = out / f"{name.replace(' ', '-')}-{number}"
            shutil.copytree(folder, kept, symlinks=True, dirs_exist_ok=True)
            (kept / "traceback.txt").write_text(traceback.format_exc())
            print(f"{name} {number}: {type(error).__name__}: {error}", flush=True)
            return "found"
        finally:
            signal.alarm(0)


def main() -> None:
    """Reads as many inputs as asked for, reader after reader."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/fuzz"))
    arguments = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_DATA, (BYTES, BYTES))
    warnings.simplefilter("ignore")

    def hang(*_: object) -> None:
        raise TimeoutError(f"more than {SECONDS} s")

    signal.signal(signal.SIGALRM, hang)
    arguments.out.mkdir(parents=True, exist_ok=True)
    counts: dict[str, collections.Counter[str]] = {}
    with tempfile.TemporaryDirectory() as made:
        for name, (write, read) in READERS.items():
            right = Path(made) / name.replace(" ", "-")
            right.mkdir()
            write(right)
            if name != "corrections.parquet":  # for which a file of boxes is damage enough
                try:
                    read(right)
                except LargelossError as error:
                    sys.exit(f"{name}: what is right is refused: {error}")
            share = -(-arguments.inputs // len(READERS))
            numbers = range(arguments.first, arguments.first + share)
            counts[name] = collections.Counter(
                attempt(name, number, right, arguments.out) for number in numbers
            )
            print(f"{name}: {dict(counts[name])}", flush=True)
    total = sum(counts.values(), collections.Counter())
    print(f"{total.total()} inputs: {total['read']} read, {total['refused']} refused, "
          f"{total['found']} findings.")  # fmt: skip
    sys.exit(bool(total["found"]))


if __name__ == "__main__":
    main()
