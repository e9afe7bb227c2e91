"""`skelact doctor`."""

from __future__ import annotations

import json

import pytest

from skelact import doctor
from skelact.doctor import ABSENT, FAILED, OK, WARNING, Finding


@pytest.fixture
def found(monkeypatch):
    """What the checks find, in place of what they do: to be filled; and how they were called."""
    findings: list[Finding] = []
    calls: list[bool] = []

    def examine(offline=False):
        calls.append(offline)
        yield "Packages", findings
        yield "Devices", [Finding("CPU", OK, "2 cores [red]")]

    monkeypatch.setattr(doctor, "examine", examine)
    return findings, calls


def test_this_installation_is_sound(skelact):
    done = skelact("doctor", "--offline", "--json")
    assert (done.status, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    found = {each["name"]: each for part in told["parts"].values() for each in part}
    assert told["ok"]
    assert all(each["told"] and (each["remedy"] or each["state"] in (OK, ABSENT)) for each in found.values())
    assert {"Python", "skelact", "torch", "mmpose", "mediapipe", "av", "serve", "CPU", "write and read"} <= set(found)
    assert "60 frames of H.264" in found["decode"]["told"]
    assert "1 person in" in found["keypoints and tracks"]["told"]
    assert "'thank-you' 1.0" in found["recognise"]["told"]
    assert {found[name]["state"] for name in ("decode", "keypoints and tracks", "recognise")} == {OK}


def test_each_finding_is_a_line_with_its_remedy(skelact, found):
    found[0].extend([Finding("torch", OK, "2.13"), Finding("ray", ABSENT, "not installed", "`pip install ray`")])
    done = skelact("doctor")
    assert done.status == 0
    assert found[1] == [False]
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    for line in (
        "Packages",
        "ok torch 2.13",
        "absent ray not installed",
        "-> `pip install ray`",
        "ok CPU 2 cores [red]",
    ):
        assert line in lines
    assert lines[-1] == "All that is needed works."
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize(("state", "status"), [(WARNING, 0), (FAILED, 1)])
def test_only_what_failed_counts(skelact, found, state, status):
    found[0].append(Finding("numpy", state, "2.0", "run: pip install 'numpy<2'"))
    assert skelact("doctor").status == status
    done = skelact("doctor", "--json", "--offline")
    assert done.status == status
    told = json.loads(done.stdout)
    assert told["ok"] == (status == 0)
    assert told["parts"]["Packages"] == [
        {"name": "numpy", "state": state, "told": "2.0", "remedy": "run: pip install 'numpy<2'"}
    ]
    assert found[1] == [False, True]
