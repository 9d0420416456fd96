"""``largeloss data import --download``, from a server on this machine."""

import hashlib
import io
import sys
import tarfile
from pathlib import Path

import pytest
from local_server import Site, serving
from trees_cub import write_cub

from largeloss.cli import run
from largeloss.data import fetching, read_folder
from largeloss.data.importers import cub, sources
from largeloss.data.importers.sources import SOURCES, Archive


@pytest.fixture
def packed(tmp_path: Path) -> bytes:
    write_cub(tmp_path / "owner")
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name in ("CUB_200_2011", "attributes.txt"):
            archive.add(tmp_path / "owner" / name, name)
    return content.getvalue()


def test_fetched_unpacked_and_imported(
    packed: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(fetching, "PAUSE", 0.0)
    root, out = tmp_path / "root", tmp_path / "data"
    command = ["data", "import", "cub", str(root), "--out", str(out), "--download"]
    md5 = hashlib.md5(packed).hexdigest()
    with serving(Site({"/CUB.tgz": packed}, cuts=1)) as site:
        archive = Archive(f"{site.url}/CUB.tgz", "CUB.tgz", "0" * 32)
        monkeypatch.setattr(sources, "SOURCES", {"cub": (archive,)})
        assert run(command) == 1
        assert "it is damaged or another file, and was removed" in capsys.readouterr().err
        assert not out.exists()
        monkeypatch.setattr(sources, "SOURCES", {"cub": (archive._replace(md5=md5),)})
        assert run(command) == 0
        printed = capsys.readouterr().out
    assert f"Fetching {archive.url}" in printed
    assert "Unpacked" in printed
    assert read_folder(out).labels == cub.read(tmp_path / "owner").table
    again = [*command[:5], str(tmp_path / "second"), "--download"]
    assert run(again) == 0  # nothing is fetched: the server is gone
    assert "Fetching" not in capsys.readouterr().out


def test_without_the_downloader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pypdl", None)
    root = str(tmp_path / "root")
    assert run(["data", "import", "cub", root, "--out", str(tmp_path / "d"), "--download"]) == 2
    assert "pip install 'largeloss[download]'" in capsys.readouterr().err


def test_the_table_of_addresses() -> None:
    assert list(SOURCES) == ["voc2007", "voc2012", "coco2014", "coco2017", "cub"]
    assert [archive.file for archive in SOURCES["voc2007"]] == [
        "VOCtrainval_06-Nov-2007.tar", "VOCtest_06-Nov-2007.tar",
    ]  # fmt: skip
    assert [archive.file for archive in SOURCES["voc2012"]] == ["VOCtrainval_11-May-2012.tar"]
    assert [archive.file for archive in SOURCES["coco2014"]] == [
        "train2014.zip", "val2014.zip", "annotations_trainval2014.zip",
    ]  # fmt: skip
    for archives in SOURCES.values():
        for archive in archives:
            assert archive.url.startswith(("http://", "https://"))
            assert archive.md5 is None or len(bytes.fromhex(archive.md5)) == 16
