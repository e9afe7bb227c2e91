"""MediaPipe Holistic: body, hands and face of each person, with models that come inside its wheel."""

from __future__ import annotations

import functools
import os
import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from skelact.pose.base import NUM_KEYPOINTS, Poses, View
from skelact.pose.landmarks import to_wholebody

if TYPE_CHECKING:
    from skelact.pose.graph import HolisticGraph

# A person is seen where at least so many keypoints of the body are as visible as this: Holistic also lays a
# body, hardly visible, over pictures without one.
SEEN_VISIBILITY = 0.5
SEEN_KEYPOINTS = 3
MARGIN = 1.25  # of a person's box
# A crop stays where it is while the box is inside and not much smaller: landmarks are smoothed and followed
# from frame to frame in the crop's own coordinates, which therefore should not move with every frame.
KEEP_MARGIN = 1.05
MAX_SHRINK = 1.6
MAX_PEOPLE = 8  # graphs at a time, about 210 MB each
AT_ONCE = 4  # frames of one person in the graph
TURNS = 2  # of these graphs, where there are more people: opened anew for one person after another

Window = tuple[int, int, int, int]


class _Person:
    """What is held for one person: MediaPipe's graph, from the first look on, and where in the frame it looks."""

    def __init__(self, open_graph: Callable[[], HolisticGraph]) -> None:
        self._open = open_graph
        self._graph: HolisticGraph | None = None
        self._window: Window = (0, 0, 0, 0)

    def look(self, images: Sequence[np.ndarray], boxes: Sequence[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
        """Of each frame the keypoints (133, 2), pixels of the frame, and scores (133,), both 0 where not seen."""
        windows = [self._follow(image, box) for image, box in zip(images, boxes, strict=True)]
        crops = [
            cv2.cvtColor(image[top:bottom, left:right], cv2.COLOR_BGR2RGB)
            for image, (left, top, right, bottom) in zip(images, windows, strict=True)
        ]
        return [_in_frame(found, window) for found, window in zip(self._process(crops), windows, strict=True)]

    def _follow(self, image: np.ndarray, box: np.ndarray) -> Window:
        height, width = image.shape[:2]
        if not stays(self._window, box, width, height):
            self._window = around(box, MARGIN, width, height)
        return self._window

    def _process(self, crops: list[np.ndarray]) -> list[Any]:
        if self._graph is not None:
            return self._graph.process(crops)
        with _quiet():
            self._graph = self._open()
            return self._graph.process(crops)

    def close(self) -> None:
        """Close the graph."""
        if self._graph is not None:
            self._graph.close()
            self._graph = None


def _in_frame(found: Any, window: Window) -> tuple[np.ndarray, np.ndarray]:
    """Keypoints and scores, as `_Person.look` gives them, of what was found in a crop."""
    left, top, right, bottom = window
    points, scores = to_wholebody(found)
    if np.count_nonzero(scores[:17] >= SEEN_VISIBILITY) < SEEN_KEYPOINTS:
        return np.zeros((NUM_KEYPOINTS, 2), np.float32), np.zeros(NUM_KEYPOINTS, np.float32)
    return (points * (right - left, bottom - top) + (left, top)) * (scores > 0)[:, None], scores


class Holistic:
    """MediaPipe Holistic 0.10 (model complexity 1) on each person's crop, or on the whole frame.

    Each track id has a graph of its own, which follows and smooths that person's landmarks over frames. Persons are
    looked at side by side, each in a thread: MediaPipe works outside of Python's lock. And a person's frames overlap:
    see `skelact.pose.graph`.

    At most `MAX_PEOPLE` graphs are held; of people who are not in sight, the one not seen for longest gives way. Where
    more people are in sight at a time, all but the first `MAX_PEOPLE` - `TURNS` are followed within the frames of one
    call only.
    """

    top_down = False

    def __init__(self, *, face: bool = True, lite: bool = False) -> None:
        """Load nothing yet.

        Args:
            face: whether to look for the face's keypoints; those of body, feet and hands do not depend on it.
            lite: whether to find hands by the smaller network that MediaPipe has for them.
        """
        self.name = "mediapipe-lite" if lite else "mediapipe"
        self._open = functools.partial(_open, face, lite)
        self._people: OrderedDict[int, _Person] = OrderedDict()  # the one seen last comes last

    def estimate(self, views: Sequence[View]) -> list[Poses]:
        """The keypoints of the person in each box; of the most prominent one where several are in it.

        The result is that of one view after another, and one person after another (but see above for crowds).

        Returns:
            Scores: visibility for body and feet, 1 for a hand or face that was found, 0 for what is outside of
            the crop and for a person who was not found.
        """
        poses = [Poses.unseen(len(view.boxes)) for view in views]
        boxes = [np.asarray(view.boxes, np.float64) for view in views]
        looks: dict[int, list[tuple[int, int]]] = {}
        for frame, view in enumerate(views):
            for k, track_id in enumerate(view.track_ids):
                looks.setdefault(int(track_id), []).append((frame, k))

        def follow(track_id: int, stop: threading.Event) -> None:
            person = self._people.get(track_id) or _Person(self._open)
            try:
                for start in range(0, len(looks[track_id]), AT_ONCE):
                    if stop.is_set():
                        break
                    some = looks[track_id][start : start + AT_ONCE]
                    found = person.look([views[t].image for t, _ in some], [boxes[t][k] for t, k in some])
                    for (frame, k), (points, scores) in zip(some, found, strict=True):
                        poses[frame].keypoints[k], poses[frame].scores[k] = points, scores
            finally:
                if track_id not in self._people:
                    person.close()

        _side_by_side(follow, self._chains(looks))
        return poses

    def close(self) -> None:
        """Close all graphs."""
        while self._people:
            self._people.popitem()[1].close()

    def _chains(self, looks: dict[int, list[tuple[int, int]]]) -> list[list[int]]:
        """The track ids that are followed one after another; the chains side by side, each with one graph."""
        by_time_held = sorted(looks, key=lambda track_id: track_id not in self._people)
        turns = TURNS if len(looks) > MAX_PEOPLE else 0
        lasting, passing = by_time_held[: MAX_PEOPLE - turns], by_time_held[MAX_PEOPLE - turns :]
        for track_id in sorted(lasting, key=lambda track_id: looks[track_id][-1]):
            self._people.setdefault(track_id, _Person(self._open))
            self._people.move_to_end(track_id)
        while len(self._people) > MAX_PEOPLE - turns:
            self._people.popitem(last=False)[1].close()
        return [*([track_id] for track_id in lasting), *(passing[k::turns] for k in range(turns))]


def _side_by_side(follow: Callable[[int, threading.Event], None], chains: list[list[int]]) -> None:
    """Follow the persons of each chain in turn, the chains in parallel; all threads have ended afterwards."""
    stop = threading.Event()

    def run(chain: list[int]) -> None:
        for track_id in chain:
            follow(track_id, stop)

    if len(chains) < 2:  # the one person of whole frames: no thread to wait for
        for chain in chains:
            run(chain)
        return
    with ThreadPoolExecutor(len(chains), thread_name_prefix="skelact-person") as pool:
        try:
            running = [pool.submit(run, chain) for chain in chains]
            wait(running, return_when=FIRST_EXCEPTION)
        finally:  # after Ctrl-C too: who is not done ends after the frames they are at
            stop.set()
        for one in running:
            one.result()


def around(box: np.ndarray, margin: float, width: int, height: int) -> Window:
    """The part of a frame around a box: its sides times `margin`, clipped to the frame, at least one pixel.

    Returns:
        left, top, right, bottom in pixels, the last two exclusive.
    """
    middle, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2 * margin
    left, top = np.clip(np.floor(middle - half), 0, (width - 1, height - 1)).astype(int)
    right, bottom = np.clip(np.ceil(middle + half), (left + 1, top + 1), (width, height)).astype(int)
    return int(left), int(top), int(right), int(bottom)


def stays(window: Window, box: np.ndarray, width: int, height: int) -> bool:
    """Whether a crop can stay where it is for a box: it holds it, and is not far too large for it."""
    left, top, right, bottom = around(box, KEEP_MARGIN, width, height)
    inside = window[0] <= left and window[1] <= top and window[2] >= right and window[3] >= bottom
    wanted = around(box, MARGIN, width, height)
    large = max(wanted[2] - wanted[0], wanted[3] - wanted[1]) * MAX_SHRINK
    return inside and max(window[2] - window[0], window[3] - window[1]) <= large


def _open(face: bool, lite: bool) -> HolisticGraph:
    from skelact.pose.graph import HolisticGraph

    warnings.filterwarnings("ignore", message="SymbolDatabase.GetPrototype", category=UserWarning)
    return HolisticGraph(face, lite)


_silence = threading.Lock()
_silenced: list[int] = []  # copies of the file descriptor of stderr, one for each who wants silence


@contextmanager
def _quiet() -> Iterator[None]:
    """Nothing on stderr: MediaPipe's C++ writes there as it starts, past Python and its own log levels.

    It is the stderr of all threads; the last one to want silence gives it back.
    """
    with _silence:
        kept = os.dup(_silenced[0] if _silenced else 2)
        if not _silenced:
            with open(os.devnull, "wb") as nothing:
                os.dup2(nothing.fileno(), 2)
        _silenced.append(kept)
    try:
        yield
    finally:
        with _silence:
            _silenced.remove(kept)
            if not _silenced:
                os.dup2(kept, 2)
            os.close(kept)
