"""A phone system in memory, behind the same port and the same contract suite as Asterisk's adapter.

What it does without an engine is what Asterisk and config/asterisk/acd.conf do: callers run through the dialplan's
rules of the hand-over, phones behave as they are told to, a leg is called once under its offer's id. All time is
the engine's clock and all chance comes from one seed, so the same system serves the demo and simulated days.

    phones = SimulatedPhones(engine.submit, clock)
    phones.phone("1001").behave(Answer(after_ms=800, hang_up_after_ms=20_000))
    await phones.start()
    call = phones.place_call("sales", "5551000", patience_ms=60_000)
"""

from acd.telephony.simulated.adapter import SimulatedPhones
from acd.telephony.simulated.calls import Asked, SimulatedCall
from acd.telephony.simulated.exchange import Exchange
from acd.telephony.simulated.phones import (
    Answer,
    Behaviour,
    Busy,
    Decline,
    Fail,
    Ring,
    SimulatedPhone,
    Unregistered,
)
from acd.telephony.simulated.timing import Faults, Rules, Steps

__all__ = [
    "Answer",
    "Asked",
    "Behaviour",
    "Busy",
    "Decline",
    "Exchange",
    "Fail",
    "Faults",
    "Ring",
    "Rules",
    "SimulatedCall",
    "SimulatedPhone",
    "SimulatedPhones",
    "Steps",
    "Unregistered",
]
