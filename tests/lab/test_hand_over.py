"""acd.conf, played by hand against a real Asterisk: what becomes of a call with and without an engine."""

import asyncio
import time
from urllib.parse import quote

import pytest

from acd.telephony.wishes import wishes_of, words_of
from tests.lab.ami import PATIENCE_S, Ami
from tests.lab.hand_over import OFFER, beat, claim, claimed_call, connect, now_ms, ring, talked
from tests.lab.phones import answering, calling
from tests.lab.server import Server

pytestmark = pytest.mark.e2e


async def test_caller_is_back_at_once_without_an_engine(ami: Ami, server: Server) -> None:
    async with calling(server.address, "q-sales"):
        started = (await ami.event("Newchannel"), time.monotonic())[1]
        back = await ami.said("LabFallback")
        assert time.monotonic() - started < 0.5
        assert (back["Result"], back["Reason"]) == ("no-engine", "stale-heartbeat")
        assert back["ChannelStateDesc"] == "Ring", "nothing was answered"


async def test_caller_is_back_at_once_when_the_heartbeat_is_old(ami: Ami, server: Server) -> None:
    await ami.set("ACD_ALIVE", str(int(await ami.get("EPOCH")) - 12))
    async with calling(server.address, "q-sales"):
        assert (await ami.said("LabFallback"))["Result"] == "no-engine"


async def test_caller_is_back_at_once_when_the_clock_was_set_back(ami: Ami, server: Server) -> None:
    """A heartbeat of the future is none: a dead engine would take callers until the clock is there again."""
    await ami.set("ACD_ALIVE", str(int(await ami.get("EPOCH")) + 3_600))
    async with calling(server.address, "q-sales"):
        back = await ami.said("LabFallback")
        assert (back["Result"], back["Reason"]) == ("no-engine", "stale-heartbeat")


async def test_caller_whom_nobody_claims_is_back_after_two_seconds(ami: Ami, server: Server) -> None:
    await beat(ami)
    async with calling(server.address, "q-sales"):
        call = await ami.said("AcdCall")
        asked = time.monotonic()
        assert call["ChannelStateDesc"] == "Ring", "the event goes out before the call is answered"
        assert await ami.said("AcdLeft", Result="unclaimed", Reason="nobody-claimed")
        assert 1.9 < time.monotonic() - asked < 2.5
        assert not await claim(ami, call["Uniqueid"]), "a claim that comes late is told so"
        assert (await ami.said("LabFallback"))["Result"] == "unclaimed"


async def test_event_says_queue_priority_and_skills(ami: Ami, server: Server) -> None:
    await beat(ami)
    async with calling(server.address, "q-sales+-5+german&billing", name="Ann"):
        call = await ami.said("AcdCall")
        assert (call["Queue"], call["CallPriority"], call["Skills"]) == ("sales", "-5", "german&billing")
        assert (call["CallerIDName"], call["Channel"][:11]) == ("Ann", "PJSIP/sipp-")
        await ami.event("MusicOnHoldStart")
        await ami.ask("Status", Channel=call["Uniqueid"], Variables="ACD_QUEUE,ACD_PRIORITY,ACD_SKILLS,ACD_SINCE")
        known = dict(line.split("=") for line in (await ami.event("Status"))["Variable"].splitlines())
        since = int(known.pop("ACD_SINCE"))
        assert known == {"ACD_QUEUE": "sales", "ACD_PRIORITY": "-5", "ACD_SKILLS": "german&billing"}
        assert abs(since - int(await ami.get("EPOCH"))) <= 1


