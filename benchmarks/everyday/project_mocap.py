"""2D clips of everyday actions from 3D motion capture, seen by virtual cameras.

Run: python benchmarks/everyday/project_mocap.py everyday_mocap.npz clips.npz --clips 24000

Writes labelled clips as `skelact train` reads them: `keypoints` float16 (clips, frames, 133, 3) = x / width,
y / height, score; `label`, `class_names`, `person`, `length`, `width`, `height`; and `person_names`. Hands and face are
not seen. Classes, and within them persons, come about equally often; clips last 1 to 2.2 s whatever the class.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from camera import NUM_BODY, look
from mocap import CLASSES, FPS, STRIKES, Motion, Stretch, join, load_motions, retarget, smooth, stretches

SECONDS = (1.0, 2.2)
RATES = (9.0, 18.0)  # frames a second of a clip
MAX_FRAMES = 40


class Windows:
    """Draws windows of motion: class, then person, then label in the file, then clip and time.

    Args:
        motions: all clips.
        random: where from.
    """

    def __init__(self, motions: list[Motion], random: np.random.RandomState):
        self.motions = motions
        self.random = random
        self.places: dict[str, dict[str, dict[str, list[tuple[int, Stretch]]]]] = {}
        for number, motion in enumerate(motions):
            for name, parts in stretches(motion).items():
                kinds = self.places.setdefault(name, {}).setdefault(motion.person, {})
                kinds.setdefault(motion.label, []).extend((number, part) for part in parts)

    def draw(self, name: str) -> tuple[np.ndarray, str]:
        """Joints (T, 33, 3) of one window of a class at FPS, and the person's name."""
        persons = self.places[name]
        frames = [sum(len(part.centres) for kind in kinds.values() for _, part in kind) for kinds in persons.values()]
        weights = np.minimum(frames, 20 * FPS) ** 0.5
        person = str(self.random.choice(list(persons), p=weights / weights.sum()))
        kinds = list(persons[person].values())
        number, part = self._one(kinds[self.random.randint(len(kinds))])
        pace = float(np.exp(self.random.normal(0, 0.08)))  # frames of the recording a frame of the window
        wanted = round(self.random.uniform(*SECONDS) * FPS * pace)
        joints = self.motions[number].joints[part.first : part.last]
        centre = int(part.centres[self.random.randint(len(part.centres))]) - part.first
        joints, centre = self._lengthen(joints, centre, wanted, person, name)
        offset = self.random.uniform(0.3, 0.7) if name in STRIKES else self.random.rand()
        start = int(np.clip(centre - offset * wanted, 0, max(len(joints) - wanted, 0)))
        return _resample(joints[start : start + wanted], pace), person

    def _one(self, options: list[tuple[int, Stretch]]) -> tuple[int, Stretch]:
        return options[self.random.randint(len(options))]

    def _lengthen(self, joints: np.ndarray, centre: int, wanted: int, person: str, name: str) -> tuple[np.ndarray, int]:
        """The motion and the frame `centre` of it, made longer than wanted.

        A strike goes on with a rest or another one of the same person, before or after, anything else with itself.
        """
        rests = [place for kind in self.places.get("idle", {}).get(person, {}).values() for place in kind]
        same = [place for kind in self.places[name][person].values() for place in kind]
        while len(joints) < wanted + 2:
            other = joints
            if name in ("punch", "kick", "idle"):
                rest = bool(rests) and self.random.rand() < 0.5
                number, part = self._one(rests if rest else same)
                other = self.motions[number].joints[part.first : part.last]
            if name in ("punch", "kick") and self.random.rand() < 0.5:
                joined = join(other, joints)
                centre += len(joined) - len(joints)
            else:
                joined = join(joints, other)
            joints = joined
        return joints, int(np.clip(centre, 0, len(joints) - 1))


def _resample(joints: np.ndarray, pace: float) -> np.ndarray:
    """Every `pace`-th frame, between two frames as a mean of both."""
    times = np.arange(0, len(joints) - 1, pace)
    low, part = times.astype(int), (times % 1)[:, None, None].astype(np.float32)
    return joints[low] * (1 - part) + joints[low + 1] * part


def make_clip(joints: np.ndarray, random: np.random.RandomState) -> tuple[np.ndarray, int, int]:
    """A window to (T, 133, 3) as an estimator sees it at a random frame rate, and the frame's width and height."""
    body = retarget(smooth(joints, random.uniform(4, 8)), random)
    rate = random.uniform(*RATES)
    chosen = np.arange(0, len(body), FPS / rate).astype(int)[:MAX_FRAMES]
    view = look(body[chosen], random)
    clip = np.zeros((len(chosen), 133, 3), np.float32)
    clip[:, :NUM_BODY, :2] = view.points / (view.width, view.height)
    clip[:, :NUM_BODY, 2] = view.scores
    return clip, view.width, view.height


def main() -> None:
    """Draw and write the clips."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("mocap", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--clips", type=int, default=24000)
    parser.add_argument("--persons", nargs="*", help="only these; by default all")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    random = np.random.RandomState(arguments.seed)
    motions = load_motions(arguments.mocap)
    names = sorted({motion.person for motion in motions})
    if arguments.persons:
        motions = [motion for motion in motions if motion.person in arguments.persons]
    windows = Windows(motions, random)
    classes = [name for name in CLASSES if name in windows.places]
    keypoints = np.zeros((arguments.clips, MAX_FRAMES, 133, 3), np.float16)
    label, person, length, width, height = (np.zeros(arguments.clips, np.int64) for _ in range(5))
    for k in range(arguments.clips):
        name = classes[k % len(classes)]
        while True:  # hardly anyone is ever wholly outside of the picture
            joints, who = windows.draw(name)
            clip, width[k], height[k] = make_clip(joints, random)
            if (clip[..., :17, 2] > 0.3).sum(axis=1).max() >= 6:
                break
        keypoints[k, : len(clip)], length[k] = clip, len(clip)
        label[k], person[k] = CLASSES.index(name), names.index(who)
    np.savez(
        arguments.output, keypoints=keypoints, label=label, class_names=np.array(CLASSES), person=person,
        length=length, width=width, height=height, person_names=np.array(names),
    )  # fmt: skip


if __name__ == "__main__":
    main()
