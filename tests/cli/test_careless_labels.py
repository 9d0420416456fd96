"""Label files as a hurried person writes them: found by ``data check`` and ``train`` alike."""

from collections.abc import Callable
from pathlib import Path

import pytest

Command = Callable[..., tuple[int, str, str]]
TRAIN = ("--backbone", "digits", "--image-size", "16", "--epochs", "1", "--workers", "0")


@pytest.fixture
def both(largeloss: Command, tmp_path: Path) -> Callable[..., list[tuple[int, str]]]:
    """Checks a folder and trains on it: exit code and messages of each."""

    def commands(root: Path, *more: str) -> list[tuple[int, str]]:
        checked = largeloss("data", "check", root, *more)
        trained = largeloss("train", root, *TRAIN, *more, "--out", tmp_path / "run")
        return [(code, err) for code, _, err in (checked, trained)]

    return commands


def test_tags_between_commas_are_refused(both, image_folder: Path, tmp_path: Path) -> None:
    table = image_folder / "labels.csv"
    lines = ["image,split,labels"]
    for line in table.read_text().splitlines()[1:]:
        image, split, red, blue = line.split(",")
        lines.append(f'{image},{split},"{"red," * int(red)}{"blue" * int(blue)}"')
    table.write_text("\n".join(lines) + "\n")
    for code, err in both(image_folder, "--unlisted", "absent"):
        assert code == 2
        assert "'red,blue' holds ','" in err
        assert "write ';': 'red;blue'" in err
    assert not (tmp_path / "run").exists()
    table.write_text(table.read_text().replace(",blue", ";blue").replace("red,", "red"))
    for code, err in both(image_folder, "--unlisted", "absent"):
        assert code == 0, err
        assert "holds" not in err
