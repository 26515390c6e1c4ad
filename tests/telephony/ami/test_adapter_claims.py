"""Callers: taken over safely, moved only when they are ours, given back, and known from other hand-overs."""

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from acd.core import NotTaken
from acd.model import ChannelId, OfferId, QueueId, Skill
from acd.router import facts as f
from acd.router import inputs as i
from acd.telephony.ami.books import Caller
from acd.telephony.ami.protocol import LinkLimits
from acd.testing.ami_server import error, event
from tests.telephony.ami.adapter_harness import Scene, connected, line, status, waiting
from tests.telephony.ami.link_harness import record_writes
from tests.turns import until

LINE = line("c1")


def names(scene: Scene) -> list[str]:
    """The actions that came, without those of the connection itself."""
    return [action.name for action in scene.ami.actions if action.get("Channel")]


async def test_claim_sends_setvar_before_getvar_in_one_write() -> None:
    async with connected() as scene:
        await scene.arrived("c1")
        writes = record_writes(scene.server().link)
        scene.act(scene.queue_fact("c1"))
        claim, look = await scene.ami.received("Setvar"), await scene.ami.received("Getvar")
        while not claim.get("Channel"):
            claim = await scene.ami.received("Setvar")
        while not look.get("Channel"):
            look = await scene.ami.received("Getvar")
        assert (claim.get("Channel"), claim.get("Variable"), claim.get("Value")) == ("c1", "ACD_CLAIM", "1")
        assert (look.get("Channel"), look.get("Variable")) == ("c1", "ACD_LEFT")
        assert names(scene) == ["Setvar", "Getvar"]
        assert len(writes) == 1


async def test_arrival_carries_all_that_the_dialplan_gave() -> None:
    async with connected() as scene:
        given = {"Queue": "billing", "CallPriority": "5", "Skills": "german&vip", "CallerIDName": "Ada"}
        arrived = await scene.arrived("c1", **given)
        assert (arrived.queue, arrived.priority) == ("billing", 5)
        assert arrived.required == (Skill("german"), Skill("vip"))
        assert (arrived.caller.number, arrived.caller.name, arrived.waited_ms) == ("555", "Ada", 0)


async def test_caller_is_moved_only_after_the_claim_is_confirmed() -> None:
    async with connected() as scene:
        await scene.arrived("c1")
        scene.ami.once("Getvar", None)
        call = scene.queue_fact("c1")
        scene.act(call, scene.timed_out_fact(call))
        await until(lambda: "Getvar" in names(scene))
        await scene.heard()
        assert "Redirect" not in names(scene)
        look = next(action for action in scene.ami.actions if action.get("Variable") == "ACD_LEFT")
        scene.ami.answer(look, {"Value": ""})
        moved = await scene.ami.received("Redirect")
        assert (moved.get("Channel"), moved.get("Context"), moved.get("Exten")) == ("c1", "acd", "leave")


async def test_caller_who_was_just_leaving_is_moved_only_after_it_said_that_it_stays() -> None:
    async with connected() as scene:
        await scene.arrived("c1")
        scene.ami.once("Getvar", {"Value": "1"})
        call = scene.queue_fact("c1")
        scene.act(call, scene.timed_out_fact(call))
        await until(lambda: "Getvar" in names(scene))
        await scene.heard()
        assert "Redirect" not in names(scene)
        scene.says("AcdStay", "c1")
        assert (await scene.ami.received("Redirect")).get("Exten") == "leave"


async def test_caller_who_left_before_the_claim_is_reported_and_never_moved() -> None:
    async with connected() as scene:
        await scene.arrived("c1")
        scene.ami.once("Getvar", {"Value": "1"})
        call = scene.queue_fact("c1")
        offer = scene.offer_fact(call)
        scene.act(call, offer)
        scene.says("AcdUp", offer.offer)
        await scene.reported(i.LegAnswered)
        scene.accept(offer)
        scene.says("AcdLeft", "c1", Result="unclaimed")
        assert await scene.reported(i.CallerLeft) == i.CallerLeft(LINE, hung_up=False)
        scene.act(scene.end_fact(offer, "caller-gone"), scene.lost_fact(call))
        scene.event("Hangup", offer.offer, Cause="16")
        await scene.heard()
        assert "Redirect" not in names(scene)
        assert scene.is_empty()


