"""The pose estimators and person detectors there are, as rows of data.

Only estimators of COCO-WholeBody's 133 keypoints. Sizes are height x width of the person's crop; whole-body AP is
the published one on COCO-WholeBody. The digest of each file is the one its users have recorded: the eight digits
in a name are those of an earlier file in several cases (rtmpose-m, rtmpose-l and both detectors), and eight
digits of a date in others (rtmw-m, rtmw-l).
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from skelact.errors import UsageError, WeightsError

FOLDER = "pose"  # of the user's cache
MODELS = "https://download.openmmlab.com/mmpose/v1/projects"
RTMPOSE = "configs/wholebody_2d_keypoint/rtmpose"
COCKTAIL = f"{RTMPOSE}/cocktail14"
WHOLEBODY = f"{RTMPOSE}/coco-wholebody"
POSE_LICENCE = "Apache-2.0; trained on COCO-WholeBody, whose annotations are for non-commercial research"
DETECTOR_LICENCE = "Apache-2.0; trained on COCO and Objects365, the latter for academic use"


@dataclass(frozen=True)
class Network:
    """A network of OpenMMLab and its published weights.

    Attributes:
        config: its configuration inside mmpose's package.
        sha256: digest of the weights' file; empty where none is known.
        metafile: the list beside the configuration that names the weights' address.
        address: that address, where no metafile names it.
    """

    config: str
    sha256: str | None
    metafile: str = ""
    address: str = ""


@dataclass(frozen=True)
class EstimatorRow:
    """A pose estimator.

    Attributes:
        name: as on the command line.
        about: one line for a list.
        licence: of the weights, with what they were trained on.
        network: None where the models come inside the library's wheel.
        full_response: the network's raw answer for a keypoint that is clearly seen, which becomes score 1.
    """

    name: str
    about: str
    licence: str
    network: Network | None = None
    full_response: float = 1.0


@dataclass(frozen=True)
class DetectorRow:
    """A person detector.

    Attributes:
        name: as on the command line.
        about: one line for a list.
        licence: of the weights, with what they were trained on.
        network: the network and its weights.
        stem: channels of its first convolution, by which a checkpoint of it is recognised.
    """

    name: str
    about: str
    licence: str
    network: Network
    stem: int


@dataclass(frozen=True)
class OnnxArchive:
    """A zip file of OpenMMLab with a network as `ONNX_MEMBER`.

    Attributes:
        address: where it is published.
        sha256: its digest; None where none is known.
        member_sha256: that of the file inside; None where none is known.
    """

    address: str
    sha256: str | None = None
    member_sha256: str | None = None


def _rtmw(file: str, sha256: str | None) -> Network:
    return Network(f"{COCKTAIL}/{file}.py", sha256, metafile=f"{COCKTAIL}/rtmw_cocktail14.yml")


def _rtmpose(file: str, sha256: str) -> Network:
    return Network(f"{WHOLEBODY}/{file}.py", sha256, metafile=f"{WHOLEBODY}/rtmpose_coco-wholebody.yml")


# RTMW is trained for a softmax ten times as peaked as RTMPose's: clear keypoints answer with 5 to 6
# (open-mmlab/mmpose issue 2939), where RTMPose's answer with about 1.
RTMW_RESPONSE = 5.0

_ESTIMATORS = (
    EstimatorRow(
        "rtmw-l",
        "RTMW-l, 384 x 288, AP 70.1 (the default)",
        POSE_LICENCE,
        _rtmw(
            "rtmw-l_8xb320-270e_cocktail14-384x288",
            "afa589fa16bf8b9bab0807c806538a43bead39ed0151b79f41adcf551e3bcfb0",
        ),
        RTMW_RESPONSE,
    ),
    EstimatorRow(
        "rtmw-m",
        "RTMW-m, 256 x 192, AP 58.2",
        POSE_LICENCE,
        _rtmw("rtmw-m_8xb1024-270e_cocktail14-256x192", None),
        RTMW_RESPONSE,
    ),
    EstimatorRow(
        "rtmw-x",
        "RTMW-x, 384 x 288, AP 70.2",
        POSE_LICENCE,
        _rtmw(
            "rtmw-x_8xb320-270e_cocktail14-384x288",
            "f840f2044fe46cb3821b7cea86be83e1f6cba406ccd28f5475ac010412dcda95",
        ),
        RTMW_RESPONSE,
    ),
    EstimatorRow(
        "rtmpose-m",
        "RTMPose-m, 256 x 192, AP 58.2",
        POSE_LICENCE,
        _rtmpose(
            "rtmpose-m_8xb64-270e_coco-wholebody-256x192",
            "3da02694cd6479d3b333ff42ebd0723f96bfa06adac1db1e2e815ed2e9e1b02d",
        ),
    ),
    EstimatorRow(
        "rtmpose-l",
        "RTMPose-l, 384 x 288, AP 64.8",
        POSE_LICENCE,
        _rtmpose(
            "rtmpose-l_8xb32-270e_coco-wholebody-384x288",
            "13ce77ad08808333e2d4f850c632ac6068c837108e15f1c3902dcbcf30842db9",
        ),
    ),
    EstimatorRow(
        "dwpose-l",
        "DWPose-l (the student, an RTMPose-l), 384 x 288, AP 66.5",
        f"{POSE_LICENCE}; and on UBody",
        Network(
            f"{RTMPOSE}/ubody/rtmpose-l_8xb32-270e_coco-ubody-wholebody-384x288.py",
            "2438fd992e6561cb559defa6448c7464457c3a3ef20e372a524f34a15af40706",
            address=f"{MODELS}/rtmposev1/rtmpose-l_simcc-ucoco_dw-ucoco_270e-384x288-2438fd99_20230728.pth",
        ),
    ),
    EstimatorRow("mediapipe", "MediaPipe Holistic, needs no download; one person, or each one detected", "Apache-2.0"),
    EstimatorRow(
        "mediapipe-lite",
        "the same with its smaller network for hands: faster, and finds fewer that are small or blurred",
        "Apache-2.0",
    ),
)

_DETECTORS = (
    DetectorRow(
        "rtmdet-m",
        "RTMDet-m, 640 x 640 (the default)",
        DETECTOR_LICENCE,
        Network(
            "demo/mmdetection_cfg/rtmdet_m_640-8xb32_coco-person.py",
            "35b0c7406499e0d141dd6a0235db07c10d2bee8f891f8f4e353c16a009de30e8",
            address=f"{MODELS}/rtmposev1/rtmdet_m_8xb32-100e_coco-obj365-person-235e8209.pth",
        ),
        stem=24,
    ),
    DetectorRow(
        "rtmdet-nano",
        "RTMDet-nano, 320 x 320, for speed",
        DETECTOR_LICENCE,
        Network(
            "demo/mmdetection_cfg/rtmdet_nano_320-8xb32_coco-person.py",
            "0e2da635c75e25dc88af08d01eb34bfe9cac06a7841cba223bdf04eed288b3dc",
            address=f"{MODELS}/rtmposev1/rtmdet_nano_8xb32-100e_coco-obj365-person-05d8511e.pth",
        ),
        stem=8,
    ),
)

ONNX_MEMBER = "end2end.onnx"

# By the names above. Of RTMPose only the networks distilled as DWPose are published as whole-body ONNX files. Digests
# are those that at least one user recorded: three of rtmw-l's and two of dwpose-l's agree, rtmw-x's is one user's.
ONNX_ARCHIVES = {
    "rtmw-l": OnnxArchive(
        f"{MODELS}/rtmw/onnx_sdk/rtmw-dw-x-l_simcc-cocktail14_270e-384x288_20231122.zip",
        "a87e1af41a0a067776dba7d46e1c21c8f6e9f18e247e0e606718dd1f31e96ffd",
        "bd033156e5104c4f5d2edfe0453e02661e30a2f3da453ec93c8764d561b83054",
    ),
    "rtmw-m": OnnxArchive(f"{MODELS}/rtmw/onnx_sdk/rtmw-dw-l-m_simcc-cocktail14_270e-256x192_20231122.zip"),
    "rtmw-x": OnnxArchive(
        f"{MODELS}/rtmw/onnx_sdk/rtmw-x_simcc-cocktail13_pt-ucoco_270e-384x288-0949e3a9_20230925.zip",
        "e2635599f6d14152af4bb3e97f90881a782b003857514c76cc341794364ffbdd",
        "b2dd00cce207d3c1503e35cc77a82ecd7092dcbdfe4a3c692ec4cdc3cf40c804",
    ),
    "dwpose-l": OnnxArchive(
        f"{MODELS}/rtmposev1/onnx_sdk/rtmpose-l_simcc-ucoco_dw-ucoco_270e-384x288-2438fd99_20230728.zip",
        "b06f1bc598ddbdb5008a61f4a411aa11ed331370b4f7f438126d6d99e168d147",
        "8cfecfc2226d8e14b510c2fd28442226c518b4d60690535753187877411d4005",
    ),
    "rtmdet-m": OnnxArchive(
        f"{MODELS}/rtmposev1/onnx_sdk/rtmdet_m_8xb32-100e_coco-obj365-person-235e8209.zip",
        member_sha256="4f4d7e07350b1753299111d1ae500fd64447a5b0e38e4bacbefab6573c742d30",
    ),
    "rtmdet-nano": OnnxArchive(
        f"{MODELS}/rtmposev1/onnx_sdk/rtmdet_nano_8xb32-100e_coco-obj365-person-05d8511e.zip",
        member_sha256="8297e829ccc5590c8e2d32d5a211f322a0585fb7467eec85eb12c9525b0b95d6",
    ),
}

ESTIMATORS = {row.name: row for row in _ESTIMATORS}
DETECTORS = {row.name: row for row in _DETECTORS}


def config_file(network: Network) -> Path:
    """The network's configuration file in the installed mmpose."""
    return _package_file(network.config)


