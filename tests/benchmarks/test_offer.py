"""The benchmarks of offers go by what the dialplan takes for a conversation."""

import re
from pathlib import Path

from benchmarks.site import SHORTEST_TALK_S

DIALPLAN = Path(__file__).parents[2] / "config" / "asterisk" / "acd.conf"


def test_shortest_talk_is_a_conversation_to_the_dialplan() -> None:
    """Otherwise the caller is in line again, and the benchmark waits for ever for the end of that call."""
    told = re.findall(r"\$\{ACD_TALKED\} > (\d+)", DIALPLAN.read_text())
    assert told
    assert min(SHORTEST_TALK_S * 1_000 - int(bound) for bound in told) >= 100
