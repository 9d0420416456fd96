"""Blocks of the documentation that no test executes, and why.

docs/contributing/not-run.md shows them: its table is written from here when the site is built.
"""

import re
from collections.abc import Iterator
from textwrap import shorten

from blocks import PAGES, Block, blocks, commands

COMMANDS = {"", "console", "sh"}
LANGUAGES = {
    "text": "formulas and file trees",
    "bash": "scripts for Slurm; the options of their commands are looked at",
    "bibtex": "a citation",
    "{code-cell}": "executed when the site is built: make docs",
    "{toctree}": "the pages of a part",
    "{include}": "another page",
}
"""Fence languages that are not executed, and why."""
NOT_RUN = {
    r"make ": "the developers' own commands; make demo and make test take minutes",
    r"python benchmarks/": "measurements; those that can be tested have tests in tests/benchmarks",
    r"python -m venv |source |pip |\.venv/bin/|pre-commit |git ": "the set-up of a machine",
    r"curl |tar |unzip ": "downloads",
    r"docker ": "built by hand: docs/guides/install.md says so",
    r"largeloss --show-completion": "asks which shell it runs in: tests/cli/test_completion.py",
    r"find ": "its paths are read in tests/cli/test_predict.py",
    r"torchrun |srun ": "several processes: tests/training/test_two_ranks.py has them",
    r"largeloss demo": "minutes: CI runs make demo",
    r"largeloss reproduce": "needs the paper's collections: tests/cli/test_reproduce.py has it",
    r"largeloss .*\$LARGELOSS_DATA": "needs real data",
    r"largeloss .*runs/results/": "hours: written by make results",
    r"largeloss .*\bopenimages": "needs OpenImages: tests/data/importers has a small one",
    r"largeloss (tune|.* --tuned) ": "fifteen trainings per method: tests/experiments/test_tune.py",
}
"""Commands that are not executed, and why; those of largeloss must still have their options."""
HEAVY = ("lightning", "transformers")
"""What imports these is run by tests/docs/test_drop_in.py, where they are installed."""
NOT_RUN_PYTHON = {"import fiftyone": "needs FiftyOne, its database and a browser"}
"""What Python blocks hold that are only compiled, and why."""


def reason(words: list[str]) -> str | None:
    """Why a command is not run; None if it is."""
    line = " ".join(word for word in words if not re.fullmatch(r"[A-Z_]+=\S+", word)) + " "
    return next((why for pattern, why in NOT_RUN.items() if re.match(pattern, line)), None)


def heavy_packages(block: Block) -> list[str]:
    """Those of :data:`HEAVY` that the block imports."""
    return [name for name in HEAVY if re.search(rf"^import {name}$", block.text, re.MULTILINE)]


def not_run() -> Iterator[tuple[Block, str, str]]:
    """Each command and each Python block that is not executed: block, first line, reason."""
    for page in PAGES:
        for block in blocks(page):
            if block.language in COMMANDS:
                for words in commands(block.text):
                    if why := reason(words):
                        yield block, shorten(" ".join(words), 90, placeholder=" …"), why
            elif block.language == "python":
                for held, why in NOT_RUN_PYTHON.items():
                    if held in block.text:
                        yield block, held, why
                for package in heavy_packages(block):
                    yield (
                        block,
                        f"import {package}",
                        "executed where it is installed: make test-drop-in",
                    )
            elif block.language == "bash":
                yield block, block.text.partition("\n")[0], LANGUAGES[block.language]
