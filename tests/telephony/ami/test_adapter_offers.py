"""Agents' legs: rung once, whatever happens; what became of each is reported once; no stray leg rings on."""

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from acd.model import OfferId, ServerId
from acd.router import facts as f
from acd.router import inputs as i
from acd.telephony.ami import dialplan, server
from acd.telephony.ami.messages import AmiAction
from acd.telephony.ami.protocol import LinkLimits
from acd.testing.ami_server import error
from tests.telephony.ami.adapter_harness import connected, hung_up, leg, status, waiting
from tests.telephony.ami.link_harness import record_writes

# --- Faults of ours -------------------------------------------------------------------------------------------


async def test_order_that_fails_costs_the_link_and_none_of_the_other_orders(monkeypatch: pytest.MonkeyPatch) -> None:
    """The offer would hang until its ring time is over; the report of a new connection says that there is no leg."""
    async with connected() as scene:
        broken = scene.offer_fact(await scene.queued("c1"), "1001")
        whole = scene.offer_fact(await scene.queued("c2"), "1002")

        def ring(fact: f.OfferMade, address: str) -> AmiAction:
            if fact.offer == broken.offer:
                raise ZeroDivisionError
            return real(fact, address)

        real = dialplan.ring
        monkeypatch.setattr(dialplan, "ring", ring)
        leg_of_whole = leg(whole.offer)
        scene.ami.once("Status", status(waiting("c1"), waiting("c2"), leg_of_whole))
        before = len(scene.inputs.seen)
        with capture_logs() as logs:
            scene.act(broken, whole)
            assert (await scene.ami.received("Originate")).get("ChannelId") == whole.offer
            await scene.reported(i.LinkLost)
            (report,) = await scene.next_report(before)
        assert [seen.offer for seen in report.legs] == [whole.offer], "the core concludes that the other is gone"
        assert broken.offer not in scene.books.legs
        assert [(entry["fact"], entry["log_level"]) for entry in logs if "fact" in entry] == [("OfferMade", "error")]


# --- Ringing --------------------------------------------------------------------------------------------------


async def test_phone_is_rung_with_the_offers_id_as_channel_id() -> None:
    async with connected() as scene:
        offer = scene.offer(await scene.queued("c1"))
        rung = await scene.ami.received("Originate")
        assert {name: rung.get(name) for name in ("Channel", "ChannelId", "Context", "Exten", "Async", "Timeout")} == {
            "Channel": "PJSIP/1001",
            "ChannelId": offer.offer,
            "Context": "acd-agent",
            "Exten": "s",
            "Async": "true",
            "Timeout": "17000",
        }
        assert rung.get("CallerID") == '"Sales - Ada" <555>'
        assert rung.all("Variable") == [f"ACD_OFFER={offer.offer}"]


async def test_phone_does_not_ring_for_a_caller_who_left_before_the_engine_came_to_it() -> None:
    """Of an engine that stood still for a while, one batch says that the call was taken, offered and lost."""
    async with connected() as scene:
        await scene.arrived("c1")
        scene.says("AcdLeft", "c1", Result="unclaimed")
        await scene.reported(i.CallerLeft)
        before = len(scene.ami.actions)
        call = scene.queue_fact("c1")
        offer = scene.offer_fact(call)
        scene.act(call, offer, scene.end_fact(offer, "caller-gone"), scene.lost_fact(call))
        await scene.heard()
        assert [action.name for action in scene.ami.actions[before:]] == ["Ping"]
        assert scene.is_empty()


async def test_phone_does_not_ring_for_a_caller_who_is_heard_to_be_gone_before_the_core_knows() -> None:
    async with connected() as scene:
        call = await scene.queued("c1")
        scene.hangs_up("c1")
        await scene.reported(i.CallerLeft)
        offer = scene.offer(call)
        await scene.heard()
        assert scene.ami.count("Originate") == 0
        scene.act(scene.end_fact(offer, "caller-gone"), scene.abandoned_fact(call))
        await scene.heard()
        assert hung_up(scene) == []
        assert scene.is_empty()


async def test_phone_does_not_ring_for_the_call_before_where_the_caller_was_handed_over_again() -> None:
    async with connected() as scene:
        call = await scene.queued("c1")
        await scene.arrived("c1", Queue="billing")
        scene.offer(call)
        await scene.heard()
        assert scene.ami.count("Originate") == 0


