"""``largeloss export``: a trained model for other programs."""

from pathlib import Path
from typing import Annotated

import typer

from largeloss.watch import if_interrupted


def export(
    run: Annotated[Path, typer.Argument(help="A run folder, or a folder that export wrote.")],
    to: Annotated[
        str, typer.Option("--to", help="onnx, torch-export or hub-folder.", show_default=False)
    ],
    out: Annotated[
        Path,
        typer.Option("--out", help="A .onnx or .pt2 file, or a new folder.", show_default=False),
    ],
    images: Annotated[
        list[Path] | None,
        typer.Option(
            "--images",
            help="Images, or folders, on which scores are compared with predict's; val of the run "
            "unless given.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write RUN's model as ONNX, for torch.export, or as a folder with a model card."""
    from largeloss.cli.console import counted, say
    from largeloss.export.target import check_target
    from largeloss.runs.arguments import check_models
    from largeloss.runs.predict.sources import check_sources

    check_target(to, out)
    check_models([run])
    check_sources(images or [])
    from largeloss.export.parity import TOLERANCE
    from largeloss.export.write import export as write

    with if_interrupted(f"{out} was not written."):
        found = write(run, to, out, images)
    say(
        f"Compared with predict on {counted(found.num_inputs, 'input')}: scores differ by at most "
        f"{found.difference:.1e} ({TOLERANCE:g} is allowed)."
    )
    say(f"Written: {', '.join(map(str, found.files))}")
