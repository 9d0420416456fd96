"""Files from others: limits on what is read, pipes and devices, formats of images."""

import os
import struct
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from largeloss.config import make_config, read_yaml
from largeloss.data.examine.duplicates import sha256
from largeloss.data.examine.image_statistics import survey_images
from largeloss.data.folder.dataset_json import read_description
from largeloss.data.importers.arff import read as read_arff
from largeloss.data.importers.coco_json import read_coco_json
from largeloss.data.importers.official_release import read_lines
from largeloss.data.importers.voc_xml import read_annotation
from largeloss.data.inputs.image_files import image_size, open_rgb
from largeloss.errors import ConfigError, DataError, InputError, LabelError, RunError
from largeloss.experiments.results import Comparison
from largeloss.files import read_text, verified_json
from largeloss.labels import read_labels
from largeloss.labels.files import parquet as parquet_files

LEVELS = [f"b{level}: &a{level} [{','.join([f'*a{level - 1}'] * 9)}]" for level in range(1, 9)]
YAML = {
    "nested aliases": ("b0: &a0 [x]\n" + "\n".join(LEVELS), "1,000,000 characters"),
    "aliases of one long text": (
        "a: &a " + 1000 * "x" + "\nb: [*a" + 1500 * ",*a" + "]",
        "aliases written out",
    ),
    "an alias in itself": ("a: &a [*a]", "stands within what it names"),
    "brackets": ("a: " + 3000 * "[" + 3000 * "]", "nested more than 20 deep"),
    "many values": ("a: [" + 100_000 * "1," + "]", "more than 50,000 values"),
    "large": ("a: " + 2_000_000 * "x", "more than 1,000,000 bytes"),
    "a number of 5,000 digits": ("a: " + 5000 * "9", "digits"),
    "an impossible date": ("a: 2020-13-45", "month"),
}


@pytest.mark.parametrize(("text", "said"), YAML.values(), ids=YAML)
def test_finding_17_yaml_is_limited(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=said):
        read_yaml(path)
    if "\n" not in text and len(text) < 100_000:
        with pytest.raises(ConfigError, match=said):
            make_config([], [f"model.args={text.removeprefix('a: ')}"])


def test_finding_17_few_aliases_are_read(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text("model: &m {image_size: 64}\ntraining:\n  <<: *m\n  epochs: 2\n")
    assert read_yaml(path)["training"] == {"image_size": 64, "epochs": 2}


NO_FILES = {
    "pipe": lambda path: os.mkfifo(path),
    "device": lambda path: path.symlink_to("/dev/zero"),
    "folder": lambda path: path.mkdir(),
}
READERS: dict[str, Callable[[Path], object]] = {
    "settings.yaml": read_yaml,
    "labels.csv": read_labels,
    "labels.parquet": read_labels,
    "image.png": open_rgb,
    "size.png": image_size,
    "results.json": Comparison.read,
    "dataset.json": lambda path: read_description(path.parent),
    "instances.json": read_coco_json,
    "list.txt": read_lines,
    "a.xml": read_annotation,
    "a.arff": read_arff,
}


@pytest.mark.parametrize("kind", NO_FILES)
@pytest.mark.parametrize("name", READERS)
@pytest.mark.timeout(30)
def test_finding_17_pipes_devices_and_folders_are_refused(
    tmp_path: Path, name: str, kind: str
) -> None:
    NO_FILES[kind](tmp_path / name)
    with pytest.raises((InputError, RunError), match="a folder" if kind == "folder" else "a pipe"):
        READERS[name](tmp_path / name)


@pytest.mark.timeout(30)
def test_finding_17_a_survey_passes_over_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    os.mkfifo(path)
    assert "a pipe" in survey_images([path], ["a.png"]).broken["a.png"]
    assert sha256(path) is None


def test_finding_17_json_is_limited(tmp_path: Path) -> None:
    deep = '{"a": ' + 100_000 * "[" + 100_000 * "]" + "}"
    with pytest.raises(ValueError, match="nested too deeply"):
        verified_json(deep)
    path = tmp_path / "dataset.json"
    path.write_text('{"name": "x", "images": null, "classes": [], ' + deep[1:])
    with pytest.raises(DataError, match="cannot be understood"):
        read_description(tmp_path)
    with pytest.raises(ValueError, match="more than 100 bytes"):
        read_text(path, 100)


def test_finding_17_parquet_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "labels.parquet"
    ones = pa.array([1]).dictionary_encode()
    claim = pa.DictionaryArray.from_arrays(pa.array(bytes(100_000), pa.int8()), ones.dictionary)
    parquet.write_table(pa.table({"image": claim, "cat": claim}), path)
    monkeypatch.setattr(parquet_files, "MOST_CELLS", 199_999)
    with pytest.raises(LabelError, match=r"100,000 rows of 2 columns.* 199,999 cells"):
        read_labels(path)
    nested = pa.int8()
    for _ in range(300):
        nested = pa.struct([("a", nested)])
    parquet.write_table(pa.table({"image": pa.array([], nested)}), path, store_schema=False)
    with pytest.raises(LabelError, match="no readable Parquet"):
        read_labels(path)


def test_finding_17_csv_is_limited(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # a hole: it takes no place on the disk
    with pytest.raises(LabelError, match="are not read as CSV"):
        read_labels(path)


def test_finding_17_headers_of_safetensors_are_limited(
    tmp_path: Path, make_image_folder: Callable[..., Path]
) -> None:
    from largeloss.data import read_folder

    root = make_image_folder()
    path = root / "features.safetensors"
    for header in (b'{"a":' + 100_000 * b"[" + 100_000 * b"]" + b"}",):
        path.write_bytes(struct.pack("<Q", len(header)) + header)
        with pytest.raises(DataError, match="no features can be read"):
            read_folder(root)
    path.write_bytes(struct.pack("<Q", 1 << 40) + b"{}")
    with pytest.raises(DataError, match="no features can be read"):
        read_folder(root)


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n%%EOF\n"


def test_finding_18_a_name_does_not_choose_the_format(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(EPS)
    Image.new("RGB", (4, 4)).save(tmp_path / "b.png", format="PPM")
    for name in ("a.png", "b.png"):
        with pytest.raises(DataError, match="none of JPEG, PNG, WEBP, BMP, GIF, TIFF"):
            open_rgb(tmp_path / name)
        with pytest.raises(DataError, match="none of JPEG"):
            image_size(tmp_path / name)
        assert "none of JPEG" in survey_images([tmp_path / name], [name], decode=False).broken[name]
    for kind in ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"):
        Image.new("RGB", (4, 4)).save(tmp_path / "any.png", format=kind)
        assert open_rgb(tmp_path / "any.png").size == (4, 4)
