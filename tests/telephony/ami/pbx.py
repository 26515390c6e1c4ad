"""A small model of Asterisk behind the scripted AMI server: its dialplan, its phones, and people of every temper.

It keeps what the adapter rests on and nothing more: the order of the claim, channels made in a thread of their own,
threads that bridge, hang-ups that get lost. Whoever is moved out of the operator's fallback, or rung twice for one
offer, makes it remember a crime.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from acd.testing.ami_server import AmiServer, Answer, Pairs, ReceivedAction, error, listing

NO_CHANNEL = error("No such channel")

SHORTEST_TALK_S = 0.01
"""A bridge that falls sooner was none: the caller waits on."""

Mood = Literal["answer", "decline", "busy", "no-answer", "unreachable"]


@dataclass(slots=True)
class Channel:
    """A caller (`place` is the extension in context acd, or `elsewhere`), or an agent's leg."""

    id: str
    kind: Literal["caller", "leg"]
    phone: str = ""
    place: str = "s"
    up: bool = False
    peer: "Channel | None" = field(default=None, repr=False)
    met_s: float = 0.0
    variables: dict[str, str] = field(default_factory=dict)


class Pbx:
    """One server with its callers and phones. Times are seconds, and short."""

    def __init__(self, ami: AmiServer, seed: int, grace_s: float = 0.1, lose_hang_ups: float = 0.02) -> None:
        self.ami = ami
        self.channels: dict[str, Channel] = {}
        self.rung: Counter[str] = Counter()
        self.results: Counter[str] = Counter()
        self.crimes: list[str] = []
        self.globals = {"EPOCH": "1700000000"}
        self.chance = random.Random(seed)
        self._grace_s = grace_s
        self._lose_hang_ups = lose_hang_ups
        self._ghosts: set[str] = set()
        self._numbers = 0
        for name, script in (
            ("Setvar", self._setvar), ("Getvar", self._getvar), ("Originate", self._originate),
            ("Redirect", self._redirect), ("Hangup", self._hangup), ("Status", self._status),
        ):  # fmt: skip
            ami.on(name, script)

    def later(self, after_s: float, what: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_later(after_s, what)

    def tell(self, event: str, channel: Channel, **more: str) -> None:
        name = f"PJSIP/{channel.phone or 'trunk'}-00000001"
        self.ami.push(event, Uniqueid=channel.id, Channel=name, ChannelState="6" if channel.up else "5", **more)

    def cut(self) -> None:
        """The link breaks; what is said from now on reaches nobody."""
        self.ami.cut()
        self.ami._signed_in.clear()

    # --- People -----------------------------------------------------------------------------------------------

    def call(self, queue: str, patience_s: float) -> None:
        """Somebody calls, is handed over, and hangs up at some time, whatever has become of the call."""
        self._numbers += 1
        channel = Channel(f"m-{self._numbers}.0", "caller", up=True)
        self.channels[channel.id] = channel
        channel.variables["ACD_QUEUE"] = queue
        self.tell("UserEvent", channel, UserEvent="AcdCall", Queue=queue, CallerIDNum=str(self._numbers))
        self.later(self._grace_s, lambda: self._grace_is_over(channel))
        self.later(patience_s, lambda: self.hang_up(channel))

    def _grace_is_over(self, channel: Channel) -> None:
        if channel.id not in self.channels or channel.place != "s":
            return
        channel.variables["ACD_LEFT"] = "1"
        self.later(0.001, lambda: self._looks_for_the_claim(channel))

    def _looks_for_the_claim(self, channel: Channel) -> None:
        if channel.id not in self.channels or channel.place != "s":
            return
        if not channel.variables.get("ACD_CLAIM"):
            self._leave(channel, "unclaimed")
            return
        channel.variables["ACD_LEFT"] = ""
        channel.place = "wait"
        self.tell("UserEvent", channel, UserEvent="AcdStay")

    def _leave(self, channel: Channel, result: str) -> None:
        channel.place = "elsewhere"
        channel.variables["ACD_LEFT"] = "1"
        self.results[result] += 1
        self.tell("UserEvent", channel, UserEvent="AcdLeft", Result=result)
        if channel.id in self._ghosts:  # the next step of the dialplan sees the hang-up that was lost
            self.end(channel, "16")
        elif self.chance.random() < 0.3:  # the operator's dialplan tries again, with the same channel
            self.later(0.002, lambda: self._again(channel))

    def _again(self, channel: Channel) -> None:
        if channel.id not in self.channels or channel.place != "elsewhere":
            return
        channel.place = "s"
        channel.variables |= {"ACD_CLAIM": "", "ACD_LEFT": ""}
        self.tell("UserEvent", channel, UserEvent="AcdCall", Queue=channel.variables["ACD_QUEUE"])
        self.later(self._grace_s, lambda: self._grace_is_over(channel))

    def hang_up(self, channel: Channel) -> None:
        """The person hangs up; now and then Asterisk loses that."""
        if channel.id not in self.channels or channel.id in self._ghosts:
            return
        self.tell("HangupRequest", channel, Cause="16")
        ours = channel.kind == "caller" and channel.place != "elsewhere"
        if ours and self.chance.random() < self._lose_hang_ups:
            self._ghosts.add(channel.id)
        else:
            self.end(channel, "16")

    def end(self, channel: Channel, cause: str) -> None:
        """The channel is gone, and lets its partner go on."""
        if self.channels.pop(channel.id, None) is None:
            return
        self._ghosts.discard(channel.id)
        partner, channel.peer = channel.peer, None
        self.tell("Hangup", channel, Cause=cause)
        if partner is not None:
            partner.peer = None
            if partner.kind == "leg":
                self.end(partner, "16")
            elif self._now_s() - partner.met_s < SHORTEST_TALK_S:
                self._back(partner)
            else:
                self._leave(partner, "served")

    # --- Phones -----------------------------------------------------------------------------------------------

    def _ring(self, channel: Channel, action_id: str, timeout_s: float) -> None:
        moods: list[Mood] = ["answer", "decline", "busy", "no-answer", "unreachable"]
        mood = self.chance.choices(moods, weights=[6, 1, 1, 1, 1])[0]
        if mood == "unreachable":
            self._failed(channel, action_id, "0")
            return
        self.channels[channel.id] = channel
        self.tell("Newchannel", channel)
        after_s = self.chance.uniform(0, 0.02)
        if mood == "answer":
            self.later(after_s, lambda: self._answer(channel))
        elif mood == "no-answer":
            self.later(timeout_s, lambda: self._refuse(channel, action_id, "19", "3"))
        else:
            self.later(after_s, lambda: self._refuse(channel, action_id, "17" if mood == "busy" else "21", "0"))

    def _failed(self, channel: Channel, action_id: str, reason: str) -> None:
        self.ami.push("OriginateResponse", Response="Failure", Reason=reason, ActionID=action_id, Uniqueid=channel.id)

    def _refuse(self, channel: Channel, action_id: str, cause: str, reason: str) -> None:
        if channel.id in self.channels and not channel.up:
            self._failed(channel, action_id, reason)
            self.end(channel, cause)

    def _answer(self, channel: Channel) -> None:
        if channel.id not in self.channels:
            return
        channel.up = True
        self.tell("UserEvent", channel, UserEvent="AcdUp", Offer=channel.id)
        self.later(0.5, lambda: self._nobody_came(channel))
        if self.chance.random() < 0.1:
            self.later(self.chance.uniform(0, 0.005), lambda: self.hang_up(channel))

    def _nobody_came(self, leg: Channel) -> None:
        if leg.peer is None:
            self.end(leg, "16")

    def _back(self, caller: Channel) -> None:
        caller.place = "wait"
        self.tell(
            "UserEvent",
            caller,
            UserEvent="AcdBack",
            Offer=caller.variables["ACD_PEER"],
            Queue=caller.variables["ACD_QUEUE"],
            Waited="0",
        )

    def _now_s(self) -> float:
        return asyncio.get_running_loop().time()

    def _bridge(self, caller: Channel, leg: Channel | None) -> None:
        if caller.id not in self.channels or caller.place != "connect":
            return
        if leg is None or leg.id not in self.channels or leg.peer is not None or not leg.up:
            self._back(caller)
            return
        caller.peer, leg.peer = leg, caller
        caller.met_s = self._now_s()
        for number, side in enumerate((leg, caller), start=1):
            self.tell("BridgeEnter", side, BridgeNumChannels=str(number), BridgeTechnology="simple_bridge")
        self.later(self.chance.uniform(0, 0.1), lambda: self.hang_up(leg))

    # --- Actions ----------------------------------------------------------------------------------------------

    def _of(self, action: ReceivedAction) -> Channel | None:
        return self.channels.get(action.get("Channel"))

    def _setvar(self, action: ReceivedAction) -> Answer:
        channel = self._of(action)
        if action.get("Channel") and channel is None:
            return NO_CHANNEL
        if channel is None:
            self.globals[action.get("Variable")] = action.get("Value")
        else:
            channel.variables[action.get("Variable")] = action.get("Value")
        return {}

    def _getvar(self, action: ReceivedAction) -> Answer:
        if not action.get("Channel"):
            return {"Value": self.globals.get(action.get("Variable"), "")}
        channel = self._of(action)
        return NO_CHANNEL if channel is None else {"Value": channel.variables.get(action.get("Variable"), "")}

    def _originate(self, action: ReceivedAction) -> Answer:
        offer = action.get("ChannelId")
        self.rung[offer] += 1
        if self.rung[offer] > 1:
            self.crimes.append(f"{offer} was rung twice")
        leg = Channel(offer, "leg", action.get("Channel").removeprefix("PJSIP/"))
        timeout_s = int(action.get("Timeout")) / 1_000
        self.later(self.chance.uniform(0, 0.003), lambda: self._ring(leg, action.action_id, timeout_s))
        return {"Message": "Originate successfully queued"}

    def _redirect(self, action: ReceivedAction) -> Answer:
        channel = self._of(action)
        if channel is None:
            return error("Channel does not exist")
        if channel.place == "elsewhere":
            self.crimes.append(f"{channel.id} was pulled out of the fallback into {action.get('Exten')}")
        if channel.peer is not None:
            self.crimes.append(f"{channel.id} was pulled out of a conversation into {action.get('Exten')}")
        if action.get("Exten") == "connect":
            channel.place = "connect"
            leg = self.channels.get(channel.variables.get("ACD_PEER", ""))
            self.later(0.001, lambda: self._bridge(channel, leg))
        elif channel.place != "elsewhere":
            self._leave(channel, channel.variables.get("ACD_RESULT", ""))
        return {}

    def _hangup(self, action: ReceivedAction) -> Answer:
        channel = self._of(action)
        if channel is None:
            return NO_CHANNEL
        self.end(channel, "16")
        return {}

    def _status(self, _: ReceivedAction) -> Answer:
        return listing("StatusComplete", *(("Status", self._shown(channel)) for channel in self.channels.values()))

    def _shown(self, channel: Channel) -> Pairs:
        ours = "acd" if channel.kind == "caller" else "acd-agent"
        pair = sorted((channel.id, channel.peer.id)) if channel.peer is not None else [""]
        return {
            "Uniqueid": channel.id,
            "Channel": f"PJSIP/{channel.phone or 'trunk'}-00000001",
            "ChannelState": "6" if channel.up else "5",
            "Context": "after-queue" if channel.place == "elsewhere" else ours,
            "Exten": channel.place,
            "BridgeID": "-".join(pair),
            "Variable": [f"{name}={value or '(null)'}" for name, value in channel.variables.items()],
        }