async def test_same_offer_said_again_rings_nobody_though_its_leg_is_long_gone() -> None:
    async with connected() as scene:
        offer = await scene.ringing("c1")
        scene.act(offer)
        scene.hangs_up(offer.offer, cause="17")
        await scene.reported(i.LegEnded)
        with capture_logs() as logs:
            scene.act(scene.end_fact(offer, "busy"), offer)
        await scene.heard()
        assert scene.ami.count("Originate") == 1
        assert logs[0]["offer"] == offer.offer


async def test_new_journals_offers_are_rung_though_their_numbers_are_lower() -> None:
    async with connected() as scene:
        for tag in ("acd0000000001-7", "acd0000000002-3"):
            call = await scene.queued(f"c-{tag}")
            scene.act(replace(scene.offer_fact(call), offer=OfferId(tag)))
            assert (await scene.ami.received("Originate")).get("ChannelId") == tag


async def test_offer_while_the_link_is_down_has_failed_and_is_never_sent() -> None:
    async with connected() as scene:
        call = await scene.queued("c1")
        await scene.cut()
        offer = scene.offer(call)
        assert await scene.reported(i.LegEnded) == i.LegEnded(offer.offer, "failed")
        await scene.restored(waiting("c1"))
        assert scene.ami.count("Originate") == 0


@pytest.mark.parametrize("answered", [False, True], ids=["before-its-answer", "after-its-answer"])
async def test_link_that_breaks_after_an_offer_never_brings_a_second_ring(answered: bool) -> None:
    async with connected() as scene:
        call = await scene.queued("c1")
        if not answered:
            scene.ami.once("Originate", None)
        offer = scene.offer(call)
        await scene.ami.received("Originate")
        await scene.heard()
        await scene.cut()
        assert not scene.all(i.LegEnded), "its fate is unknown"
        (report,) = await scene.restored(waiting("c1"), leg(offer.offer))
        assert report.legs == (i.SeenLeg(offer.offer, "ringing"),)
        scene.says("AcdUp", offer.offer)
        await scene.reported(i.LegAnswered)
        assert scene.ami.count("Originate") == 1


async def test_offer_of_unknown_fate_whose_leg_is_not_there_is_settled_by_the_report_alone() -> None:
    async with connected() as scene:
        call = await scene.queued("c1")
        scene.ami.once("Originate", None)
        offer = scene.offer(call)
        await scene.ami.received("Originate")
        await scene.cut()
        (report,) = await scene.restored(waiting("c1"))
        assert (report.legs, scene.all(i.LegEnded)) == ((), [])
        scene.act(scene.end_fact(offer, "lost"))
        assert scene.ami.count("Originate") == 1
        assert not scene.books.legs


async def test_offer_that_nobody_confirms_brings_a_new_link_whose_report_settles_it() -> None:
    async with connected(LinkLimits(action_s=0.05, ping_every_s=30, retry_first_s=0.005)) as scene:
        call = await scene.queued("c1")
        scene.ami.once("Originate", None)
        scene.ami.on("Status", status(waiting("c1")))
        scene.offer(call)
        await scene.reported(i.LinkLost)
        await scene.reported(i.ServerReported, 2)
        assert not scene.all(i.LegEnded)
        assert scene.ami.count("Originate") == 1


async def test_refused_originate_has_failed_and_asterisks_words_are_logged() -> None:
    async with connected() as scene:
        call = await scene.queued("c1")
        scene.ami.once("Originate", error("Permission denied"))
        with capture_logs() as logs:
            offer = scene.offer(call)
            assert await scene.reported(i.LegEnded) == i.LegEnded(offer.offer, "failed")
        assert (logs[0]["action"], logs[0]["message"]) == ("Originate", "Permission denied")
        assert not scene.books.legs


async def test_phone_that_no_action_can_name_has_failed_and_its_neighbours_are_served() -> None:
    """One action that must not reach the wire does not take claims and hang-ups of other calls with it."""
    async with connected() as scene:
        first, second = await scene.queued("c1"), await scene.queued("c2")
        bad, good = scene.offer_fact(first, phone="10\r\nAction: Logoff"), scene.offer_fact(second)
        scene.act(bad, good, scene.timed_out_fact(first))
        assert await scene.reported(i.LegEnded) == i.LegEnded(bad.offer, "failed")
        assert (await scene.ami.received("Originate")).get("ChannelId") == good.offer
        assert (await scene.ami.received("Redirect")).get("Channel") == "c1"
        assert scene.ami.count("Logoff") == 0


