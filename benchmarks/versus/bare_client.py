"""The bare client to which the engine's processor time is compared: panoramisk, a list of free agents, and no more.

It sends the actions that our engine sends for a call and hears, by the same account, the same events; it decides
nothing, remembers no caller, checks no claim, and can lose everything.

`python -m benchmarks.versus.bare_client HOST AGENTS` says `ready`, and serves until it is told to end.
"""

import asyncio
import signal
import sys
import time
from collections import deque
from typing import Any, Final

from panoramisk import Manager

from benchmarks.site import LINES_FROM

HEARTBEAT_S: Final = 3.0


class BareClient:
    """Serves the callers of one Asterisk with agents at so many lines."""

    def __init__(self, host: str, agents: int) -> None:
        self._free = deque(range(LINES_FROM, LINES_FROM + agents))
        self._talking: dict[str, int] = {}
        self._caller_of: dict[str, str] = {}
        self._waiting: deque[str] = deque()
        self._legs = 0
        self._tag = f"bare{time.time_ns():x}"
        self._manager = Manager(host=host, port=5038, username="acd", secret="lab-acd", ping_delay=3, ping_interval=3)
        self._manager.register_event("*", self._hear)

    async def serve(self) -> None:
        """Until SIGTERM. Then no heartbeat is left that would keep an engine waiting."""
        ended = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
        await self._manager.connect()
        await self._manager.authenticated_future
        await self._set("ACD_ENGINE", "")
        await self._beat()
        print("ready", flush=True)
        while not ended.is_set():
            try:
                await asyncio.wait_for(ended.wait(), HEARTBEAT_S)
            except TimeoutError:
                await self._beat()
        await self._set("ACD_ALIVE", "0")
        self._manager.close()

    async def _beat(self) -> None:
        await self._set("ACD_ALIVE", str(int(time.time())))

    def _set(self, name: str, value: str, channel: str | None = None) -> Any:
        action = {"Action": "Setvar", "Variable": name, "Value": value}
        return self._manager.send_action(action if channel is None else {**action, "Channel": channel})

    def _hear(self, _manager: Manager, event: Any) -> None:
        kind = event.get("UserEvent") if event.event == "UserEvent" else event.event
        if kind == "AcdCall":
            self._waiting.append(event.Uniqueid)
            self._offer()
        elif kind == "AcdUp":
            caller = self._caller_of[event.Uniqueid]
            self._set("ACD_PEER", event.Uniqueid, caller)
            self._manager.send_action(
                {"Action": "Redirect", "Channel": caller, "Context": "acd", "Exten": "connect", "Priority": "1"}
            )
        elif kind == "Hangup" and event.Uniqueid in self._talking:
            self._free.append(self._talking.pop(event.Uniqueid))
            del self._caller_of[event.Uniqueid]
            self._offer()

    def _offer(self) -> None:
        while self._waiting and self._free:
            caller, agent = self._waiting.popleft(), self._free.popleft()
            self._legs += 1
            leg = f"{self._tag}-{self._legs}"
            self._talking[leg], self._caller_of[leg] = agent, caller
            self._manager.send_action(
                {
                    "Action": "Originate", "Channel": f"PJSIP/{agent}", "ChannelId": leg, "Context": "acd-agent",
                    "Exten": "s", "Priority": "1", "Async": "true", "Timeout": "17000",
                    "CallerID": '"Bench" <sipp>', "Variable": f"ACD_OFFER={leg}",
                }
            )  # fmt: skip
            self._set("ACD_CLAIM", "1", caller)
            self._manager.send_action({"Action": "Getvar", "Channel": caller, "Variable": "ACD_LEFT"})


if __name__ == "__main__":
    asyncio.run(BareClient(sys.argv[1], int(sys.argv[2])).serve())
