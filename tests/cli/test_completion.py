"""Tab in a shell: what it offers, without the weight of torch."""

import os
import subprocess
import sys

import pytest

from largeloss.cli import run


@pytest.mark.parametrize(
    ("typed", "word", "offered"),
    [
        ("largeloss tr", 1, {"train"}),
        ("largeloss data che", 2, {"check"}),
        ("largeloss train --prec", 2, {"--precision"}),
    ],
)
def test_commands_and_options_are_offered(monkeypatch, capsys, typed, word, offered):
    monkeypatch.setenv("_LARGELOSS_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", typed)
    monkeypatch.setenv("COMP_CWORD", str(word))
    with pytest.raises(SystemExit) as end:
        run([])
    assert not end.value.code
    assert set(capsys.readouterr().out.split()) == offered


def test_bash_gets_a_script_and_torch_is_not_imported():
    code = (
        "import sys; from largeloss.cli import run; sys.argv[0] = 'largeloss'\n"
        "try: run(['--show-completion', 'bash'])\n"
        "finally: assert 'torch' not in sys.modules"
    )
    environment = os.environ | {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment
    )
    assert found.returncode == 0, found.stderr
    assert "complete -o default -F _largeloss_completion largeloss" in found.stdout
