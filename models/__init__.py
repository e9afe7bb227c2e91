"""The networks: graph convolutions, Skeleton Transformation, Instance Pooling, and the zoo of trained ones."""

from skelact.models.checkpoints import load_reference
from skelact.models.recognizer import Architecture, Recognizer, create_model, list_models

__all__ = ["Architecture", "Recognizer", "create_model", "list_models", "load_reference"]
