"""The command line, run in this process."""

import pytest

from largeloss.cli import run


@pytest.fixture
def largeloss(capsys):
    """Runs a command; gives exit code and what was printed, on both streams, as one line each."""

    def command(*arguments) -> tuple[int, str, str]:
        code = run([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return command
