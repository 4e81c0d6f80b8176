"""Compiled kernels are kept for exactly the sources that they were made of."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest
from numba.core import event
from numba.core.caching import NullCache

from fleet_assets.core import compiled

HELPER = """
from fleet_assets.core.compiled import kernel

@kernel
def added() -> int:
    return {value}
"""
CALLER = """
from fleet_assets.core.compiled import kernel
from helper import added

@kernel
def total(start: int) -> int:
    return start + added()

print(total(1))
"""


def test_a_changed_helper_in_another_file_changes_where_kernels_are_kept(tmp_path: Path) -> None:
    (tmp_path / "caller.py").write_text(CALLER)
    (tmp_path / "helper.py").write_text(HELPER.format(value=1))
    before = compiled.cache_folder(tmp_path, tmp_path)
    assert compiled.cache_folder(tmp_path, tmp_path) == before
    (tmp_path / "helper.py").write_text(HELPER.format(value=2))
    assert compiled.cache_folder(tmp_path, tmp_path) != before


def test_a_kernel_whose_helper_changed_is_compiled_anew(tmp_path: Path) -> None:
    (tmp_path / "caller.py").write_text(CALLER)
    said = []
    for value in (1, 2):
        (tmp_path / "helper.py").write_text(HELPER.format(value=value))
        folder = compiled.cache_folder(tmp_path / "kept", tmp_path)
        environment = os.environ | {"NUMBA_CACHE_DIR": str(folder), "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run(
            [sys.executable, "caller.py"], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        said.append(done.stdout.strip() or done.stderr)
    assert said == ["2", "3"]


@compiled.helper
def _added(a: int, b: int) -> int:
    return a + b


@compiled.kernel
def _total(start: int) -> int:
    return _added(start, 1) + _added(start, -1) + _added(start, start)


def test_a_helper_is_compiled_once_whatever_literals_it_is_called_with(monkeypatch: pytest.MonkeyPatch) -> None:
    compilations = []
    dispatcher = cast(Any, _total).compiled
    monkeypatch.setattr(dispatcher, "_cache", NullCache())  # where an earlier run has left it

    class Recorder(event.Listener):
        def on_start(self, event: event.Event) -> None:
            compilations.append(event.data["dispatcher"].py_func.__name__)

        def on_end(self, event: event.Event) -> None:
            pass

    with event.install_listener("numba:compile", Recorder()):
        assert _total(3) == 12
    assert sorted(compilations) == ["_added", "_total"]


def test_a_helper_can_be_called_from_python() -> None:
    assert _added(1, 2) == 3


def test_declaring_kernels_loads_no_numba(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text(HELPER.format(value=1))
    (tmp_path / "declared.py").write_text(
        CALLER.replace("print(total(1))", "import sys\nprint('numba' in sys.modules)")
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "declared.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
