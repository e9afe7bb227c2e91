"""The public data sets that skelact knows by name."""

from __future__ import annotations

from skelact.data.datasets.kinect import NTU60, NTU120, NUCLA
from skelact.data.datasets.pku_mmd import PKU_MMD
from skelact.data.datasets.spec import DatasetSpec, Rule, Sample, Video
from skelact.data.datasets.web_video import HMDB51, KINETICS400, UCF101
from skelact.errors import unknown_name

__all__ = ["DATASETS", "DatasetSpec", "Rule", "Sample", "Video", "get_dataset"]

DATASETS = {spec.name: spec for spec in (NTU60, NTU120, PKU_MMD, NUCLA, KINETICS400, UCF101, HMDB51)}


def get_dataset(name: str) -> DatasetSpec:
    """The data set of that name.

    Raises:
        UsageError: there is none; names the nearest.
    """
    if name not in DATASETS:
        raise unknown_name("data set", name, DATASETS)
    return DATASETS[name]
