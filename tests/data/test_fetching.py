"""Files from a server on this machine: whole, resumed, wrong, and not there."""

import hashlib
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from local_server import Site, serving

from largeloss.data import fetching
from largeloss.data.fetching import fetch
from largeloss.errors import DownloadError

CONTENT = random.Random(0).randbytes(3_000_000)
MD5 = hashlib.md5(CONTENT).hexdigest()


def something_of(path: Path) -> Callable[[], bool]:
    """Whether the downloader has written something that it can go on from."""
    part = path.with_name(path.name + ".part.0")
    return lambda: part.is_file() and part.stat().st_size > 0


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "PAUSE", 0.0)


def test_a_file_is_fetched_once(tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    with serving(Site({"/a.tar": CONTENT})) as site:
        path = tmp_path / "new" / "a.tar"
        fetch(f"{site.url}/a.tar", path, MD5, lambda done, total: told.append((done, total)))
        assert path.read_bytes() == CONTENT
        assert [p.name for p in path.parent.iterdir()] == ["a.tar"]
        assert told[-1] == (len(CONTENT), len(CONTENT))
        num = len(site.requests)
        fetch(f"{site.url}/a.tar", path, MD5)
        assert len(site.requests) == num
    path.write_bytes(b"other")
    with pytest.raises(DownloadError, match=f"expected was {MD5}: remove"):
        fetch("http://127.0.0.1:1/a.tar", path, MD5)
    assert path.read_bytes() == b"other"


def test_a_cut_connection_is_taken_up_where_it_ended(tmp_path: Path) -> None:
    saved = something_of(tmp_path / "a.tar")
    with serving(Site({"/a.tar": CONTENT}, cuts=2, saved=saved)) as site:
        fetch(f"{site.url}/a.tar", tmp_path / "a.tar", MD5)
        assert (tmp_path / "a.tar").read_bytes() == CONTENT
    begins = [int(r.removeprefix("bytes=").split("-")[0]) for _, r in site.requests if r]
    assert max(begins) > 0
    assert begins.count(0) <= 4  # asking for the size, thrice, and the first attempt


def test_a_later_call_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "ATTEMPTS", 1)
    saved = something_of(tmp_path / "a.tar")
    with serving(Site({"/a.tar": CONTENT}, cuts=1, saved=saved)) as site:
        with pytest.raises(DownloadError, match="Run the command again to go on"):
            fetch(f"{site.url}/a.tar", tmp_path / "a.tar", MD5)
        assert not (tmp_path / "a.tar").exists()
        site.requests.clear()
        fetch(f"{site.url}/a.tar", tmp_path / "a.tar", MD5)
        assert (tmp_path / "a.tar").read_bytes() == CONTENT
        assert all(asked and asked != f"bytes=0-{len(CONTENT) - 1}" for _, asked in site.requests)


def test_another_file_under_the_same_address_is_not_glued_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "ATTEMPTS", 1)
    other = random.Random(1).randbytes(2_000_000)
    with serving(Site({"/a.tar": CONTENT}, cuts=1)) as site:
        with pytest.raises(DownloadError):
            fetch(f"{site.url}/a.tar", tmp_path / "a.tar")
        site.files, site.etag = {"/a.tar": other}, '"2"'
        fetch(f"{site.url}/a.tar", tmp_path / "a.tar")
    assert (tmp_path / "a.tar").read_bytes() == other


def test_a_server_without_ranges(tmp_path: Path) -> None:
    with serving(Site({"/a.tar": CONTENT}, ranges=False, etag=None, cuts=2)) as site:
        fetch(f"{site.url}/a.tar", tmp_path / "a.tar", MD5)
    assert (tmp_path / "a.tar").read_bytes() == CONTENT


def test_a_wrong_checksum(tmp_path: Path) -> None:
    with serving(Site({"/a.tar": CONTENT[:1000]})) as site:
        wanted = f"a.tar of {site.url}/a.tar has the MD5 .* expected was {MD5}: .* was removed"
        with pytest.raises(DownloadError, match=wanted):
            fetch(f"{site.url}/a.tar", tmp_path / "a.tar", MD5)
    assert list(tmp_path.iterdir()) == []


def test_no_such_file(tmp_path: Path) -> None:
    with serving(Site({})) as site, pytest.raises(DownloadError, match="the server answers 404"):
        fetch(f"{site.url}/a.tar", tmp_path / "a.tar")
    assert list(tmp_path.iterdir()) == []


def test_no_server_and_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "ATTEMPTS", 1)
    with pytest.raises(DownloadError, match="could not be fetched: Cannot connect"):
        fetch("http://127.0.0.1:1/a.tar", tmp_path / "a.tar")
    (tmp_path / "file").write_text("")
    with pytest.raises(DownloadError, match="cannot be made"):
        fetch("http://127.0.0.1:1/a.tar", tmp_path / "file" / "a.tar")
