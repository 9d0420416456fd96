"""``largeloss methods``: what there is to choose from."""

import inspect
import re

_PAPERS = {
    "full": "upper bound: every label is known",
    "an": "assume negative; Kim et al., CVPR 2022",
    "iu": "ignore unobserved; Kim et al., CVPR 2022",
    "wan": "Cole et al., CVPR 2021",
    "lsan": "Cole et al., CVPR 2021",
    "epr": "Cole et al., CVPR 2021",
    "role": "Cole et al., CVPR 2021",
    "ll-r": "Kim et al., CVPR 2022 (rejection)",
    "ll-ct": "Kim et al., CVPR 2022 (temporary correction)",
    "ll-cp": "Kim et al., CVPR 2022 (permanent correction)",
    "curriculum": "Durand et al., CVPR 2019",
    "imcl": "Huynh and Elhamifar, CVPR 2020",
}


def methods() -> None:
    """List the methods with their papers and settings."""
    from rich.table import Table

    from largeloss.cli.console import out
    from largeloss.losses import LOSSES

    table = Table(
        "Method", "What it believes", "Source", "Settings", box=None, padding=(0, 2, 1, 0)
    )
    for name, kind in LOSSES.items():
        first = re.split(r"(?<=[.;])\s", inspect.getdoc(kind) or "")[0].rstrip(";.")
        settings = ", ".join(
            parameter.name
            if parameter.default is parameter.empty
            else f"{parameter.name}={parameter.default}"
            for parameter in inspect.signature(kind).parameters.values()
            if parameter.name != "labels"
        )
        table.add_row(name, " ".join(first.split()), _PAPERS[name], settings or "–")
    out.print(table)
