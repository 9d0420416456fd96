"""``largeloss tune``: the same search for every method, chosen on val."""

from pathlib import Path
from typing import Annotated

import typer

from largeloss.cli.options import Complete, Data, settings_by_method, takes_settings
from largeloss.presets import SettingsLayers


@takes_settings(without=("method", "delta_rel", "lr", "seed"))
def tune(
    layers: SettingsLayers,
    data: Data = None,
    methods: Annotated[
        str, typer.Option("--methods", help="Names, such as full,an,ll-r.")
    ] = "full,an,ll-r,ll-ct,ll-cp",
    complete: Complete = "",
    budget: Annotated[
        int,
        typer.Option(
            "--budget",
            min=1,
            help="First trainings of each method. Up to ten more follow, until those next to the "
            "best one are done: the next learning rates, and the next values of its setting.",
        ),
    ] = 15,
    out: Annotated[Path, typer.Option("--out", help="Folder for all trials.")] = Path("runs/tune"),
) -> None:
    """Choose the learning rate and the own setting of each method on val; go on with compare.

    Every method begins with the same number of trainings on DATA, with seed 0. Val mAP decides;
    where fewer than half of the classes of val have observed absences, their log rank with
    blanks counted as absent: how far up images with a given tag rank, on a logarithmic scale.
    """
    from largeloss.cli.console import note, progress, say
    from largeloss.cli.console import out as screen
    from largeloss.experiments.decided import check_searched
    from largeloss.experiments.out_folder import TUNE, check_group
    from largeloss.experiments.worth import parse_shares
    from largeloss.files import write_text
    from largeloss.runs.file_names import TABLE, TUNED

    make = settings_by_method(
        layers,
        data,
        "tune needs DATA, a folder with labels.csv and images: largeloss tune DATA --out "
        "runs/tune.",
    )
    names = [name.strip() for name in methods.split(",") if name.strip()]
    shares = parse_shares(complete)
    for text in check_searched(layers.named, names, layers.of_file):
        note(text)
    for name in names:
        make(name)
    check_group(out, TUNE)
    from largeloss import distributed
    from largeloss.experiments.tune import tune as search
    from largeloss.report.tables import method_title
    from largeloss.report.tuning_table import chosen, tuning_markdown, tuning_table

    found = search(make, names, budget, out, progress(), shares)
    screen.print(tuning_table(found))
    say(chosen(found))
    for one in found.methods:
        if one.on_edge:
            note(
                f"{method_title(one.method, one.share)} may be better next to the best "
                "trial: the ten further trainings of a method did not reach all of its neighbours."
            )
    if distributed.rank() == 0:
        write_text(out / TABLE, tuning_markdown(found))
    say(f"Chosen settings: {out / TUNED}   To compare: largeloss compare … --tuned {out}")
