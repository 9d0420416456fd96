"""Small data that tests share; real data comes through LARGELOSS_DATA only."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, settings
from PIL import Image

import pretended
from largeloss.cli import run
from processes import Command

# No test depends on how busy the machine is.
settings.register_profile(
    "any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any-machine")


def pytest_configure(config: pytest.Config) -> None:
    """Without ``-m gpu`` a GPU is not seen: tests compare with the CPU, often bit for bit."""
    if config.getoption("markexpr") != "gpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Extracted features are never read from, or written to, the user's cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real photographs, labels and weights."""
    root = os.environ.get("LARGELOSS_DATA")
    if not root:
        pytest.skip("LARGELOSS_DATA is not set: it names the folder of real data")
    return Path(root)


@pytest.fixture
def image_folder(tmp_path: Path) -> Path:
    """Thirty images of two colours with complete labels: red, blue; splits of their own."""
    return write_image_folder(tmp_path / "images")


@pytest.fixture
def make_image_folder(tmp_path: Path) -> Callable[..., Path]:
    """Writes image folders with other label files."""
    return lambda name="other", **more: write_image_folder(tmp_path / name, **more)


def write_image_folder(root: Path, *, labels: str | None = None, num: int = 30) -> Path:
    """Left half red where red is present, right half blue where blue is."""
    stream = np.random.default_rng(0)
    (root / "images").mkdir(parents=True)
    lines = ["image,split,red,blue"]
    for row in range(num):
        red, blue = (int(value) for value in stream.integers(0, 2, 2))
        pixels = stream.integers(0, 60, (20, 24, 3)).astype(np.uint8)
        pixels[:, :12, 0] += 180 * red
        pixels[:, 12:, 2] += 180 * blue
        name = f"images/{row:02d}.png"
        Image.fromarray(pixels).save(root / name)
        split = ("train", "train", "train", "val", "test")[row % 5]
        lines.append(f"{name},{split},{red},{blue}")
    (root / "labels.csv").write_text(labels or "\n".join(lines) + "\n", encoding="utf-8")
    return root


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one epoch on red and blue images, which nobody changes."""
    folder = tmp_path_factory.mktemp("small")
    data = write_image_folder(folder / "data")
    arguments = (
        "train", data, "--backbone", "digits", "--image-size", "16", "--epochs", "1", "--workers",
        "0", "--method", "an", "--batch-size", "6", "--out", folder / "run",
    )  # fmt: skip
    assert run([str(argument) for argument in arguments]) == 0
    return folder / "run"


@pytest.fixture
def largeloss(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs a command in this process; gives exit code and what was printed on both streams."""

    def command(*arguments: object) -> tuple[int, str, str]:
        code = run([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return command


@pytest.fixture
def command() -> Iterator[Callable[..., Command]]:
    """Starts commands in processes of their own; those still running at the end are killed."""
    started: list[Command] = []

    def start(*arguments: object, setup: str = "") -> Command:
        started.append(Command(*arguments, setup=setup))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.wait()


@pytest.fixture
def pretending(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the device of ``pretended.py`` copy while the host goes on, as CUDA does."""
    monkeypatch.setattr("largeloss.losses.host_copy.ASYNCHRONOUS", (pretended.DEVICE.type,))
    monkeypatch.setattr(torch.cuda, "Event", pretended.Event)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: None)


@pytest.fixture(scope="session")
def reviewed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    """A folder with data and a ranked run, which is not to be changed; the truth (40, 3)."""
    from largeloss.review.session import Review
    from reviewed import SMALL, write_data

    root = tmp_path_factory.mktemp("reviewed")
    truth = write_data(root / "data")
    assert run(["train", str(root / "data"), *SMALL, "--out", str(root / "run")]) == 0
    with Review(root / "run"):
        pass  # ranks once, for all
    return root, truth


@pytest.fixture
def reviewed_run(reviewed: tuple[Path, np.ndarray], tmp_path: Path) -> Path:
    """A copy of the run, ranked, without answers."""
    return Path(shutil.copytree(reviewed[0] / "run", tmp_path / "run"))


@pytest.fixture
def opened(reviewed_run: Path) -> Iterator[Callable[..., Any]]:
    """Opens the review of the run, also again; gives it and a client."""
    from largeloss.review.session import Review
    from reviewed import client_of

    with ExitStack() as stack:

        def open_(**options: Any) -> Any:
            stack.close()
            review = stack.enter_context(Review(reviewed_run, **options))
            return review, client_of(review)

        yield open_


@pytest.fixture
def review(opened: Callable[..., Any]) -> Any:
    """An open review, and a client."""
    return opened()
