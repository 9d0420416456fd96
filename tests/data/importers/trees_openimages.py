"""Miniature OpenImages V3, as the archives of 2017_11 unpack."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

FOLDERS = {"train": "train", "val": "validation", "test": "test"}
HEADER = (
    "ImageID,Subset,OriginalURL,OriginalLandingURL,License,AuthorProfileURL,Author,Title,"
    "OriginalSize,OriginalMD5,Thumbnail300KURL"
)
TRAINABLE = ("/m/01g317", "/m/0284d", "/m/052lwg6", "/m/04hgtk")
OTHER = ("/m/0fszt",)
Answers = Mapping[str, Mapping[str, str]]
"""Image id → class id → confidence, as in the file."""

EXAMPLE: Mapping[str, Answers] = {
    "train": {
        "000026e7ee790996": {"/m/01g317": "1", "/m/0284d": "0", "/m/04hgtk": "0"},
        "000002b66c9c498e": {"/m/01g317": "0", "/m/052lwg6": "1"},
        "000002b97e5471a0": {"/m/0284d": "1", "/m/0fszt": "1"},
        "ffffffffffffffff": {"/m/01g317": "1"},
        "000060e3121c7305": {},
    },
    "val": {"0000c64e1253d68f": {"/m/01g317": "1"}, "000062a39995e348": {"/m/0284d": "0"}},
    "test": {"0123456789abcdef": {"/m/052lwg6": "1", "/m/04hgtk": "0"}},
}
"""Subset → answers; the last training image has not been looked at by anybody."""


def write_openimages(
    root: Path,
    subsets: Mapping[str, Answers] = EXAMPLE,
    *,
    trainable: Sequence[str] = TRAINABLE,
    other: Sequence[str] = OTHER,
    with_images: bool = True,
) -> Path:
    """Writes ``root/2017_11`` and returns it; images (20 × 16) lie beside the lists."""
    folder = root / "2017_11"
    for split, name in FOLDERS.items():
        (folder / name).mkdir(parents=True)
        images = [HEADER]
        lines = ["ImageID,Source,LabelName,Confidence"]
        for number, (image, answers) in enumerate(subsets.get(split, {}).items()):
            images.append(
                f"{image},{name},https://c1.staticflickr.com/{image}_o.jpg,https://flickr.com/x,"
                f'https://creativecommons.org/licenses/by/2.0/,"https://flickr.com/x","A, B",'
                f'"On ""two""\nlines",211079,0Sad+xMj2ttXM1U8meEJ0A==,'
            )
            lines += [f"{image},verification,{key},{value}" for key, value in answers.items()]
            if with_images:
                colour = (40 * number % 256, 90, 200)
                Image.new("RGB", (20, 16), colour).save(folder / name / f"{image}.jpg")
        (folder / name / "images.csv").write_text("\n".join(images) + "\n")
        (folder / name / "annotations-human.csv").write_text("\n".join(lines) + "\n")
    (folder / "classes-trainable.txt").write_text("\n".join(trainable) + "\n")
    described = [f'{key},"Thing, {number}"' for number, key in enumerate([*trainable, *other])]
    (folder / "class-descriptions.csv").write_text("\n".join(described) + "\n")
    return folder
