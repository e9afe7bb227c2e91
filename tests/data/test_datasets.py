"""The public data sets: what a file's name tells, the owners' lists, and what is in a folder of videos."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePath

import pytest

from skelact.data.datasets import DATASETS, Video, get_dataset
from skelact.data.datasets.survey import survey
from skelact.errors import InputError, UsageError


def rule(name: str, lists: Path | None = None) -> Callable[[str], Video | None]:
    found = get_dataset(name).rule(lists)
    return lambda path: found(PurePath(path))


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"video")
    return folder


# The owners' published figures: classes, videos, samples.
FIGURES = {
    "ntu60": (60, 56880, 56578),
    "ntu120": (120, 114480, 113945),
    "pku-mmd": (51, 1076, None),
    "n-ucla": (10, 1494, 1494),
    "kinetics400": (400, None, None),
    "ucf101": (101, 13320, 13320),
    "hmdb51": (51, 6766, 6766),
}


def test_the_seven_data_sets() -> None:
    assert set(DATASETS) == set(FIGURES)
    for name, (classes, videos, samples) in FIGURES.items():
        spec = get_dataset(name)
        assert len(spec.class_names) == len(set(spec.class_names)) == classes
        assert (spec.videos, spec.samples) == (videos, samples)
        assert all(label.strip() == label and label for label in spec.class_names)
        assert spec.owner.startswith("https://")
        assert spec.licence.endswith(".")


def test_an_unknown_data_set_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'ntu120'"):
        get_dataset("ntu-120")


@pytest.mark.parametrize("name", ["ntu60", "ntu120"])
def test_the_figures_of_ntu_fit_together(name: str) -> None:
    spec = get_dataset(name)
    assert spec.videos is not None
    assert spec.videos - len(spec.excluded()) == spec.samples


def test_ntu60_is_the_first_half_of_ntu120() -> None:
    assert get_dataset("ntu60").class_names == get_dataset("ntu120").class_names[:60]
    assert get_dataset("ntu60").excluded() < get_dataset("ntu120").excluded()


# data set, path: name, class, group, parts.
SAMPLES = {
    "NTU 60, training in both splits": (
        ("ntu60", "nturgb+d_rgb/S001C002P001R002A060_rgb.avi"),
        ("S001C002P001R002A060", "walking apart from each other", "P001", {"xsub_train", "xview_train"}),
    ),
    "NTU 60, tested by its camera": (
        ("ntu60", "S017C001P038R001A001.mp4"),
        ("S017C001P038R001A001", "drink water", "P038", {"xsub_train", "xview_val"}),
    ),
    "NTU 60, tested by its performer": (
        ("ntu60", "a/b/c/s002c003p003r001a055_rgb.avi"),
        ("S002C003P003R001A055", "hugging other person", "P003", {"xsub_val", "xview_train"}),
    ),
    "NTU 120, an even setup trains": (
        ("ntu120", "S018C002P045R002A061_rgb.avi"),
        ("S018C002P045R002A061", "put on headphone", "P045", {"xsub_train", "xset_train"}),
    ),
    "NTU 120, an odd setup tests": (
        ("ntu120", "S031C001P106R002A120_rgb.avi"),
        (
            "S031C001P106R002A120",
            "finger-guessing game (playing rock-paper-scissors)",
            "P106",
            {"xsub_val", "xset_val"},
        ),
    ),
    "N-UCLA, third view": (
        ("n-ucla", "a11_s02_e00_v03.avi"),
        ("a11_s02_e00_v03", "throw", "s02", {"xview_val"}),
    ),
    "N-UCLA, view as a folder": (
        ("n-ucla", "view_2/a12_s10_e04.avi"),
        ("a12_s10_e04_v02", "carry", "s10", {"xview_train"}),
    ),
    "N-UCLA, action as a folder": (
        ("n-ucla", "a08/v01_s03_e01.avi"),
        ("a08_s03_e01_v01", "donning", "s03", {"xview_train"}),
    ),
    "Kinetics, spaces": (
        ("kinetics400", "kinetics/train/air drumming/-aBcDeFgHiJ_000010_000020.mp4"),
        ("-aBcDeFgHiJ_000010_000020", "air drumming", "-aBcDeFgHiJ", {"official_train"}),
    ),
    "Kinetics, underscores": (
        ("kinetics400", "val/massaging_person's_head/abcdefghijk_000010_000020.mp4"),
        ("abcdefghijk_000010_000020", "massaging person's head", "abcdefghijk", {"official_val"}),
    ),
}


@pytest.mark.parametrize(("where", "wanted"), SAMPLES.values(), ids=SAMPLES)
def test_a_name_tells_the_sample(where: tuple[str, str], wanted: tuple[str, str, str, set[str]]) -> None:
    name, path = where
    video = rule(name)(path)
    assert video is not None
    (sample,) = video.samples
    label = get_dataset(name).class_names[sample.label]
    assert (sample.name, label, sample.group, set(sample.parts)) == wanted
    assert video.name == sample.name
    assert sample.frames is None
    assert get_dataset(name).group_of(sample.name) == sample.group


OTHERS = {
    "an action of NTU 120 in NTU 60": ("ntu60", "S001C001P001R001A061_rgb.avi"),
    "a setup of NTU 120 in NTU 60": ("ntu60", "S018C001P001R001A001_rgb.avi"),
    "a performer of NTU 120 in NTU 60": ("ntu60", "S001C001P041R001A001_rgb.avi"),
    "an action that NTU does not have": ("ntu120", "S001C001P001R001A121_rgb.avi"),
    "a fourth camera": ("ntu120", "S001C004P001R001A001_rgb.avi"),
    "action 0": ("ntu120", "S001C001P001R001A000_rgb.avi"),
    "infrared": ("ntu120", "S001C001P001R001A001_ir.avi"),
    "depth": ("ntu120", "S001C001P001R001A001_depth_masked.avi"),
    "four digits": ("ntu120", "S001C001P001R001A0011.avi"),
    "an action that N-UCLA leaves out": ("n-ucla", "a07_s01_e00_v01.avi"),
    "no view": ("n-ucla", "a01_s01_e00.avi"),
    "a class that Kinetics does not have": ("kinetics400", "train/sleeping/abcdefghijk.mp4"),
    "a Kinetics video of no part": ("kinetics400", "test/abseiling/abcdefghijk.mp4"),
}


@pytest.mark.parametrize(("name", "path"), OTHERS.values(), ids=OTHERS)
def test_names_that_are_none_of_the_data_set(name: str, path: str) -> None:
    assert rule(name)(path) is None


def test_the_cross_subject_split_of_ntu_has_the_published_performers() -> None:
    def training(name: str, performers: int) -> list[int]:
        told = rule(name)
        videos = [told(f"S001C001P{p:03d}R001A001.avi") for p in range(1, performers + 1)]
        return [p for p, video in enumerate(videos, 1) if video and "xsub_train" in video.samples[0].parts]

    assert len(training("ntu60", 40)) == 20
    assert len(training("ntu120", 106)) == 53
    assert set(training("ntu60", 40)) == set(training("ntu120", 40))


# PKU-MMD ------------------------------------------------------------------------------------------------------------

CROSS_SUBJECT = "Training videos:\n0002-L, 0002-M, \n0002-R\n\nValidataion videos: \n0291-L, 0291-M\n"
CROSS_VIEW = "Training videos:\n0002-M, 0002-R, 0291-M\nValidataion videos:\n0002-L, 0291-L"


@pytest.fixture
def pku(tmp_path: Path) -> Path:
    folder = tmp_path / "pku"
    (folder / "Split").mkdir(parents=True)
    (folder / "Train_Label_PKU_final").mkdir()
    (folder / "Skeleton").mkdir()
    (folder / "Split" / "cross-subject.txt").write_text(CROSS_SUBJECT)
    (folder / "Split" / "cross-view.txt").write_text(CROSS_VIEW)
    (folder / "Train_Label_PKU_final" / "0002-L.txt").write_text("51,300,420,2\n1,100,180,2\n")
    (folder / "Train_Label_PKU_final" / "0400-L.txt").write_text("\n")
    (folder / "Skeleton" / "0002-L.txt").write_text("0.1 0.2 0.3\n" * 3)
    return folder


def test_videos_of_pku_mmd_are_cut_by_the_labels(pku: Path) -> None:
    video = rule("pku-mmd", pku)("RGB_VIDEO/0002-L.avi")
    assert video is not None
    assert video.name == "0002-L"
    classes = get_dataset("pku-mmd").class_names
    told = [(s.name, classes[s.label], s.frames, s.group, set(s.parts)) for s in video.samples]
    parts = {"xsub_train", "xview_val"}
    assert told == [
        ("0002-L_001_A001", "bow", (100, 180), "0002", parts),
        ("0002-L_002_A051", "writing", (300, 420), "0002", parts),
    ]


def test_other_videos_of_pku_mmd(pku: Path) -> None:
    told = rule("pku-mmd", pku)
    assert told("0002-L-infrared.avi") is None
    assert told("0003-L.avi") is None  # no labels
    assert told("0002-L-color.avi") == told("0002-L.avi")
    assert told("0400-L.avi") == Video("0400-L", ())


BAD_LISTS = {
    "a label file of words": ("Train_Label_PKU_final/0002-L.txt", "bow,1,2,3\n", "line 1: 'bow,1,2,3' is no label"),
    "a label file cut short": ("Train_Label_PKU_final/0002-L.txt", "1,100,180,2\n1,200", "line 2: '1,200' is no label"),
    "a label of phase II": ("Train_Label_PKU_final/0002-L.txt", "52,1,2,1", "label 52 .* take the labels of phase I"),
    "an action that ends before it starts": ("Train_Label_PKU_final/0002-L.txt", "1,9,3,1", "frame 9 to 3 cannot be"),
    "a split without headings": ("Split/cross-view.txt", "0002-L, 0002-M", "is no split of PKU-MMD"),
    "bytes": ("Split/cross-view.txt", "\udcff\udcfe", "cannot read the list"),
}


@pytest.mark.parametrize(("file", "content", "message"), BAD_LISTS.values(), ids=BAD_LISTS)
def test_lists_of_pku_mmd_that_cannot_be_right(pku: Path, file: str, content: str, message: str) -> None:
    (pku / file).write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(InputError, match=message) as raised:
        rule("pku-mmd", pku)("0002-L.avi")
    assert Path(file).name in str(raised.value)


def test_labels_of_pku_mmd_that_are_not_there(pku: Path) -> None:
    for file in pku.rglob("0*.txt"):
        file.unlink()
    with pytest.raises(InputError, match=r"no label files such as Label/0002-L\.txt"):
        rule("pku-mmd", pku)


# UCF101 and HMDB51 --------------------------------------------------------------------------------------------------


def ucf_lists(folder: Path) -> Path:
    folder.mkdir()
    for k in (1, 2, 3):
        train = "Archery/v_Archery_g08_c01.avi 3\n" if k < 3 else "HandstandPushups/v_HandStandPushups_g01_c01.avi 37\n"
        (folder / f"trainlist0{k}.txt").write_text(train)
        (folder / f"testlist0{k}.txt").write_text("Archery/v_Archery_g01_c02.avi\r\n\r\n")
    return folder


def test_ucf101(tmp_path: Path) -> None:
    told = rule("ucf101", ucf_lists(tmp_path / "lists"))
    video, tested, odd = (
        told(f"UCF-101/Any/v_{name}.avi") for name in ("Archery_g08_c01", "Archery_g01_c02", "HandstandPushups_g01_c01")
    )
    assert video
    assert tested
    assert odd
    assert video.samples[0].parts == ("split1_train", "split2_train")
    assert tested.samples[0].parts == ("split1_val", "split2_val", "split3_val")
    assert odd.samples[0].parts == ("split3_train",)  # capitals differ between list and file
    assert video.samples[0].group == "Archery_g08"
    assert get_dataset("ucf101").class_names[odd.samples[0].label] == "HandstandPushups"
    assert told("v_Sleeping_g01_c01.avi") is None
    assert told("Archery.avi") is None


def hmdb_lists(folder: Path) -> Path:
    folder.mkdir()
    for name in get_dataset("hmdb51").class_names:
        for k in (1, 2, 3):
            (folder / f"{name}_test_split{k}.txt").write_text(f"Film_{name}_u_cm_np1_fr_med_0.avi 1 \n")
    for k, use in ((1, 1), (2, 0), (3, 2)):
        (folder / f"brush_hair_test_split{k}.txt").write_text(f"April_09_brush_hair_u_nm_np1_ba_goo_0.avi {use} \n")
    return folder


def test_hmdb51(tmp_path: Path) -> None:
    told = rule("hmdb51", hmdb_lists(tmp_path / "lists"))
    video = told("brush_hair/April_09_brush_hair_u_nm_np1_ba_goo_0.avi")
    assert video is not None
    (sample,) = video.samples
    assert (sample.label, sample.group) == (0, "April_09")
    assert sample.parts == ("split1_train", "split3_val")  # 0: in neither part
    assert told("brush_hair/Other_brush_hair_u_nm_np1_ba_goo_0.avi") is None


@pytest.mark.parametrize(("name", "make"), [("ucf101", ucf_lists), ("hmdb51", hmdb_lists)])
def test_lists_that_are_missing_are_told(tmp_path: Path, name: str, make: Callable[[Path], Path]) -> None:
    lists = make(tmp_path / "lists")
    gone = sorted(lists.iterdir())[-1]
    gone.unlink()
    with pytest.raises(InputError, match=f"list {gone.name} is not in"):
        rule(name, lists)
    with pytest.raises(InputError, match=r"there is no folder .*missing.*: give one that holds"):
        rule(name, tmp_path / "missing")
    with pytest.raises(InputError, match="needs its owners' lists and no folder of them is given"):
        rule(name)


def test_a_list_of_hmdb51_of_another_kind(tmp_path: Path) -> None:
    lists = hmdb_lists(tmp_path / "lists")
    (lists / "wave_test_split1.txt").write_text("a_wave_b.avi 3")
    with pytest.raises(InputError, match=r"wave_test_split1\.txt.* does not end in 0, 1 or 2"):
        rule("hmdb51", lists)


# A folder of videos -------------------------------------------------------------------------------------------------


def test_a_folder_is_searched_whatever_its_subfolders(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "S001C001P001R001A002_rgb.avi",
        "deep/er/S001C001P001R001A001_rgb.MP4",
        "copy/S001C001P001R001A001.avi",
        "S001C002P005R002A008_rgb.avi",  # listed as damaged
        "holiday.mov",
        "notes.txt",
        ".hidden.avi",
    )
    found = survey(get_dataset("ntu60"), tmp_path)
    assert [entry.video.name for entry in found.found] == ["S001C001P001R001A001", "S001C001P001R001A002"]
    assert [sample.label for sample in found.samples] == [0, 1]
    assert found.left_out == ("S001C002P005R002A008",)
    assert [path.name for path in found.unknown] == ["holiday.mov"]
    assert len(found.repeated) == 1


def test_the_folder_itself_may_be_the_part(tmp_path: Path) -> None:
    touch(tmp_path, "train/abseiling/abcdefghijk_1_2.mp4")
    found = survey(get_dataset("kinetics400"), tmp_path / "train")
    assert found.samples[0].parts == ("official_train",)


def test_lists_may_lie_among_the_videos(pku: Path) -> None:
    touch(pku, "RGB/0002-L.avi", "RGB/0400-L.avi")
    found = survey(get_dataset("pku-mmd"), pku)
    assert len(found.found) == 1
    assert len(found.samples) == 2
    assert found.unlabelled == ("0400-L",)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((), "which holds no videos"),
        (("a.txt",), "which holds no videos"),
        (("b.avi", "a.avi"), "which holds 2 videos with other names, a.avi for one"),
    ],
    ids=["empty", "no videos", "other videos"],
)
def test_a_folder_without_anything_of_the_data_set(tmp_path: Path, names: tuple[str, ...], message: str) -> None:
    with pytest.raises(InputError, match=f"nothing of NTU RGB.D 120 is in .*{message}.* see https://"):
        survey(get_dataset("ntu120"), touch(tmp_path, *names))


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no folder"):
        survey(get_dataset("ntu120"), tmp_path / "missing")
