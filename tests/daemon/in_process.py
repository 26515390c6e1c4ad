"""The daemon in this process, on phones that only remember: its first configuration, and what goes on meanwhile."""

from collections.abc import MutableMapping, Sequence
from pathlib import Path
from typing import Any

from acd.config import read_config
from acd.daemon import Daemon
from acd.journal.memory import MemoryJournal
from acd.model import ChannelId, Line, ServerId
from acd.router import inputs as i
from tests.daemon.recorded import SERVER, RecordedPhones

FIRST = (
    SERVER
    + """
[queue.sales]
[queue.support]
[agent.ana]
phone = "1001"
queues = ["sales", "support"]
logged_in_at_start = true
[agent.ben]
phone = "1002"
queues = ["support"]
[phones]
hot_desk = ["1901"]
"""
)
WITHOUT_BEN = FIRST.replace('[agent.ben]\nphone = "1002"\nqueues = ["support"]\n', "")
LINE = Line(ServerId("main"), ChannelId("1.1"))


def make(path: Path, phones: RecordedPhones, **others: object) -> Daemon:
    options = {"journal": MemoryJournal()} | others
    return Daemon(read_config(path), path, telephony_factory=phones.make, **options)  # type: ignore[arg-type]


async def server_goes_quiet(daemon: Daemon, phones: RecordedPhones) -> None:
    phones.submit(i.LinkLost(LINE.server))
    await daemon.engine.settled()


async def server_is_up(daemon: Daemon, phones: RecordedPhones) -> None:
    phones.submit(i.ServerReported(LINE.server))
    await daemon.engine.settled()


def alarms(logged: Sequence[MutableMapping[str, Any]]) -> list[str]:
    return [entry["event"] for entry in logged if entry["log_level"] not in {"debug", "info"}]