def weights_address(network: Network) -> str:
    """Where the network's weights are published.

    Raises:
        WeightsError: the installed mmpose does not list them.
    """
    if not network.metafile:
        return network.address
    import yaml

    with _package_file(network.metafile).open(encoding="utf-8") as stream:
        models = yaml.safe_load(stream)["Models"]
    addresses = [model["Weights"] for model in models if model["Config"] == network.config]
    if not addresses:
        raise WeightsError(f"the installed mmpose lists no weights for {network.config}: install mmpose 1.3.2")
    return addresses[0]


def weights_file(network: Network, offline: bool = False) -> Path:
    """The network's weights in the user's cache, downloaded where they are not there yet.

    Args:
        network: whose weights.
        offline: never try the network.

    Raises:
        WeightsError: they cannot be had.
    """
    from skelact.download import download_progress, fetch

    with download_progress() as progress:
        address = weights_address(network)
        return fetch(address, sha256=network.sha256, folder=FOLDER, offline=offline, progress=progress)


def onnx_file(name: str, offline: bool = False) -> Path:
    """The ONNX file of an estimator or detector in the user's cache, downloaded where it is not there yet.

    Args:
        name: of an estimator or a detector.
        offline: never try the network.

    Raises:
        UsageError: there is none.
        WeightsError: it cannot be had.
    """
    from skelact.download import download_progress, fetch
    from skelact.pose.archives import unpacked

    row = ONNX_ARCHIVES.get(name)
    if row is None:
        kind = DETECTORS if name in DETECTORS else ESTIMATORS
        known = ", ".join(each for each in ONNX_ARCHIVES if each in kind)
        raise UsageError(f"no ONNX file of {name} is published: choose one of {known}, or --backend torch")
    with download_progress() as progress:
        archive = fetch(row.address, sha256=row.sha256, folder=FOLDER, offline=offline, progress=progress)
    return unpacked(archive, ONNX_MEMBER, row.member_sha256)


def _package_file(inside: str) -> Path:
    spec = find_spec("mmpose")
    folder = Path((spec.submodule_search_locations or [""])[0]) if spec else Path()
    file = folder / ".mim" / inside
    if not file.is_file():
        raise WeightsError(f"the installed mmpose lacks {inside}: install mmpose 1.3.2")
    return file
