"""Miniature CUB-200-2011, as the official release unpacks."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

ATTRIBUTES = tuple(
    f"has_{part}::{look}"
    for part in ("bill_shape", "wing_color", "size")
    for look in ("dagger", "curved_(up_or_down)", "blue")
)
SIZE = (60, 40)
"""Width and height of the images."""

EXAMPLE: Mapping[str, tuple[bool, Sequence[int]]] = {
    "001.Black_footed_Albatross/Black_Footed_Albatross_0046_18.jpg": (False, [0, 4]),
    "001.Black_footed_Albatross/Black_Footed_Albatross_0009_34.jpg": (True, [1]),
    "002.Laysan_Albatross/Laysan_Albatross_0002_1027.jpg": (True, []),
    "002.Laysan_Albatross/Laysan_Albatross_0003_1033.jpg": (False, range(9)),
    "003.Sooty_Albatross/Sooty_Albatross_0048_1130.jpg": (True, [8, 0, 3]),
}
"""Path → (is a training image, attributes that are present, from 0)."""


def write_cub(
    root: Path,
    images: Mapping[str, tuple[bool, Sequence[int]]] = EXAMPLE,
    *,
    attributes: Sequence[str] = ATTRIBUTES,
    with_images: bool = True,
) -> Path:
    """Writes ``root/CUB_200_2011`` and ``root/attributes.txt``; returns the former.

    Image n has the box x = n, y = 2, width 20.5, height 30. Every seventh line of labels has two
    columns too many, as some have in the original.
    """
    folder = root / "CUB_200_2011"
    (folder / "attributes").mkdir(parents=True)
    (folder / "images").mkdir()
    names, split, boxes, labels = [], [], [], []
    for number, (name, (is_train, present)) in enumerate(images.items(), 1):
        names.append(f"{number} {name}")
        split.append(f"{number} {int(is_train)}")
        boxes.append(f"{number} {number}.0 2.0 20.5 30.0")
        for column in range(len(attributes)):
            ragged = " 0 1.5" if len(labels) % 7 == 0 else ""
            labels.append(f"{number} {column + 1} {int(column in present)} 3{ragged} 27.7080")
        if with_images:
            path = folder / "images" / name
            path.parent.mkdir(exist_ok=True)
            Image.new("RGB", SIZE, (9 * number % 256, 130, 60)).save(path)
    lists = {
        "CUB_200_2011/images.txt": names,
        "CUB_200_2011/train_test_split.txt": split,
        "CUB_200_2011/bounding_boxes.txt": boxes,
        "CUB_200_2011/attributes/image_attribute_labels.txt": labels,
        "attributes.txt": [f"{number} {name}" for number, name in enumerate(attributes, 1)],
    }
    for name, lines in lists.items():
        (root / name).write_text("\n".join(lines) + "\n")
    return folder
