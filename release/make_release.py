"""Makes a release of a clean main: version, changelog, builds, commit, tag. It publishes nothing.

``make release VERSION=1.2.0``; docs/contributing/releasing.md says what comes before and after.
"""

import argparse
import datetime
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

VERSION_FILE = Path("src/largeloss/version.py")
CITATION, CHANGELOG = Path("CITATION.cff"), Path("CHANGELOG.md")
CHANGED = (VERSION_FILE, CITATION, CHANGELOG)


class ReleaseError(Exception):
    """A release cannot be made; nothing was changed."""


def main() -> None:
    """Releases the repository in the current folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("version", help="Of the release, such as 1.2.0.")
    version = parser.parse_args().version
    try:
        release(Path.cwd(), version, datetime.date.today(), build)
    except ReleaseError as error:
        sys.exit(f"Error: {error}")
    print(
        f"Version {version} is committed, tagged v{version} and built in dist/. Nothing is "
        f"published: look at it with git show v{version}, then push main and the tag."
    )


def release(root: Path, version: str, today: datetime.date, build: Callable[[Path], None]) -> None:
    """Sets the version, dates the changelog, builds, commits and tags.

    Raises:
        ReleaseError: the tree is not clean or not on main, or the version cannot be the next one.
    """
    before = {path: (root / path).read_text(encoding="utf-8") for path in CHANGED}
    check(root, version, before)
    after = {
        VERSION_FILE: replaced(before[VERSION_FILE], r'(?<=__version__ = ")[^"]+', version),
        CITATION: replaced(before[CITATION], r"(?m)(?<=^version: ).+$", version),
        CHANGELOG: dated(before[CHANGELOG], version, today),
    }
    try:
        for path, text in after.items():
            (root / path).write_text(text, encoding="utf-8")
        build(root)
    except BaseException:
        for path, text in before.items():
            (root / path).write_text(text, encoding="utf-8")
        raise
    git(root, "commit", "--quiet", "--message", f"Version {version}", *map(str, CHANGED))
    git(root, "tag", "--annotate", f"v{version}", "--message", f"Version {version}")


def check(root: Path, version: str, before: dict[Path, str]) -> None:
    """Makes sure that the release can be made.

    Raises:
        ReleaseError: so it cannot.
    """
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise ReleaseError(f"VERSION must be three numbers, such as 1.2.0, got {version!r}.")
    found = re.search(r'__version__ = "([^"]+)"', before[VERSION_FILE])
    present = found[1] if found else ""
    if numbers(version) < numbers(present):
        raise ReleaseError(f"The version is {present} already, and {version} is lower.")
    if git(root, "tag", "--list", f"v{version}"):
        raise ReleaseError(f"There is a tag v{version} already.")
    branch = git(root, "rev-parse", "--abbrev-ref", "HEAD")
    if branch != "main":
        raise ReleaseError(f"Releases are made of main, and this is {branch}.")
    if changed := git(root, "status", "--porcelain"):
        raise ReleaseError(f"The tree is not clean; commit or remove:\n{changed}")
    if not unreleased(before[CHANGELOG]).strip():
        raise ReleaseError(f"{CHANGELOG} says nothing under Unreleased.")


def numbers(version: str) -> tuple[int, ...]:
    """1.2.0 → (1, 2, 0)."""
    return tuple(int(part) for part in re.findall(r"\d+", version))


def unreleased(changelog: str) -> str:
    """What stands under Unreleased."""
    found = re.search(r"(?ms)^## Unreleased\n(.*?)(?=^## |\Z)", changelog)
    return found[1] if found else ""


def dated(changelog: str, version: str, today: datetime.date) -> str:
    """Unreleased becomes the version and the date; an empty Unreleased stands above it."""
    heading = f"## Unreleased\n\n## {version} ({today.isoformat()})\n"
    return replaced(changelog, r"(?m)^## Unreleased\n", heading)


def replaced(text: str, pattern: str, by: str) -> str:
    """With the one place of ``pattern`` replaced."""
    text, count = re.subn(pattern, lambda _: by, text)
    assert count == 1, pattern
    return text


def build(root: Path) -> None:
    """Wheel and source distribution, in an emptied ``dist/``."""
    for file in (root / "dist").glob("*"):
        file.unlink()
    subprocess.run([sys.executable, "-m", "build", "--outdir", "dist"], cwd=root, check=True)


def git(root: Path, *arguments: str) -> str:
    """What a command of git prints."""
    done = subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout.strip()


if __name__ == "__main__":
    main()
