"""``make docs``: builds the site, checks its links, and prints what was built.

    python docs/_ext/build.py [--long] [--links]

Warnings are errors. ``--long`` also executes the pages that take minutes or need real data;
``--links`` asks the network for every address outside, and builds nothing else.
"""

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from largeloss_docs.links import broken_links, links_of
from sphinx.application import Sphinx

DOCS = Path(__file__).parents[1]
BUILD = DOCS / "_build"


def build(builder: str) -> Sphinx:
    """All pages, read anew: what is generated from the code has no dates that could be compared."""
    app = Sphinx(
        DOCS, DOCS, BUILD / builder, BUILD / f"{builder}-doctrees", builder,
        status=None, freshenv=True, warningiserror=True,
    )  # fmt: skip
    app.build()
    return app


def executed(app: Sphinx) -> tuple[int, int]:
    """How many pages and how many cells in them have been executed, now or from the cache."""
    data: dict[str, Any] = getattr(app.env, "nb_metadata", {})
    names = [name for name, held in data.items() if held.get("exec_data")]
    cells = 0
    for name in names:
        path = app.env.doc2path(name)
        cells += path.read_text(encoding="utf-8").count("\n```{code-cell}")
    return len(names), cells


def main() -> int:
    """Builds, counts, prints; the exit code is 1 after a warning or a broken link."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--links", action="store_true")
    arguments = parser.parse_args()
    if arguments.long:
        os.environ["LARGELOSS_DOCS"] = "long"
    if arguments.links:
        return build("linkcheck").statuscode
    site = BUILD / "html"
    shutil.rmtree(site, ignore_errors=True)  # pages that are gone
    app = build("html")
    internal, external = links_of(site)
    broken = broken_links(site, internal)
    for line in broken:
        print(f"broken link: {line}", file=sys.stderr)
    kept = Path(app.config.nb_execution_cache_path)
    for other in kept.parent.glob("*"):  # what another state of the package wrote
        if other != kept:
            shutil.rmtree(other)
    pages, cells = executed(app)
    print(
        f"{len(app.env.found_docs)} pages; {cells} cells executed on {pages} of them; "
        f"{len(internal)} internal links checked, {len(broken)} broken; {len(external)} addresses "
        f"outside, not checked (make docs-links); {app._warncount} warnings.\n{site / 'index.html'}"
    )
    return app.statuscode or bool(broken)


if __name__ == "__main__":
    sys.exit(main())