async def test_facts_of_one_batch_leave_in_one_write_in_their_order() -> None:
    async with connected() as scene:
        calls = [await scene.queued(f"c{number}") for number in range(1, 6)]
        ringing = scene.offer(calls[0])
        await scene.ami.received("Originate")
        writes = record_writes(scene.server().link)
        before = len(scene.ami.actions)
        made = scene.offer_fact(calls[1], "1002")
        scene.act(scene.end_fact(ringing), made, scene.timed_out_fact(calls[2]), scene.timed_out_fact(calls[3]))
        await scene.ami.received("Redirect")
        await scene.ami.received("Redirect")
        came = [(a.name, a.get("ChannelId") or a.get("Channel")) for a in scene.ami.actions[before:]]
        assert came == [
            ("Hangup", ringing.offer), ("Originate", made.offer),
            ("Setvar", "c3"), ("Setvar", "c3"), ("Redirect", "c3"),
            ("Setvar", "c4"), ("Setvar", "c4"), ("Redirect", "c4"),
        ]  # fmt: skip
        assert len(writes) == 1


async def test_rings_go_first_and_claims_last() -> None:
    """A claim has two seconds; whoever is to be rung has none."""
    async with connected() as scene:
        await scene.arrived("c1")
        waiting_call = await scene.queued("c2")
        before = len(scene.ami.actions)
        scene.act(scene.queue_fact("c1"), scene.offer_fact(waiting_call))
        await scene.ami.received("Originate")
        await scene.heard()
        assert [action.name for action in scene.ami.actions[before:]] == ["Originate", "Setvar", "Getvar", "Ping"]


# --- The end of a leg that was not answered -------------------------------------------------------------------

CAUSES = [
    ("17", "busy"), ("21", "declined"), ("19", "no-answer"), ("18", "no-answer"), ("1", "unreachable"),
    ("38", "unreachable"), ("34", "unreachable"), ("16", "hung-up"), ("26", "answered-elsewhere"),
    ("0", "unreachable"), ("", "unreachable"), ("none", "unreachable"), ("99999999999999999999", "unreachable"),
]  # fmt: skip


@pytest.mark.parametrize(("cause", "end"), CAUSES)
async def test_hang_up_cause_of_a_ringing_leg_says_how_it_ended(cause: str, end: i.LegEnd) -> None:
    """The table of docs and of Asterisk: 486 17, 603 21, 480 19, 404 1, 500 38, 503 34, withdrawn 16."""
    async with connected() as scene:
        offer = await scene.ringing("c1")
        scene.hangs_up(offer.offer, cause)
        assert await scene.reported(i.LegEnded) == i.LegEnded(offer.offer, end)
        await scene.heard()
        assert len(scene.all(i.LegEnded)) == 1


async def test_failed_originate_without_a_channel_means_unreachable() -> None:
    """The only sign of a phone that is not registered. Its Uniqueid is what was asked for: it says nothing."""
    async with connected() as scene:
        offer = scene.offer(await scene.queued("c1"))
        rung = await scene.ami.received("Originate")
        scene.event("OriginateResponse", offer.offer, Response="Failure", Reason="0", ActionID=rung.action_id)
        assert await scene.reported(i.LegEnded) == i.LegEnded(offer.offer, "unreachable")


async def test_failed_originate_with_a_channel_waits_for_the_cause_of_its_hang_up() -> None:
    async with connected() as scene:
        offer = await scene.ringing("c1")
        rung = await scene.ami.received("Originate")
        scene.event("HangupRequest", offer.offer, Cause="17")
        scene.event("OriginateResponse", offer.offer, Response="Failure", Reason="0", ActionID=rung.action_id)
        await scene.heard()
        assert not scene.all(i.LegEnded)
        scene.event("Hangup", offer.offer, Cause="17")
        assert await scene.reported(i.LegEnded) == i.LegEnded(offer.offer, "busy")