async def test_claim_on_a_channel_that_is_gone_moves_nobody() -> None:
    async with connected() as scene:
        await scene.arrived("c1")
        scene.ami.once("Setvar", error("No such channel"))
        scene.ami.once("Getvar", error("No such channel"))
        with capture_logs() as logs:
            call = scene.queue_fact("c1")
            scene.act(call, scene.timed_out_fact(call))
            await until(lambda: "Getvar" in names(scene))
            await scene.heard()
        assert logs == [], "an ordinary race is no news"
        assert "Redirect" not in names(scene)
        scene.hangs_up("c1")
        await scene.reported(i.CallerLeft)
        assert scene.is_empty()


async def test_refusal_for_want_of_rights_is_logged_with_asterisks_words() -> None:
    async with connected() as scene:
        await scene.arrived("c1")
        scene.ami.once("Setvar", error("Permission denied"))
        with capture_logs() as logs:
            scene.act(scene.queue_fact("c1"))
            await until(lambda: logs)
        assert (logs[0]["action"], logs[0]["message"]) == ("Setvar", "Permission denied")


async def test_claim_that_nobody_answers_is_made_again_over_a_new_link() -> None:
    """Otherwise the caller would hear music for ever and could never be moved."""
    async with connected(LinkLimits(action_s=0.05, ping_every_s=30, retry_first_s=0.005)) as scene:
        await scene.arrived("c1")
        scene.ami.once("Getvar", None)
        scene.ami.on("Status", status(waiting("c1")))
        scene.act(scene.queue_fact("c1"))
        await scene.reported(i.LinkLost)
        await until(lambda: scene.books.callers[ChannelId("c1")].claimed)
        assert len(scene.all(i.CallArrived)) == 1


async def test_caller_who_left_before_the_engine_took_the_call_is_not_claimed_and_not_kept() -> None:
    async with connected() as scene:
        await scene.arrived("c1")
        scene.hangs_up("c1")
        await scene.reported(i.CallerLeft, hung_up=True)
        call = scene.queue_fact("c1")
        scene.act(call, scene.abandoned_fact(call))
        await scene.heard()
        assert names(scene) == []
        assert scene.is_empty()


async def test_caller_who_left_before_the_refusal_is_left_alone() -> None:
    async with connected() as scene:
        await scene.arrived("c1")
        scene.says("AcdLeft", "c1", Result="unclaimed")
        await scene.reported(i.CallerLeft)
        scene.act(f.CallRefused(0, LINE, QueueId("sales"), "queue-full"))
        await scene.heard()
        assert names(scene) == []


async def test_caller_is_reported_gone_once_whatever_comes_after() -> None:
    async with connected() as scene:
        await scene.queued("c1")
        scene.event("HangupRequest", "c1")
        scene.event("HangupRequest", "c1")
        scene.event("Hangup", "c1", Cause="16")
        scene.says("AcdLeft", "c1", Result="unclaimed")
        await scene.heard()
        assert scene.all(i.CallerLeft) == [i.CallerLeft(LINE, hung_up=True)]


async def test_refused_caller_is_claimed_and_given_back_with_the_reason() -> None:
    async with connected() as scene:
        await scene.arrived("c1", Queue="nowhere")
        scene.act(f.CallRefused(0, LINE, QueueId("nowhere"), "unknown-queue"))
        await scene.ami.received("Redirect")
        moved = [a for a in scene.ami.actions if a.get("Channel") and a.name != "Getvar"]
        said = [(a.get("Variable") or a.name, a.get("Value") or a.get("Exten")) for a in moved]
        assert said == [
            ("ACD_CLAIM", "1"), ("ACD_RESULT", "refused"), ("ACD_REASON", "unknown-queue"), ("Redirect", "leave"),
        ]  # fmt: skip
        scene.says("AcdLeft", "c1", Result="refused")
        await scene.reported(i.CallerLeft, hung_up=False)
        assert scene.is_empty()


