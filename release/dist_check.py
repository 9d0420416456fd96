"""Builds wheel and source distribution, and checks them as somebody who installs them.

Contents, metadata, and a training from the wheel in an environment that holds nothing else, in a
folder outside of the repository. ``make dist-check``; it needs the package registry.
"""

import argparse
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BESIDE = {
    "CHANGELOG.md", "CITATION.cff", "LICENSE", "README.md", "SECURITY.md", "pyproject.toml",
    ".gitignore", "PKG-INFO",
}  # fmt: skip
"""What a source distribution holds beside the package; hatch adds the last two."""


def main() -> None:
    """Builds and checks; the first failure ends it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default=sys.executable, help="Makes the empty environment.")
    python = parser.parse_args().python
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run([sys.executable, "-m", "build", "--outdir", str(folder / "dist")], ROOT)
        (wheel,) = folder.glob("dist/*.whl")
        (source,) = folder.glob("dist/*.tar.gz")
        files = check_wheel(wheel, package_files())
        print(f"{wheel.name}: {files} files of the package, nothing else")
        files = check_source(source, package_files())
        print(f"{source.name}: {files} files")
        run([sys.executable, "-m", "twine", "check", "--strict", str(wheel), str(source)], folder)
        try_wheel(wheel, folder, python)
    print("dist-check: all is well")


def package_files() -> set[str]:
    """The package as git has it."""
    listed = subprocess.run(
        ["git", "ls-files", "src/largeloss"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return {line.removeprefix("src/") for line in listed.stdout.splitlines()}


def check_wheel(wheel: Path, wanted: set[str]) -> int:
    """Makes sure that a wheel holds the package alone; the number of its files."""
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if not name.endswith("/")}
    described = {name for name in held if name.split("/")[0].endswith(".dist-info")}
    same(held - described, wanted, wheel.name)
    return len(held)


def check_source(source: Path, wanted: set[str]) -> int:
    """Makes sure that a source distribution holds the package and :data:`BESIDE`."""
    with tarfile.open(source) as archive:
        held = {member.name.partition("/")[2] for member in archive if member.isfile()}
    same(held, {f"src/{name}" for name in wanted} | BESIDE, source.name)
    return len(held)


def same(held: set[str], wanted: set[str], where: str) -> None:
    """Ends with what is missing and what should not be there."""
    if held != wanted:
        missing, strange = sorted(wanted - held)[:10], sorted(held - wanted)[:10]
        sys.exit(f"{where}: missing {missing}, not wanted {strange}")


def try_wheel(wheel: Path, folder: Path, python: str) -> None:
    """Installs it into an empty environment, and trains an epoch on digit scenes."""
    run([python, "-m", "venv", str(folder / "venv")], folder)
    own = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
    run([str(own / "python"), "-m", "pip", "install", "--quiet", str(wheel)], folder)
    run([str(own / "python"), "-m", "pip", "check"], folder)
    (folder / "work").mkdir()
    command = str(own / "largeloss")
    for arguments in (
        ["--version"],
        ["data", "digits", "--help"],
        ["train", "--preset", "digits/ll-r", "--epochs", "1", "--workers", "0", "--out", "run"],
        ["report", "run"],
    ):
        run([command, *arguments], folder / "work")
    if not (folder / "work/run/report.html").is_file():
        sys.exit("The training from the wheel wrote no report.")


def run(command: Sequence[str], folder: Path) -> None:
    """Shows a command and runs it; ends if it fails. The repository is not on its path."""
    print("+", *command, flush=True)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if subprocess.run(command, cwd=folder, env=environment).returncode:
        sys.exit(f"Failed: {' '.join(command)}")


if __name__ == "__main__":
    main()
