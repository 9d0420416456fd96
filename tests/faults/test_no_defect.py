"""Bad input is called bad input, and never a defect of largeloss; the exit code is the one said."""

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
import torch
from pyarrow import parquet
from safetensors.torch import save_file

from largeloss.errors import RunError
from largeloss.files import read_text, write_text
from processes import Command as Process

Command = Callable[..., tuple[int, str, str]]
NAMES = [str(row) for row in range(16)]
LINES = [f"{row},{('train', 'train', 'val', 'test')[row % 4]},{row // 4 % 2}" for row in range(16)]
VALUES = torch.linspace(-1, 1, 64).reshape(16, 4)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    root.mkdir()
    (root / "labels.csv").write_text("image,split,a\n" + "\n".join(LINES) + "\n")
    return root


FEATURES = {
    "float8": (VALUES.to(torch.float8_e4m3fn), {}, "float8_e4m3fn"),
    "complex": (VALUES.to(torch.complex64), {}, "complex64"),
    "width 0": (VALUES[:, :0].contiguous(), {}, r"at least one per image; got float32 of shape"),
    "a name twice": (VALUES, {"images": json.dumps([*NAMES[:15], "3"])}, "'3' twice"),
    "no list": (VALUES, {"images": "5"}, "JSON list of names"),
    "numbers": (VALUES, {"images": json.dumps(list(range(16)))}, "JSON list of names"),
    "brackets": (VALUES, {"images": 100_000 * "["}, "nested too deeply"),
}


@pytest.mark.parametrize("kind", FEATURES)
def test_finding_21_features(largeloss: Command, folder: Path, kind: str) -> None:
    values, noted, said = FEATURES[kind]
    save_file({"features": values}, folder / "features.safetensors", metadata=noted)
    for command in (
        ("data", "check", folder),
        ("train", folder, "--backbone", "none", "--out", folder.parent / "run"),
        ("data", "split", folder, "--out", folder.parent / "split"),
    ):
        code, _, err = largeloss(*command)
        assert code == 2, err
        assert said in err
        assert "defect" not in err


@pytest.mark.parametrize(
    "kind", [torch.float16, torch.bfloat16, torch.float64, torch.int64, torch.uint8, torch.bool]
)
def test_finding_21_other_types_of_features_are_read(
    largeloss: Command, folder: Path, kind: torch.dtype
) -> None:
    save_file({"features": (VALUES > 0).to(kind)}, folder / "features.safetensors")
    code, _, err = largeloss("data", "check", folder)
    assert code == 0, err


@pytest.mark.parametrize("length", [300, 5000, 140_000])
def test_finding_21_long_names(largeloss: Command, folder: Path, length: int) -> None:
    table = folder / "labels.csv"
    table.write_text(table.read_text() + length * "n" + ".png,train,1\n")
    for command in (
        ("data", "check", folder),
        ("data", "import", "csv", table, "--out", folder.parent / "imported"),
        ("data", "import", "csv", table, "--out", folder.parent / "imported", "--no-decode"),
        ("train", folder, "--backbone", "digits", "--out", folder.parent / "run"),
    ):
        code, _, err = largeloss(*command)
        assert code in (1, 2)
        assert "no such file" in err or "are missing" in err or "too long" in err
        assert "defect" not in err
    table.write_text(table.read_text().replace("a\n", length * "c" + "\n", 1))
    code, _, err = largeloss("data", "check", folder, "--no-images")
    assert code == (2 if length > 131_072 else 0), err
    assert "defect" not in err


def test_finding_21_numbers_that_are_too_large(largeloss: Command, folder: Path) -> None:
    (folder / "labels.csv").unlink()
    column = pa.array([2**63], pa.uint64())
    parquet.write_table(pa.table({"image": ["a"], "x": column}), folder / "labels.parquet")
    code, _, err = largeloss("data", "check", folder)
    assert code == 2
    assert "the value 9223372036854775808 is unknown" in err


def test_finding_20_the_exit_code_after_a_bad_header(
    command: Callable[..., Process], folder: Path
) -> None:
    """Threads of Arrow's that outlived the interpreter aborted it: one time in three, code 134."""
    table = folder / "labels.csv"
    table.write_text(table.read_text().replace("image,", "file,"))
    for arguments in (
        ("data", "check", folder),
        ("data", "import", "csv", table, "--out", folder.parent / "out"),
    ):
        running = [command(*arguments) for _ in range(3)]
        for one in running:
            code, _, err = one.ended()
            assert code == 2, err
            assert "the first column must be named 'image', got 'file'" in err
            assert "terminate" not in err


@pytest.mark.parametrize("name", ["labels.csv", "labels.parquet", "dataset.json", "classes.txt"])
def test_files_that_may_not_be_read(
    largeloss: Command, folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    save_file({"features": VALUES}, folder / "features.safetensors")
    hidden = folder / name
    if name == "labels.parquet":
        (folder / "labels.csv").rename(hidden)
    elif name != "labels.csv":
        hidden.write_text("{}")
    access = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode, **more: path != hidden and access(path, mode, **more)
    )
    train = ("train", folder, "--backbone", "none", "--out", folder.parent / "run")
    commands: list[tuple[object, ...]] = [(*train, "--classes", hidden)]
    if name != "classes.txt":
        commands = [train, ("data", "check", folder), ("data", "split", folder, "--out", "new")]
    for command in commands:
        code, _, err = largeloss(*command)
        assert code == 2, err
        assert name in err
        assert "you have no right to read it" in err
        assert "defect" not in err


def test_a_disk_that_fails(
    largeloss: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path, *arguments: object) -> None:
        raise OSError(errno.EIO, "Input/output error", str(path))

    monkeypatch.setattr(Path, "open", fail)
    code, _, err = largeloss("data", "check", folder)
    assert code == 2
    assert "labels.csv: cannot be read ([Errno 5] Input/output error" in err


def test_a_folder_that_nobody_may_look_into(
    largeloss: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbid(path: Path) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_dir", forbid)
    code, _, err = largeloss("train", folder, "--backbone", "digits", "--out", "run")
    assert code == 1
    said = " ".join(err.split())
    assert f"{folder}: you may not read or write there, the system says (Permission denied)" in said
    assert "under Windows it may be open in another program" in said
    assert "defect" not in err


@pytest.mark.parametrize("given", [(errno.EPERM, "not so"), (errno.EPERM, "not so", 3)])
def test_what_is_forbidden_and_no_place_is_not_called_one(
    largeloss: Command, folder: Path, monkeypatch: pytest.MonkeyPatch, given: tuple[object, ...]
) -> None:
    def forbid(path: Path) -> bool:
        raise PermissionError(*given)

    monkeypatch.setattr(Path, "is_dir", forbid)
    code, _, err = largeloss("train", folder, "--backbone", "digits", "--out", "run")
    assert code == 1
    assert "Unexpected PermissionError: [Errno 1] not so" in err


def test_a_file_that_is_open_in_another_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Windows refuses to replace it."""

    def forbid(path: Path, target: Path) -> None:
        raise PermissionError(errno.EACCES, "Access is denied", str(path), 5, str(target))

    monkeypatch.setattr(Path, "replace", forbid)
    with pytest.raises(RunError, match=r"close it in other programs, get the right to, or choose"):
        write_text(tmp_path / "scores.csv", "")


def test_the_rights_are_those_of_the_effective_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def allowed(path: Path, mode: int, *, effective_ids: bool = False) -> bool:
        return effective_ids

    (tmp_path / "file").write_text("text")
    monkeypatch.setattr(os, "access", allowed)
    assert read_text(tmp_path / "file") == "text"
