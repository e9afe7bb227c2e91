"""A camera to actions as they happen."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

import numpy as np

from skelact.ahead import ahead
from skelact.assemble import FramePersons
from skelact.chain import Batch, Chain
from skelact.devices import resolve_device
from skelact.ensemble import Ensemble
from skelact.keypoints import FACE, get_layout
from skelact.live.camera import ANSWER_SECONDS, WAITING, Camera
from skelact.live.looking import Looking
from skelact.live.recent import Facts, Recent
from skelact.live.update import Actions, LiveUpdate
from skelact.pipeline import Models, choose_models
from skelact.pose import PoseEstimator, Poses, View
from skelact.pose.base import NUM_KEYPOINTS
from skelact.predictor import Predictor, choose_window
from skelact.settings import ExtractSettings
from skelact.shots import ShotDetector
from skelact.timelines import WINDOW_CLIPS, Look
from skelact.video import ASSUMED_FPS, Frame

CPU_POSE = "mediapipe-lite"
RATE_SECONDS = 2.0  # over which frames per second are counted


Seen = list[tuple[Frame, FramePersons]]  # frames and their persons; none at a gap


def watch(
    predictor: Predictor,
    source: str,
    *,
    models: Models | None = None,
    seconds: float = ANSWER_SECONDS,
    stop: threading.Event | None = None,
    warn: Callable[[str], None] = lambda message: None,
) -> Generator[LiveUpdate, None, None]:
    """What happens before a camera, frame by frame.

    Frames are dropped where they come faster than they can be looked at; those that are looked at are predicted as a
    video of them would be, in windows of the same length. While windows are looked at, the next frames' keypoints are
    found.

    Args:
        predictor: what to predict, and how keypoints are found.
        source: the number of a camera, or the address of a stream.
        models: an estimator and detector to use in place of those that the predictor's settings name.
        seconds: how long to wait for a first picture.
        stop: ends the watching when it is set: what has begun is told as ended.
        warn: called with one sentence where the camera goes away, comes back, or changes its pictures' size; from a
            thread.

    Raises:
        InputError: no picture came.
        SkelactError: see `Predictor.recognizer` and `skelact.pipeline.choose_models`.
    """
    recognizer, device = predictor.recognizer, predictor.device
    estimator, detector = models or live_models(predictor.extraction, recognizer)
    window, stride = choose_window(predictor.settings, recognizer.main.clip_seconds, math.inf)
    threshold = predictor.settings.threshold
    how = Look(
        window,
        stride,
        recognizer.main.threshold if threshold is None else threshold,
        predictor.settings.per_person,
        predictor.settings.top_k,
        device,
    )
    chosen = f"{estimator.name} + {detector.name}" if detector else estimator.name
    every = predictor.extraction.detect_every or WAITING
    _warm_up(estimator, recognizer, device)
    with closing(estimator), Camera(source, seconds=seconds, stop=stop, warn=warn) as camera:
        chain = Chain(estimator, detector, camera.fps, every)
        facts = Facts(camera.width, camera.height, camera.fps, camera.source, chosen)
        seen = ahead(_see(camera, chain))
        # MediaPipe's networks leave PyTorch one processor at most: with more threads it would wait for them.
        with _threads(1 if detector is None and device == "cpu" else None):
            try:
                yield from _updates(seen, camera, lambda start: Looking(recognizer, how, Recent(facts), start))
            finally:
                camera.close()  # or who waits for its next frame would never end
                seen.close()


def live_models(extraction: ExtractSettings, recognizer: Ensemble) -> Models:
    """The estimator and detector for a camera: on a CPU, if none is named, the only one that is fast enough there.

    The face is left out where the recognizer does not look at it.
    """
    if extraction.pose is None and extraction.detector is None and resolve_device(extraction.device) == "cpu":
        extraction = replace(extraction, pose=CPU_POSE)
    layouts = [get_layout(member.preprocessing.layout) for member in recognizer.members]
    return choose_models(extraction, face=any(set(layout.wholebody) & set(FACE) for layout in layouts))


def _warm_up(estimator: PoseEstimator, recognizer: Ensemble, device: str) -> None:
    """Use the networks once, so that what they load on first use makes no frame late."""
    image = np.zeros((64, 64, 3), np.uint8)
    box = np.array([[0, 0, 64, 64]], np.float32)
    estimator.estimate([View(image, box, np.zeros(1, np.int64))])
    recent = Recent(Facts(64, 64, ASSUMED_FPS, "", ""))
    shape = (1, NUM_KEYPOINTS)
    recent.add(FramePersons(0.0, box, np.zeros(1, np.int64), Poses(np.zeros((*shape, 2)), np.ones(shape))))
    recognizer.probabilities([recent.last], device, WINDOW_CLIPS)


def _see(camera: Camera, chain: Chain) -> Iterator[Seen]:
    """The frames that can be looked at, with their persons."""
    shots, begins = ShotDetector(), False
    while (frames := camera.take()) is not None:
        if not frames:
            shots, begins = ShotDetector(), True
            yield []
            continue
        cuts = [shots.is_cut(frame.image) for frame in frames]
        cuts[0] |= begins
        begins = False
        yield list(zip(frames, chain.persons(Batch(frames, cuts)), strict=True))


def _updates(batches: Iterator[Seen], camera: Camera, begin: Callable[[float], Looking]) -> Iterator[LiveUpdate]:
    looking: Looking | None = None
    update: LiveUpdate | None = None
    times: deque[float] = deque()
    for batch in batches:
        if not batch and looking and update:
            update, looking = _finished(update, looking, camera.fps), None
            yield update
        for frame, persons in batch:
            looking = looking or begin(frame.time)
            ended = looking.add(persons)
            times.append(frame.time)
            while times[0] < frame.time - RATE_SECONDS:
                times.popleft()
            update = LiveUpdate(
                time=frame.time,
                image=frame.image,
                sequence=looking.recent.last,
                actions=looking.actions,
                changed=_changed(update.actions if update else {}, looking.actions),
                ended=tuple(ended),
                fps=(len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 else 0.0,
                latency=camera.age(frame.time),
                dropped=camera.dropped,
            )
            yield update
    if looking and update:
        yield _finished(update, looking, camera.fps)


def _finished(last: LiveUpdate, looking: Looking, fps: float) -> LiveUpdate:
    """What is told where the frames end, after the last of them."""
    ended = tuple(looking.finish(fps))
    actions: Actions = {None: None}
    return replace(last, actions=actions, changed=_changed(last.actions, actions), ended=ended)


def _changed(before: Actions, now: Actions) -> tuple[int | None, ...]:
    """Who does something else than before, the group first."""
    names = [{person: action.name for person, action in actions.items() if action} for actions in (before, now)]
    return tuple(person for person in {**now, **before} if names[0].get(person) != names[1].get(person))


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """So many threads for PyTorch, or as many as it has."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