@pytest.mark.parametrize(
    "wishes",
    ["german:3&~french&@ana", "~french:20", "@ana.b-c_d", "x&y&z:100", "&".join("abcdefghijklmnopqrstuvwxyz012345")],
)
async def test_what_a_call_asks_for_passes_unchanged(ami: Ami, server: Server, wishes: str) -> None:
    """Required with a level, wished for, an agent by name: acd/telephony/wishes.py reads it."""
    await beat(ami)
    async with calling(server.address, f"q-sales++{quote(wishes, safe='&')}"):
        call = await ami.said("AcdCall")
        assert (call["Queue"], call["CallPriority"], call["Skills"]) == ("sales", "", wishes)
        await ami.event("MusicOnHoldStart")
        assert await ami.get("ACD_SKILLS", call["Uniqueid"]) == wishes
        assert wishes_of(words_of(wishes)).readable


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("q-s%20x", "bad-queue"),
        ("q-caf%c3%a9", "bad-queue"),
        ("q-x%0d%0aQueue%3a%20sales", "bad-queue"),
        ("q-+5", "bad-queue"),
        ("q-sales+soon", "bad-priority"),
        ("q-sales+1+a%22b", "bad-skills"),
        ("q-sales+1+a%0d%0ab", "bad-skills"),
        ("q-sales+1+german%7cbilling", "bad-skills"),
        ("q-sales+1+german%3a", "bad-skills"),
        ("q-sales+1+german%3a1000", "bad-skills"),
        ("q-sales+1+german&&billing", "bad-skills"),
        ("q-sales+1+%7e", "bad-skills"),
        ("q-sales+1+%40&german", "bad-skills"),
        ("q-sales+1+german%2cfrench", "bad-skills"),
        ("q-sales+1+german%2c", "bad-skills"),
    ],
)
async def test_strange_names_are_refused_before_they_reach_an_event(
    ami: Ami, server: Server, number: str, reason: str
) -> None:
    await beat(ami)
    async with calling(server.address, number):
        back = await ami.said("LabFallback")
        assert (back["Result"], back["Reason"]) == ("refused", reason)
        assert not [m for m in await ami.drain() if m.get("UserEvent") == "AcdCall"]


async def test_claimed_caller_speaks_with_the_agent(ami: Ami, server: Server) -> None:
    await beat(ami)
    async with calling(server.address, "q-sales") as caller, answering() as agent:
        call = (await ami.said("AcdCall"))["Uniqueid"]
        assert await claim(ami, call)
        await ring(ami, agent)
        assert (await connect(ami, call))["BridgeType"] == "basic"
        await talked(ami, call)
        await ami.ask("Hangup", Channel=OFFER)
        assert (await ami.said("AcdLeft"))["Result"] == "served"
        await agent.end()
        await caller.end()


async def test_agent_is_released_when_the_caller_ends(ami: Ami, server: Server) -> None:
    async with answering() as agent, claimed_call(ami, server) as call:
        await ring(ami, agent)
        await connect(ami, call)
        await ami.ask("Hangup", Channel=call)
        await ami.event("Hangup", Uniqueid=OFFER)
        await agent.end()


async def test_agent_whom_no_caller_reaches_is_released_after_five_seconds(ami: Ami, server: Server) -> None:
    async with answering() as agent:
        await ring(ami, agent)
        up = time.monotonic()
        await ami.event("Hangup", within=8, Uniqueid=OFFER)
        assert 4.5 < time.monotonic() - up < 6
        await agent.end()


async def test_caller_keeps_waiting_when_the_agent_is_gone_before_the_bridge(ami: Ami, server: Server) -> None:
    async with claimed_call(ami, server) as call:
        await ami.event("MusicOnHoldStart")
        await ami.set("ACD_PASSED", "20000/300/1", call)
        await ami.set("ACD_QUEUE", "support", call)
        await ami.set("ACD_PEER", "nobody", call)
        await ami.redirect(call, "acd", "connect")
        await ami.event("VarSet", Variable="BRIDGERESULT", Value="NONEXISTENT")
        back = await ami.said("AcdBack", Uniqueid=call)
        assert (back["Queue"], back["Passed"]) == ("support", "20000/300/1")
        await ami.event("MusicOnHoldStart")
        assert (await ami.get("EXTEN", call), await ami.get("ACD_LEFT", call)) == ("wait", "")


async def test_caller_is_back_with_everything_when_the_agent_hangs_up_at_once(ami: Ami, server: Server) -> None:
    """Nobody has spoken: the caller is not sent away as served."""
    async with answering() as agent, claimed_call(ami, server, "q-sales+-5+german&billing") as call:
        await ring(ami, agent)
        await connect(ami, call)
        await ami.ask("Hangup", Channel=OFFER)
        back = await ami.said("AcdBack", Uniqueid=call)
        assert (back["Queue"], back["CallPriority"], back["Skills"]) == ("sales", "-5", "german&billing")
        assert 0 < int(back["Waited"]) <= PATIENCE_S * 1_000
        await ami.event("MusicOnHoldStart", Uniqueid=call)
        assert (await ami.get("EXTEN", call), await ami.get("ACD_LEFT", call)) == ("wait", "")
        await agent.end()


