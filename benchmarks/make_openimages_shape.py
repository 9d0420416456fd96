"""Writes lists in the layout of OpenImages V3 (2017_11) at full size, without images.

    python benchmarks/make_openimages_shape.py out

Image ids are random; class frequencies fall off as (rank + 10) ** -1.2, so that the most frequent
classes have hundreds of thousands of annotations and the rarest about 200; annotations stand
together by image, as in the original. The defaults give 9.0 million training images, of which 3.4
million have about 15 million annotations of 5,000 trainable classes, and further annotations of
classes that are not trainable.
Seeded: the same options write the same files.
"""

import argparse
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv

BLOCK = 500_000
"""So many rows are written at a time."""
HEADER = (
    "ImageID,Subset,OriginalURL,OriginalLandingURL,License,AuthorProfileURL,Author,Title,"
    "OriginalSize,OriginalMD5,Thumbnail300KURL"
)


def main() -> None:
    """Writes the tree."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, help="folder to write; 2017_11 is made in it")
    parser.add_argument("--train", type=int, default=3_400_000, help="annotated training images")
    parser.add_argument("--silent", type=int, default=5_611_219, help="training images without any")
    parser.add_argument("--val", type=int, default=41_620)
    parser.add_argument("--test", type=int, default=125_436)
    parser.add_argument("--per-image", type=float, default=15 / 3.4, help="annotations an image")
    parser.add_argument("--other", type=float, default=0.25, help="share of them not trainable")
    parser.add_argument("--classes", type=int, default=5_000, help="trainable classes")
    parser.add_argument("--all-classes", type=int, default=19_995)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    root = options.out / "2017_11"
    stream = np.random.default_rng(options.seed)
    classes = _write_classes(root, options.all_classes, options.classes)
    sizes = {"train": options.train, "validation": options.val, "test": options.test}
    for subset, size in sizes.items():
        folder = root / subset
        folder.mkdir(parents=True, exist_ok=True)
        silent = options.silent if subset == "train" else 0
        ids = np.unique(stream.integers(0, 2**63, size + silent, dtype=np.uint64))
        annotated = np.sort(stream.permutation(ids)[:size])
        _write_images(folder / "images.csv", subset, ids)
        _write_annotations(
            folder / "annotations-human.csv",
            stream,
            annotated,
            classes,
            options.classes,
            options.per_image,
            options.other,
        )


def _write_classes(root: Path, count: int, trainable: int) -> pa.Array:
    """Ids of all classes, the trainable ones first."""
    root.mkdir(parents=True, exist_ok=True)
    names = [f"/m/{number:06x}" for number in range(count)]
    (root / "classes-trainable.txt").write_text("\n".join(names[:trainable]) + "\n")
    lines = (f'{name},"Thing, number {number}"' for number, name in enumerate(names))
    (root / "class-descriptions.csv").write_text("\n".join(lines) + "\n")
    return pa.array(names)


def _write_images(path: Path, subset: str, ids: NDArray[np.uint64]) -> None:
    with path.open("wb") as file:
        file.write(f"{HEADER}\n".encode())
        for start in range(0, len(ids), BLOCK):
            block = ids[start : start + BLOCK].tolist()
            lines = (
                f"{number:016x},{subset},https://c1.staticflickr.com/5/4129/{number}_o.jpg,"
                f"https://www.flickr.com/photos/someone/{number},"
                "https://creativecommons.org/licenses/by/2.0/,"
                f'"https://www.flickr.com/people/someone/","Some, One","A ""title"" {number}",'
                f"211079,0Sad+xMj2ttXM1U8meEJ0A==,https://c1.staticflickr.com/5/{number}_z.jpg\n"
                for number in block
            )
            file.write("".join(lines).encode())


def _write_annotations(
    path: Path,
    stream: np.random.Generator,
    ids: NDArray[np.uint64],
    classes: pa.Array,
    trainable: int,
    per_image: float,
    other: float,
) -> None:
    """One to many annotations of each image, ``per_image`` trainable ones on average."""
    chances = np.cumsum((np.arange(trainable) + 10.0) ** -1.2)
    chances /= chances[-1]
    with path.open("wb") as file:
        file.write(b"ImageID,Source,LabelName,Confidence\n")
        for start in range(0, len(ids), BLOCK):
            block = ids[start : start + BLOCK]
            counts = 1 + stream.poisson(max(0.0, per_image - 1), len(block))
            rows = np.repeat(np.arange(len(block)), counts)
            codes = np.searchsorted(chances, stream.random(len(rows)))
            extra = np.sort(stream.integers(0, len(block), int(other * len(rows))))
            if trainable < len(classes):
                rows = np.concatenate([rows, extra])
                more = stream.integers(trainable, len(classes), len(extra))
                codes = np.concatenate([codes, more])
            # one annotation an image and class, by image and then by class
            keys = np.unique(rows * len(classes) + codes)
            rows, codes = np.divmod(keys, len(classes))
            names = pa.array([f"{number:016x}" for number in block.tolist()])
            sources = pa.array(["verification", "crowdsource-verification"])
            table = pa.table(
                {
                    "ImageID": names.take(pa.array(rows)),
                    "Source": sources.take(pa.array(stream.integers(0, 2, len(rows)))),
                    "LabelName": classes.take(pa.array(codes)),
                    "Confidence": pa.array((stream.random(len(rows)) < 0.47).astype(np.int8)),
                }
            )
            write = csv.WriteOptions(include_header=False, quoting_style="none")
            csv.write_csv(table, file, write)


if __name__ == "__main__":
    main()
