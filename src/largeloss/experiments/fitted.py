"""What the method 'auto' is in a comparison or a search: decided once, by the labels of seed 0."""

from collections.abc import Callable, Sequence

from largeloss.config import RunConfig
from largeloss.errors import ConfigError
from largeloss.experiments.run_settings import with_method
from largeloss.losses.recipes import AUTO
from largeloss.runs.assemble import make_evaluators
from largeloss.runs.data import DataReader
from largeloss.runs.fitting import labels_decide
from largeloss.runs.fitting_labels import fitting_labels
from largeloss.runs.settings import resolved
from largeloss.runs.settings_checks import check_before_data
from largeloss.training.start import start


def fitted_names(
    names: Sequence[str],
    make: Callable[[str], RunConfig],
    reader: DataReader,
    remark: Callable[[str], None],
) -> list[str]:
    """The ``names`` of methods, with that of the recipe that fits the labels in place of 'auto'.

    ``make`` gives the settings of a method. ``remark`` is told what was decided. Data are read
    where there is something to decide, and no image is decoded.

    Raises:
        ConfigError: settings that cannot work; or two methods that are the same on these labels.
        DataError, LabelError: data that cannot be read.
    """
    auto = AUTO.name
    if auto not in names:
        return list(names)
    asked = with_method(make(auto), auto, {})
    if not labels_decide(asked):
        return list(names)
    settings = resolved(asked)
    start()
    check_before_data([settings])
    data = reader.opened(settings)
    val = make_evaluators(settings, data).val
    fitted, remarks = fitting_labels(asked, data.training, val)
    for text in remarks:
        remark(text)
    became = fitted.method.name
    if became != auto and became in names:
        raise ConfigError(
            f"{auto} and {became} of --methods are the same run: with these labels both are "
            f"{became}. Name one of them."
        )
    return [became if name == auto else name for name in names]
