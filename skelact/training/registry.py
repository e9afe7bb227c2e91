"""mmengine's registries with skelact's own parts below them, under the scope skelact: "skelact.KeepBest" and so on."""

from __future__ import annotations

from skelact.openmmlab import prepare

prepare()

from mmengine import registry as mmengine  # noqa: E402 (needs prepare)
from mmengine.registry import Registry  # noqa: E402


def _below(parent: Registry) -> Registry:
    """A registry for skelact's parts of that kind, found by their scope from mmengine's and filled on first use."""
    locations = ["skelact.training.runner", "skelact.training.hooks"]
    return Registry(parent.name, parent=parent, scope="skelact", locations=locations)


DATA_SAMPLERS = _below(mmengine.DATA_SAMPLERS)
HOOKS = _below(mmengine.HOOKS)
METRICS = _below(mmengine.METRICS)
MODELS = _below(mmengine.MODELS)
MODEL_WRAPPERS = _below(mmengine.MODEL_WRAPPERS)
OPTIM_WRAPPERS = _below(mmengine.OPTIM_WRAPPERS)
