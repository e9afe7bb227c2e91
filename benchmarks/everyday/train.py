"""Train the everyday recognizer on projected motion capture and test it on persons it was not trained on.

Run: python benchmarks/everyday/train.py clips.npz -o everyday.safetensors [--all-persons]
"""

from __future__ import annotations

import argparse
import json
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from handless import KEPT, with_hands, without_hands
from torch import nn

from skelact.data.transforms import normalize, to_clips
from skelact.keypoints import get_layout
from skelact.models import create_model
from skelact.models.architecture import CHANNELS
from skelact.models.preprocessing import Preprocessing
from skelact.recognition import TrainedRecognizer, save_recognizer

MODEL = "skelet-stgcnpp"
TEST_PERSONS = ("precog11", "precog12", "cmu017", "cmu049", "cmu127", "cmu135")
TEST_WALK = "cmu005"  # his walk; the rest of what he does is nearly all the dance there is
PREPROCESSING = Preprocessing(normalize="body", clip_len=16, test_clips=4, max_instances=1, hands=False)


def is_test(person: np.ndarray, label: np.ndarray, walk: int) -> np.ndarray:
    """The clips of the test persons, by person's name and label."""
    return np.isin(person, TEST_PERSONS) | ((person == TEST_WALK) & (label == walk))


def prepare_clips(data: dict[str, np.ndarray], settings: Preprocessing) -> np.ndarray:
    """All frames of all clips as the recognizer takes them, without hands: (N, frames, 23, C) float16."""
    layout = get_layout(settings.layout)
    frames = data["keypoints"].shape[1]
    out = np.zeros((len(data["label"]), frames, KEPT[65], settings.channels), np.float16)
    for k, length in enumerate(data["length"]):
        clip = data["keypoints"][k, :length, list(layout.wholebody)].swapaxes(0, 1)[None].astype(np.float32)
        size = int(data["width"][k]), int(data["height"][k])
        points, scores = normalize(clip[..., :2] * size, clip[..., 2], *size, settings)
        whole = Preprocessing(**{**settings.__dict__, "clip_len": int(length)})
        out[k, :length] = to_clips(points, scores, whole)[0, 0, :, : KEPT[65]]
    return out


def draw_frames(lengths: np.ndarray, clip_len: int, random: np.random.RandomState | None) -> np.ndarray:
    """(N, clip_len) frames spread evenly over each clip, each anywhere in its part; in its middle without `random`."""
    offset = random.rand(len(lengths), clip_len) if random else 0.5
    return np.minimum((np.arange(clip_len) + offset) * lengths[:, None] / clip_len, lengths[:, None] - 1).astype(int)


def crop(lengths: np.ndarray, random: np.random.RandomState) -> tuple[np.ndarray, np.ndarray]:
    """First frame and length of the part of each clip that is looked at: mostly all of it."""
    share = np.where(random.rand(len(lengths)) < 0.5, 1, random.uniform(0.75, 1, len(lengths)))
    new = np.maximum((lengths * share).astype(int), 1)
    return (random.rand(len(lengths)) * (lengths - new + 1)).astype(int), new


def augment(batch: torch.Tensor, mirror: tuple[int, ...], random: np.random.RandomState) -> torch.Tensor:
    """Half of the clips mirrored; each turned and stretched a little."""
    flipped = torch.from_numpy(random.rand(len(batch)) < 0.5)
    sign = torch.tensor([-1.0, 1, 1, -1, 1])
    batch = torch.where(flipped[:, None, None, None], batch[:, :, list(mirror)] * sign, batch)
    angle = torch.from_numpy(np.deg2rad(random.normal(0, 5, len(batch)))).float()
    scale = torch.from_numpy(np.exp(random.normal(0, 0.1, (2, len(batch))))).float()
    c, s = torch.cos(angle), torch.sin(angle)
    turn = torch.stack(
        [torch.stack([c * scale[0], s * scale[0]], -1), torch.stack([-s * scale[1], c * scale[1]], -1)], -2
    )
    turn = turn[:, None]
    return torch.cat([batch[..., :2] @ turn, batch[..., 2:3], batch[..., 3:] @ turn], dim=-1)


def predict(model: nn.Module, clips: np.ndarray, lengths: np.ndarray, settings: Preprocessing) -> np.ndarray:
    """Probabilities (N, classes), the mean over the recognizer's test clips."""
    random = np.random.RandomState(0)
    model.eval()
    drawn = []
    with torch.inference_mode():
        for _ in range(settings.test_clips):
            frames = draw_frames(lengths, settings.clip_len, random)
            rows = np.arange(len(clips))[:, None]
            parts = [
                model(torch.from_numpy(clips[rows[k : k + 256], frames[k : k + 256]].astype(np.float32))[:, None])
                .softmax(dim=-1)
                .numpy()
                for k in range(0, len(clips), 256)
            ]
            drawn.append(np.concatenate(parts))
    return np.mean(drawn, axis=0)