@pytest.mark.parametrize(("result", "reason"), [("timeout", ""), ("refused", "queue-closed")])
async def test_caller_is_given_back_with_result_and_reason(result: str, reason: str) -> None:
    async with connected() as scene:
        call = await scene.queued("c1")
        closed = f.CallReturned(0, call.call, call.line, call.queue, "queue-closed", 1)
        scene.act(scene.timed_out_fact(call) if result == "timeout" else closed)
        await scene.ami.received("Redirect")
        said = {a.get("Variable"): a.get("Value") for a in scene.ami.actions if a.name == "Setvar"}
        assert (said["ACD_RESULT"], said["ACD_REASON"]) == (result, reason)
        scene.says("AcdLeft", "c1", Result=result)
        assert await scene.reported(i.CallerLeft) == i.CallerLeft(LINE, hung_up=False)
        await scene.heard()
        assert scene.is_empty()


async def test_caller_whose_return_was_lost_with_the_link_is_handed_over_again() -> None:
    async with connected() as scene:
        call = await scene.queued("c1")
        await scene.cut()
        scene.act(scene.timed_out_fact(call))
        await scene.restored(waiting("c1"))
        assert len(scene.all(i.CallArrived, line=LINE)) == 2


async def test_caller_of_a_server_that_was_given_up_is_handed_over_again_when_it_is_back() -> None:
    async with connected() as scene:
        call = await scene.queued("c1")
        await scene.cut()
        scene.act(scene.lost_fact(call))
        await scene.restored(waiting("c1"))
        assert len(scene.all(i.CallArrived, line=LINE)) == 2


async def test_caller_of_a_conversation_that_is_over_is_taken_anew_where_the_report_shows_him_waiting() -> None:
    async with connected() as scene:
        offer = await scene.talking("c1")
        await scene.cut()
        await scene.restored(waiting("c1"))
        again = scene.queue_fact("c1")
        scene.act(scene.ended_fact(offer), again)
        await until(lambda: scene.books.callers[ChannelId("c1")].claimed)
        scene.act(scene.timed_out_fact(again))
        assert (await scene.ami.received("Redirect")).get("Exten") == "connect"
        assert (await scene.ami.received("Redirect")).get("Exten") == "leave"


async def test_caller_whose_conversation_was_given_up_with_the_server_is_handed_over_when_it_is_back() -> None:
    async with connected() as scene:
        offer = await scene.talking("c1")
        await scene.cut()
        scene.act(scene.ended_fact(offer))
        await scene.restored(waiting("c1"))
        assert len(scene.all(i.CallArrived, line=LINE)) == 2


async def test_what_was_said_while_the_link_was_down_is_not_done_to_the_call_that_follows() -> None:
    async with connected() as scene:
        call = await scene.queued("c1")
        await scene.cut()
        scene.act(scene.timed_out_fact(call))
        await scene.restored(waiting("c1"))
        again = scene.queue_fact("c1")
        scene.act(again)
        await until(lambda: scene.books.callers[ChannelId("c1")].claimed)
        await scene.heard()
        assert "Redirect" not in names(scene)
        scene.act(scene.timed_out_fact(again))
        await scene.ami.received("Redirect")


async def test_caller_who_was_sent_back_is_not_moved_again_before_it_is_known_where_he_stands() -> None:
    """Handed over twice by a report, refused twice: the second order would pull him out of the fallback."""
    async with connected() as scene:
        await scene.arrived("c1")
        refused = f.CallRefused(0, LINE, QueueId("nowhere"), "unknown-queue")
        scene.act(refused)
        await scene.ami.received("Redirect")
        scene.act(refused, scene.queue_fact("c1"))
        await scene.heard()
        assert scene.ami.count("Redirect") == 1
        scene.says("AcdLeft", "c1", Result="refused")
        await scene.reported(i.CallerLeft)
        assert not scene.books.callers


