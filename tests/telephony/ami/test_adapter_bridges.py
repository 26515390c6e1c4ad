"""The bridge and its end: made once, with the right leg; nobody is left on a dead line."""

import time

import pytest

from acd.router import facts as f
from acd.router import inputs as i
from tests.telephony.ami.adapter_harness import Scene, connected, hung_up, leg, line, waiting

LINE = line("c1")


def ends(scene: Scene) -> list[i.CallerLeft | i.LegEnded]:
    return [said for said in scene.inputs.seen if isinstance(said, i.CallerLeft | i.LegEnded)]


# --- The bridge -----------------------------------------------------------------------------------------------


async def test_caller_makes_the_bridge_with_the_offer_once_the_agent_is_accepted() -> None:
    async with connected() as scene:
        offer = await scene.answered("c1")
        assert scene.ami.count("Redirect") == 0
        scene.accept(offer)
        moved = await scene.ami.received("Redirect")
        assert (moved.get("Channel"), moved.get("Context"), moved.get("Exten")) == ("c1", "acd", "connect")
        peer = next(action for action in scene.ami.actions if action.get("Variable") == "ACD_PEER")
        assert (peer.get("Channel"), peer.get("Value")) == ("c1", offer.offer)


async def test_accepted_agent_waits_until_the_claim_is_confirmed() -> None:
    async with connected() as scene:
        await scene.arrived("c1")
        scene.ami.once("Getvar", None)
        call = scene.queue_fact("c1")
        offer = scene.offer_fact(call)
        scene.act(call, offer)
        scene.says("AcdUp", offer.offer)
        await scene.reported(i.LegAnswered)
        scene.accept(offer)
        scene.accept(offer)
        await scene.heard()
        assert scene.ami.count("Redirect") == 0
        scene.says("AcdStay", "c1")
        await scene.ami.received("Redirect")
        await scene.heard()
        assert scene.ami.count("Redirect") == 1


@pytest.mark.parametrize("bridged", [False, True])
async def test_acceptance_said_again_moves_nobody_a_second_time(bridged: bool) -> None:
    async with connected() as scene:
        offer = await (scene.talking("c1") if bridged else scene.answered("c1"))
        scene.accept(offer)
        scene.accept(offer)
        await scene.heard()
        assert scene.ami.count("Redirect") == 1


async def test_acceptance_lost_with_the_link_is_carried_out_when_it_is_said_again() -> None:
    async with connected() as scene:
        offer = await scene.answered("c1")
        await scene.cut()
        scene.accept(offer)
        await scene.restored(waiting("c1"), leg(offer.offer, "6", bridge="h1"))
        scene.accept(offer)
        await scene.ami.received("Redirect")


async def test_agent_who_left_before_the_acceptance_moves_nobody() -> None:
    async with connected() as scene:
        offer = await scene.answered("c1")
        scene.hangs_up(offer.offer)
        assert await scene.reported(i.LegEnded) == i.LegEnded(offer.offer, "hung-up")
        scene.accept(offer)
        await scene.heard()
        assert scene.ami.count("Redirect") == 0


async def test_second_of_the_pair_in_a_bridge_makes_the_conversation_once() -> None:
    async with connected() as scene:
        offer = await scene.answered("c1")
        scene.accept(offer)
        scene.event(
            "BridgeEnter", offer.offer, BridgeNumChannels="1", BridgeType="base", BridgeTechnology="holding_bridge"
        )
        scene.event("BridgeEnter", offer.offer, BridgeNumChannels="3", BridgeTechnology="holding_bridge")
        for number in ("1", "0", "", "many", "-2", "²"):
            scene.event("BridgeEnter", "c1", BridgeNumChannels=number, BridgeTechnology="simple_bridge")
        scene.event("BridgeEnter", "c9", BridgeNumChannels="2", BridgeTechnology="simple_bridge")
        await scene.heard()
        assert not scene.all(i.LegBridged)
        scene.bridged(offer.offer, "c1")
        scene.bridged(offer.offer, "c1")
        await scene.heard()
        assert scene.all(i.LegBridged) == [i.LegBridged(offer.offer)]


async def test_bridge_of_a_caller_whose_phone_only_rings_is_no_connection() -> None:
    async with connected() as scene:
        await scene.ringing("c1")
        scene.event("BridgeEnter", "c1", BridgeNumChannels="2", BridgeTechnology="simple_bridge")
        await scene.heard()
        assert not scene.all(i.LegBridged)


