"""The command ``largeloss``, also ``python -m largeloss``."""

import sys


def main() -> None:
    """Runs the command line; never shows a traceback without ``--debug``."""
    from largeloss.cli import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
