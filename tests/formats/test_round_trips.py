"""Every format of the table, written and read back, and what it says that it loses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from skelact.formats.gathering import Given
from skelact.formats.table import FACTS, FORMATS, Format, losses
from skelact.keypoints import LAYOUTS, get_layout
from skelact.sequence import PoseSequence
from tests.formats.sequences import assert_kept, expected, odd_sequences, walkers

each_format = pytest.mark.parametrize("target", FORMATS.values(), ids=FORMATS)


def there_and_back(sequence: PoseSequence, target: Format, folder) -> PoseSequence:
    path = folder / f"trip{target.endings[0] if target.endings else ''}"
    target.write(sequence, path, False)
    told = Given((sequence.width, sequence.height), sequence.fps)
    return next(target.read(path, told)).sequence


@each_format
@settings(max_examples=25)
@given(data=st.data())
def test_what_a_format_keeps_comes_back(target: Format, data: st.DataObject, tmp_path_factory) -> None:
    sequence = data.draw(odd_sequences(target.layouts))
    if target.name in ("mot", "pyskl"):  # neither has anything to say of nobody
        assume((sequence.boxes != 0).any() and sequence.num_instances)
    found = there_and_back(sequence, target, tmp_path_factory.mktemp("trip"))
    assert_kept(found, expected(sequence, target), target)


@each_format
@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_layout_that_a_format_names(target: Format, layout: str, tmp_path) -> None:
    if layout not in target.layouts:
        assert layout == "hand21"
        assert target.name in ("coco", "openpose")
        return
    sequence = walkers(layout)
    assert_kept(there_and_back(sequence, target, tmp_path), expected(sequence, target), target)


@each_format
def test_what_is_lost_is_told_and_nothing_else(target: Format, tmp_path) -> None:
    sequence = replace(walkers(), notes=("a note",), timestamps=np.array([0, 0.1, 0.15, 0.3, 0.4, 0.9]))
    found = there_and_back(sequence, target, tmp_path)
    told = losses(sequence, target)
    assert ("source, estimator and notes" in told) == (found.estimator != sequence.estimator)
    assert ("track ids" in told) == (found.track_ids.tolist() != sequence.track_ids.tolist())
    assert ("times of uneven frames" in told) == (not np.allclose(found.timestamps, sequence.timestamps))
    assert ("keypoints" in told) == (not found.present.any())


def test_nothing_is_said_of_what_is_not_there() -> None:
    plain = replace(walkers(), source="", estimator="", track_ids=np.arange(2))
    scored = replace(plain, scores=(plain.scores > 0).astype(np.float32), boxes=np.zeros_like(plain.boxes))
    always = {"frame size", "frame rate"}
    assert set(losses(scored, FORMATS["openpose"])) == always
    assert set(losses(scored, FORMATS["mot"])) == always | {"keypoints"}
    assert losses(scored, FORMATS["npz"]) == []
    assert set(FORMATS["mot"].keeps) < set(FACTS)


@pytest.mark.parametrize("name", ["coco", "openpose"])
def test_a_layout_that_comes_back_as_another_is_told(name: str) -> None:
    assert any("expressive65" in fact for fact in losses(walkers("expressive65"), FORMATS[name]))
    assert not any("layout" in fact for fact in losses(walkers("wholebody133"), FORMATS[name]))


@each_format
def test_the_order_of_persons_is_that_of_presence(target: Format, tmp_path) -> None:
    sequence = walkers(persons=3)
    for array in (sequence.keypoints, sequence.scores, sequence.boxes):
        array[0, 2:] = 0
        array[1, 4:] = 0
    found = there_and_back(sequence, target, tmp_path)
    ids = sequence.track_ids.tolist() if "track ids" in target.keeps else [0, 1, 2]
    order = ids if target.name in ("npz", "pyskl") else ids[::-1]  # as they are, or who is seen most first
    assert found.track_ids.tolist() == order


def test_the_table_knows_the_issues_formats() -> None:
    assert set(FORMATS) == {"npz", "pyskl", "mmpose", "coco", "openpose", "csv", "mot"}
    for row in FORMATS.values():
        assert row.about
        assert all(len(get_layout(name)) for name in row.layouts)