async def test_caller_whom_the_engine_did_not_take_for_want_of_room_is_handed_over_again() -> None:
    async with connected() as scene:
        scene.refuse = NotTaken
        scene.hands_over("c1")
        await until(lambda: not scene.server().link.connected)
        scene.ami.once("Status", status(waiting("c1")))
        scene.refuse = None
        await scene.reported(i.CallArrived, line=LINE)
        scene.act(scene.queue_fact("c1"))
        await until(lambda: scene.books.callers[ChannelId("c1")].claimed)


# --- Back from a bridge that was none -------------------------------------------------------------------------


async def test_caller_back_from_a_bridge_that_was_not_made_keeps_everything() -> None:
    """The agent hung up in that millisecond. The core knows the call and ignores the word of it."""
    async with connected() as scene:
        offer = await scene.answered("c1")
        scene.accept(offer)
        scene.hangs_up(offer.offer)
        await scene.reported(i.LegEnded)
        scene.act(scene.end_fact(offer, "agent-left"))
        before = len(scene.inputs.seen)
        scene.says("AcdBack", "c1", Queue="sales", CallPriority="5", Waited="7321", CallerIDNum="555")
        await scene.heard()
        (arrived,) = scene.inputs.seen[before:]
        assert isinstance(arrived, i.CallArrived)
        assert (arrived.line, arrived.queue, arrived.priority, arrived.waited_ms) == (LINE, "sales", 5, 7_321)
        caller = scene.books.callers[ChannelId("c1")]
        assert (caller.call, caller.claimed) == (offer.call, True)


async def test_caller_back_from_a_conversation_of_no_time_is_in_line_again() -> None:
    async with connected() as scene:
        offer = await scene.talking("c1")
        scene.hangs_up(offer.offer)
        await scene.reported(i.LegEnded)
        scene.act(scene.ended_fact(offer))
        scene.says("AcdBack", "c1", Queue="sales")
        await scene.reported(i.CallArrived, 2)
        again = scene.queue_fact("c1")
        scene.act(again, scene.timed_out_fact(again))
        assert (await scene.ami.received("Redirect")).get("Exten") == "connect"
        assert (await scene.ami.received("Redirect")).get("Exten") == "leave"


async def test_caller_back_before_the_agents_end_is_heard_of_ends_the_leg_first() -> None:
    async with connected() as scene:
        offer = await scene.talking("c1")
        before = len(scene.inputs.seen)
        scene.says("AcdBack", "c1", Offer=offer.offer, Queue="sales")
        await scene.heard()
        ended, arrived = scene.inputs.seen[before:]
        assert ended == i.LegEnded(offer.offer, "hung-up")
        assert isinstance(arrived, i.CallArrived)
        assert (await scene.ami.received("Hangup")).get("Channel") == offer.offer, "should it live on"


async def test_caller_back_from_one_agent_leaves_the_next_one_ringing() -> None:
    """The core heard of the agent's end first, and offered the call to the next."""
    async with connected() as scene:
        offer = await scene.answered("c1")
        scene.accept(offer)
        scene.hangs_up(offer.offer)
        await scene.reported(i.LegEnded)
        again = replace(offer, offer=OfferId(scene.new_id()))
        scene.act(scene.end_fact(offer, "agent-left"), again)
        scene.says("AcdBack", "c1", Offer=offer.offer, Queue="sales")
        await scene.heard()
        assert [ended.offer for ended in scene.all(i.LegEnded)] == [offer.offer]
        assert again.offer in scene.books.legs