async def test_caller_whom_phones_drop_again_and_again_is_back_once_in_two_seconds(ami: Ami, server: Server) -> None:
    """A phone that answers and falls by itself is not rung without end; the caller hears music all the time."""
    async with claimed_call(ami, server) as call:
        moments = []
        for _ in range(3):
            async with answering() as agent:
                await ring(ami, agent)
                await connect(ami, call)
                fell_ms = await now_ms(ami)
                await ami.ask("Hangup", Channel=OFFER)
                await ami.said("AcdBack", Uniqueid=call)
                moments.append(await now_ms(ami) - fell_ms)
                await agent.end()
        assert moments[0] < 1_000, moments
        assert all(1_900 < later < 3_000 for later in moments[1:]), moments


async def test_agent_finds_the_caller_while_it_is_not_yet_back(ami: Ami, server: Server) -> None:
    """The core may have kept the call, and offer it at once: the pause of who is dropped again holds up nobody."""
    async with answering() as agent, claimed_call(ami, server) as call:
        for _ in range(2):
            await ami.set("ACD_PEER", "nobody", call)
            await ami.redirect(call, "acd", "connect")
            await ami.event("VarSet", Variable="BRIDGERESULT", Value="NONEXISTENT")
        await ring(ami, agent)
        await connect(ami, call)
        assert await ami.get("ACD_BACK", call) == "2"
        await talked(ami, call)
        await ami.ask("Hangup", Channel=OFFER)
        assert (await ami.said("AcdLeft"))["Result"] == "served"


async def test_conversation_with_a_pause_counts_from_its_beginning(ami: Ami, server: Server) -> None:
    """Who hangs up right after a hold has spoken all the same."""
    async with answering() as agent, claimed_call(ami, server) as call:
        await ring(ami, agent)
        await connect(ami, call)
        await talked(ami, call)
        ami.kept.clear()
        await ami.ask(
            "Redirect", Channel=call, Context="acd", Exten="hold", Priority="1",
            ExtraChannel=OFFER, ExtraContext="acd-agent", ExtraExten="idle", ExtraPriority="1",
        )  # fmt: skip
        await ami.event("MusicOnHoldStart", Uniqueid=call)
        await ami.event("BridgeEnter", Uniqueid=OFFER, BridgeTechnology="holding_bridge")
        await connect(ami, call)
        await ami.ask("Hangup", Channel=OFFER)
        assert (await ami.said("AcdLeft"))["Result"] == "served"


async def test_claimed_caller_stays_past_the_two_seconds(ami: Ami, server: Server) -> None:
    async with claimed_call(ami, server) as call:
        await ami.said("AcdStay", Uniqueid=call)
        assert await ami.get("ACD_LEFT", call) == ""


@pytest.mark.parametrize("place", ["wait", "hold"])
@pytest.mark.parametrize("ahead_s", [0, 3_600], ids=["", "clock-set-back"])
async def test_caller_of_a_dead_engine_is_given_back(ami: Ami, server: Server, place: str, ahead_s: int) -> None:
    """Kept by nobody: so many seconds after the last heartbeat, in `hold` as in `wait`. One that lies in the future
    counts from when it is looked at."""
    await ami.set("ACD_LOST_AFTER", "3")
    async with claimed_call(ami, server) as call:
        last = time.monotonic()
        if ahead_s:
            await ami.set("ACD_ALIVE", str(int(await ami.get("EPOCH")) + ahead_s))
        await ami.redirect(call, "acd", place)
        left = await ami.said("AcdLeft", within=8)
        assert (left["Result"], left["Reason"]) == ("lost", "engine-silent")
        # Whole seconds count: it is up to one less when the heartbeat came late in its second.
        assert 1.9 < time.monotonic() - last < 3.5
        assert (await ami.said("LabFallback"))["Result"] == "lost"
        assert not await claim(ami, call), "an engine that comes back late is told so"


async def test_caller_of_an_engine_that_never_said_otherwise_is_given_back_after_a_minute(
    ami: Ami, server: Server
) -> None:
    """Only the rest of it is waited for: the heartbeat is set back by 57 seconds."""
    await ami.set("ACD_LOST_AFTER", "")
    async with claimed_call(ami, server) as call:
        await ami.set("ACD_ALIVE", str(int(await ami.get("EPOCH")) - 57))
        begin = time.monotonic()
        await ami.redirect(call, "acd", "wait")
        left = await ami.said("AcdLeft", within=8)
        assert (left["Result"], left["Reason"]) == ("lost", "engine-silent")
        assert 1.9 < time.monotonic() - begin < 3.5


