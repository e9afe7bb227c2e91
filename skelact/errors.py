"""What can go wrong, each kind with the exit status the command line ends with.

Every error a user can cause carries one sentence: what is wrong, where, and what to do about it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SkelactError(Exception):
    """A failure that the user can understand and act on.

    Attributes:
        exit_status: what the command line returns to the shell.
    """

    exit_status = 1


class UsageError(SkelactError):
    """A wrong option or an unknown name."""

    exit_status = 2


class InputError(SkelactError):
    """An input that is missing, unreadable, empty or of the wrong kind."""

    exit_status = 3


class NobodySeenError(SkelactError):
    """A readable video in which no person was found."""

    exit_status = 4


class WeightsError(SkelactError):
    """Weights that cannot be had, or that belong to another network."""

    exit_status = 5


class OutputError(SkelactError):
    """An output that exists already or cannot be written."""

    exit_status = 6


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """The error for a name that is not in a registry, with the nearest known one.

    Args:
        kind: what the name stands for, e.g. "estimator".
        name: what the user wrote.
        known: the names there are.
    """
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return UsageError(f"unknown {kind} {name!r}: {hint}known: {', '.join(names)}")
