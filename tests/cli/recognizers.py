"""A small recognizer and clips in files, for tests of the verbs that test recognizers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from skelact.models import Architecture, Recognizer
from skelact.models.preprocessing import Preprocessing
from skelact.recognition import TrainedRecognizer, save_recognizer

CLASSES = ("walk", "jump", "sit")


def save_small_recognizer(path: Path, seed: int = 0, classes: tuple[str, ...] = CLASSES, stream: str = "j") -> Path:
    """A recognizer of a few hundred weights, untrained, whose answers differ from clip to clip."""
    torch.manual_seed(seed)
    model = Recognizer(Architecture("stgcnpp", skelet=False, layout="coco17", channels=(8, 16)), len(classes)).eval()
    torch.nn.init.normal_(model.cls_head.fc_cls.weight, std=3)
    preprocessing = Preprocessing("coco17", stream, clip_len=5, test_clips=2)
    save_recognizer(TrainedRecognizer(model, preprocessing, classes, path.stem, {}), path)
    return path


def save_clips_file(path: Path, classes: tuple[str, ...] = CLASSES, clips: int = 24, first: int = 0) -> Path:
    """An .npz of made-up clips of all classes in turn, by persons 0, 1 and 2; equal numbers are equal clips."""
    keypoints = [np.random.default_rng(first + k).uniform(0.2, 0.8, (6, 17, 3)) for k in range(clips)]
    np.savez(
        path,
        keypoints=np.array(keypoints, dtype=np.float16),
        label=np.arange(clips) % len(classes),
        person=np.arange(clips) // 3 % 3,
        class_names=np.array(classes),
        name=np.array([f"clip{first + k}" for k in range(clips)]),
    )
    return path
