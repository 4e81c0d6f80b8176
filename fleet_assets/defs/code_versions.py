"""Code versions that change by themselves: a hash of the code that a table's rows come from.

Belongs here: following imports from the module that defines an asset into the pure layers, and hashing what stands
there. Does not belong here: what is done about a change (`plan`).

Comments, docstrings and layout do not count; a changed rule, default or contract does. Coarse on purpose: all assets of
one module share a version, and computing a partition again to equal content changes nothing behind it.
"""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path

PURE_LAYERS = ("fleet_assets.contracts", "fleet_assets.core", "fleet_assets.sources")


@cache
def code_version(module: str) -> str:
    """Twelve hex digits that name the code of a module and of all that it reaches in the pure layers."""
    seen: dict[str, str] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen[name], reached = _code(name)
            waiting += reached
    return hashlib.sha256("".join(f"{name}\n{seen[name]}\n" for name in sorted(seen)).encode()).hexdigest()[:12]


@cache
def _code(module: str) -> tuple[str, list[str]]:
    """What counts of a module's text, and the modules of the pure layers that it imports."""
    tree = _tree(module)
    return ast.dump(tree), [name for name in _imports(tree) if name.startswith(PURE_LAYERS)]


def _tree(module: str) -> ast.Module:
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [line for line in body if not _is_text(line)]  # type: ignore[attr-defined]
    return tree


def _is_text(line: ast.stmt) -> bool:
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) and isinstance(line.value.value, str)


def _imports(tree: ast.Module) -> list[str]:
    """Modules that `from package import name` may mean: the package, and the module of that name in it."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return [name for name in found if name.startswith("fleet_assets") and _is_module(name)]


@cache
def _is_module(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False
