from __future__ import annotations

import re
import tomllib

import pytest

from tests.conftest import ROOT

PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;#]+)")


def pins(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    found = (PINNED.match(line) for line in lines)
    return {match[1].lower().replace("_", "-"): match[2] for match in found if match}


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_a_lock_names_no_place_to_download_from(name: str) -> None:
    lock = (ROOT / name).read_text(encoding="utf-8")

    assert "://" not in lock
    assert not re.search(
        r"^\s*(-i|-f|--index-url|--extra-index-url|--find-links|--trusted-host)\b", lock, re.MULTILINE
    )


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_locked_package_has_a_hash(name: str) -> None:
    blocks = re.split(r"\n(?=\S)", (ROOT / name).read_text(encoding="utf-8").strip())
    packages = [block for block in blocks if PINNED.match(block)]

    assert packages
    assert [block.splitlines()[0] for block in packages if "--hash=sha256:" not in block] == []


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_the_lock_follows_what_was_asked_for(name: str) -> None:
    asked, locked = pins(f"{name}.in"), pins(f"{name}.txt")

    assert {package: locked.get(package) for package in asked} == asked


def test_packages_in_both_locks_have_one_version() -> None:
    run, work = pins("requirements.txt"), pins("requirements-dev.txt")

    assert {
        name: (run[name], work[name]) for name in run.keys() & work.keys() if run[name] != work[name]
    } == {}


def test_every_line_of_the_inputs_is_pinned() -> None:
    for name in ("requirements.in", "requirements-dev.in"):
        lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
        loose = [
            line for line in lines if line and not line.startswith(("#", "-c ")) and not PINNED.match(line)
        ]
        assert loose == []


def test_the_command_line_tool_is_installed_under_its_name() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert project["scripts"] == {"relance": "ops.cli:main"}
