"""README's and docs' code runs: each fenced block is executed, or listed here with the reason."""

import contextlib
import importlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import typer
from blocks import PAGES, ROOT, Block, blocks, cell, commands, inline_commands
from not_run import COMMANDS, LANGUAGES, NOT_RUN, NOT_RUN_PYTHON, heavy_packages, reason
from stand_ins import SMALL, furnish, prepare, review, shrunk
from torch.utils.data import DataLoader, TensorDataset

from largeloss.cli import app
from largeloss.config import RunConfig
from largeloss.data.importers.registry import READERS
from largeloss.errors import RunError
from largeloss.experiments import compare as comparing
from largeloss.labels.files.read import read_labels
from largeloss.losses import LOSSES
from largeloss.losses.base import PartialLabelLoss
from largeloss.runs.settings import resolved

REPLACED = {
    r'backbone="\w+",?\s*': "",
    r"pretrained=True": 'backbone="digits", image_size=16, epochs=2, batch_size=8, workers=0',
    r"seeds=\d+": "seeds=1",
}
"""In Python blocks: what would download weights or take long."""

Largeloss = Callable[..., tuple[int, str, str]]
pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs")
    furnish(folder)
    return folder


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Finished runs on what is furnished, which pages copy."""
    return tmp_path_factory.mktemp("trained")


@pytest.fixture
def here(furnished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder of one page, which is left when the test ends."""
    folder = tmp_path / "work"
    shutil.copytree(furnished, folder)
    monkeypatch.chdir(folder)
    return folder


def unknown_options(words: list[str]) -> list[str]:
    """What ``words`` ask of largeloss and it does not have: a command, options."""
    command: Any = typer.main.get_command(app)
    rest = words[1:]
    while rest and hasattr(command, "commands") and not rest[0].startswith("-"):
        if rest[0] not in command.commands:
            return rest[:1]
        command = command.commands[rest.pop(0)]
    known = {name for parameter in command.params for name in parameter.opts}
    known |= {name for parameter in command.params for name in parameter.secondary_opts}
    given = [found[0] for word in rest if (found := re.match(r"--[a-z][a-z-]*", word))]
    return [option for option in given if option not in known | {"--help", "--debug"}]


@pages
def test_every_block_is_executed_or_listed(page: Path) -> None:
    for block in blocks(page):
        if block.language == "{code-cell}":
            compile(cell(block)[0], str(block), "exec")
            continue
        if block.language in LANGUAGES:
            hidden = re.search(r"^largeloss ", block.text, re.MULTILINE)
            assert not hidden or block.language == "bash", f"{block}: fence commands as console"
        elif block.language in COMMANDS:
            for words in commands(block.text):
                assert words[0] == "largeloss" or reason(words), f"{block}: {words} is not run"
        else:
            assert block.language in {"python", *READ}, (
                f"{block}: fences of {block.language!r} are not run"
            )


@pages
def test_commands_have_their_options(page: Path) -> None:
    found = [("a sentence", words) for words in inline_commands(page)]
    for block in blocks(page):
        text = cell(block)[1] if block.language == "{code-cell}" else block.text
        if block.language in COMMANDS | {"bash", "{code-cell}"}:
            for words in commands(text):
                if "-m" in words and "largeloss" in words:  # torchrun … -m largeloss train …
                    words = words[words.index("largeloss") :]
                if words[0] == "largeloss":
                    found.append((str(block), words))
    for place, words in found:
        assert not unknown_options(words), f"{page.name}, {place}: {' '.join(words)}"