async def test_music_goes_on_as_long_as_the_engine_lives(ami: Ami, server: Server) -> None:
    """Whenever the music's time is over the heartbeat is looked at; a fresh one lets it go on."""
    await ami.set("ACD_LOST_AFTER", "4")
    async with claimed_call(ami, server) as call:
        await ami.said("AcdStay", Uniqueid=call)
        ami.kept.clear()
        await ami.event("MusicOnHoldStart", Uniqueid=call)
        for _ in range(2):
            await beat(ami)
            await ami.event("MusicOnHoldStop", Uniqueid=call)
            await ami.event("MusicOnHoldStart", Uniqueid=call)
        assert await ami.get("ACD_LEFT", call) == ""


async def test_engine_that_returns_in_the_last_moment_is_told_the_truth(ami: Ami, server: Server) -> None:
    """First the caller says "leaving", then looks once more; the engine beats, then looks: "ours" never leaves."""
    for _ in range(12):
        async with claimed_call(ami, server) as call:
            await ami.set("ACD_ALIVE", "0")
            await ami.drain()
            await ami.redirect(call, "acd", "wait")
            await beat(ami)
            ours = await ami.get("ACD_LEFT", call) == ""
            end = await ami.first(lambda m: m.get("UserEvent") == "AcdLeft" or m.get("Event") == "MusicOnHoldStart")
            assert not (ours and end["Event"] == "UserEvent")
            await ami.ask("Hangup", Channel=call)
            await ami.event("Hangup", Uniqueid=call)


async def test_hand_over_two_subroutines_deep_returns_to_its_place(ami: Ami, server: Server) -> None:
    """Local variables of the operator's subroutines are as they were, after several redirects and a bridge."""
    async with answering() as agent, claimed_call(ami, server, "n-sales") as call:
        await ami.said("AcdStay", Uniqueid=call)
        await ami.redirect(call, "acd", "hold")
        await ring(ami, agent)
        await connect(ami, call)
        await talked(ami, call)
        await ami.ask("Hangup", Channel=OFFER)
        nested = await ami.said("LabNested")
        assert nested["Returned"] == "shop/queue/hidden/served"
        assert (nested["Outer"], nested["Inner"], nested["Result"]) == ("", "", "served")


async def test_engine_gives_a_call_back_with_its_own_reason(ami: Ami, server: Server) -> None:
    async with claimed_call(ami, server) as call:
        await ami.set("ACD_RESULT", "refused", call)
        await ami.set("ACD_REASON", "queue-full", call)
        await ami.redirect(call, "acd", "leave")
        back = await ami.said("LabFallback")
        assert (back["Result"], back["Reason"]) == ("refused", "queue-full")


async def test_claims_around_the_two_seconds_are_never_half(ami: Ami, server: Server) -> None:
    """A claim that is told "ours" keeps the call, one that is told "gone" has lost it: swept over the border, and on
    either side of it by so much that no busy machine moves it over."""
    kept = []
    for shift_ms in (-500, -6, -3, -1, 1, 3, 500):
        await beat(ami)
        async with calling(server.address, "q-sales"):
            call = (await ami.said("AcdCall"))["Uniqueid"]
            await ami.event("MusicOnHoldStart", Uniqueid=call)
            await _pass(2.0 + shift_ms / 1000)
            ours = await claim(ami, call)
            said = await ami.first(lambda m: m.get("UserEvent") in {"AcdStay", "AcdLeft"})
            stayed = said["UserEvent"] == "AcdStay"
            assert not (ours and not stayed), "told ours, yet it left"
            kept.append(stayed)
            await ami.ask("Hangup", Channel=call)
            await ami.event("Hangup", Uniqueid=call)
    assert kept[0], "half a second before the border every claim is in time"
    assert not kept[-1], "half a second after it every claim is too late"


async def _pass(seconds: float) -> None:
    """The moment is the thing under test here: nothing is waited for."""
    end = time.monotonic() + seconds
    while (rest := end - time.monotonic()) > 0:
        await asyncio.wait({asyncio.get_running_loop().create_future()}, timeout=rest)
