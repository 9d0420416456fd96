"""The house: imports point down, every module imports, public names are pinned."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src" / "largeloss"
FLOORS = [
    {
        "errors",
        "files",
        "lazy",
        "distributed",
        "autocast",
        "notebook",
        "terminal",
        "version",
        "watch",
    },
    {"labels", "metrics"},
    {"losses", "data", "models"},
    {"objective", "forward"},
    {"training"},
    {"analysis", "config", "progress"},
    {"presets"},
    {"runs"},
    {"experiments", "export", "review"},
    {"report"},
    {"pages"},
    {"api"},
    {"cli"},
    {"__main__"},
]
SIBLINGS = {"errors", "files", "watch"}
"""Of one floor, and may import each other."""
MODULES = sorted(
    ".".join(("largeloss", *path.relative_to(SRC).with_suffix("").parts)).removesuffix(".__init__")
    for path in SRC.rglob("*.py")
)


def room(module: str) -> str:
    """``labels`` of ``largeloss.labels.table``."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def floor(name: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS) if name in rooms)


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.split(".")[0] == "largeloss" and room(name)}


@pytest.mark.parametrize("path", sorted(SRC.rglob("*.py")), ids=lambda p: str(p.relative_to(SRC)))
def test_imports_point_down(path: Path) -> None:
    here = path.relative_to(SRC).parts[0].removesuffix(".py")
    if here == "__init__":
        return
    for name in imported(path):
        there = room(name)
        if there in {"__version__"} or there == here:
            continue
        assert floor(there) <= floor(here), f"{path.name} imports {name} from a floor above"
        if floor(there) == floor(here):
            siblings = {here, there}
            assert siblings <= SIBLINGS, name


def test_settings_are_seen_from_presets_upwards() -> None:
    above = {name for rooms in FLOORS[floor("presets") :] for name in rooms} | {"config"}
    for path in SRC.rglob("*.py"):
        if path.relative_to(SRC).parts[0].removesuffix(".py") not in above | {"__init__"}:
            assert not any("largeloss.config" in name for name in imported(path)), path


@pytest.mark.parametrize("module", [name for name in MODULES if not name.endswith("__main__")])
def test_every_module_imports(module: str) -> None:
    importlib.import_module(module)


def test_public_names() -> None:
    import largeloss.losses
    import largeloss.metrics

    assert list(largeloss.losses.LOSSES) == [
        "full", "an", "iu", "wan", "lsan", "epr", "role", "ll-r", "ll-ct", "ll-cp",
        "curriculum", "imcl", "em", "em-apl", "asl", "p-asl", "hill", "splc",
        "gr", "crisp",
    ]  # fmt: skip
    assert sorted(largeloss.metrics.__all__) == [
        "F1Scores",
        "GroupedMAP",
        "Interval",
        "MeanAveragePrecision",
        "TagCounts",
        "annotated_average_precision",
        "average_precision",
        "average_precision_entries",
        "best_thresholds",
        "best_thresholds_entries",
        "example_average_precision",
        "f1_scores",
        "f1_scores_entries",
        "grouped_average_precision",
        "log_rank",
        "map_interval",
        "mean_average_precision",
        "mean_average_precision_entries",
        "shrunk_thresholds",
        "shrunk_thresholds_entries",
        "tag_counts",
        "tag_counts_entries",
    ]


@pytest.mark.parametrize(
    ("command", "option"),
    [("train", "--method"), ("evaluate", "--groups"), ("reproduce", "--table")],
)
def test_help_does_not_import_torch(command: str, option: str) -> None:
    code = (
        "import sys; from largeloss.cli import run; "
        f"code = run(['{command}', '--help']); "
        "heavy = {'torch', 'timm', 'pyarrow', 'sklearn', 'matplotlib'} & set(sys.modules); "
        "sys.exit(f'imported {heavy}' if heavy else code)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert option in result.stdout


def test_no_long_rooms() -> None:
    long = {p.name: n for p in SRC.rglob("*.py") if (n := len(p.read_text().splitlines())) > 300}
    assert not long
