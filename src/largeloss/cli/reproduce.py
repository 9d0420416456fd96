"""``largeloss reproduce``: the paper's tables beside our own runs."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from largeloss.cli.options import takes_settings
from largeloss.errors import ConfigError, meant
from largeloss.files import write_text
from largeloss.presets import SettingsLayers, presets

if TYPE_CHECKING:
    from largeloss.experiments.published import PublishedTable


@takes_settings(without=("method", "delta_rel"))
def reproduce(
    layers: SettingsLayers,
    table: Annotated[
        str,
        typer.Option("--table", help="artificial, openimages, pointing or memorization."),
    ],
    data: Annotated[
        list[str] | None,
        typer.Option("--data", help="A data folder, as voc2012=PATH; may be repeated."),
    ] = None,
    methods: Annotated[
        str | None, typer.Option("--methods", help="Default: all of the table.")
    ] = None,
    protocols: Annotated[
        str | None,
        typer.Option("--protocols", help="end-to-end,linear-init. Default: all of the table."),
    ] = None,
    seeds: Annotated[
        int, typer.Option("--seeds", min=1, help="Number of seeds: runs per method.")
    ] = 3,
    runs: Annotated[
        Path, typer.Option("--runs", help="Folder of all runs, whoever made them.")
    ] = Path("runs/reproduce"),
    run: Annotated[
        bool, typer.Option("--run", help="Start what is missing; otherwise it is only planned.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", help="A .md or .json file for the table.")
    ] = None,
) -> None:
    """Show a published table beside our runs, and plan the runs that are missing.

    Runs lie in RUNS/<collection>/<protocol>/<method>-seed<k>. Settings are those of the preset
    collection/method, which options override: give --weights or --pretrained. With several
    processes: torchrun --nproc-per-node 2 -m -- largeloss reproduce …
    """
    from largeloss.cli.console import counted, note, progress, say
    from largeloss.cli.console import out as screen
    from largeloss.data.folder.place import label_file_of
    from largeloss.experiments.published import TABLES
    from largeloss.runs.output_file import check_output
    from largeloss.runs.output_kinds import PUBLISHED

    if table not in TABLES:
        raise ConfigError(f"There is no table {table!r}; {meant(table, TABLES)}")
    if out is not None:
        check_output(out, PUBLISHED)
    published = TABLES[table]
    folders = _folders(data or [], published)
    if run and not folders:
        raise ConfigError(
            "--run needs the data of at least one collection: --data "
            f"{published.collections[0]}=PATH."
        )
    chosen = list(published.values)
    if methods is not None:
        known = list(dict.fromkeys(name.split("/")[1] for name in presets()))
        chosen = _listed(methods, known, "method", "--methods")
    kept = _listed(protocols, published.protocols, "protocol of this table", "--protocols")
    for folder in folders.values() if run else ():
        label_file_of(folder)
    from largeloss import distributed
    from largeloss.experiments import missing_runs
    from largeloss.experiments.deviations import deviations
    from largeloss.experiments.reproduction import fill_table, plan_missing
    from largeloss.report import reproduction_tables as shown

    layout = fill_table(published, runs, chosen, kept)
    demands = plan_missing(layout, runs, seeds, missing_runs.has_preset)
    missing_runs.check_settings(demands, layers, folders)
    say(f"Plan: {counted(seeds, 'seed')} a method, runs in {runs}.")
    screen.print(shown.plan_table(demands, missing_runs.reasons(demands, chosen, folders, run)))
    say(f"{shown.total(demands)} {shown.ESTIMATE}")
    if run:
        missing_runs.start_missing(published, demands, layers, folders, runs, progress())
        layout = fill_table(published, runs, chosen, kept)
        demands = plan_missing(layout, runs, seeds, missing_runs.has_preset)
    notes = [*published.notes, *deviations(layout, runs)]
    say(f"\n{published.title}. Published: {published.source}.")
    for part in shown.reproduction_tables(layout):
        screen.print(part)
    say(shown.LEGEND)
    if published.made_by:
        written = f"Our values are in {published.file} of a run, written by: {published.made_by}."
        without = "'Unmeasured' is a run without that file, or with null for the value."
        notes.insert(0, f"{written} {without}" if layout.unmeasured else written)
    for text in notes:
        note(text)
    if out is None or distributed.rank() != 0:
        return
    if out.suffix == ".md":
        content = shown.reproduction_markdown(layout, notes)
    else:
        plan = [demand.as_json() for demand in demands]
        values = layout.as_json() | {"remarks": notes, "plan": plan}
        content = json.dumps(values, indent=2, ensure_ascii=False) + "\n"
    write_text(out, content)
    say(f"Table: {out}")


def _folders(data: Sequence[str], table: "PublishedTable") -> dict[str, Path]:
    folders: dict[str, Path] = {}
    for text in data:
        name, equals, path = text.partition("=")
        if not equals or not path:
            raise ConfigError(f"--data needs collection=PATH, as in voc2012=DATA, got {text!r}.")
        _listed(name, table.collections, "collection of this table", "--data")
        if name in folders:
            raise ConfigError(f"--data names {name} twice.")
        folders[name] = Path(path)
    return folders


def _listed(text: str | None, known: Sequence[str], kind: str, option: str) -> list[str]:
    if text is None:
        return list(known)
    names = [name.strip() for name in text.split(",") if name.strip()]
    wrong = [name for name in names if name not in known]
    if wrong or not names or len(set(names)) < len(names):
        found = f"{wrong[0]!r} is no {kind}" if wrong else f"{text!r} names none, or one twice"
        raise ConfigError(f"{option}: {found}; {meant(wrong[0] if wrong else '', known)}")
    return names
