"""The form of the tables in which each fact has its function."""

from collections.abc import Callable
from typing import Any

from acd.router import facts as f
from acd.router.state import State

Table = dict[type[f.Fact], Callable[[State, Any], None]]
"""How each of some facts changes the state."""
