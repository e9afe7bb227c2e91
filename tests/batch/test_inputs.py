"""What arguments name, and where outputs go."""

from __future__ import annotations

import os
from pathlib import Path, PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skelact.batch.inputs import Item, expand, output_names, parse_shard, take_shard
from skelact.errors import InputError, UsageError

OUT = Path("out")
FILES = ("a.mp4", "b.AVI", "notes.md", ".hidden.mp4", "sub/a.mp4", "sub/deep/c.mkv", ".git/d.mp4", "e.xyz", "clips.txt")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of files, as the working folder: data/ with FILES, and a list of some."""
    for name in FILES:
        file = tmp_path / "data" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    (tmp_path / "data" / "clips.txt").write_bytes(
        b"\xef\xbb\xbf# wanted\r\na.mp4\r\n\r\n  sub/a.mp4  \nmissing.mp4\n./a.mp4\n#b.AVI\n\xff\xfe.mp4\n"
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(items: list[Item]) -> dict[str, str]:
    return {str(item.source): str(item.output.relative_to(OUT)) for item in items}


NOT_UTF8 = os.fsdecode(b"\xff\xfe")
CASES = {
    "a folder": (
        ["data"],
        {"data/a.mp4": "a.npz", "data/b.AVI": "b.npz", "data/sub/a.mp4": "sub/a.npz",
         "data/sub/deep/c.mkv": "sub/deep/c.npz"},
    ),
    "a folder with a slash": (["data/sub/"], {"data/sub/a.mp4": "a.npz", "data/sub/deep/c.mkv": "deep/c.npz"}),
    "a pattern": (["data/*.mp4"], {"data/a.mp4": "a.npz"}),
    "a pattern of any subfolders": (
        ["data/**/*.m*"],
        {"data/a.mp4": "a.npz", "data/sub/a.mp4": "sub/a.npz", "data/sub/deep/c.mkv": "sub/deep/c.npz"},
    ),
    "a pattern that says what a video is": (["data/*.xyz"], {"data/e.xyz": "e.npz"}),
    "a pattern of folders": (
        ["data/s*/**"], {"data/sub/a.mp4": "sub/a.npz", "data/sub/deep/c.mkv": "sub/deep/c.npz"}
    ),
    "a list": (
        ["data/clips.txt"],
        {"data/a.mp4": "a.npz", "data/missing.mp4": "missing.npz", "data/sub/a.mp4": "sub/a.npz",
         f"data/{NOT_UTF8}.mp4": f"{NOT_UTF8}.npz"},
    ),
    "several files": (["data/b.AVI", "data/a.mp4"], {"data/a.mp4": "a.npz", "data/b.AVI": "b.npz"}),
    "files of several folders": (
        ["data/a.mp4", "data/sub/a.mp4"], {"data/a.mp4": "a.npz", "data/sub/a.mp4": "sub/a.npz"}
    ),
    "one file twice": (["data/a.mp4", "./data/a.mp4", "data/sub/../a.mp4"], {"data/a.mp4": "a.npz"}),
    "a folder and a file in it": (
        ["data/sub", "data/sub/a.mp4"], {"data/sub/a.mp4": "a.npz", "data/sub/deep/c.mkv": "deep/c.npz"}
    ),
    "files that are not there": (["x.mp4", "y.mp4"], {"x.mp4": "x.npz", "y.mp4": "y.npz"}),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "expected"), CASES.values(), ids=CASES)
def test_arguments_to_videos_and_outputs(here: Path, arguments: list[str], expected: dict[str, str]) -> None:
    items = expand(arguments, OUT)
    assert told(items) == expected
    assert len(items) == len(expected)
    assert all(not item.fault for item in items)
    assert [item.output for item in expand(arguments[::-1], OUT)] == [item.output for item in items]


def test_a_name_with_signs_of_a_pattern_is_a_file_where_there_is_one(here: Path) -> None:
    (here / "data" / "a[1].mp4").touch()
    assert told(expand(["data/a[1].mp4"], OUT)) == {"data/a[1].mp4": "a[1].npz"}


def test_a_list_of_other_places_mirrors_what_these_have_in_common(here: Path) -> None:
    (here / "lists").mkdir()
    (here / "lists" / "l.txt").write_text(f"{here}/data/sub/a.mp4\n../data/a.mp4\n")
    assert sorted(told(expand(["lists/l.txt"], OUT)).values()) == ["a.npz", "sub/a.npz"]


def test_outputs_inside_the_folder_of_videos_are_no_videos(here: Path) -> None:
    inside = Path("data/out")
    before = expand(["data"], inside)
    for item in before:
        item.output.parent.mkdir(parents=True, exist_ok=True)
        item.output.touch()
    assert expand(["data"], inside) == before


def test_links_are_followed_but_not_in_circles(here: Path) -> None:
    (here / "elsewhere").mkdir()
    (here / "elsewhere" / "z.mp4").touch()
    (here / "data" / "link").symlink_to(here / "elsewhere")
    (here / "data" / "sub" / "up").symlink_to(here / "data")
    assert sorted(told(expand(["data"], OUT)).values()) == [
        "a.npz", "b.npz", "link/z.npz", "sub/a.npz", "sub/deep/c.npz",
    ]  # fmt: skip


def test_a_subfolder_that_cannot_be_read_is_a_fault_not_a_stop(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("deep"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    items = expand(["data"], OUT)
    assert [item.fault for item in items if item.fault] == ["folder 'data/sub/deep' cannot be read: Permission denied"]
    assert len(items) == 4


WRONG = {
    "a folder without videos": (["empty"], "no videos in folder 'empty'"),
    "a pattern that nothing matches": (["data/*.webm"], "no videos match 'data/.*'"),
    "a pattern that only folders match": (["data/s*"], "no videos match"),
    "an empty list": (["empty.txt"], "list 'empty.txt' is empty"),
    "a list that is not there": (["none.txt"], "list 'none.txt' cannot be read: No such file"),
    "a video called a list": (["video.txt"], "'video.txt' is not a list of videos"),
}


@pytest.mark.parametrize(("arguments", "message"), WRONG.values(), ids=WRONG)
def test_nothing_to_do_is_one_sentence(here: Path, arguments: list[str], message: str) -> None:
    (here / "empty").mkdir()
    (here / "empty.txt").write_text("\n# nothing\n")
    (here / "video.txt").write_bytes(b"\0\0\0\x18ftyp")
    with pytest.raises(InputError, match=message):
        expand([*arguments, "data"], OUT)


NAMES = {
    "apart": (["a.mp4", "b.mp4"], ["a.npz", "b.npz"]),
    "two endings": (["a.avi", "a.mp4"], ["a.avi.npz", "a.mp4.npz"]),
    "two endings, and a name like theirs": (
        ["a.avi", "a.mp4", "a.mp4.mkv"], ["a.avi.npz", "a.mp4.npz", "a.mp4.mkv.npz"]
    ),
    "a folder called like an output": (["a.mp4", "a.npz/b.mp4"], ["a.mp4.npz", "a.npz/b.npz"]),
}  # fmt: skip


@pytest.mark.parametrize(("videos", "expected"), NAMES.values(), ids=NAMES)
def test_videos_that_would_meet_keep_their_endings(videos: list[str], expected: list[str]) -> None:
    assert output_names(videos) == expected


PARTS = st.sampled_from(["a", "b", "a.mp4", "a.npz", "b.avi", "b.avi.mp4"])


ENDINGS = st.sampled_from([".mp4", ".avi", ".npz.mp4"])
VIDEOS = st.tuples(st.lists(PARTS, max_size=2), PARTS, ENDINGS).map(
    lambda name: "/".join([*name[0], name[1] + name[2]])
)


@given(st.sets(VIDEOS, max_size=12))
def test_no_two_outputs_meet(videos: set[str]) -> None:
    outputs = output_names(sorted(videos))
    assert len(set(outputs)) == len(videos)
    assert not set(outputs) & {str(parent) for output in outputs for parent in PurePath(output).parents}


@given(st.integers(0, 40), st.integers(1, 9))
def test_shards_are_disjoint_and_complete(count: int, parts: int) -> None:
    items = [Item(Path(f"{k}.mp4"), Path(f"{k}.npz")) for k in range(count)]
    shards = [take_shard(items, part, parts) for part in range(1, parts + 1)]
    assert sorted((item for shard in shards for item in shard), key=items.index) == items
    assert max(map(len, shards)) - min(map(len, shards)) <= 1


@given(st.permutations(["data/a.mp4", "data/b.AVI", "data/sub/a.mp4", "data/sub/deep/c.mkv", "x/y.mp4"]))
def test_the_order_does_not_depend_on_that_of_the_arguments(arguments: list[str]) -> None:
    assert [str(item.output) for item in expand(arguments, OUT)] == [
        "out/data/a.npz", "out/data/b.npz", "out/data/sub/a.npz", "out/data/sub/deep/c.npz", "out/x/y.npz",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "3", "0/4", "5/4", "-1/4", "1/0", "1/4/2", "a/b", "1 / 4"])
def test_what_is_no_shard(text: str) -> None:
    with pytest.raises(UsageError, match="K/N"):
        parse_shard(text)


def test_a_shard() -> None:
    assert parse_shard("3/16") == (3, 16)
