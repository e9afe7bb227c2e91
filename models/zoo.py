"""Trained recognizers by name: architecture, input, labels, weights and licence of each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from skelact.errors import unknown_name
from skelact.models.architecture import Architecture
from skelact.models.preprocessing import Preprocessing

_FOLDER = Path(__file__).parent
PYSKL = "https://download.openmmlab.com/mmaction/pyskl/ckpt/stgcnpp/stgcnpp_ntu120_xsub_hrnet"


@dataclass(frozen=True)
class ZooEntry:
    """A trained recognizer.

    Attributes:
        name: as on the command line.
        about: one line for a list.
        licence: of the weights, with what they were trained on.
        card: a file that says how it was made, how good it is and what it is not for.
        bundled: the file with everything in it, for a model that comes with the package; else:
        architecture, preprocessing, labels: what the published weights were trained as.
        addresses: the published weights of each stream.
    """

    name: str
    about: str
    licence: str
    card: Path
    bundled: Path | None = None
    architecture: Architecture | None = None
    preprocessing: Preprocessing | None = None
    labels: Path | None = None
    addresses: tuple[tuple[str, str], ...] = ()

    def address(self, stream: str) -> str:
        """Where the weights of a stream are published.

        Raises:
            UsageError: the model has no such stream.
        """
        streams = dict(self.addresses)
        if stream not in streams:
            raise unknown_name(f"stream of {self.name}", stream, streams or ["j"])
        return streams[stream]

    def class_names(self) -> tuple[str, ...]:
        """The names in the labels file, one a line."""
        return tuple(self.labels.read_text(encoding="utf-8").split("\n")[:-1]) if self.labels else ()


ZOO = {
    entry.name: entry
    for entry in (
        ZooEntry(
            name="ntu120",
            about="120 daily, medical and two-person actions; body only (ST-GCN++)",
            licence="Apache-2.0 (PYSKL); trained on NTU RGB+D 120, whose owners allow academic research only",
            card=_FOLDER / "cards" / "ntu120.md",
            architecture=Architecture("stgcnpp", skelet=False, layout="coco17"),
            preprocessing=Preprocessing(layout="coco17"),
            labels=_FOLDER / "labels" / "ntu120.txt",
            addresses=tuple((stream, f"{PYSKL}/{stream}.pth") for stream in ("j", "b", "jm", "bm")),
        ),
        ZooEntry(
            name="asl-words",
            about="16 words of American Sign Language and no sign; body and hands (SkeleT-STGCN++)",
            licence="MIT, as the data it was trained on",
            card=_FOLDER / "cards" / "asl-words.md",
            bundled=_FOLDER / "weights" / "asl-words.safetensors",
        ),
    )
}


def zoo_entry(name: str) -> ZooEntry:
    """The trained recognizer of that name.

    Raises:
        UsageError: there is none; names the nearest.
    """
    if name not in ZOO:
        raise unknown_name("recognizer", name, ZOO)
    return ZOO[name]
