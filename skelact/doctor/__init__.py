"""What is installed, what is there, and whether it works: the checks of `skelact doctor`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from skelact.doctor.finding import ABSENT, FAILED, OK, WARNING, Finding

__all__ = ["ABSENT", "FAILED", "OK", "WARNING", "Finding", "examine"]


def examine(offline: bool = False) -> Iterator[tuple[str, list[Finding]]]:
    """The checks, part by part, as soon as each is done; all of them take about ten seconds.

    A check that breaks is a finding that failed, and the next part goes on.

    Args:
        offline: never use the network.

    Returns:
        Pairs of a part's title and its findings.
    """
    from skelact.doctor import chain, devices, packages, video, weights

    parts: tuple[tuple[str, Callable[[], Iterator[Finding]]], ...] = (
        ("Packages", packages.check),
        ("Devices", devices.check),
        ("Video", video.check),
        ("Weights and space", lambda: weights.check(offline)),
        ("The whole chain on a clip of 2.4 seconds", chain.check),
    )
    for title, check in parts:
        yield title, _findings(check)


def _findings(check: Callable[[], Iterator[Finding]]) -> list[Finding]:
    found = []
    try:
        for finding in check():
            found.append(finding)
    except Exception as error:  # whatever a broken installation raises
        told = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        found.append(Finding("this check", FAILED, told, "mend what failed above; if nothing did, report this"))
    return found
