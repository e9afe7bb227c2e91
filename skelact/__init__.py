"""From raw video to predicted human actions, with body, hand and foot keypoints.

`skelact.predict("clip.mp4")` and `skelact.extract("clip.mp4")` do what the commands do; a `skelact.Predictor` keeps its
models for many videos. What is heavy is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skelact.pipeline import extract
    from skelact.predictor import Predictor, predict
    from skelact.results import Action, Prediction, Segment, Timeline
    from skelact.sequence import PoseSequence
    from skelact.settings import ExtractSettings, PredictSettings

__version__ = "0.1.0"
__all__ = [
    "Action", "ExtractSettings", "PoseSequence", "PredictSettings", "Prediction", "Predictor", "Segment", "Timeline",
    "extract", "predict",
]  # fmt: skip

_HOME = {
    "Action": "results",
    "ExtractSettings": "settings",
    "PoseSequence": "sequence",
    "PredictSettings": "settings",
    "Prediction": "results",
    "Predictor": "predictor",
    "Segment": "results",
    "Timeline": "results",
    "extract": "pipeline",
    "predict": "predictor",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'skelact' has no attribute {name!r}")
    return getattr(import_module(f"skelact.{_HOME[name]}"), name)
