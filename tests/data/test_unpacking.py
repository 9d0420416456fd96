"""Archives are unpacked in their folder, once, and nowhere else."""

import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from largeloss.data.unpacking import unpack
from largeloss.errors import DataError


def write_tar(path: Path, members: dict[str, bytes], link: str | None = None) -> Path:
    with tarfile.open(path, "w:gz" if path.suffix == ".tgz" else "w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        if link is not None:
            info = tarfile.TarInfo("link")
            info.type, info.linkname = tarfile.SYMTYPE, link
            archive.addfile(info)
    return path


def write_zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tgz"])
def test_unpacked_once(tmp_path: Path, name: str) -> None:
    members = {"VOC/one.txt": b"one", "two.txt": b"two"}
    write = write_zip if name.endswith("zip") else write_tar
    archive = write(tmp_path / name, members)
    folder = tmp_path / "root"
    folder.mkdir()
    assert unpack(archive, folder)
    assert {p: (folder / p).read_bytes() for p in members} == members
    (folder / "two.txt").write_bytes(b"changed")
    assert not unpack(archive, folder)
    assert (folder / "two.txt").read_bytes() == b"changed"
    os.utime(archive, ns=(0, 0))
    assert unpack(archive, folder)
    assert (folder / "two.txt").read_bytes() == b"two"


@pytest.mark.parametrize("member", ["../evil.txt", "a/../../evil.txt", "/tmp/evil-largeloss.txt"])
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_members_that_lead_out(tmp_path: Path, member: str, kind: str) -> None:
    folder = tmp_path / "root"
    folder.mkdir()
    write = write_zip if kind == "zip" else write_tar
    archive = write(tmp_path / f"a.{kind}", {member: b"evil"})
    if kind == "tar" and member.startswith("/"):
        unpack(archive, folder)  # the data filter makes it relative
    else:
        with pytest.raises(DataError, match=r"leads out of its folder|cannot be unpacked"):
            unpack(archive, folder)
    assert not (tmp_path / "evil.txt").exists()
    assert not Path("/tmp/evil-largeloss.txt").exists()


def test_links_that_lead_out(tmp_path: Path) -> None:
    folder = tmp_path / "root"
    folder.mkdir()
    with pytest.raises(DataError, match="cannot be unpacked"):
        unpack(write_tar(tmp_path / "a.tar", {}, link="/etc/passwd"), folder)
    info = zipfile.ZipInfo("link")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(DataError, match="'link' is a link"):
        unpack(tmp_path / "a.zip", folder)
    assert not (folder / "link").exists()


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tgz"])
@pytest.mark.parametrize("share", [0.0, 0.5])
def test_damaged_archives(tmp_path: Path, name: str, share: float) -> None:
    write = write_zip if name.endswith("zip") else write_tar
    archive = write(tmp_path / name, {"a.bin": os.urandom(100_000)})
    archive.write_bytes(archive.read_bytes()[: int(share * archive.stat().st_size)])
    with pytest.raises(DataError, match=r"cannot be unpacked .* fetch it anew"):
        unpack(archive, tmp_path)
    assert not (tmp_path / f".{name}.unpacked").exists()
