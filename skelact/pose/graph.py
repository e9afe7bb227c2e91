"""MediaPipe's Holistic graph, which takes up a frame while it is still busy with the hands and face of the one before.

`mediapipe.solutions.holistic` puts one frame at a time through the same graph, and leaves processors idle meanwhile.
What is found in a frame is the same.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mediapipe
import numpy as np
from mediapipe.framework.calculator_pb2 import CalculatorGraphConfig
from mediapipe.framework.formats.landmark_pb2 import NormalizedLandmarkList
from mediapipe.framework.formats.rect_pb2 import NormalizedRect
from mediapipe.python import ImageFormat, packet_creator, packet_getter, resource_util

PACKAGE = Path(mediapipe.__file__).parent
GRAPH = PACKAGE / "modules" / "holistic_landmark" / "holistic_landmark_cpu.binarypb"
# As the solution does, whatever the video's rate: its filters were tuned to it.
MICROSECONDS = 33333
OPTIONS = {
    "model_complexity": packet_creator.create_int(1),
    "smooth_landmarks": packet_creator.create_bool(True),
    "enable_segmentation": packet_creator.create_bool(False),
    "smooth_segmentation": packet_creator.create_bool(True),
    "use_prev_landmarks": packet_creator.create_bool(True),
    "refine_face_landmarks": packet_creator.create_bool(False),
}
HAND_MODELS = (b"/hand_landmark_full.tflite", b"/hand_landmark_lite.tflite")
FACE_NODES = ("SplitNormalizedLandmarkListCalculator", "FaceLandmarksFromPoseCpu")


@dataclass
class Landmarks:
    """What the graph found in one frame: lists of landmarks in fractions of width and height, or None."""

    pose_landmarks: Any = None
    face_landmarks: Any = None
    left_hand_landmarks: Any = None
    right_hand_landmarks: Any = None


class HolisticGraph:
    """The graph, at model complexity 1, for the frames of one video."""

    def __init__(self, face: bool = True, lite: bool = False) -> None:
        """Load its networks.

        Args:
            face: whether to look for the face's keypoints; those of body and hands do not depend on it.
            lite: whether to find hands by the smaller network that MediaPipe has for them.
        """
        resource_util.set_resource_dir(str(PACKAGE.parent))
        config = _config(face, lite)
        self._graph = mediapipe.CalculatorGraph(graph_config=config)
        self._time = 0
        self._found: dict[int, Landmarks] = {}
        outputs = {_name(stream) for stream in config.output_stream}
        for name in Landmarks.__annotations__:
            if name in outputs:
                self._graph.observe_output_stream(name, self._note)
        sides = {_name(side) for side in config.input_side_packet}
        self._graph.start_run({name: packet for name, packet in OPTIONS.items() if name in sides})
        _hear_warning()

    def process(self, images: Sequence[np.ndarray]) -> list[Landmarks]:
        """What is in each of the next frames.

        Args:
            images: (H, W, 3) uint8, RGB.
        """
        times = [self._time + (k + 1) * MICROSECONDS for k in range(len(images))]
        self._found = {time: Landmarks() for time in times}
        for time, image in zip(times, images, strict=True):
            packet = packet_creator.create_image_frame(image_format=ImageFormat.SRGB, data=image)
            self._graph.add_packet_to_input_stream(stream="image", packet=packet.at(time))
        self._graph.wait_until_idle()
        self._time = times[-1]
        return [self._found[time] for time in times]

    def close(self) -> None:
        """End its threads."""
        self._graph.close()

    def _note(self, name: str, packet: Any) -> None:
        """Called by the graph's threads."""
        setattr(self._found[packet.timestamp.value], name, packet_getter.get_proto(packet))


def _config(face: bool, lite: bool) -> CalculatorGraphConfig:
    config = CalculatorGraphConfig.FromString(GRAPH.read_bytes())
    if not face:
        _keep(config.node, lambda node: node.calculator not in FACE_NODES)
        _keep(config.output_stream, lambda stream: _name(stream) != "face_landmarks")
        _keep(config.input_side_packet, lambda side: _name(side) != "refine_face_landmarks")
    # Its parts written out, as the solution has it: run as it is, the graph gives other numbers in the third digit.
    validated = mediapipe.ValidatedGraphConfig()
    validated.initialize(graph_config=config)
    content: bytes = validated.binary_config
    # The names are of the same length, as a message of Protocol Buffers states it.
    return CalculatorGraphConfig.FromString(content.replace(*HAND_MODELS) if lite else content)


@functools.cache
def _hear_warning() -> None:
    """Let MediaPipe warn now, once for the process, of what it otherwise warns of when it first sees a hand.

    That is of no interest, and stderr is only kept quiet while a graph is opened.
    """
    config = CalculatorGraphConfig(input_stream=["landmarks", "rect"])
    config.node.add(
        calculator="LandmarkProjectionCalculator",
        input_stream=["NORM_LANDMARKS:landmarks", "NORM_RECT:rect"],
        output_stream=["NORM_LANDMARKS:projected"],
    )
    graph = mediapipe.CalculatorGraph(graph_config=config)
    graph.start_run()
    rect = NormalizedRect(x_center=0.5, y_center=0.5, width=1, height=1)
    for name, value in (("landmarks", NormalizedLandmarkList()), ("rect", rect)):
        graph.add_packet_to_input_stream(name, packet_creator.create_proto(value).at(0))
    graph.wait_until_idle()
    graph.close()


def _keep(repeated: Any, wanted: Callable[[Any], bool]) -> None:
    kept = [item for item in repeated if wanted(item)]
    del repeated[:]
    repeated.extend(kept)


def _name(stream: str) -> str:
    """The name in TAG:name."""
    return stream.rpartition(":")[2]
