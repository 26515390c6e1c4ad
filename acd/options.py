"""What the options of more than one command have in common."""

import math
from typing import Any

import click


class Number(click.FloatRange):
    """A number from a range, and really one: `nan` is within every range, and `inf` where no end is set."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = super().convert(value, param, ctx)
        assert isinstance(number, float)
        if not math.isfinite(number):
            self.fail(f"{value!r} is no finite number.", param, ctx)
        return number