async def test_caller_back_of_whom_nobody_knew_is_handed_over() -> None:
    """For the queue to which an engine before us has passed the call on (R52)."""
    async with connected() as scene:
        scene.says("AcdBack", "c1", Queue="support", Passed="31000/300/2", Waited="40000")
        arrived = await scene.reported(i.CallArrived)
        assert (arrived.queue, arrived.waited_ms) == ("support", 40_000)
        assert arrived.passed_on == i.PassedOn(31_000, 300, 2)
        scene.act(scene.queue_fact("c1"))
        await until(lambda: scene.books.callers[ChannelId("c1")].claimed)


# --- One channel, two hand-overs ------------------------------------------------------------------------------


async def test_caller_transferred_into_a_queue_by_the_agents_phone_is_a_new_call() -> None:
    """A blind transfer takes the caller out of the conversation without a word of the dialplan."""
    async with connected() as scene:
        offer = await scene.talking("c1")
        before = len(scene.inputs.seen)
        scene.hands_over("c1", Queue="billing")
        scene.event("Hangup", offer.offer, Cause="16")
        await scene.heard()
        said = scene.inputs.seen[before:]
        assert said[:2] == [i.LegEnded(offer.offer, "hung-up"), i.CallerLeft(LINE, hung_up=False)]
        assert isinstance(said[2], i.CallArrived)
        assert (said[2].queue, len(said)) == ("billing", 3)
        scene.act(scene.ended_fact(offer))
        again = scene.queue_fact("c1")
        scene.act(again)
        await until(lambda: scene.books.callers[ChannelId("c1")].claimed)
        scene.hangs_up("c1")
        await scene.reported(i.CallerLeft, 2)
        scene.act(scene.abandoned_fact(again))
        assert scene.is_empty()


async def test_caller_pulled_out_while_a_phone_rings_is_reported_gone_before_the_new_hand_over() -> None:
    async with connected() as scene:
        offer = await scene.ringing("c1")
        before = len(scene.inputs.seen)
        scene.hands_over("c1")
        await scene.heard()
        left, arrived = scene.inputs.seen[before:]
        assert left == i.CallerLeft(LINE, hung_up=False)
        assert isinstance(arrived, i.CallArrived)
        scene.act(scene.end_fact(offer, "caller-gone"))
        assert (await scene.ami.received("Hangup")).get("Channel") == offer.offer


async def test_word_of_the_first_hand_over_does_not_touch_the_second() -> None:
    """The operator's dialplan tries again; what the engine said of the first call is still on its way."""
    async with connected() as scene:
        first = await scene.queued("c1")
        offer = scene.offer_fact(first)
        scene.says("AcdLeft", "c1", Result="lost")
        scene.hands_over("c1")
        await scene.reported(i.CallArrived, 2)
        for fact in (offer, scene.accept_fact(offer), scene.timed_out_fact(first), scene.lost_fact(first)):
            scene.act(fact)
            assert scene.books.callers[ChannelId("c1")] == Caller(QueueId("sales")), "as if nothing had been said"
        scene.act(scene.end_fact(offer))
        await scene.heard()
        assert "Redirect" not in names(scene)
        second = scene.queue_fact("c1")
        scene.act(second, scene.timed_out_fact(second))
        await scene.ami.received("Redirect")


async def test_event_that_is_slower_than_the_report_is_no_second_hand_over() -> None:
    async with connected() as scene:
        await scene.cut()
        await scene.restored(waiting("c1", exten="s"))
        call = scene.queue_fact("c1")
        scene.act(call)
        await until(lambda: scene.books.callers[ChannelId("c1")].claimed)
        scene.hands_over("c1")
        await scene.heard()
        assert len(scene.all(i.CallArrived)) == 1
        assert scene.books.callers[ChannelId("c1")].claimed
        scene.hands_over("c1")
        await scene.heard()
        assert len(scene.all(i.CallArrived)) == 2, "this one is"


