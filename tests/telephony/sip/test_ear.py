"""The ear: questions about what arrives after they were asked."""

import asyncio
import time
from itertools import cycle, islice

import pytest

from acd.telephony.sip import at
from acd.telephony.sip.ear import KEPT_FRAMES, WINDOW_FRAMES, Ear, NotHeard
from acd.telephony.sip.tone import SILENT_FRAME, tone_frames


def speak(ear: Ear, hz: int | None, frames: int = WINDOW_FRAMES) -> None:
    sounds = [SILENT_FRAME] if hz is None else tone_frames(hz)
    for frame in islice(cycle(sounds), frames):
        ear.take(frame, time.monotonic_ns())


async def test_tone_before_the_question_does_not_count() -> None:
    ear = Ear()
    speak(ear, 440)
    with pytest.raises(NotHeard, match="440 Hz was not heard"):
        await ear.hears(440, within_s=0.01)


async def test_tone_after_the_question_counts() -> None:
    ear = Ear()
    speak(ear, 1000, frames=KEPT_FRAMES)
    question = asyncio.gather(ear.hears(440, within_s=1))
    await asyncio.sleep(0)
    speak(ear, 440)
    await question


@pytest.mark.parametrize("after", [None, 440])
async def test_tone_is_heard_no_more_once_a_window_is_without_it(after: int | None) -> None:
    ear = Ear()
    question = asyncio.gather(ear.hears_no_more(3300, within_s=1))
    await asyncio.sleep(0)
    speak(ear, 3300, frames=2 * WINDOW_FRAMES)
    await asyncio.sleep(0)
    assert not question.done()
    speak(ear, after)
    await question


@pytest.mark.parametrize("frames", [0, 2 * WINDOW_FRAMES])
async def test_tone_that_goes_on_and_a_line_without_packets_are_not_the_end_of_it(frames: int) -> None:
    ear = Ear()
    question = asyncio.gather(ear.hears_no_more(3300, within_s=0.02), return_exceptions=True)
    await asyncio.sleep(0)
    speak(ear, 3300, frames)
    answer = (await question)[0]
    assert isinstance(answer, NotHeard)
    assert "anything but 3300 Hz was not heard" in str(answer)


async def test_refusal_carries_the_measurement() -> None:
    ear = Ear(where=lambda: "at the agent; ")
    speak(ear, 700)
    with pytest.raises(NotHeard, match=r"at the agent; heard: 200 ms at -15 dBFS, strongest: 700 Hz") as refusal:
        await ear.hears(440, within_s=0)
    assert refusal.value.measurement.partials[0].hz == 700


async def test_silent_packets_are_no_sound() -> None:
    ear = Ear()
    question = asyncio.gather(ear.hears_sound(within_s=0.02), return_exceptions=True)
    await asyncio.sleep(0)
    speak(ear, None, frames=50)
    assert isinstance((await question)[0], NotHeard)


async def test_no_packets_are_silence() -> None:
    await Ear().hears_silence(for_s=0.02, within_s=0.05)


async def test_silence_counts_from_the_last_sound() -> None:
    ear = Ear()
    begin = time.monotonic_ns()
    question = asyncio.gather(ear.hears_silence(for_s=0.05, within_s=1))
    await at(begin + 30_000_000)
    speak(ear, 440, frames=1)
    await question
    assert time.monotonic_ns() - begin >= 80_000_000


async def test_endless_sound_is_never_silence() -> None:
    ear = Ear()
    question = asyncio.gather(ear.hears_silence(for_s=0.2, within_s=0.3), return_exceptions=True)
    begin = time.monotonic()
    while time.monotonic() - begin < 0.35:
        speak(ear, 440, frames=1)
        await asyncio.sleep(0)
    assert isinstance((await question)[0], NotHeard)
