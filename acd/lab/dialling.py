"""What phones of the lab dial, and what they hear then (sip-lab/asterisk/extensions.conf)."""

from typing import Final
from urllib.parse import quote

from acd.telephony.sip import Phone

FALLBACK_HZ: Final = 2_900.0
"""The tone of the lab's fallback: higher than any note of the music."""
ANSWERED_S: Final = 5.0
PROMPT_S: Final = 5.0
"""How long the voice that asks for number and PIN may take to begin, and to end."""
SPOKEN_S: Final = 15.0


def number_of(queue_name: str, priority: str = "", wishes: str = "") -> str:
    """What a phone dials to be handed over to a queue. In a SIP address the level's colon and the agent's @ would mean
    something else."""
    return "q-" + "+".join((queue_name, priority, quote(wishes, safe="&"))).rstrip("+")


async def key_in(phone: Phone, code: str, number: str, pin: str) -> None:
    """A feature code: the voice asks, the keys answer, the voice confirms and hangs up."""
    call = await phone.place(code)
    try:
        await call.answered(ANSWERED_S)
        await call.hears_sound(PROMPT_S)
        await call.press(f"{number}#")
        await call.press(f"{pin}#")
        await call.ended(SPOKEN_S)
    finally:
        await call.hang_up()
