"""Clips as a torch dataset."""

from __future__ import annotations

import numpy as np

from skelact.data.augment import Augmentation, Keypoints, augment, transition
from skelact.data.clips import ClipSet
from skelact.data.transforms import normalize, to_clips
from skelact.errors import InputError, UsageError
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
        no_action: the class of clips in which none of the other classes' actions happens; "" for none.
        transitions: share of training samples that show a person on the way from one action to another instead, as
            clips of `no_action`; see `skelact.data.augment.transition`.

    Raises:
        InputError: the clips lack keypoints of the recognizer's layout.
        UsageError: transitions without a class for them.
    """

    def __init__(
        self,
        clips: ClipSet,
        settings: Preprocessing,
        training: bool,
        augmentation: Augmentation = NONE,
        seed: int = 0,
        repeat: int = 1,
        no_action: str = "",
        transitions: float = 0.0,
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

        self.transitions = transitions if training else 0.0
        if self.transitions:
            if no_action not in clips.class_names:
                raise UsageError(
                    f"transitions need no_action, the class of clips without action: it is {no_action!r}, and the "
                    f"classes are {', '.join(clips.class_names)}"
                )
            self._nothing = clips.class_names.index(no_action)
            actions = np.setdiff1d(clips.labels, [self._nothing])
            self._of_actions = [np.flatnonzero(clips.labels == label) for label in actions]

    def __len__(self) -> int:
        return len(self.clips) * self.repeat

    def set_epoch(self, epoch: int) -> None:
        """Draw anew from the next item on."""
        self.epoch = epoch

    def __getitem__(self, k: int) -> tuple[np.ndarray, int]:
        label = int(self.clips.labels[k % len(self.clips)])
        if not self.training:
            return to_clips(*self._normalized(k), self.settings, self.settings.test_clips), label
        # A generator of its own for every sample and epoch: the draw does not depend on order or on workers.
        random = np.random.RandomState([self.seed, self.epoch, k])
        if self.transitions and random.rand() < self.transitions:
            label = self._nothing
            points, scores = transition(self._any_action(random), self._any_action(random), random)
        else:
            points, scores = self._normalized(k)
        if self.augmentation != NONE:
            points, scores = augment(points, scores, self.layout, random, self.augmentation)
        return to_clips(points, scores, self.settings, 1, random), label

    def _normalized(self, k: int) -> Keypoints:
        clip = self.clips.clip(k % len(self.clips))
        points, scores = clip.keypoints[:, :, self._places], clip.scores[:, :, self._places]
        return normalize(points, scores, clip.width, clip.height, self.settings)

    def _any_action(self, random: np.random.RandomState) -> Keypoints:
        """A clip of an action, all actions equally likely."""
        clips = self._of_actions[random.randint(len(self._of_actions))]
        return self._normalized(int(clips[random.randint(len(clips))]))
