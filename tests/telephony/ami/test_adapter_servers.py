"""Several servers, servers that come and go with the configuration, and the end."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from msgspec import structs

from acd.model import CallId, ChannelId, OfferId, Phone, QueueId, ServerId
from acd.router import facts as f
from acd.router import inputs as i
from acd.telephony.ami.protocol import LinkLimits
from acd.telephony.ami.server import AsteriskServer
from acd.testing.ami_server import AmiServer, error
from tests.telephony.ami.adapter_harness import (
    CALM,
    PHONES,
    A,
    B,
    Scene,
    connected,
    leg,
    line,
    running,
    settings,
    status,
    waiting,
)
from tests.turns import until

# --- Several servers ------------------------------------------------------------------------------------------


PATIENT = structs.replace(CALM, action_s=60.0)
SOON_S = 8.0
"""Less than the daemon allows (acd/daemon/service.py)."""


class Two:
    """Two scripted servers under one adapter."""

    def __init__(self, first: AmiServer, second: AmiServer, scene: Scene) -> None:
        self.first, self.second, self.scene = first, second, scene


async def _two(stack: AsyncExitStack) -> Two:
    first, second = [await stack.enter_async_context(AmiServer()) for _ in range(2)]
    scene = await stack.enter_async_context(running(first, second))
    for name in (A, B):
        await scene.reported(i.ServerReported, server=name)
    return Two(first, second, scene)


def about_calls(ami: AmiServer) -> list[str]:
    return [action.name for action in ami.actions if action.get("Channel")]


async def test_facts_go_to_the_server_of_their_call_and_to_no_other() -> None:
    async with AsyncExitStack() as stack:
        two = await _two(stack)
        scene = two.scene
        scene.hands_over("c1", server=1)
        await scene.reported(i.CallArrived, line=line("c1", B))
        call = scene.queue_fact("c1", "b")
        offer = scene.offer_fact(call)
        scene.act(call, offer)
        await two.second.received("Originate")
        scene.says("AcdUp", offer.offer, server=1)
        await scene.reported(i.LegAnswered)
        scene.act(scene.accept_fact(offer))
        await two.second.received("Redirect")
        scene.act(scene.end_fact(offer), f.StrayLegFound(0, B, OfferId("acd0000000000-1")), scene.timed_out_fact(call))
        await two.second.received("Redirect")
        assert about_calls(two.first) == []
        assert scene.adapter._server_of == {}


async def test_calls_of_one_batch_reach_each_its_own_server() -> None:
    async with AsyncExitStack() as stack:
        two = await _two(stack)
        scene = two.scene
        scene.hands_over("c1")
        scene.hands_over("c1", server=1)
        await scene.reported(i.CallArrived, 2)
        first, second = scene.queue_fact("c1", "a"), scene.queue_fact("c1", "b")
        scene.act(first, second, scene.timed_out_fact(second), scene.lost_fact(first))
        await two.second.received("Redirect")
        await scene.heard()
        assert about_calls(two.first) == ["Setvar", "Getvar"]


async def test_facts_of_a_server_that_is_not_there_harm_nobody() -> None:
    async with connected() as scene:
        call = scene.queue_fact("c1", "elsewhere")
        offer = scene.offer_fact(call)
        scene.act(call, offer, scene.accept_fact(offer), scene.end_fact(offer), scene.lost_fact(call))
        await scene.heard()
        assert about_calls(scene.ami) == []
        assert scene.is_empty()


# --- A changed configuration ----------------------------------------------------------------------------------


async def test_server_that_did_not_change_keeps_its_link_and_watches_the_new_phones() -> None:
    async with connected() as scene:
        await scene.adapter.reconfigure([settings(scene.ami)], frozenset({Phone("1500")}))
        scene.event("Newchannel", "d1", Channel="PJSIP/1001-00000003", ChannelState="4")
        scene.event("Newchannel", "d2", Channel="PJSIP/1500-00000004", ChannelState="4")
        assert (await scene.reported(i.PhoneInUse)).phone == "1500"
        assert scene.ami.connections == 1
        assert not scene.all(i.LinkLost)


async def test_server_that_is_added_reports_and_one_that_is_removed_is_lost() -> None:
    async with AmiServer() as second, connected() as scene:
        await scene.adapter.reconfigure([settings(scene.ami), settings(second, "b")], PHONES)
        await scene.reported(i.ServerReported, server=B)
        await scene.adapter.reconfigure([settings(scene.ami)], PHONES)
        assert scene.all(i.LinkLost) == [i.LinkLost(B)]
        assert scene.ami.connections == 1
        await until(lambda: not second._writers)


async def test_server_whose_settings_changed_gets_a_new_link_and_forgets_nobody() -> None:
    async with connected() as scene:
        call = await scene.queued("c1")
        talking = await scene.talking("c2")
        talks = {**waiting("c2", exten="connect"), "BridgeID": "b1"}
        scene.ami.on("Status", status(waiting("c1"), talks, leg(talking.offer, "6", bridge="b1")))
        before = len(scene.inputs.seen)
        await scene.adapter.reconfigure([settings(scene.ami, dial="PJSIP/{phone}@desk")], PHONES)
        assert scene.inputs.seen[before] == i.LinkLost(A)
        (report,) = await scene.next_report(before)
        assert report.phones == (), "the leg of an offer is no direct call"
        assert len(scene.all(i.CallArrived)) == 2, "nobody is handed over again"
        await until(lambda: scene.books.callers[ChannelId("c1")].claimed)
        scene.offer(call)
        assert (await scene.ami.received("Originate")).get("Channel") == "PJSIP/1001"
        assert (await scene.ami.received("Originate")).get("Channel") == "PJSIP/1001@desk"
        scene.hangs_up(talking.offer)
        await scene.reported(i.LegEnded, offer=talking.offer)


async def test_fact_that_comes_while_a_server_changes_is_not_lost() -> None:
    async with connected() as scene:
        call, ringing = await scene.queued("c1"), await scene.ringing("c2")
        scene.ami.once("Hangup", None)  # so that the change takes its time
        scene.ami.on("Status", status(waiting("c1"), waiting("c2")))
        change = asyncio.gather(scene.adapter.reconfigure([settings(scene.ami, dial="PJSIP/{phone}@desk")], PHONES))
        sent = await scene.ami.received("Hangup")
        assert sent.get("Channel") == ringing.offer
        scene.act(scene.timed_out_fact(call), scene.end_fact(ringing, "lost"))
        scene.ami.answer(sent, {})
        await change
        await until(lambda: len(scene.all(i.CallArrived, line=line("c1"))) == 2)
        assert len(scene.all(i.CallArrived, line=line("c2"))) == 1


async def test_server_that_takes_the_place_of_one_that_answers_nothing_is_connected_soon() -> None:
    """Half-open, and actions may take a minute: nobody waits for the answers to the last hang-ups."""
    async with AmiServer() as second, connected(limits=PATIENT) as scene:
        await scene.ringing("c1")
        scene.ami.go_silent()
        await asyncio.wait_for(scene.adapter.reconfigure([settings(second)], PHONES), SOON_S)
        await second.received("Login")


async def test_server_is_connected_though_the_one_before_it_is_not_waited_for() -> None:
    async with AmiServer() as second, connected(limits=PATIENT) as scene:
        await scene.ringing("c1")
        scene.ami.go_silent()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await scene.adapter.reconfigure([settings(second)], PHONES)
        await second.received("Login")


async def test_servers_that_answer_nothing_stop_beside_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    stopping: list[ServerId] = []
    both = asyncio.Event()

    async def stop(server: AsteriskServer) -> None:
        stopping.append(server.id)
        if len(stopping) == 2:
            both.set()
        await both.wait()

    async with AmiServer() as second, connected() as scene:
        await scene.adapter.reconfigure([settings(scene.ami), settings(second, "b")], PHONES)
        await scene.reported(i.ServerReported, server=B)
        with monkeypatch.context() as patched:
            patched.setattr(AsteriskServer, "stop", stop)
            await asyncio.wait_for(scene.adapter.stop(), SOON_S)
        assert stopping == [A, B]


# --- The end --------------------------------------------------------------------------------------------------


async def test_stop_hangs_up_ringing_phones_and_reports_no_agent_as_having_done_it() -> None:
    async with connected() as scene:
        ringing, talking = await scene.ringing("c1"), await scene.talking("c2", "1002")
        answered = await scene.answered("c3")
        await scene.adapter.stop()
        hung_up = [action.get("Channel") for action in scene.ami.actions if action.name == "Hangup"]
        assert hung_up == [ringing.offer, answered.offer]
        assert talking.offer not in hung_up
        assert not scene.all(i.LegEnded)
        assert not scene.server().link.connected


async def test_stop_waits_for_a_leg_that_is_only_just_being_made() -> None:
    async with connected() as scene:
        call = await scene.queued("c1")
        scene.ami.once("Hangup", error("No such channel"))
        offer = scene.offer(call)
        stopping = asyncio.gather(scene.adapter.stop())
        await scene.ami.received("Hangup")
        begins = lambda: scene.event("Newchannel", offer.offer, Channel="PJSIP/1001-00000001", ChannelState="0")  # noqa: E731
        asyncio.get_running_loop().call_later(0.03, begins)
        assert (await scene.ami.received("Hangup")).get("Channel") == offer.offer
        await stopping


@pytest.mark.parametrize("fault", ["silent", "cut", "refused"])
async def test_stop_ends_in_bounded_time_whatever_the_server_does(fault: str) -> None:
    limits = LinkLimits(action_s=0.1, ping_every_s=30, close_s=0.05)
    async with connected(limits) as scene:
        await scene.ringing("c1")
        if fault == "silent":
            scene.ami.go_silent()
        elif fault == "cut":
            scene.ami.once("Hangup", lambda _: scene.ami.cut())
        else:
            scene.ami.on("Hangup", error("Permission denied"))
        async with asyncio.timeout(2):
            await scene.adapter.stop()
        assert scene.adapter.tasks == ()


async def test_phones_of_all_servers_stop_ringing_at_once_though_one_server_is_silent() -> None:
    async with AsyncExitStack() as stack:
        two = await _two(stack)
        scene = two.scene
        for number in range(2):
            scene.hands_over(f"c{number}", server=number)
            call = scene.queue_fact(f"c{number}", "ab"[number])
            await scene.reported(i.CallArrived, number + 1)
            scene.act(call, scene.offer_fact(call))
            await scene.servers[number].received("Originate")
        two.first.once("Hangup", None)
        stopping = asyncio.gather(scene.adapter.stop())
        unanswered = await two.first.received("Hangup")
        await two.second.received("Hangup", within_s=1)
        two.first.answer(unanswered, {})
        await stopping


async def test_facts_after_the_stop_are_acted_on_by_nobody() -> None:
    async with connected() as scene:
        call = await scene.queued("c1")
        await scene.adapter.stop()
        before = len(scene.inputs.seen)
        scene.offer(call)
        scene.act(scene.timed_out_fact(call), f.CallLost(0, CallId("x"), QueueId("q"), "left", 0))
        for _ in range(5):  # turns of the loop: a future that failed tells of it in the next one
            await asyncio.sleep(0)
        assert len(scene.inputs.seen) == before
        assert scene.ami.count("Originate") == 0


async def test_stopping_twice_or_without_a_start_is_harmless() -> None:
    async with connected() as scene:
        await scene.adapter.stop()
        await scene.adapter.stop()
    async with AmiServer() as ami:
        await Scene(ami).adapter.stop()
        assert ami.connections == 0


async def test_stop_while_no_server_can_be_reached_leaves_nothing() -> None:
    async with AmiServer() as ami, running(ami) as scene:
        await ami.stop_listening()
        ami.cut()
        await scene.adapter.stop()
        assert scene.adapter.tasks == ()
