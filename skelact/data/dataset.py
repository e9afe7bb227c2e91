"""Clips as a torch dataset."""

from __future__ import annotations

import numpy as np

from skelact.data.augment import Augmentation, augment
from skelact.data.clips import ClipSet
from skelact.data.transforms import normalize, to_clips
from skelact.errors import InputError
from skelact.keypoints import get_layout
from skelact.models.preprocessing import Preprocessing

NONE = Augmentation()


class ClipDataset:
    """Item k is (input (clips, I, T, V, C) float32, label).

    Args:
        clips: the data, in the recognizer's layout or in one that has all its keypoints.
        settings: the recognizer's preprocessing.
        training: draw one random clip a sample, else `settings.test_clips` reproducible ones.
        augmentation: random changes to training samples.
        seed: of all draws; with `set_epoch` the same sample differs from epoch to epoch.
        repeat: passes over the clips in an epoch.

    Raises:
        InputError: the clips lack keypoints of the recognizer's layout.
    """

    def __init__(
        self,
        clips: ClipSet,
        settings: Preprocessing,
        training: bool,
        augmentation: Augmentation = NONE,
        seed: int = 0,
        repeat: int = 1,
    ):
        self.clips = clips
        self.settings = settings
        self.training = training
        self.augmentation = augmentation
        self.seed = seed
        self.repeat = repeat
        self.epoch = 0
        self.layout = get_layout(settings.layout)
        have = get_layout(clips.layout)
        if have is self.layout:
            self._places = list(range(len(have)))
        elif self.layout.wholebody and set(self.layout.wholebody) <= set(have.wholebody):
            self._places = [have.wholebody.index(k) for k in self.layout.wholebody]
        else:
            raise InputError(f"clips in layout {clips.layout} have no keypoints for layout {self.layout.name}")

    def __len__(self) -> int:
        return len(self.clips) * self.repeat

    def set_epoch(self, epoch: int) -> None:
        """Draw anew from the next item on."""
        self.epoch = epoch

    def __getitem__(self, k: int) -> tuple[np.ndarray, int]:
        clip = self.clips.clip(k % len(self.clips))
        points, scores = normalize(
            clip.keypoints[:, :, self._places], clip.scores[:, :, self._places], clip.width, clip.height, self.settings
        )
        if not self.training:
            return to_clips(points, scores, self.settings, self.settings.test_clips), clip.label
        # A generator of its own for every sample and epoch: the draw does not depend on order or on workers.
        random = np.random.RandomState([self.seed, self.epoch, k])
        if self.augmentation != NONE:
            points, scores = augment(points, scores, self.layout, random, self.augmentation)
        return to_clips(points, scores, self.settings, 1, random), clip.label
