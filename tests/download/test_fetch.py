"""Files that arrive, at once or in pieces, and are kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from skelact import download
from skelact.download import cache_dir, cached_file, fetch
from skelact.errors import WeightsError
from tests.download.server import CONTENT, DIGEST, Manners, part_of, put, sentence, size_of


def test_cache_dir_follows_the_environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_dir() == home
    monkeypatch.setenv("SKELACT_HOME", "")
    assert cache_dir().is_absolute()
    assert "skelact" in cache_dir().parts


@pytest.mark.parametrize("digits", [8, 17, 64])
@pytest.mark.parametrize("states_length", [True, False])
def test_a_file_arrives_once(address: str, manners: Manners, target: Path, digits: int, states_length: bool) -> None:
    manners.states_length = states_length
    for _ in range(2):
        assert fetch(address, sha256=DIGEST[:digits].upper(), folder="zoo") == target
        assert target.read_bytes() == CONTENT
    assert manners.asked == [""]
    assert not part_of(target).exists()


def test_where_a_file_will_lie_is_known_before(target: Path) -> None:
    assert cached_file("https://weights.invalid/a/weights-1.pth?download=1", "zoo") == target
    assert not target.parent.exists()


def test_a_cached_file_needs_no_network(address: str, manners: Manners, target: Path) -> None:
    fetch(address, sha256=DIGEST, folder="zoo")
    assert fetch(address, sha256=DIGEST, folder="zoo", offline=True) == target
    assert len(manners.asked) == 1


def test_a_file_put_there_by_hand_is_checked_and_used(address: str, manners: Manners, target: Path) -> None:
    put(target, CONTENT)
    assert fetch(address, sha256=DIGEST[:8], folder="zoo", offline=True) == target
    assert manners.asked == []


@pytest.mark.parametrize("damage", [CONTENT[:-1], CONTENT + b"x", b""], ids=["cut", "longer", "empty"])
def test_a_cached_file_that_changed_is_brought_again(
    address: str, manners: Manners, target: Path, damage: bytes
) -> None:
    fetch(address, sha256=DIGEST, folder="zoo")
    target.write_bytes(damage)
    with pytest.raises(WeightsError, match="is damaged and the network is not used"):
        fetch(address, sha256=DIGEST, folder="zoo", offline=True)
    assert fetch(address, sha256=DIGEST, folder="zoo").read_bytes() == CONTENT
    assert len(manners.asked) == 2


def test_a_file_of_another_checksum_is_replaced(address: str, target: Path) -> None:
    put(target, b"an older version")
    assert fetch(address, sha256=DIGEST[:8], folder="zoo").read_bytes() == CONTENT


def test_offline_says_what_to_do(address: str, manners: Manners, target: Path) -> None:
    with pytest.raises(WeightsError, match="the network is not used") as error:
        fetch(address, sha256=DIGEST, folder="zoo", offline=True)
    assert address in sentence(error)
    assert str(target) in sentence(error)
    assert manners.asked == []
    assert not target.parent.exists()


# Resuming


def test_a_download_goes_on_where_it_ended(address: str, manners: Manners, target: Path) -> None:
    put(part_of(target), CONTENT[:600_000])
    assert fetch(address, sha256=DIGEST, folder="zoo").read_bytes() == CONTENT
    assert manners.asked == ["bytes=600000-"]


def test_a_server_without_ranges_starts_again(address: str, manners: Manners, target: Path) -> None:
    manners.ranges = False
    put(part_of(target), CONTENT[:600_000])
    assert fetch(address, sha256=DIGEST, folder="zoo").read_bytes() == CONTENT
    assert manners.asked == ["bytes=600000-"]


def test_a_whole_part_is_used_as_it_is(address: str, manners: Manners, target: Path) -> None:
    put(part_of(target), CONTENT)
    assert fetch(address, sha256=DIGEST, folder="zoo").read_bytes() == CONTENT
    assert manners.asked == [f"bytes={len(CONTENT)}-"]


@pytest.mark.parametrize("part", [b"x" * 5000, CONTENT + b"more"], ids=["of another file", "too long"])
def test_a_wrong_part_is_thrown_away(address: str, manners: Manners, target: Path, part: bytes) -> None:
    put(part_of(target), part)
    assert fetch(address, sha256=DIGEST, folder="zoo").read_bytes() == CONTENT
    assert manners.asked == [f"bytes={len(part)}-", ""]


def test_a_cut_connection_is_taken_up_again(address: str, manners: Manners) -> None:
    manners.cuts = [300_000, 200_000]
    assert fetch(address, sha256=DIGEST, folder="zoo").read_bytes() == CONTENT
    assert manners.asked == ["", "bytes=300000-", "bytes=500000-"]


def test_a_connection_that_keeps_breaking_keeps_the_part(address: str, manners: Manners, target: Path) -> None:
    manners.cuts = [300_000, 0]
    with pytest.raises(WeightsError, match="connection was cut") as error:
        fetch(address, sha256=DIGEST, folder="zoo")
    assert "0.3 MB, which are kept" in sentence(error)
    assert part_of(target).read_bytes() == CONTENT[:300_000]
    assert not target.exists()
    assert fetch(address, sha256=DIGEST, folder="zoo").read_bytes() == CONTENT
    assert manners.asked[-1] == "bytes=300000-"


def test_a_bad_line_is_given_up_in_the_end(address: str, manners: Manners, target: Path) -> None:
    manners.cuts = [1000] * 50
    with pytest.raises(WeightsError):
        fetch(address, sha256=DIGEST, folder="zoo")
    assert len(manners.asked) == 1 + download.RESUMES
    assert size_of(part_of(target)) == 1000 * (1 + download.RESUMES)


def test_without_a_checksum_only_https_or_this_computer_is_taken(monkeypatch, tmp_path):
    monkeypatch.setenv("SKELACT_HOME", str(tmp_path))
    with pytest.raises(WeightsError, match="no checksum and is no https address"):
        fetch("http://example.org/weights.pth", sha256=None, folder="x", offline=True)
    with pytest.raises(WeightsError, match="not in the cache"):
        fetch("https://example.org/weights.pth", sha256=None, folder="x", offline=True)
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "weights.pth").write_bytes(b"put there by hand")
    assert fetch("https://example.org/weights.pth", sha256=None, folder="x", offline=True).read_bytes()
