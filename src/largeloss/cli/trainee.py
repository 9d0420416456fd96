"""What is trained in a phase, and the two phases of LinearInit."""

import dataclasses
from typing import Any

import numpy as np
import torch
from accelerate.accelerator import Accelerator

from largeloss import distributed
from largeloss.cli import prepare
from largeloss.cli.console import note, say
from largeloss.config import RunConfig
from largeloss.data import Dataset, Loader
from largeloss.losses import PartialLabelLoss
from largeloss.models import Classifier, weights_id
from largeloss.training import frozen
from largeloss.training.checkpoint_file import load_state
from largeloss.training.evaluation import Evaluator, Measured
from largeloss.training.protocols import (
    Evaluators,
    Listener,
    Outcome,
    Recipe,
    end_to_end,
    scoring_loader,
)
from largeloss.training.run_folder import RunFolder
from largeloss.training.signals import Requests
from largeloss.training.weights import load_weights


@dataclasses.dataclass(frozen=True)
class Trainee:
    """What is trained, on what, and how that becomes a classifier of the inputs as given."""

    model: Classifier
    dataset: Dataset
    recipe: Recipe
    whole: Classifier | None = None
    """The classifier of images, where ``model`` is a linear head over its features."""

    def frozen(self, config: RunConfig) -> "Trainee":
        """A linear head over the features of this model's backbone."""
        assert config.data.cache is not None
        used = np.sort(np.concatenate([self.dataset.rows(name) for name in self.dataset.splits]))
        device = next(self.model.parameters()).device
        loader = Loader(
            self.dataset.source,
            self.dataset.labels,
            used,
            64,
            workers=self.recipe.workers,
            device=device,
        )
        identity = (
            config.model.backbone,
            sorted(config.model.args.items()),
            weights_id(config.model.weights, config.model.pretrained, config.model.backbone),
            config.model.mean,
            config.model.std,
            # random weights are another backbone with every seed
            None if config.model.weights or config.model.pretrained else config.training.seed,
        )
        cache, half = config.data.cache / "features", config.training.precision == "bf16"
        dataset, remark = frozen.with_features(
            self.dataset, self.model, identity, cache, loader, half=half
        )
        note(remark)
        torch.manual_seed(self.recipe.seed)  # the same head whether features were cached or not
        num_classes = dataset.labels.num_classes
        linear = frozen.feature_classifier(dataset, num_classes, config.model.dropout).to(device)
        recipe = dataclasses.replace(self.recipe, mirror=False)
        return Trainee(linear, dataset, recipe, whole=self.model)

    def publish(self, model: Classifier) -> Classifier:
        """The trained model as a classifier of the inputs as given."""
        return model if self.whole is None else frozen.folded(self.whole, model)

    def best(self, folder: RunFolder) -> Classifier:
        """A model over this trainee's inputs with the weights of the best epoch."""
        weights = load_weights(folder.best)
        if self.whole is not None:
            return frozen.head_alone(weights).to(next(self.model.parameters()).device)
        self.model.load_state_dict(weights)
        return self.model

    def scores(self, model: Classifier, split: str, evaluator: Evaluator) -> Measured:
        """What ``model`` makes of a split, for its evaluator."""
        device = next(model.parameters()).device
        return evaluator.scores(model, scoring_loader(self.dataset, split, self.recipe, device))


@dataclasses.dataclass(frozen=True)
class Training:
    """What all phases of a run share; called, it trains one."""

    config: RunConfig
    evaluators: Evaluators
    model_config: dict[str, Any]
    accelerator: Accelerator
    listener: Listener | None
    requests: Requests

    def __call__(
        self, trainee: Trainee, criterion: PartialLabelLoss, folder: RunFolder, *, resume: bool
    ) -> Outcome:
        with self.requests.heard():
            return end_to_end(
                trainee.model,
                criterion,
                trainee.dataset,
                self.evaluators,
                trainee.recipe,
                folder,
                self.model_config,
                self.accelerator,
                resume=resume,
                listener=self.listener,
                publish=trainee.publish,
                recording=self.config.training.record == "losses",
                requests=self.requests,
            )


def linear_init(
    trainee: Trainee,
    criterion: PartialLabelLoss,
    run: Training,
    folder: RunFolder,
    continuing: bool,
) -> dict[str, Any]:
    """The head's phase: a linear head on frozen features, which then becomes the model's head.

    What the loss learnt as parameters (ROLE's table, IMCL's graph) goes over into the next phase;
    its memories begin afresh, as does the count of epochs.

    Args:
        trainee: Its model gets the head.
        criterion: The loss of the next phase.
        run: Trains the phase, into the folder ``head`` inside of ``folder``.
        folder: The run's.
        continuing: Whether the next phase has begun already; then nothing is changed.

    Returns:
        The phase's result.
    """
    head = RunFolder(folder.path / "head")
    if not distributed.from_main(head.finished):
        first = dataclasses.replace(trainee, recipe=prepare.head_recipe(run.config))
        settings = prepare.head_method(run.config)
        first = first.frozen(run.config)
        say(f"The head alone, on frozen features, with {settings.name}:")
        first_criterion, notes = prepare.make_loss(settings, trainee.dataset)
        for text in notes:
            note(text)
        resume = distributed.from_main(head.state_file.is_file())
        outcome = run(first, first_criterion, head, resume=resume)
        # accelerate has no types
        run.accelerator.free_memory()  # type: ignore[no-untyped-call]
        if distributed.rank() == 0:
            head.finish(
                {
                    "method": settings.name,
                    "val_map": outcome.best_val_map,
                    "best_epoch": outcome.best_epoch,
                    "seconds": outcome.seconds,
                }
            )
        distributed.barrier()
    if not continuing:
        say("The whole network:")
        trainee.model.load_state_dict(load_weights(head.best))
        learnt = load_state(head.state_file)["criterion"]
        with torch.no_grad():
            for name, parameter in criterion.named_parameters():
                if name in learnt:
                    parameter.copy_(learnt[name])
    return head.result()