@pages
def test_blocks_run(
    page: Path,
    here: Path,
    furnished: Path,
    trained: Path,
    largeloss: Largeloss,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In the order of the page: later blocks use what earlier ones have made."""

    def train(arguments: list[str], out: Path) -> None:
        """Once for all pages: what is trained on has the same absolute path for each."""
        kept = trained / "-".join(word.strip("-./") for word in arguments)
        if not kept.exists():
            with contextlib.chdir(furnished):
                code, _, err = largeloss("train", *arguments, "--out", kept, *SMALL)
            assert code == 0, err
        shutil.copytree(kept, out)

    for block in blocks(page):
        try:
            for words in commands(block.text) if block.language in COMMANDS else []:
                if reason(words) is None:
                    arguments = shrunk(words)
                    if arguments[0] in ("train", "compare") and "--out" not in arguments:
                        assert settings_of(arguments, largeloss, monkeypatch)
                        continue
                    prepare(arguments, train)
                    if arguments[0] == "review":
                        review(Path(arguments[1]))
                        continue
                    code, _, err = largeloss(*arguments)
                    assert code == 0, f"{' '.join(words)}\n{err}"
            if block.language == "python" and any(held in block.text for held in NOT_RUN_PYTHON):
                compile(block.text, str(block), "exec")
            elif block.language == "python" and not heavy_packages(block):
                names = run_python(block)
                for method in methods_of(names):
                    monkeypatch.setitem(LOSSES, method.name, method)
                if page.name == "importer.md" and "read" in names:
                    monkeypatch.setitem(READERS, "tagged", (names["read"], ()))
            elif block.language in READ:
                READ[block.language](block)
        except BaseException as error:
            error.add_note(f"in the block at {block}")
            raise


def settings_of(
    arguments: list[str], largeloss: Largeloss, monkeypatch: pytest.MonkeyPatch
) -> list[RunConfig]:
    """Of a line that shows a setting, and names no folder for its runs: nothing is trained."""
    read: list[RunConfig] = []

    def train(settings: RunConfig, *_: object, **__: object) -> None:
        read.append(resolved(settings))
        raise RunError("Settings are read.")

    def compare(make: Callable[[Any], RunConfig], variants: list[Any], *_: object) -> None:
        read.extend(resolved(make(variant)) for variant in variants)
        raise RunError("Settings are read.")

    importlib.import_module("largeloss.runs.folds")  # holds the real train, as comparing does
    with monkeypatch.context() as patched:
        patched.setattr(comparing, "compare", compare)
        patched.setattr("largeloss.runs.train.train", train)
        _, _, err = largeloss(*arguments)
    assert read, err
    return read


def run_python(block: Block) -> dict[str, Any]:
    """With data, a model and an optimizer at hand, in a folder with images; gives its names."""
    torch.manual_seed(0)
    labels = torch.randint(-1, 2, (8, 5), dtype=torch.int8)
    labels[:, 0] = -1
    model, dataset = torch.nn.Linear(3, 5), TensorDataset(torch.randn(8, 3), labels)
    names: dict[str, Any] = {
        "__name__": "example",
        "torch": torch,
        "dataset": dataset,
        "loader": DataLoader(dataset, batch_size=4),
        "model": model,
        "optimizer": torch.optim.SGD(model.parameters(), lr=0.1),
        "number_of_epochs": 2,
    }
    code = block.text
    for pattern, small in REPLACED.items():
        code = re.sub(pattern, small, code)
    for out in re.findall(r'out="([^"]+)"', code):  # made by an earlier block
        shutil.rmtree(out, ignore_errors=True)
    exec(compile(code, str(block), "exec"), names)
    return names


def methods_of(names: dict[str, Any]) -> list[type[PartialLabelLoss]]:
    """The methods that a block defines."""
    return [
        value
        for value in names.values()
        if isinstance(value, type)
        and issubclass(value, PartialLabelLoss)
        and value.__module__ == "example"
    ]


def read_csv(block: Block) -> None:
    """A table of labels is one that largeloss reads."""
    path = Path("example.csv")
    path.write_text(block.text, encoding="utf-8")
    assert read_labels(path).table.num_images == len(block.text.splitlines()) - 1


READ: dict[str, Callable[[Block], object]] = {
    "csv": read_csv,
    "json": lambda block: json.loads(block.text),
}


@pytest.mark.parametrize(
    ("line", "unknown"),
    [
        ("largeloss train DATA --method ll-r", []),
        ("largeloss train DATA --methods ll-r", ["--methods"]),
        ("largeloss data chekc DATA", ["chekc"]),
        ("largeloss data check --no-such=1", ["--no-such"]),
    ],
)
def test_unknown_options_are_found(line: str, unknown: list[str]) -> None:
    assert unknown_options(line.split()) == unknown


def test_an_unlisted_command_is_found() -> None:
    assert reason(["rm", "-rf", "runs"]) is None
    assert reason(["LARGELOSS_DATA=…", "make", "results"]) == NOT_RUN["make "]
