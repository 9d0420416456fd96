"""How Sphinx builds the site; ``make docs`` calls it through docs/_ext/build.py."""

import hashlib
import os
import sys
from pathlib import Path

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS / "_ext"), str(DOCS.parent / "tests/docs")]
# Cells call `!largeloss …`: the command of this environment.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
# Cells of the concepts import largeloss_docs.strips.
os.environ["PYTHONPATH"] = f"{DOCS / '_ext'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"


def _cache() -> Path:
    """Where outputs of cells are kept, for this state of the package."""
    code = hashlib.sha256()
    for path in sorted([*(DOCS.parent / "src").rglob("*.py"), *(DOCS / "_ext").rglob("*.py")]):
        code.update(path.read_bytes())
    return DOCS / "_build/cells" / code.hexdigest()[:16]


project = "largeloss"
author = "the authors of largeloss"
html_title = "largeloss"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "largeloss_docs.generate",
]
exclude_patterns = ["_build", "_ext", "_generated", "plan.md"]

myst_enable_extensions = ["attrs_block", "colon_fence", "deflist"]
myst_heading_anchors = 4
copybutton_exclude = ".linenos, .gp"
copybutton_prompt_text = "$ "

autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 80
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
nitpicky = True
# Other packages are not linked, which would need the network, nor is every class of an annotation.
nitpick_ignore_regex = [("py:.*", r"(?!largeloss).*"), ("py:mod", ".*"), ("py:class", ".*")]

highlight_language = "text"  # of blocks that name none
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
smartquotes = False  # it takes the dashes of options for a long one
(DOCS / "_build/gallery").mkdir(parents=True, exist_ok=True)
html_extra_path = ["_build/gallery"]  # reports, written by make gallery

nb_execution_mode = "cache"
nb_execution_cache_path = str(_cache())
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 600
nb_merge_streams = True
suppress_warnings = ["myst-nb.lexer"]  # of cells that this build does not execute
LONG: list[str] = []
"""Pages whose cells take minutes or need real data: executed by ``make docs-long`` alone."""
nb_execution_excludepatterns = [] if os.environ.get("LARGELOSS_DOCS") == "long" else LONG


def setup(app: Sphinx) -> None:
    """Tables of labels are shown as they are, since Pygments knows no CSV; what is typed at a
    console stands there without a prompt, and Pygments would take it for output."""
    app.add_lexer("csv", TextLexer)
    app.add_lexer("console", TextLexer)
