"""Versions that change by themselves: a hash of what decides a table's rows, and of nothing else.

Belongs here: following a function to the modules of the pure layers that it uses, and hashing their code and the
schemas of the tables around it. Does not belong here: what is done about a change (`plan`).

Comments, docstrings and layout do not count, nor the words of a schema; a changed rule, default or column does. Modules
are the finest grain: computing a partition again to equal content changes nothing behind it.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
import sys
from collections.abc import Callable, Collection, Iterable
from dataclasses import fields
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from fleet_assets.contracts import Column, Table
from fleet_assets.contracts.source import Code, resolved
from fleet_assets.pipeline.parsed_modules import parsed_modules

PURE_LAYERS = ("fleet_assets.core", "fleet_assets.sources")
"""Where the code is that decides rows. Contracts are named by their schemas."""

OWN = "fleet_assets."

CONTRACTS = "fleet_assets.contracts"

_PROSE = {"doc", "row"}


def table_version(compute: Code, table: Table, inputs: Iterable[tuple[Table, Collection[str]]]) -> str:
    """Twelve hex digits that name the code behind a table, its schema, and the schemas of the columns that it reads."""
    schemas = [_schema(one, columns) for one, columns in ((table, table.schema), *inputs)]
    return _digest([_function_code(compute), sorted(schemas, key=json.dumps)])


def parameters_of(code: Code) -> tuple[str, ...]:
    """The names of a function's parameters; of a named one of this package by its module's text: loading it and all
    that it uses takes longer than a plan."""
    if (stated := _stated_parameters(code)) is not None:
        return tuple(stated)
    return tuple(inspect.signature(resolved(code)).parameters)


def modules_version(*modules: str) -> str:
    """Twelve hex digits that name the code of modules and of all that they reach in the pure layers."""
    return _digest(_modules_code(modules))


def _digest(facts: Any) -> str:
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:12]


def _schema(table: Table, columns: Collection[str]) -> list[Any]:
    """What of a table's declaration, with these of its columns, decides rows."""
    own = [[field.name, str(getattr(table, field.name))] for field in fields(Table)
           if field.name not in {"columns", *_PROSE}]  # fmt: skip
    return [own, [_column(column) for column in table.columns if column.name in columns]]


def _column(column: Column) -> list[str]:
    return [str(getattr(column, field.name)) for field in fields(Column) if field.name not in _PROSE]


def _function_code(function: Code) -> list[Any]:
    """The code of a function, of the functions beside it that it uses, and of the pure modules that these use."""
    if isinstance(function, str) and _stated_parameters(function) is not None:
        module, _, name = function.partition(":")
        return [[name], _modules_code([module])]
    beside: dict[str, str] = {}
    modules: set[str] = set()
    waiting = [_unwrapped(resolved(function))]
    if waiting[0].__module__.startswith(PURE_LAYERS) or not waiting[0].__module__.startswith(OWN):
        # Of pure layers, and of packages that declare sources, modules are the grain.
        return [[waiting[0].__name__], _modules_code([waiting[0].__module__])]
    while waiting:
        one = waiting.pop()
        if one.__name__ in beside:
            continue
        tree = ast.parse(inspect.getsource(one).strip())
        beside[one.__name__] = _dumped(tree.body[0])
        for name, value in _used_values(one, tree):
            home = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
            if home == one.__module__ and inspect.isfunction(_unwrapped(value)):
                waiting.append(_unwrapped(value))
            elif isinstance(home, str) and home.startswith(PURE_LAYERS):
                modules.add(home)
            elif isinstance(value, str | int | float | dict):
                beside[name] = repr(value)
    return [sorted(beside.items()), _modules_code(modules)]


def _stated_parameters(code: Code) -> list[str] | None:
    """What the text says of the parameters of a function that is named and defined as such in a pure layer; None of any
    other, which is to be loaded."""
    if not (isinstance(code, str) and code.startswith(PURE_LAYERS)):
        return None
    known = parsed_modules()
    found = known.of(code, _parsed_parameters)
    known.remember()
    return found


def _parsed_parameters(code: str) -> list[str] | None:
    module, _, name = code.partition(":")
    functions = (node for node in _tree(module).body if isinstance(node, ast.FunctionDef) and node.name == name)
    for node in functions:
        names = node.args
        if not (node.decorator_list or names.vararg or names.kwarg):
            return [one.arg for one in (*names.posonlyargs, *names.args, *names.kwonlyargs)]
    return None


def _tree(module: str) -> ast.Module:
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    return ast.parse(Path(spec.origin).read_text(encoding="utf-8"))


def _unwrapped(value: Any) -> Any:
    """The function behind `partial` and the declarations of other tables."""
    while hasattr(value, "func"):
        value = value.func
    return value


def _used_values(function: Callable[..., Any], tree: ast.Module) -> list[tuple[str, Any]]:
    """The values of a function's module that its body names, by name; annotations and decorators do not count."""
    body = tree.body[0]
    assert isinstance(body, ast.FunctionDef)
    names = {node.id for line in body.body for node in ast.walk(line) if isinstance(node, ast.Name)}
    around = vars(sys.modules[function.__module__])
    return [(name, around[name]) for name in sorted(names & around.keys())]


def _modules_code(modules: Iterable[str]) -> list[list[str]]:
    known = parsed_modules()
    seen: dict[str, str] = {}
    waiting = [*modules]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen[name], reached = known.of(name, _module_code)
            waiting += reached
    known.remember()
    return [[name, seen[name]] for name in sorted(seen)]


def _module_code(module: str) -> list[Any]:
    """What names a module's code, and the modules that it imports of the pure layers and of its own package."""
    tree = _tree(module)
    code = hashlib.sha256(f"{_dumped(tree)}{_contract_constants(tree)}".encode()).hexdigest()
    package = f"{module.partition('.')[0]}."
    counts = PURE_LAYERS if package == OWN else (*PURE_LAYERS, package)
    return [code, [name for name in _imports(tree) if name.startswith(counts) and _is_module(name)]]


def _contract_constants(tree: ast.Module) -> list[str]:
    """The values that a module takes from the contracts, but for tables: those are named by their schemas."""
    taken = [
        getattr(import_module(node.module), alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(CONTRACTS)
        for alias in node.names
    ]
    return sorted(repr(value) for value in taken if not (isinstance(value, Table | ModuleType) or callable(value)))


def _dumped(tree: ast.AST) -> str:
    """Code without docstrings, comments and layout."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [line for line in body if not _is_text(line)]  # type: ignore[attr-defined]
    return ast.unparse(tree)  # not `dump`, whose form changes with Python


def _is_text(line: ast.stmt) -> bool:
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) and isinstance(line.value.value, str)


def _imports(tree: ast.Module) -> list[str]:
    """What `from package import name` may mean: the package, and a module of that name in it."""
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return found


@cache
def _is_module(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False
