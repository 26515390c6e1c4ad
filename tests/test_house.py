"""The house rules that no linter of others knows: what the pure rooms may use, who may start tasks, how modules are
named."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PURE = [ROOT / "acd" / "model.py", ROOT / "acd" / "core.py", *sorted((ROOT / "acd" / "router").rglob("*.py"))]
ALL = sorted((ROOT / "acd").rglob("*.py"))

SAY_NOTHING = {"common", "helpers", "manager", "misc", "utils"}
"""Names of modules that hold anything."""

ALLOWED = {
    "acd.core",
    "acd.model",
    "acd.router",
    "bisect",
    "collections",
    "dataclasses",
    "enum",
    "heapq",
    "itertools",
    "math",
    "msgspec",
    "sortedcontainers",
    "struct",
    "typing",
}
"""What a pure room may import: nothing else, whatever its name."""
FORBIDDEN_CALLS = {"breakpoint", "eval", "exec", "hash", "id", "input", "open", "print", "__import__"}
"""`hash` and `id` differ from run to run; the others are I/O or worse."""
EXCEPTIONS = {ROOT / "acd" / "router" / "tables.py": {"hash"}}
"""There it says in which piece of a table an entry lies, and nobody is told (docs/decisions/0014)."""


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def calls(tree: ast.AST) -> Iterator[str]:
    """The last names of what is called: `create_task` for `loop.create_task()` as for `create_task()`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                yield node.func.id
            elif isinstance(node.func, ast.Attribute):
                yield node.func.attr


def allowed(module: str) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in ALLOWED)


def breaches(source: str) -> set[str]:
    """What a pure room's source uses that it may not."""
    tree = ast.parse(source)
    named = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    strange = {module for module in imports(tree) if not allowed(module)}
    waits = {"await" for node in ast.walk(tree) if isinstance(node, ast.Await | ast.AsyncFunctionDef)}
    return strange | (named & FORBIDDEN_CALLS) | waits


def starts_tasks(source: str) -> bool:
    return bool({"create_task", "ensure_future", "run_coroutine_threadsafe"} & set(calls(ast.parse(source))))


@pytest.mark.parametrize("path", PURE, ids=lambda path: str(path.relative_to(ROOT)))
def test_pure_rooms_use_nothing_but_data(path: Path) -> None:
    assert breaches(path.read_text()) == EXCEPTIONS.get(path, set())


@pytest.mark.parametrize("path", ALL, ids=lambda path: str(path.relative_to(ROOT)))
def test_tasks_are_started_in_one_place(path: Path) -> None:
    assert starts_tasks(path.read_text()) == (path == ROOT / "acd" / "tasks.py")


def test_names_of_modules_say_what_they_hold() -> None:
    everywhere = [*ALL, *(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").glob("*.py")]
    assert [str(path.relative_to(ROOT)) for path in everywhere if path.stem in SAY_NOTHING] == []


@pytest.mark.parametrize(
    ("source", "breach"),
    [
        ("import zoneinfo", "zoneinfo"),
        ("from subprocess import run", "subprocess"),
        ("from acd.engine.clock import RealClock", "acd.engine.clock"),
        ("key = hash('a')", "hash"),
        ("open('x')", "open"),
        ("async def handle(): ...", "await"),
    ],
)
def test_breach_of_purity_is_seen(source: str, breach: str) -> None:
    assert breaches(source) == {breach}


def test_task_that_is_started_elsewhere_is_seen() -> None:
    assert starts_tasks("asyncio.get_running_loop().create_task(work())")
