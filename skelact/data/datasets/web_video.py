"""The data sets of videos from the web, in folders named by class: Kinetics-400, UCF101 and HMDB51.

Kinetics-400 (Kay et al. 2017): the folders train and val. UCF101 (Soomro et al. 2012) and HMDB51 (Kuehne et al.
2011): three splits each, in files that their owners offer beside the videos.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePath

from skelact.data.datasets.spec import DatasetSpec, Rule, Sample, Video, facts, find_lists, read_list
from skelact.errors import InputError

SPLITS = (1, 2, 3)
_KINETICS_PARTS = {"train": "official_train", "val": "official_val"}
_UCF = re.compile(r"v_([A-Za-z]+)_(g\d+)_c\d+")
_PYSKL = {
    name: f"split{k}_{part}" for k in SPLITS for name, part in ((f"train{k}", "train"), (f"test{k}", "val"))
}  # fmt: skip


def plain(name: str) -> str:
    """A class name as a folder may be called: without capitals, and with spaces for underscores."""
    return name.replace("_", " ").strip().lower()


def _youtube_id(name: str) -> str:
    return name[:11]


def _original(name: str) -> str:
    """The clips of one class and number (v_Archery_g01_c01, _c02) are cut from one video."""
    found = _UCF.fullmatch(name)
    return f"{found[1]}_{found[2]}" if found else ""


def _film(name: str) -> str:
    """What stands before the class in a name: the film or the video it is cut from."""
    starts = [name.find(f"_{label}_") for label in facts("hmdb51")]
    return name[: min((start for start in starts if start > 0), default=0)]


def _kinetics_rule(lists: Path | None) -> Rule:
    labels = {plain(name): label for label, name in enumerate(facts("kinetics400"))}

    def rule(path: PurePath) -> Video | None:
        label = labels.get(plain(path.parent.name))
        # The nearest folder counts, so that the folder of videos may itself be called train.
        part = next((_KINETICS_PARTS[f] for f in reversed(path.parts[:-2]) if f in _KINETICS_PARTS), None)
        if label is None or part is None:
            return None
        return Video(path.stem, (Sample(path.stem, label, _youtube_id(path.stem), (part,)),))

    return rule


def _ucf_rule(lists: Path | None) -> Rule:
    if lists is None:
        raise ValueError("UCF101 has no rule without its owners' lists")
    files = find_lists(lists, [f"{part}list0{k}.txt" for k in SPLITS for part in ("train", "test")])
    members = {}
    for k in SPLITS:
        for part, word in (("train", "train"), ("val", "test")):
            names = {PurePath(line.split()[0]).stem.lower() for line in read_list(files[f"{word}list0{k}.txt"])}
            members[f"split{k}_{part}"] = names
    labels = {name.lower(): label for label, name in enumerate(facts("ucf101"))}

    def rule(path: PurePath) -> Video | None:
        found = _UCF.fullmatch(path.stem)
        label = labels.get(found[1].lower()) if found else None
        if found is None or label is None:
            return None
        # Capitals differ between names and lists (HandstandPushups).
        parts = tuple(part for part, names in members.items() if path.stem.lower() in names)
        return Video(path.stem, (Sample(path.stem, label, _original(path.stem), parts),))

    return rule


def _hmdb_rule(lists: Path | None) -> Rule:
    if lists is None:
        raise ValueError("HMDB51 has no rule without its owners' lists")
    classes = facts("hmdb51")
    wanted = {f"{name}_test_split{k}.txt": (label, k) for label, name in enumerate(classes) for k in SPLITS}
    labels: dict[str, int] = {}
    parts: dict[str, list[str]] = {}
    for file_name, file in find_lists(lists, list(wanted)).items():
        label, k = wanted[file_name]
        for line in read_list(file):
            video, _, use = line.rpartition(" ")
            if use not in ("0", "1", "2"):
                raise InputError(f"{str(file)!r}: {line[:80]!r} does not end in 0, 1 or 2: take the owners' file")
            name = PurePath(video.strip()).stem
            labels[name] = label
            # 0 is in neither part of this split.
            parts.setdefault(name, []).extend({"1": [f"split{k}_train"], "2": [f"split{k}_val"], "0": []}[use])

    def rule(path: PurePath) -> Video | None:
        label = labels.get(path.stem)
        if label is None:
            return None
        return Video(path.stem, (Sample(path.stem, label, _film(path.stem), tuple(parts[path.stem])),))

    return rule


KINETICS400 = DatasetSpec(
    name="kinetics400",
    title="Kinetics-400",
    labels="kinetics400",
    splits=("official",),
    rule_of=_kinetics_rule,
    owner="https://github.com/cvdfoundation/kinetics-dataset",
    licence="Kinetics' annotations are CC BY 4.0; the videos belong to those who put them on YouTube.",
    main_persons=5,
    group_of=_youtube_id,
    pyskl_parts=_KINETICS_PARTS,
)
UCF101 = DatasetSpec(
    name="ucf101",
    title="UCF101",
    labels="ucf101",
    splits=tuple(f"split{k}" for k in SPLITS),
    rule_of=_ucf_rule,
    owner="https://www.crcv.ucf.edu/data/UCF101.php",
    licence="UCF101 states no licence; the videos belong to those who put them on YouTube.",
    main_persons=5,
    group_of=_original,
    lists="trainlist01.txt to testlist03.txt of the owners' UCF101TrainTestSplits-RecognitionTask.zip",
    videos=13320,
    samples=13320,
    pyskl_parts=_PYSKL,
)
HMDB51 = DatasetSpec(
    name="hmdb51",
    title="HMDB51",
    labels="hmdb51",
    splits=tuple(f"split{k}" for k in SPLITS),
    rule_of=_hmdb_rule,
    owner="https://serre-lab.clps.brown.edu/resource/hmdb-a-large-human-motion-database/",
    licence="HMDB51 is CC BY 4.0 as its owners state; the videos come from films and from YouTube.",
    main_persons=5,
    group_of=_film,
    lists="brush_hair_test_split1.txt to wave_test_split3.txt of the owners' test_train_splits.rar",
    videos=6766,
    samples=6766,
    pyskl_parts=_PYSKL,
)
