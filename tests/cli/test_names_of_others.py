"""Names of files and classes come from others: what reaches the terminal, and the CSV for people."""

import csv
import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.table import Table
from rich.text import Text

from largeloss.cli import console
from largeloss.terminal import SafeConsole, visible

Command = Callable[..., tuple[int, str, str]]
ESCAPE = "\x1b]0;taken\x07\x1b[2J\x9b1m\u202egnp"


def test_finding_19_control_characters_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert visible(f"a{ESCAPE}\udcff") == (
        r"a\x1b]0;taken\x07\x1b[2J\x9b1m\u202egnp\udcff"
    )
    assert visible("ein Käfer, 猫\tand\nthe next line 👩‍👩‍👧") == "ein Käfer, 猫\tand\nthe next line 👩‍👩‍👧"
    for speak in (console.say, console.note, console.warn, console.complain):
        speak(f"before {ESCAPE} \udcff after")
        out, err = capsys.readouterr()
        assert "before" in out + err
        assert "after" in out + err
        assert not {"\x1b", "\x07", "\x9b", "\u202e", "\udcff"} & set(out + err)


def test_finding_19_in_tables_and_with_colours() -> None:
    written = io.StringIO()
    screen = SafeConsole(file=written, force_terminal=True, width=80)
    table = Table("name")
    table.add_row(Text(f"cat{ESCAPE}", style="bold"))
    screen.print(table)
    shown = written.getvalue()
    assert "\x1b[1m" in shown  # rich's own colours stay
    assert "\x1b]0" not in shown
    assert r"\x1b]0;taken" in shown


def test_finding_19_names_of_a_data_folder(largeloss: Command, make_image_folder: Callable[..., Path]) -> None:
    named = f"images/0{ESCAPE}.png"
    labels = f"image,split,red{ESCAPE}\nimages/00.png,train,1\n{named},val,0\nimages/01.png,test,1\n"
    root = make_image_folder(labels=labels)
    _, out, err = largeloss("data", "check", root)
    assert "red" in out
    assert "is no such file" in out + err
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(out + err)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have names in Unicode alone")
def test_finding_19_a_name_that_is_no_unicode(largeloss: Command, image_folder: Path) -> None:
    os.rename(image_folder / "images/00.png", os.fsencode(image_folder) + b"/images/\xff.png")
    code, _, err = largeloss("data", "import", "folder", image_folder, "--unlisted", "absent",
                             "--out", image_folder.parent / "out")  # fmt: skip
    assert code == 2
    assert "defect" not in err
