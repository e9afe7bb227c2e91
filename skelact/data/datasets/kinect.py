"""The data sets whose file names tell everything: NTU RGB+D 60 and 120, and Northwestern-UCLA.

NTU RGB+D: Shahroudy et al. 2016 (60, cross-subject and cross-view), Liu et al. 2019 (120, cross-subject and
cross-setup). Northwestern-UCLA: Wang et al. 2014, views 1 and 2 for training and view 3 for testing.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePath

from skelact.data.datasets.spec import DatasetSpec, Rule, Sample, Video, facts, split_parts

# Cross-subject: the performers to train on.
NTU60_TRAINING = frozenset((1, 2, 4, 5, 8, 9, 13, 14, 15, 16, 17, 18, 19, 25, 27, 28, 31, 34, 35, 38))
NTU120_TRAINING = NTU60_TRAINING.union(
    (45, 46, 47, 49, 50, 52, 53, 54, 55, 56, 57, 58, 59, 70, 74, 78, 80, 81, 82, 83, 84, 85, 86, 89, 91, 92, 93, 94),
    (95, 97, 98, 100, 103),
)
# Setup, camera, performer, replication, action; infrared and depth videos have the same names with their own suffix.
_NTU = re.compile(r"S(\d{3})C(\d{3})P(\d{3})R(\d{3})A(\d{3})(?:_(?!ir|depth)\w+)?", re.IGNORECASE)
_NTU_LIMITS = {60: (17, 3, 40, 2, 60), 120: (32, 3, 106, 2, 120)}
_NTU_LICENCE = (
    "NTU RGB+D is for academic research only: ask its owners for access, and pass on neither videos nor what was "
    "made of them."
)
_NTU_OWNER = "https://rose1.ntu.edu.sg/dataset/actionRecognition/"

UCLA_ACTIONS = (1, 2, 3, 4, 5, 6, 8, 9, 11, 12)  # the numbers in the names, in the order of the labels
_UCLA_PART = re.compile(r"(?:^|[_/\\.])(a|s|e|v|view_?)(\d{1,2})(?=[_/\\.]|$)", re.IGNORECASE)


def _performer(name: str) -> str:
    return name[8:12] if _NTU.fullmatch(name) else ""


def _subject(name: str) -> str:
    return next((f"s{number}" for key, number in _UCLA_PART.findall(name) if key == "s"), "")


def _ntu_rule(actions: int) -> Rule:
    limits = _NTU_LIMITS[actions]
    training = NTU60_TRAINING if actions == 60 else NTU120_TRAINING

    def rule(path: PurePath) -> Video | None:
        found = _NTU.fullmatch(path.name.partition(".")[0])
        if found is None:
            return None
        numbers = [int(number) for number in found.groups()]
        if not all(1 <= number <= most for number, most in zip(numbers, limits, strict=True)):
            return None
        setup, camera, performer, _, action = numbers
        name = found[0][:20].upper()
        second = {"xview": camera != 1} if actions == 60 else {"xset": setup % 2 == 0}
        parts = split_parts(xsub=performer in training, **second)
        return Video(name, (Sample(name, action - 1, _performer(name), parts),))

    return rule


def _ucla_rule(lists: Path | None) -> Rule:
    def rule(path: PurePath) -> Video | None:
        # The last of each counts: folders may be named a01 or view_1, files a01_s02_e03_v01 or v01_s02_e03.
        numbers = {key[0].lower(): int(number) for key, number in _UCLA_PART.findall(str(path))}
        if set(numbers) != set("asev") or numbers["a"] not in UCLA_ACTIONS or not 1 <= numbers["v"] <= 3:
            return None
        name = "_".join(f"{key}{numbers[key]:02d}" for key in "asev")
        parts = split_parts(xview=numbers["v"] < 3)
        return Video(name, (Sample(name, UCLA_ACTIONS.index(numbers["a"]), _subject(name), parts),))

    return rule


NTU60 = DatasetSpec(
    name="ntu60",
    title="NTU RGB+D",
    labels="ntu120",
    classes=60,
    splits=("xsub", "xview"),
    rule_of=lambda lists: _ntu_rule(60),
    owner=_NTU_OWNER,
    licence=_NTU_LICENCE,
    main_persons=2,
    group_of=_performer,
    videos=56880,
    samples=56578,
    excluded=lambda: frozenset(name for name in facts("ntu120_missing") if int(name[1:4]) <= 17),
)
NTU120 = DatasetSpec(
    name="ntu120",
    title="NTU RGB+D 120",
    labels="ntu120",
    splits=("xsub", "xset"),
    rule_of=lambda lists: _ntu_rule(120),
    owner=_NTU_OWNER,
    licence=_NTU_LICENCE,
    main_persons=2,
    group_of=_performer,
    videos=114480,
    samples=113945,
    excluded=lambda: frozenset(facts("ntu120_missing")),
)
NUCLA = DatasetSpec(
    name="n-ucla",
    title="Northwestern-UCLA Multiview Action 3D",
    labels="n-ucla",
    splits=("xview",),
    rule_of=_ucla_rule,
    owner="https://wangjiangb.github.io/my_data.html",
    licence="Northwestern-UCLA states no licence: ask its owners before any use but research.",
    main_persons=1,
    group_of=_subject,
    videos=1494,
    samples=1494,
)