@pytest.mark.parametrize("since", ["AcdStay", "the bridge"])
async def test_hand_over_long_after_the_report_is_a_new_call(since: str) -> None:
    """By then the first one's event has come, or never will."""
    async with connected(status_shows=[waiting("c1", exten="s")]) as scene:
        call = scene.queue_fact("c1")
        scene.act(call)
        if since == "AcdStay":
            scene.says("AcdStay", "c1")
        else:
            offer = scene.offer(call)
            scene.says("AcdUp", offer.offer)
            scene.bridged(offer.offer, "c1")
        scene.hands_over("c1")
        await scene.heard()
        assert len(scene.all(i.CallArrived)) == 2


async def test_agents_leg_that_outlives_a_transfer_is_hung_up() -> None:
    async with connected() as scene:
        offer = await scene.talking("c1")
        scene.hands_over("c1")
        assert (await scene.ami.received("Hangup")).get("Channel") == offer.offer


async def test_event_for_another_queue_than_the_report_showed_counts() -> None:
    """The channel still had the queue of its first hand-over on it when the report was made."""
    async with connected(status_shows=[waiting("c1", exten="s")]) as scene:
        scene.hands_over("c1", Queue="billing")
        await scene.heard()
        assert [arrived.queue for arrived in scene.all(i.CallArrived)] == ["sales", "billing"]
        assert scene.all(i.CallerLeft) == [i.CallerLeft(LINE, hung_up=False)]


async def test_name_in_another_encoding_arrives_as_far_as_it_can_be_read() -> None:
    async with connected() as scene:
        raw = event("UserEvent", UserEvent="AcdCall", Uniqueid="c1", Queue="sales", CallerIDName="J\xfcrgen")
        scene.ami.push_bytes(raw.decode().encode("latin-1"))
        assert (await scene.reported(i.CallArrived)).caller.name == "J\ufffdrgen"


async def test_hand_over_to_another_queue_while_the_link_was_down_is_a_new_call() -> None:
    async with connected() as scene:
        await scene.queued("c1")
        await scene.cut()
        await scene.restored(waiting("c1", queue="billing"))
        assert scene.all(i.CallerLeft) == [i.CallerLeft(LINE, hung_up=False)]
        assert [arrived.queue for arrived in scene.all(i.CallArrived)] == ["sales", "billing"]


async def test_agents_phone_that_calls_a_queue_is_in_use_but_no_direct_call() -> None:
    async with connected() as scene:
        scene.event("Newchannel", "c1", Channel="PJSIP/1002-00000003", ChannelState="4")
        await scene.arrived("c1")
        assert [type(said) for said in scene.inputs.seen[-3:]] == [i.PhoneInUse, i.PhoneServes, i.CallArrived]
        call = scene.queue_fact("c1")
        scene.act(call)
        scene.hangs_up("c1")
        await scene.reported(i.PhoneReleased)
        scene.act(scene.abandoned_fact(call))
        assert scene.is_empty()


async def test_agents_own_phone_may_be_offered_for_the_call_that_it_made() -> None:
    """Nobody wants that, but nothing breaks: two channels of one phone are two channels."""
    async with connected() as scene:
        scene.event("Newchannel", "c1", Channel="PJSIP/1001-00000003", ChannelState="4")
        offer = await scene.ringing("c1", phone="1001")
        scene.event("Hangup", offer.offer, Cause="17")
        assert await scene.reported(i.LegEnded) == i.LegEnded(offer.offer, "busy")
        scene.hangs_up("c1")
        await scene.reported(i.PhoneReleased)
        assert scene.all(i.CallerLeft) == [i.CallerLeft(LINE, hung_up=True)]


async def test_too_many_actions_for_the_link_bring_a_new_link_and_nobody_is_forgotten() -> None:
    async with connected(LinkLimits(pending_actions=3, ping_every_s=30, retry_first_s=0.005)) as scene:
        for channel in ("c1", "c2"):
            await scene.arrived(channel)
        scene.ami.once("Status", status(waiting("c1")))
        scene.act(scene.queue_fact("c1"), scene.queue_fact("c2"))
        await scene.reported(i.LinkLost)
        await until(lambda: scene.books.callers[ChannelId("c1")].claimed)
