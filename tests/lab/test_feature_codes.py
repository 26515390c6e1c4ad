"""The feature codes, dialled by hand: what reaches the engine, what does not, and what is heard."""

from collections import Counter

import pytest

from tests.lab.ami import Ami
from tests.lab.hand_over import beat
from tests.lab.phones import calling
from tests.lab.server import Server

pytestmark = pytest.mark.e2e


async def press(ami: Ami, call: str, keys: str) -> None:
    for key in keys:
        answer = await ami.ask("PlayDTMF", Channel=call, Digit=key, Duration="50", Receive="true")
        assert answer["Response"] == "Success", answer


async def dial(ami: Ami, agent: str, pin: str) -> str:
    """Types number and PIN at their prompts; an empty number means that the code itself has it."""
    call = ""
    for prompt, keys in (("agent-user", agent), ("agent-pass", pin)):
        if keys:
            asked = await ami.first(lambda m, p=prompt: p in m.get("AppData", ""))  # type: ignore[misc]
            call = asked["Uniqueid"]
            await press(ami, call, f"{keys}#")
    return call


@pytest.mark.parametrize(
    ("number", "name", "reason", "disposition"),
    [
        ("*40", "login", "", ""),
        ("*41", "logout", "", ""),
        ("*42", "ready", "", ""),
        ("*437", "pause", "7", ""),
        ("*4312", "pause", "12", ""),
        ("*44", "end-wrap-up", "", ""),
        ("*45", "extend-wrap-up", "", ""),
        ("*463", "disposition", "", "3"),
        ("*4612", "disposition", "", "12"),
        ("*401001", "login", "", ""),
    ],
)
async def test_code_asks_and_tells_the_engine(
    ami: Ami, server: Server, number: str, name: str, reason: str, disposition: str
) -> None:
    await beat(ami)
    async with calling(server.address, number) as phone:
        call = await dial(ami, "" if number == "*401001" else "1001", "4711")
        asked = await ami.said("AcdRequest")
        assert (asked["Request"], asked["Agent"], asked["Phone"]) == (name, "1001", "sipp")
        assert (asked["Reason"], asked["Disposition"]) == (reason, disposition)
        told = {key: value for key, value in asked.items() if key not in {"Uniqueid", "Linkedid"}}  # of the clock
        assert "4711" not in str(told)
        assert await ami.get("ACD_PIN", call) == "4711"
        await ami.set("ACD_SAY", "agent-loginok", call)
        await ami.redirect(call, "acd-code", "said")
        await ami.event("Newexten", Application="Playback", AppData="agent-loginok")
        await phone.end()


async def test_keys_of_a_pin_never_reach_the_engines_account(ami: Ami, server: Server) -> None:
    await beat(ami)
    async with Ami.connect(server.address, "acd") as engine, calling(server.address, "*42") as phone:
        call = await dial(ami, "1001", "4711")
        await ami.said("AcdRequest")
        await ami.redirect(call, "acd-code", "nothing")
        await phone.end()
        assert "DTMFEnd" in {m.get("Event") for m in await ami.drain()}
        seen = Counter(m["Event"] for m in await engine.drain())
        assert seen == {"FullyBooted": 1, "Newchannel": 1, "Newstate": 1, "UserEvent": 1, "Hangup": 1}


async def test_code_says_unavailable_when_no_engine_runs(ami: Ami, server: Server) -> None:
    async with calling(server.address, "*40") as phone:
        await ami.event("Newexten", Application="Playback", AppData="all-circuits-busy-now")
        await phone.end()
        assert not [m for m in await ami.drain() if m.get("UserEvent") == "AcdRequest"]


async def test_code_says_unavailable_when_the_engine_does_not_answer(ami: Ami, server: Server) -> None:
    await beat(ami)
    async with calling(server.address, "*41") as phone:
        call = await dial(ami, "1001", "4711")
        await ami.said("AcdRequest")
        await ami.event("Newexten", within=8, Application="Playback", AppData="all-circuits-busy-now")
        assert await ami.get("ACD_PIN", call) == ""
        await phone.end()
