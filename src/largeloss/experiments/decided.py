"""Settings that a comparison or a search decides itself: refused before data are read."""

from collections.abc import Iterable

from largeloss.errors import ConfigError
from largeloss.losses import check_name, searched_of

_METHOD = "method.name"


def check_compared(named: Iterable[str]) -> None:
    """Makes sure that nobody gives what :func:`~largeloss.experiments.compare.compare` decides.

    Args:
        named: The settings that are given, as ``training.lr``.

    Raises:
        ConfigError: the method or the seed is among them.
    """
    given = set(named)
    if _METHOD in given:
        raise _about_method("compare")
    if "training.seed" in given:
        raise ConfigError("compare decides the seed of each run: leave it out, or choose --seeds.")


def check_searched(
    named: Iterable[str], methods: Iterable[str], of_file: Iterable[str] = ()
) -> list[str]:
    """Makes sure that nobody gives what :func:`~largeloss.experiments.tune.tune` decides.

    Args:
        named: As of :func:`check_compared`.
        methods: What is to be searched.
        of_file: The settings that a file gives. It may be that of a run, and is not refused.

    Returns:
        What the user should know of the file.

    Raises:
        ConfigError: the method, the seed, the learning rate or the searched setting of a method is
            among them; a method has a Δ behind its name; or there is no such method.
    """
    given, filed = set(named), set(of_file)
    if _METHOD in given:
        raise _about_method("tune")
    searching: dict[str, list[str]] = {}  # setting → methods
    for method in methods:
        name, colon, _ = method.partition(":")
        if colon:
            raise ConfigError(
                f"tune takes names of methods alone, and searches Δ itself: write {name} instead "
                f"of {method}."
            )
        check_name(method)
        own = any(setting.startswith("method.") for setting in given | filed)
        if own and (searched := searched_of(method)) is not None:  # imports the method, and torch
            searching.setdefault(f"method.{searched[0]}", []).append(method)
    whose = {setting: f" of {', '.join(own)}" for setting, own in searching.items()}
    decided = {"training.lr": "the learning rate", "training.seed": "the seed (0)"}
    decided |= {setting: setting.removeprefix("method.") + own for setting, own in whose.items()}
    if clash := [name for name in decided if name in given]:
        raise ConfigError(
            f"tune decides {', '.join(decided[name] for name in clash)} itself: leave "
            f"{', '.join(clash)} out."
        )
    unused = [name + whose.get(name, "") for name in decided if name in filed]
    if unused:
        what = ", ".join(unused)
        return [f"Not used of the settings file, since tune decides it itself: {what}."]
    return []


def _about_method(command: str) -> ConfigError:
    return ConfigError(
        f"{command} trains several methods, and {_METHOD} would give all of them the settings of "
        "one. Leave it out, and name methods in --methods."
    )