def main() -> None:
    """Train, test, and write the recognizer."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("clips", type=Path)
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--width", type=float, default=0.25)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--all-persons", action="store_true", help="train on the test persons too")
    arguments = parser.parse_args()
    settings = PREPROCESSING
    with np.load(arguments.clips, allow_pickle=False) as content:
        data = {name: content[name] for name in content.files}
    names = tuple(str(name) for name in data["class_names"])
    person = data["person_names"][data["person"]]
    test = is_test(person, data["label"], names.index("walk"))
    cache = arguments.clips.with_suffix(".prepared.npy")
    if not cache.exists() or cache.stat().st_mtime < arguments.clips.stat().st_mtime:
        np.save(cache, prepare_clips(data, settings))
    clips = np.load(cache)
    train = np.arange(len(clips)) if arguments.all_persons else np.flatnonzero(~test)
    torch.manual_seed(arguments.seed)
    random = np.random.RandomState(arguments.seed)
    channels = tuple(int(c * arguments.width) for c in CHANNELS)
    build = partial(create_model, MODEL, len(names), channels=channels, in_channels=settings.channels)
    model = without_hands(build())
    optimizer = torch.optim.AdamW(model.parameters(), lr=arguments.lr, weight_decay=0.02)
    steps = len(train) // arguments.batch_size * arguments.epochs
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, arguments.lr, steps, pct_start=0.1, final_div_factor=1e3)
    loss_of = nn.CrossEntropyLoss(label_smoothing=0.1)
    mirror = get_layout(settings.layout).mirror[: KEPT[65]]
    start, step, average = time.perf_counter(), 0, 2.0
    model.train()
    for _ in range(arguments.epochs):
        order = random.permutation(train)
        for k in range(0, len(order) - arguments.batch_size + 1, arguments.batch_size):
            chosen = order[k : k + arguments.batch_size]
            first, length = crop(data["length"][chosen], random)
            frames = first[:, None] + draw_frames(length, settings.clip_len, random)
            batch = torch.from_numpy(clips[chosen[:, None], frames].astype(np.float32))
            loss = loss_of(model(augment(batch, mirror, random)[:, None]), torch.from_numpy(data["label"][chosen]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            step, average = step + 1, 0.99 * average + 0.01 * float(loss.detach())
            if step % 100 == 0:
                rate = step * arguments.batch_size / (time.perf_counter() - start)
                print(f"step {step}/{steps} loss {average:.3f} {rate:.1f} clips/s", flush=True)
    training = {
        "model": MODEL,
        **{k: v for k, v in vars(arguments).items() if k not in ("clips", "output")},
        "clips": len(train),
    }
    recognizer = TrainedRecognizer(with_hands(model, build()), settings, names, "everyday", training)
    if arguments.output:
        save_recognizer(recognizer, arguments.output)
    chosen = np.flatnonzero(test)
    probabilities = predict(model, clips[chosen], data["length"][chosen], settings)
    print(json.dumps(report(probabilities, data["label"][chosen], person[chosen], names)))


def report(probabilities: np.ndarray, labels: np.ndarray, person: np.ndarray, names: tuple[str, ...]) -> dict[str, Any]:
    """Accuracy by class, by class and person, and what is taken for what; over all and over the seven actions."""
    predicted = probabilities.argmax(axis=1)
    classes: dict[str, float] = {}
    persons: dict[str, dict[str, list[float]]] = {}
    confusion: dict[str, dict[str, int]] = {}
    for c in np.unique(labels):
        own = predicted[labels == c]
        classes[names[c]] = round(float((own == c).mean()), 3)
        groups = {str(p): predicted[(labels == c) & (person == p)] for p in np.unique(person[labels == c])}
        persons[names[c]] = {p: [round(float((group == c).mean()), 2), len(group)] for p, group in groups.items()}
        confusion[names[c]] = {names[o]: int((own == o).sum()) for o in np.unique(own)}
    seven = [share for name, share in classes.items() if name != "other"]
    return {
        "clips": len(labels),
        "mean_class_accuracy": round(float(np.mean(list(classes.values()))), 3),
        "mean_of_seven": round(float(np.mean(seven)), 3),
        "classes": classes,
        "by_person": persons,
        "confusion": confusion,
    }


if __name__ == "__main__":
    main()