@pytest.mark.parametrize("accepted", [0, 1])
@pytest.mark.parametrize("both_answered", [False, True])
async def test_bridge_is_made_with_the_accepted_one_of_several_that_ring(accepted: int, both_answered: bool) -> None:
    """asterisk #176: two pick up in the same moment. Whichever side enters the bridge last, it is the right pair."""
    async with connected() as scene:
        call = await scene.queued("c1")
        offers = [scene.offer_fact(call, phone) for phone in ("1001", "1002")]
        scene.act(*offers)
        chosen, other = offers[accepted], offers[1 - accepted]
        for offer in offers if both_answered else [chosen]:
            scene.says("AcdUp", offer.offer, Offer=offer.offer)
            await scene.reported(i.LegAnswered, offer=offer.offer)
        scene.act(scene.accept_fact(chosen), scene.end_fact(other, "taken"))
        scene.bridged(chosen.offer, "c1")
        await scene.reported(i.LegBridged, offer=chosen.offer)
        scene.hangs_up(other.offer)
        await scene.heard()
        assert scene.ami.count("Originate") == 2
        assert hung_up(scene) == [other.offer]
        orders = [action.get("Value") for action in scene.ami.actions if action.get("Variable") == "ACD_PEER"]
        assert orders == [chosen.offer]
        scene.says("AcdLeft", "c1", Result="served")
        await scene.reported(i.CallerLeft)
        assert ends(scene) == [i.LegEnded(chosen.offer, "hung-up"), i.CallerLeft(LINE, hung_up=False)]


async def test_legs_of_one_caller_end_one_by_one_and_leave_nothing() -> None:
    async with connected() as scene:
        call = await scene.queued("c1")
        offers = [scene.offer(call, phone) for phone in ("1001", "1002")]
        scene.hangs_up(offers[0].offer, cause="21")
        await scene.reported(i.LegEnded, offer=offers[0].offer, end="declined")
        scene.act(scene.end_fact(offers[0], "declined"))
        assert list(scene.books.callers[LINE.channel].offers) == [offers[1].offer]
        scene.hangs_up("c1")
        await scene.reported(i.CallerLeft)
        scene.act(scene.end_fact(offers[1], "caller-gone"), scene.abandoned_fact(call))
        scene.hangs_up(offers[1].offer)
        await scene.heard()
        assert scene.is_empty()


# --- The end of a conversation --------------------------------------------------------------------------------


async def test_hang_up_request_names_the_agent_who_ended() -> None:
    async with connected() as scene:
        offer = await scene.talking("c1")
        scene.event("HangupRequest", offer.offer)
        scene.says("AcdLeft", "c1", Result="served")
        scene.event("Hangup", offer.offer, Cause="16")
        scene.event("Hangup", "c1", Cause="16")
        await scene.heard()
        assert ends(scene) == [i.LegEnded(offer.offer, "hung-up"), i.CallerLeft(LINE, hung_up=False)]


async def test_hang_up_request_names_the_caller_who_ended() -> None:
    async with connected() as scene:
        offer = await scene.talking("c1")
        scene.event("HangupRequest", "c1")
        scene.event("Hangup", offer.offer, Cause="16")
        scene.event("Hangup", "c1", Cause="16")
        await scene.heard()
        assert ends(scene) == [i.CallerLeft(LINE, hung_up=True), i.LegEnded(offer.offer, "hung-up")]


@pytest.mark.parametrize("agent_first", [True, False], ids=["agent-first", "caller-first"])
async def test_of_two_who_hang_up_at_once_the_first_request_counts(agent_first: bool) -> None:
    async with connected() as scene:
        offer = await scene.talking("c1")
        order = [offer.offer, "c1"] if agent_first else ["c1", offer.offer]
        for channel in order:
            scene.event("HangupRequest", channel)
        for channel in reversed(order):
            scene.event("Hangup", channel, Cause="16")
        await scene.heard()
        first, second = ends(scene)
        assert isinstance(first, i.LegEnded if agent_first else i.CallerLeft)
        assert isinstance(second, i.CallerLeft if agent_first else i.LegEnded)


async def test_served_caller_whose_bridge_was_not_heard_of_has_been_connected() -> None:
    """Bridges and user events are told by different threads of Asterisk."""
    async with connected() as scene:
        offer = await scene.answered("c1")
        scene.accept(offer)
        before = len(scene.inputs.seen)
        scene.says("AcdLeft", "c1", Result="served")
        await scene.heard()
        assert scene.inputs.seen[before:] == [
            i.LegBridged(offer.offer),
            i.LegEnded(offer.offer, "hung-up"),
            i.CallerLeft(LINE, hung_up=False),
        ]


