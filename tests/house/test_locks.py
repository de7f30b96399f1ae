"""The lock files agree with pyproject.toml and name no package host."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
GROUPS = PROJECT["dependency-groups"]
DEV = [one for one in GROUPS["dev"] if one != {"include-group": "faster"}] + GROUPS["faster"]
WANTED = {
    "requirements.lock": PROJECT["project"]["dependencies"],
    "requirements-dev.lock": PROJECT["project"]["dependencies"] + DEV,
    "requirements-faster.lock": GROUPS["faster"],
    "requirements-setup.lock": GROUPS["setup"],
}


def locked(name: str) -> dict[str, str]:
    """Package name to version, as one lock file has them."""
    found = re.findall(r"^([\w.-]+)==([^\s;]+)", (ROOT / name).read_text(), re.MULTILINE)
    return {canonicalize_name(package): version for package, version in found}


@pytest.mark.parametrize("name", WANTED)
def test_lock_holds_what_the_project_asks_for(name: str) -> None:
    versions = locked(name)
    wrong = []
    for line in WANTED[name]:
        requirement = Requirement(line)
        version = versions.get(canonicalize_name(requirement.name))
        if version is None or not requirement.specifier.contains(version, prereleases=True):
            wrong.append(f"{line} (locked: {version})")
    assert not wrong, "run `make lock`: " + ", ".join(wrong)


def test_tests_run_with_the_versions_that_users_get() -> None:
    tested = locked("requirements-dev.lock").items()
    assert locked("requirements.lock").items() <= tested
    assert locked("requirements-faster.lock").items() <= tested


@pytest.mark.parametrize("name", [*WANTED, "package-lock.json"])
def test_lock_names_no_package_host(name: str) -> None:
    text = (ROOT / name).read_text()
    assert "--index-url" not in text
    assert '"resolved"' not in text
    if name != "package-lock.json":
        assert "://" not in text
