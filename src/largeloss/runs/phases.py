"""The phases of a run: the whole model, a head on frozen features, and LinearInit's two."""

from dataclasses import replace
from typing import cast

import numpy as np
import torch

from largeloss import distributed
from largeloss.config import RunConfig
from largeloss.data import Loader
from largeloss.models import Classifier
from largeloss.runs.assemble import Assembled, head_recipe, make_loss
from largeloss.runs.settings import head_method
from largeloss.training import frozen
from largeloss.training.checkpoint_file import load_state
from largeloss.training.evaluation import (
    Evaluator,
    Measured,
    evaluation_batch,
    evaluation_loader,
)
from largeloss.training.fingerprints import FEATURES_BY, INPUTS, compare, fingerprints
from largeloss.training.fit import Phase, fit
from largeloss.training.listener import Listener
from largeloss.training.resume_state import refusing_misfits
from largeloss.training.run_folder import HEAD, RunFolder
from largeloss.training.signals import StopRequests
from largeloss.training.wall_time import WallTime
from largeloss.training.weights import load_weights
from largeloss.watch import if_interrupted


def whole_model(run: Assembled, folder: RunFolder, device: torch.device) -> Phase:
    """The model as it is trained end to end; collective.

    Raises:
        DataError: the processes read different data.
    """
    return Phase(
        run.model.to(device),
        run.criterion,
        run.dataset,
        run.evaluators,
        run.recipe,
        folder,
        run.model_config,
        recording=run.settings.training.record == "losses",
        content=fingerprints(run.dataset, run.evaluators, run.model_config["start_weights"]),
    )


def head_on_features(phase: Phase, settings: RunConfig, listener: Listener) -> Phase:
    """A linear head on the features of this phase's backbone, which are extracted once."""
    data, model = phase.data, phase.model
    network, cache = settings.model, settings.data.cache
    assert cache is not None
    device = next(model.parameters()).device
    used = np.sort(np.concatenate([data.rows(name) for name in data.splits]))
    size = evaluation_batch(min(phase.recipe.batch_size, 64), device)
    loader = Loader(
        data.source, data.labels, used, size, workers=phase.recipe.workers, device=device
    )
    identity = (
        phase.content[INPUTS],
        network.backbone,
        sorted(network.args.items()),
        phase.model_config["start_weights"],
        network.mean,
        network.std,
        settings.data.max_value,
        # random weights are another backbone with every seed
        None if network.weights or network.pretrained else settings.training.seed,
    )
    with if_interrupted(
        "No features are kept, and the head was not trained yet; continue with --resume (compare "
        "and reproduce: with the same command)."
    ):
        backend = _begun_with(phase) or settings.training.backend
        featured, remark, backend = frozen.with_features(
            data, model, identity, cache / "features", loader, backend
        )
    listener.remark(remark)
    torch.manual_seed(phase.recipe.seed)  # dropout is the same whether features were cached or not
    head = frozen.feature_classifier(featured, data.labels.num_classes, network.dropout)
    return replace(
        phase,
        model=head.to(device),
        data=featured,
        recipe=replace(phase.recipe, mirror=False, augment="none"),
        publish=lambda trained: frozen.folded(model, trained),
        content={**phase.content, FEATURES_BY: backend},
    )


def _begun_with(phase: Phase) -> str | None:
    """What computed the features of a run that goes on; None where no checkpoint says so."""
    state_file = phase.run.state_file
    if not distributed.from_main(state_file.is_file()):
        return None
    return cast(str, load_state(state_file)["content"].get(FEATURES_BY, "torch"))


def train_head_first(
    phase: Phase,
    run: Assembled,
    device: torch.device,
    listener: Listener,
    requests: StopRequests,
    wall: WallTime,
    continuing: bool,
) -> dict[str, object]:
    """LinearInit's first phase: a linear head on frozen features becomes the model's head.

    Parameters of the loss (ROLE's table, IMCL's graph) go over into the second phase; its memories
    and the count of epochs begin afresh. ``phase`` is the second, whose model gets the head; where
    it has begun already (``continuing``), nothing is changed.

    Returns:
        The first phase's result.
    """
    settings, folder = run.settings, RunFolder(phase.run.path / HEAD)
    if not distributed.from_main(folder.finished):
        method = head_method(settings)
        first = replace(phase, run=folder, recipe=head_recipe(settings, phase.evaluators.val))
        first = head_on_features(first, settings, listener)
        listener.message(f"The head alone, on frozen features, with {method.name}:")
        criterion, remarks = make_loss(method, phase.data, settings.training.balance)
        for text in remarks:
            if text not in run.remarks:  # of the second phase, which has said it
                listener.remark(text)
        resume = distributed.from_main(folder.begun)
        with requests.listening():
            outcome = fit(
                replace(first, criterion=criterion),
                device,
                resume=resume,
                listener=listener.head(first.recipe.epochs),
                requests=requests,
                wall=wall,
            )
        if distributed.rank() == 0:
            folder.finish(
                {
                    "method": method.name,
                    "val_map": outcome.best_val_map,
                    "best_epoch": outcome.best_epoch,
                    "seconds": outcome.seconds,
                    "wall_seconds": wall.seconds,
                }
            )
        distributed.barrier()
    else:
        wall.before = folder.result().get("wall_seconds", 0.0)
    if not continuing:
        listener.message("The whole network:")
        state = load_state(folder.state_file)
        with refusing_misfits(folder.state_file):
            compare(state["content"], phase.content, str(folder.path))
            folder.restore_best(state["history"]["best_weights"])
            phase.model.load_state_dict(load_weights(folder.best))
            learnt = state["criterion"]
            with torch.no_grad():
                for name, parameter in phase.criterion.named_parameters():
                    if name in learnt:
                        parameter.copy_(learnt[name])
    return folder.result()


def best_model(phase: Phase) -> Classifier:
    """The model over the phase's inputs with the weights of the best epoch."""
    weights = load_weights(phase.run.best)
    inputs = phase.model_config["architecture"]["sample_shape"]
    if list(phase.data.source.sample_shape) != inputs:  # features: best/ has the backbone, too
        return frozen.head_alone(weights).to(next(phase.model.parameters()).device)
    phase.model.load_state_dict(weights)
    return phase.model


def scores(phase: Phase, model: Classifier, split: str, evaluator: Evaluator) -> Measured:
    """Predictions of ``model`` for a split of the phase's data."""
    device = next(model.parameters()).device
    return evaluator.scores(model, evaluation_loader(phase.data, split, phase.recipe, device))