async def test_ghost_is_hung_up_after_a_tenth_of_a_second() -> None:
    """Asterisk can lose a hang-up: the request came, the end did not."""
    async with connected() as scene:
        await scene.queued("c1")
        began = time.monotonic()
        scene.event("HangupRequest", "c1")
        assert (await scene.ami.received("Hangup")).get("Channel") == "c1"
        assert 0.095 <= time.monotonic() - began < 1
        assert not scene.books.ending


async def test_agents_ghost_is_hung_up_too() -> None:
    async with connected() as scene:
        offer = await scene.talking("c1")
        scene.event("HangupRequest", offer.offer)
        assert (await scene.ami.received("Hangup")).get("Channel") == offer.offer


async def test_channel_whose_end_came_is_not_hung_up() -> None:
    async with connected() as scene:
        offer = await scene.talking("c1")
        scene.hangs_up("c1")
        scene.hangs_up(offer.offer)
        scene.act(scene.ended_fact(offer))
        await scene.heard()
        assert not scene.books.ending
        with pytest.raises(AssertionError):
            await scene.ami.received("Hangup", within_s=0.15)


async def test_other_side_that_the_bridge_does_not_let_go_is_hung_up() -> None:
    async with connected() as scene:
        offer = await scene.talking("c1")
        scene.hangs_up("c1")
        await scene.reported(i.CallerLeft)
        scene.act(scene.ended_fact(offer))
        assert (await scene.ami.received("Hangup")).get("Channel") == offer.offer


async def test_guard_that_strikes_while_the_link_is_down_harms_nobody() -> None:
    async with connected() as scene:
        await scene.queued("c1")
        scene.event("HangupRequest", "c1")
        await scene.reported(i.CallerLeft)
        await scene.cut()
        assert not scene.books.ending
        await scene.restored()
        assert scene.ami.count("Hangup") == 0


async def test_no_guard_is_set_while_the_link_is_down_since_the_report_will_tell() -> None:
    async with connected() as scene:
        offer = await scene.ringing("c1")
        await scene.cut()
        scene.act(scene.end_fact(offer))
        assert not scene.books.ending
        (report,) = await scene.restored(waiting("c1"), leg(offer.offer))
        assert report.legs == (i.SeenLeg(offer.offer, "ringing"),)


async def test_books_are_empty_after_every_way_a_call_can_end() -> None:
    async with connected() as scene:
        served = await scene.talking("c1")
        scene.hangs_up(served.offer)
        scene.says("AcdLeft", "c1", Result="served")
        await scene.reported(i.CallerLeft, 1)
        scene.act(scene.ended_fact(served))
        assert scene.is_empty(), "the agent ended"

        served = await scene.talking("c2")
        scene.hangs_up("c2")
        scene.event("Hangup", served.offer, Cause="16")
        await scene.reported(i.CallerLeft, 2)
        scene.act(scene.ended_fact(served))
        assert scene.is_empty(), "the caller ended"

        offer = await scene.ringing("c3")
        scene.hangs_up("c3")
        await scene.reported(i.CallerLeft, 3)
        scene.act(scene.end_fact(offer, "caller-gone"), _abandoned(offer))
        scene.event("Hangup", offer.offer, Cause="16")
        await scene.heard()
        assert scene.is_empty(), "the caller gave up while it rang"

        for cause in ("17", "21", "19", "1"):
            offer = await scene.ringing(f"c4-{cause}")
            scene.hangs_up(offer.offer, cause)
            await scene.reported(i.LegEnded, offer=offer.offer)
            scene.act(scene.end_fact(offer, "declined"))
            scene.hangs_up(f"c4-{cause}")
            await scene.heard()
            scene.act(_abandoned(offer))
            assert scene.is_empty(), f"the phone did not answer: {cause}"

        offer = await scene.answered("c5")
        scene.hangs_up(offer.offer)
        await scene.reported(i.LegEnded, offer=offer.offer)
        scene.act(scene.end_fact(offer, "agent-left"))
        scene.says("AcdLeft", "c5", Result="lost")
        await scene.heard()
        scene.act(_abandoned(offer))
        assert scene.is_empty(), "the agent left before the bridge"


def _abandoned(offer: f.OfferMade) -> f.CallAbandoned:
    return f.CallAbandoned(0, offer.call, offer.queue, 1)
