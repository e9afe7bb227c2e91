"""The networks: graph convolutions, Skeleton Transformation, Instance Pooling, and the zoo of trained ones."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from skelact.models.architecture import Architecture, list_models

if TYPE_CHECKING:
    from skelact.models.checkpoints import load_reference
    from skelact.models.recognizer import Recognizer, create_model

__all__ = ["Architecture", "Recognizer", "create_model", "list_models", "load_reference"]

# These need torch, which takes seconds to import and which a list of names does without.
_LAZY = {"Recognizer": "recognizer", "create_model": "recognizer", "load_reference": "checkpoints"}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
