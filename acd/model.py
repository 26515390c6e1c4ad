"""Ids and small value types that every room speaks. This room knows no other."""

from typing import Literal, NewType

import msgspec

QueueId = NewType("QueueId", str)
AgentId = NewType("AgentId", str)
CallId = NewType("CallId", str)
"""The journal's tag and the number of the fact that queued the call: `acdk3f9q2-17`."""
SupervisorId = NewType("SupervisorId", str)
OfferId = NewType("OfferId", str)
"""As `CallId`, of the fact that made the offer. It is also the channel id of the agent's leg."""
ServerId = NewType("ServerId", str)
"""One Asterisk server, by its name in the configuration."""
ChannelId = NewType("ChannelId", str)
"""A channel of one server, by the id that never changes (Asterisk's Uniqueid)."""
Phone = NewType("Phone", str)
"""A phone as agents know it, `1001`; each server's dial string makes an address of it."""
RequestId = NewType("RequestId", str)
"""Chosen by whoever asks; the answer carries it."""

Kind = Literal["inbound", "callback", "campaign", "chat"]
"""Where work comes from. All kinds stand in one order."""
Channel = Literal["voice", "chat"]
"""What an agent serves a queue's work with: one voice, or several chats at once."""
PRIORITIES = range(-10, 11)
"""What a call may bring along. Few, because a match looks at the first of each."""
Direction = Literal["in", "out"]
"""Of a direct call, seen from the agent: `in` rings the agent's phone, `out` was placed from it."""


class Caller(msgspec.Struct, frozen=True):
    """Who calls, as far as the phone system knows: both may be empty. Outside text, cleaned at the boundary."""

    number: str = ""
    name: str = ""


class Skill(msgspec.Struct, frozen=True):
    """What an agent can, or what a call asks for: a name and a level from 1 to 100."""

    name: str
    level: int = 1


class Line(msgspec.Struct, frozen=True):
    """One channel on one server."""

    server: ServerId
    channel: ChannelId