@pytest.mark.parametrize("sign", ["HangupRequest", "Reason 3"])
async def test_channel_of_a_technology_whose_begin_is_filtered_is_known_by_other_signs(sign: str) -> None:
    async with connected() as scene:
        offer = scene.offer(await scene.queued("c1"))
        rung = await scene.ami.received("Originate")
        if sign == "HangupRequest":
            scene.event("HangupRequest", offer.offer, Cause="17")
        reason = "3" if sign == "Reason 3" else "0"
        scene.event("OriginateResponse", offer.offer, Response="Failure", Reason=reason, ActionID=rung.action_id)
        scene.event("Hangup", offer.offer, Cause="17")
        assert await scene.reported(i.LegEnded) == i.LegEnded(offer.offer, "busy")


async def test_originate_response_of_somebody_else_means_nothing() -> None:
    async with connected() as scene:
        offer = scene.offer(await scene.queued("c1"))
        for action_id in ("", offer.offer, "ring-", "ring-other", f"x-ring-{offer.offer}"):
            scene.event("OriginateResponse", offer.offer, Response="Failure", Reason="0", ActionID=action_id)
        scene.event("OriginateResponse", offer.offer, Response="Success", ActionID=f"ring-{offer.offer}")
        await scene.heard()
        assert not scene.all(i.LegEnded)


# --- Withdrawn ------------------------------------------------------------------------------------------------


async def test_withdrawn_leg_is_hung_up_and_its_end_is_no_news() -> None:
    async with connected() as scene:
        offer = await scene.ringing("c1")
        scene.act(scene.end_fact(offer))
        assert (await scene.ami.received("Hangup")).get("Channel") == offer.offer
        scene.event("Hangup", offer.offer, Cause="16")
        await scene.heard()
        assert not scene.all(i.LegEnded)
        assert not scene.books.ending, "the guard is off duty"


async def test_leg_withdrawn_before_its_channel_begins_is_hung_up_when_it_begins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Asterisk makes the channel in a thread of its own: a Hangup in the same write comes too early, always."""
    monkeypatch.setattr(server, "GHOST_AFTER_S", 60)  # it is not the guard that does it
    async with connected() as scene:
        call = await scene.queued("c1")
        scene.ami.once("Hangup", error("No such channel"))
        offer = scene.offer_fact(call)
        scene.act(offer, scene.end_fact(offer))
        await scene.ami.received("Hangup")
        scene.event("Newchannel", offer.offer, Channel="PJSIP/1001-00000001", ChannelState="0")
        assert (await scene.ami.received("Hangup")).get("Channel") == offer.offer


async def test_leg_withdrawn_before_its_channel_begins_is_hung_up_again_where_no_begin_is_heard() -> None:
    async with connected() as scene:
        call = await scene.queued("c1")
        scene.ami.once("Hangup", error("No such channel"))
        offer = scene.offer_fact(call)
        scene.act(offer, scene.end_fact(offer))
        assert [(await scene.ami.received("Hangup")).get("Channel") for _ in range(2)] == [offer.offer] * 2


async def test_leg_that_begins_though_no_offer_knows_it_is_hung_up() -> None:
    """Sent over a link that broke, and carried out late: nobody waits for that agent."""
    async with connected() as scene:
        scene.event("Newchannel", "acd9999999999-4", Channel="PJSIP/1001-00000001", ChannelState="0")
        assert (await scene.ami.received("Hangup")).get("Channel") == "acd9999999999-4"
        assert not scene.all(i.PhoneInUse)


async def test_legs_of_another_engine_are_left_alone_and_told_of() -> None:
    """Two engines on one server would else hang up each other's legs, and nobody would know why nobody is served."""
    async with connected() as scene:
        await scene.ringing("c1")
        with capture_logs() as logs:
            scene.event("Newchannel", "acd9999999999-4", Channel="PJSIP/1002-00000001", ChannelState="0")
            await scene.heard()
        assert "acd9999999999-4" not in hung_up(scene)
    assert "another engine rings agents on this server" in [line["event"] for line in logs]


async def test_agent_who_picks_up_a_withdrawn_offer_is_let_go() -> None:
    async with connected() as scene:
        offer = await scene.ringing("c1")
        scene.act(scene.end_fact(offer))
        scene.says("AcdUp", offer.offer)
        await scene.heard()
        assert not scene.all(i.LegAnswered)
        assert hung_up(scene) == [offer.offer, offer.offer]


async def test_stray_leg_is_hung_up() -> None:
    async with connected() as scene:
        scene.act(f.StrayLegFound(0, ServerId("a"), OfferId("acd9999999999-4")))
        assert (await scene.ami.received("Hangup")).get("Channel") == "acd9999999999-4"
