"""What the method 'auto' is in a comparison or a search: decided once, by the labels of seed 0."""

from collections.abc import Callable, Mapping

from largeloss.config import RunConfig
from largeloss.errors import ConfigError
from largeloss.experiments.run_settings import with_method
from largeloss.runs.data import DataReader
from largeloss.runs.fitting import may_change
from largeloss.runs.fitting_labels import fitting_labels
from largeloss.runs.settings import resolved
from largeloss.runs.settings_checks import check_before_data
from largeloss.training.start import start


def fitted_names(
    bases: Mapping[str, RunConfig], reader: DataReader, remark: Callable[[str], None]
) -> dict[str, str]:
    """Method → its name, which for 'auto' is that of the recipe that fits the labels.

    ``bases`` are the settings of each method. ``remark`` is told what was decided. Data are read
    where there is something to decide, and no image is decoded.

    Raises:
        ConfigError: settings that cannot work; or two methods that are the same on these labels.
        DataError, LabelError: data that cannot be read.
    """
    names = {method: method for method in bases}
    for method, base in bases.items():
        settings = resolved(with_method(base, method, {}))
        if not may_change(settings):
            continue
        start()
        check_before_data([settings])
        fitted, remarks = fitting_labels(settings, reader.opened(settings))
        for text in remarks:
            remark(text)
        if fitted != settings:
            names[method] = fitted.method.name
        if names[method] != method and names[method] in bases:
            raise ConfigError(
                f"{method} and {names[method]} of --methods are the same run: with these labels "
                f"both are {names[method]}. Name one of them."
            )
    return names
