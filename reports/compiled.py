"""The libraries that render, compiled to machine code: the same files, in about three quarters of the time.

Nothing of them is changed: `make faster` copies the packages beside the virtual environment's own, and compiles the
modules in which the time goes. Renderers look there first. Where nothing was compiled, or for another version of a
library or of Python, they use what is installed, and give the same bytes. docs/rendering.md has what it gains.
"""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
import tempfile
from functools import cache
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

# in which of their modules the time goes
MODULES = {
    "weasyprint": (
        "anchors.py", "css/__init__.py", "css/computed_values.py", "css/functions.py", "document.py", "draw/*.py",
        "formatting_structure/*.py", "layout/*.py", "matrix.py", "pdf/stream.py", "pdf/tags.py", "stacking.py",
        "svg/*.py", "text/fonts.py", "text/line_break.py",
    ),
    "pydyf": ("__init__.py",),
    "cssselect2": ("__init__.py", "tree.py"),
}  # fmt: skip
NOT = {"weasyprint/layout/preferred.py"}  # stays as it is: the compiler does not take `max([one, *others])`


@cache
def folder() -> Path:
    """Where the compiled packages of these versions are, or would be."""
    versions = "-".join(f"{name}-{version(name)}" for name in MODULES)
    return Path(sys.prefix) / "compiled" / f"{versions}-{sysconfig.get_config_var('SOABI')}"


def build(into: Path | None = None) -> Path:
    """Compile, in about two minutes; the folder. Needs Cython, a C compiler and the headers of Python.

    It appears whole or not at all. Raises what the compiler raises.
    """
    from Cython.Build import cythonize  # type: ignore[import-not-found, unused-ignore]
    from setuptools import Distribution, Extension
    from setuptools.command.build_ext import build_ext

    into = into or folder()
    into.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=into.parent) as name:
        work = Path(name)
        for package in MODULES:
            installed = import_module(package).__path__[0]
            shutil.copytree(installed, work / package, ignore=shutil.ignore_patterns("__pycache__"))
        before = Path.cwd()
        os.chdir(work)
        try:
            found = (one for package, names in MODULES.items() for name in names for one in Path(package).glob(name))
            modules = [
                # more than this makes the compiler slower and what it compiles hardly faster
                Extension(one.removesuffix(".py").replace("/", "."), [one], extra_compile_args=["-O1", "-g0"])
                for one in sorted({str(one) for one in found} - NOT)
            ]
            extensions = cythonize(
                modules, language_level=3, quiet=True, nthreads=os.cpu_count() or 1,
                compiler_directives={"annotation_typing": False},
            )  # fmt: skip
            command = build_ext(Distribution({"name": "renderer", "ext_modules": extensions}))
            command.inplace, command.parallel = 1, os.cpu_count() or 1
            command.ensure_finalized()
            command.run()
        finally:
            os.chdir(before)
        for left in [*work.rglob("*.c"), *work.glob("build")]:
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        shutil.rmtree(into, ignore_errors=True)
        work.rename(into)
        work.mkdir()  # for what tidies up
    return into


if __name__ == "__main__":
    print(f"Compiled: {build()}")  # noqa: T201 -- a command
