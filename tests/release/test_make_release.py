"""A release in a repository of its own: what changes, and what is refused."""

import datetime
import subprocess

import pytest
from make_release import CHANGED, ReleaseError, git, release

DAY = datetime.date(2030, 2, 3)
LOG = "# Changelog\n\n## Unreleased\n\n### Added\n\n- Much.\n\n## 1.1.0 (2029-01-01)\n\n- Less.\n"


@pytest.fixture
def clone(tmp_path, monkeypatch):
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "somebody")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "somebody@example.org")
    (tmp_path / "src/largeloss").mkdir(parents=True)
    contents = ('"""V."""\n\n__version__ = "1.1.0"\n', "title: x\nversion: 1.1.0\n", LOG)
    for path, text in zip(CHANGED, contents, strict=True):
        (tmp_path / path).write_text(text)
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "All")
    return tmp_path


def test_a_release_sets_the_version_dates_the_changelog_commits_and_tags(clone):
    built: list[str] = []
    release(clone, "1.2.0", DAY, lambda root: built.append((root / CHANGED[0]).read_text()))
    assert built == ['"""V."""\n\n__version__ = "1.2.0"\n']
    assert (clone / "CITATION.cff").read_text() == "title: x\nversion: 1.2.0\n"
    assert (clone / "CHANGELOG.md").read_text() == LOG.replace(
        "## Unreleased\n", "## Unreleased\n\n## 1.2.0 (2030-02-03)\n"
    )
    assert git(clone, "status", "--porcelain") == ""
    assert git(clone, "describe", "--exact-match") == "v1.2.0"
    assert git(clone, "log", "-1", "--format=%s") == "Version 1.2.0"
    with pytest.raises(ReleaseError, match="says nothing under Unreleased"):
        release(clone, "1.3.0", DAY, lambda root: None)


def test_a_build_that_fails_leaves_everything_as_it_was(clone):
    def build(root):
        raise subprocess.CalledProcessError(1, "build")

    with pytest.raises(subprocess.CalledProcessError):
        release(clone, "1.2.0", DAY, build)
    assert git(clone, "status", "--porcelain") == ""
    assert git(clone, "tag") == ""


@pytest.mark.parametrize(
    ("version", "spoil", "message"),
    [
        ("1.2", "", "three numbers"),
        ("1.0.9", "", "1.1.0 already"),
        ("1.2.0", "tag v1.2.0", "a tag v1.2.0 already"),
        ("1.2.0", "checkout --quiet -b other", "this is other"),
        ("1.2.0", "rm --quiet --cached CITATION.cff", "not clean"),
    ],
)
def test_what_cannot_be_released_is_refused(clone, version, spoil, message):
    if spoil:
        git(clone, *spoil.split())
    before = [(clone / path).read_text() for path in CHANGED]
    with pytest.raises(ReleaseError, match=message):
        release(clone, version, DAY, lambda root: None)
    assert [(clone / path).read_text() for path in CHANGED] == before
