"""Connections: the heartbeat, the report after each, and what happens while it is made."""

import pytest
from structlog.testing import capture_logs

from acd.core import NotTaken
from acd.model import AgentId, ChannelId, Phone, QueueId, Skill
from acd.router import facts as f
from acd.router import inputs as i
from acd.telephony.ami.protocol import LinkLimits
from acd.testing.ami_server import AmiServer, Pairs, error
from tests.telephony.ami.adapter_harness import (
    EPOCH,
    TAG,
    Scene,
    connected,
    leg,
    line,
    running,
    status,
    waiting,
)
from tests.turns import until

# --- The heartbeat --------------------------------------------------------------------------------------------


async def test_heartbeat_by_the_servers_own_clock_comes_before_the_report() -> None:
    async with connected() as scene:
        asked = [(a.name, a.get("Variable"), a.get("Value")) for a in scene.ami.actions if a.name != "Ping"]
        assert asked[1:] == [
            ("Getvar", "EPOCH", ""),
            ("Getvar", "ACD_ALIVE", ""),
            ("Getvar", "ACD_ENGINE", ""),
            ("Setvar", "ACD_LOST_AFTER", "60"),
            ("Setvar", "ACD_ENGINE", scene.server()._lead.name),
            ("Setvar", "ACD_ALIVE", EPOCH),
            ("Getvar", "ACD_ENGINE", ""),
            ("Getvar", "EPOCH", ""),
            ("Status", "", ""),
        ]


async def test_heartbeat_goes_on() -> None:
    async with AmiServer() as ami, running(ami, heartbeat_s=0.01) as scene:
        await scene.reported(i.ServerReported)

        def beats() -> int:
            return sum(action.get("Variable") == "ACD_ALIVE" for action in ami.actions)

        await until(lambda: beats() >= 4)


async def test_heartbeat_that_fails_once_does_not_end_the_heartbeats() -> None:
    async with AmiServer() as ami, running(ami, heartbeat_s=0.01) as scene:
        await scene.reported(i.ServerReported)
        with capture_logs() as logs:
            ami.once("Setvar", error("Permission denied"))
            await until(lambda: logs)
        assert logs[0]["event"] == "heartbeat failed"
        before = ami.count("Setvar")
        await until(lambda: ami.count("Setvar") > before + 1)


@pytest.mark.parametrize("epoch", ["", "(null)", "soon", "²", "1" * 5_000, "-5"])
async def test_clock_that_tells_no_time_is_replaced_by_our_own(epoch: str) -> None:
    async with AmiServer() as ami:
        async with running(ami) as scene:
            ami.on("Getvar", lambda action: {"Value": epoch if action.get("Variable") == "EPOCH" else ""})
            await scene.reported(i.ServerReported)
        beat = next(action for action in ami.actions if action.get("Variable") == "ACD_ALIVE" and action.get("Value"))
        assert int(beat.get("Value")) > 1_600_000_000


@pytest.mark.parametrize("action", ["Setvar", "Getvar", "Status"])
async def test_account_without_rights_gives_no_report_and_says_what_mends_it(action: str) -> None:
    """A refused Status once looked like a server without a single channel: every call would have been given up."""
    async with AmiServer() as ami:
        ami.once(action, error("Permission denied"))
        with capture_logs() as logs:
            async with running(ami) as scene:
                await scene.reported(i.LinkLost)
                assert not scene.all(i.ServerReported)
                await scene.reported(i.ServerReported)
        told = [entry["reason"] for entry in logs if entry["event"] == "no AMI link"]
        assert "Permission denied" in told[0]
        assert "acd-manager.conf" in told[0]


async def test_status_that_is_never_answered_brings_a_new_link() -> None:
    async with AmiServer() as ami:
        ami.once("Getvar", None)
        async with running(ami, limits=LinkLimits(action_s=0.05, ping_every_s=30, retry_first_s=0.005)) as scene:
            await scene.reported(i.LinkLost)
            await scene.reported(i.ServerReported)


# --- The report -----------------------------------------------------------------------------------------------


async def test_report_takes_up_those_who_wait_first_come_first_before_it_is_complete() -> None:
    """The best of them is offered first, and not the first of whom the core happens to hear."""
    late, early = waiting("late", since="1699999999"), waiting("early", since="1699999990")
    async with connected(status_shows=[late, early, waiting("new", exten="s", since="")]) as scene:
        *arrivals, report = scene.inputs.seen
        assert [(a.line.channel, a.waited_ms) for a in arrivals if isinstance(a, i.CallArrived)] == [
            ("early", 10_000),
            ("late", 1_000),
            ("new", 0),
        ]
        assert isinstance(report, i.ServerReported)
        assert report.last
        assert {seen.channel for seen in report.callers} == {"late", "early", "new"}


async def test_callers_of_one_second_are_taken_up_in_the_order_in_which_their_channels_were_made() -> None:
    shown = [waiting(channel) for channel in ("a-1700000000.10", "a-1700000000.9", "a-1700000000.11")]
    async with connected(status_shows=shown) as scene:
        arrivals = [asked.line.channel for asked in scene.inputs.seen if isinstance(asked, i.CallArrived)]
        assert arrivals == ["a-1700000000.9", "a-1700000000.10", "a-1700000000.11"]


async def test_who_came_within_one_second_is_taken_up_in_the_order_of_the_channels() -> None:
    shown = [waiting(f"a-1700000000.{number}") for number in (10, 9, 100, 8)]
    async with connected(status_shows=shown) as scene:
        came = [arrived.line.channel.rpartition(".")[2] for arrived in scene.all(i.CallArrived)]
        assert came == ["8", "9", "10", "100"]


async def test_caller_in_grace_who_has_no_queue_yet_is_left_to_the_event_that_is_about_to_come() -> None:
    shown = {**waiting("c1", exten="s"), "Variable": ["ACD_QUEUE=(null)"]}
    async with connected(status_shows=[shown]) as scene:
        assert not scene.all(i.CallArrived)
        await scene.arrived("c1")
        assert len(scene.all(i.CallArrived)) == 1


async def test_caller_found_waiting_is_known_by_what_the_dialplan_left_on_the_channel() -> None:
    variables = ["ACD_QUEUE=billing", "ACD_PRIORITY=7", "ACD_SKILLS=german&vip", f"ACD_SINCE={int(EPOCH) - 3}"]
    async with connected(status_shows=[{**waiting("c1"), "Variable": variables}]) as scene:
        arrived = scene.all(i.CallArrived)[0]
        assert (arrived.queue, arrived.priority) == ("billing", 7)
        assert arrived.required == (Skill("german"), Skill("vip"))
        assert (arrived.caller.number, arrived.waited_ms) == ("555", 3_000)


async def test_caller_found_waiting_whose_requirements_cannot_be_read_is_reported_as_that() -> None:
    """R17. An engine that sees only a part of what was asked for would offer the call to anybody."""
    variables = ["ACD_QUEUE=billing", f"ACD_SKILLS=german&{'x' * 65}", f"ACD_SINCE={EPOCH}"]
    async with connected(status_shows=[{**waiting("c1"), "Variable": variables}]) as scene:
        assert [arrived.unreadable for arrived in scene.all(i.CallArrived)] == [True]


def passed_on(queue: str, noted: str) -> Pairs:
    return {**waiting("c1"), "Variable": [f"ACD_QUEUE={queue}", f"ACD_SINCE={EPOCH}", f"ACD_PASSED={noted}"]}


async def test_caller_found_waiting_comes_with_how_the_call_was_passed_on() -> None:
    """R52."""
    async with connected(status_shows=[passed_on("support", "31000/20000/2")]) as scene:
        arrived = scene.all(i.CallArrived)[0]
        assert (arrived.queue, arrived.passed_on) == ("support", i.PassedOn(31_000, 20_000, 2))


async def test_where_a_call_waits_is_noted_at_the_channel_the_queue_last() -> None:
    """Who reads the channel in between takes the call for one that was not passed on yet. Nothing is waited for."""
    async with connected() as scene:
        call = await scene.queued("c1")
        scene.act(moved_fact(call))
        await scene.heard()
        assert noted(scene) == [("ACD_PASSED", "31000/300/2"), ("ACD_QUEUE", "support")]


@pytest.mark.parametrize("shown", [("sales", "(null)"), ("support", "20000/0/1"), ("support", "what")])
async def test_note_that_was_lost_with_the_link_is_made_up_for(shown: tuple[str, str]) -> None:
    async with connected() as scene:
        call = await scene.queued("c1")
        await scene.cut()
        scene.act(moved_fact(call))
        await scene.restored(passed_on(*shown))
        await scene.heard()
        assert noted(scene) == [("ACD_PASSED", "31000/300/2"), ("ACD_QUEUE", "support")]
        assert len(scene.all(i.CallArrived)) == 1


async def test_note_that_is_there_is_not_made_again() -> None:
    async with connected() as scene:
        call = await scene.queued("c1")
        scene.act(moved_fact(call))
        await scene.heard()
        await scene.cut()
        await scene.restored(passed_on("support", "31000/300/2"))
        await scene.heard()
        assert len(noted(scene)) == 2


async def test_caller_whom_the_engine_let_go_is_handed_over_for_the_queue_of_the_lost_note() -> None:
    async with connected() as scene:
        call = await scene.queued("c1")
        await scene.cut()
        scene.act(moved_fact(call), scene.lost_fact(call))
        await scene.restored(passed_on("sales", "(null)"))
        arrived = await scene.reported(i.CallArrived, 2)
        assert (arrived.queue, arrived.passed_on) == ("support", i.PassedOn(31_000, 300, 2))
        await scene.heard()
        assert noted(scene) == [("ACD_PASSED", "31000/300/2"), ("ACD_QUEUE", "support")]


def moved_fact(call: f.CallQueued) -> f.CallMoved:
    via = (f.Hop(call.queue, "timeout"), f.Hop(QueueId("billing"), "queue-full"))
    return f.CallMoved(31_000, call.call, call.line, call.queue, QueueId("support"), via, 31_000, 30_700, None, 2)


def noted(scene: Scene) -> list[tuple[str, str]]:
    """What was set at the channel about its queue."""
    about = {"ACD_QUEUE", "ACD_PASSED"}
    return [(a.get("Variable"), a.get("Value")) for a in scene.ami.actions if a.get("Variable") in about]


@pytest.mark.parametrize("since", ["1", "0", str(int(EPOCH) - 24 * 3_600 - 1)])
async def test_waiting_time_out_of_a_wrong_clock_is_not_believed(since: str) -> None:
    """An Asterisk that starts before its clock is set: such a caller would stand first, and be sent away at once."""
    variables = ["ACD_QUEUE=billing", f"ACD_SINCE={since}"]
    with capture_logs() as logs:
        async with connected(status_shows=[{**waiting("c1"), "Variable": variables}]) as scene:
            assert scene.all(i.CallArrived)[0].waited_ms == 1, "beyond the grace, and not known since when"
    assert [entry["event"] for entry in logs if "believed" in entry["event"]] == ["a waiting time is not believed"]


async def test_known_caller_is_claimed_again_and_moved_only_after_that() -> None:
    async with connected() as scene:
        call = await scene.queued("c1")
        await scene.cut()
        scene.ami.on("Getvar", lambda action: None if action.get("Channel") else {"Value": EPOCH})
        await scene.restored(waiting("c1"))
        scene.act(scene.timed_out_fact(call))
        await scene.heard()
        assert scene.ami.count("Redirect") == 0
        assert len(scene.all(i.CallArrived)) == 1
        look = [action for action in scene.ami.actions if action.get("Variable") == "ACD_LEFT"][-1]
        scene.ami.answer(look, {"Value": ""})
        await scene.ami.received("Redirect")


async def test_report_of_hundreds_comes_in_parts_and_only_the_last_completes_it() -> None:
    channels = [waiting(f"c{number}") for number in range(450)]
    legs = [leg(f"{TAG}-{number}") for number in range(210)]
    async with connected(status_shows=[*channels, *legs]) as scene:
        parts = scene.all(i.ServerReported)
        assert [(part.first, part.last) for part in parts] == [(True, False), (False, False), (False, True)]
        assert [len(part.callers) for part in parts] == [200, 200, 50]
        assert [len(part.legs) for part in parts] == [200, 10, 0]
        assert len(scene.all(i.CallArrived)) == 450
        assert scene.inputs.seen[-1] is parts[-1]


async def test_report_says_who_talks_with_whom_and_the_end_of_both_is_told() -> None:
    async with connected() as scene:
        offer = await scene.talking("c1")
        await scene.cut()
        talks = {**waiting("c1", exten="connect"), "BridgeID": "b1"}
        (report,) = await scene.restored(talks, leg(offer.offer, "6", bridge="b1"))
        assert report.callers == (i.SeenCaller(ChannelId("c1"), "talking"),)
        assert report.legs == (i.SeenLeg(offer.offer, "talking"),)
        scene.hangs_up("c1")
        scene.event("Hangup", offer.offer, Cause="16")
        await scene.reported(i.LegEnded, offer=offer.offer)
        assert scene.all(i.CallerLeft) == [i.CallerLeft(line("c1"), hung_up=True)]
        scene.act(scene.ended_fact(offer))
        assert scene.is_empty()


async def test_bridge_made_while_the_link_was_down_is_known_from_the_report() -> None:
    async with connected() as scene:
        offer = await scene.answered("c1")
        scene.accept(offer)
        await scene.ami.received("Redirect")
        await scene.cut()
        talks = {**waiting("c1", exten="connect"), "BridgeID": "b1"}
        await scene.restored(talks, leg(offer.offer, "6", bridge="b1"))
        scene.accept(offer)
        await scene.heard()
        assert scene.ami.count("Redirect") == 1, "who talks is not moved"


async def test_answer_that_only_the_report_tells_of_can_become_a_conversation() -> None:
    async with connected() as scene:
        offer = await scene.ringing("c1")
        await scene.cut()
        await scene.restored(waiting("c1"), leg(offer.offer, "6", bridge="holding"))
        await until(lambda: scene.books.callers[ChannelId("c1")].claimed)
        scene.accept(offer)
        await scene.ami.received("Redirect")
        scene.bridged(offer.offer, "c1")
        await scene.reported(i.LegBridged, offer=offer.offer)
        scene.event("HangupRequest", offer.offer)
        assert await scene.reported(i.LegEnded) == i.LegEnded(offer.offer, "hung-up")


async def test_caller_who_talks_needs_no_new_claim() -> None:
    async with connected() as scene:
        offer = await scene.talking("c1")
        await scene.cut()
        talks = {**waiting("c1", exten="connect"), "BridgeID": "b1"}
        await scene.restored(talks, leg(offer.offer, "6", bridge="b1"))
        assert scene.adapter.unconfirmed_claims == 0


async def test_caller_who_went_on_in_the_dialplan_while_the_link_was_down_is_let_go() -> None:
    async with connected() as scene:
        await scene.queued("c1")
        await scene.cut()
        (report,) = await scene.restored({**waiting("c1"), "Context": "after-queue"})
        assert report.callers == (i.SeenCaller(ChannelId("c1"), "elsewhere"),)
        assert scene.books.callers == {}
        scene.hangs_up("c1")
        await scene.heard()
        assert not scene.all(i.CallerLeft), "the core knows from the report"


async def test_what_ended_while_the_link_was_down_is_let_go() -> None:
    async with connected() as scene:
        talking, ringing = await scene.talking("c1"), await scene.ringing("c2")
        scene.event("Newchannel", "d1", Channel="PJSIP/1002-00000003", ChannelState="4")
        await scene.cut()
        await scene.restored()
        assert not any((scene.books.callers, scene.books.legs, scene.books.direct))
        scene.act(
            scene.ended_fact(talking),
            scene.end_fact(ringing, "lost"),
            f.CallLost(0, ringing.call, QueueId("q"), "gone", 1),
        )
        assert scene.is_empty()


async def test_channel_that_hangs_up_while_the_report_is_made_is_not_in_it() -> None:
    async with connected() as scene:
        await scene.queued("c1")
        await scene.cut()
        asked, before = await scene.asks_for_its_report()
        scene.hangs_up("c1")
        scene.ami.answer(asked, status(waiting("c1"), waiting("c2")))
        (report,) = await scene.next_report(before)
        assert [seen.channel for seen in report.callers] == ["c2"]
        assert scene.all(i.CallerLeft) == [i.CallerLeft(line("c1"), hung_up=True)]
        assert set(scene.books.callers) == {"c2"}


async def test_caller_who_arrives_while_the_report_is_made_is_handed_over_and_kept() -> None:
    async with connected() as scene:
        await scene.cut()
        asked, before = await scene.asks_for_its_report()
        scene.hands_over("c1")
        await scene.reported(i.CallArrived)
        scene.act(scene.queue_fact("c1"))
        scene.ami.answer(asked, status())
        await scene.next_report(before)
        assert scene.books.callers[ChannelId("c1")].call is not None
        assert len(scene.all(i.CallArrived)) == 1


async def test_link_that_is_lost_while_the_report_is_made_reports_in_full_the_next_time() -> None:
    async with connected() as scene:
        await scene.queued("c1")
        await scene.cut()
        _, before = await scene.asks_for_its_report()
        scene.ami.once("Status", status(waiting("c1")))
        scene.ami.cut()
        (report,) = await scene.next_report(before)
        assert report.first
        assert report.last
        assert [seen.channel for seen in report.callers] == ["c1"]


async def test_phone_that_calls_a_queue_or_keys_in_a_code_is_known_from_the_report_and_not_counted() -> None:
    calls = {**waiting("c1"), "Channel": "PJSIP/1001-0000000a"}
    keys_in = {"Uniqueid": "d1", "Channel": "PJSIP/1002-0000000b", "ChannelState": "6", "Context": "acd-code"}
    async with connected(status_shows=[calls, keys_in]) as scene:
        arrived, report, *serving = scene.inputs.seen
        assert isinstance(arrived, i.CallArrived)
        assert isinstance(report, i.ServerReported)
        assert serving == [i.PhoneServes(line("c1")), i.PhoneServes(line("d1"))]


async def test_direct_call_is_known_from_the_report() -> None:
    rings = {"Uniqueid": "d1", "Channel": "PJSIP/1001-0000000a", "ChannelState": "5", "Application": "AppDial"}
    talks = {"Uniqueid": "d2", "Channel": "PJSIP/1002-0000000b", "ChannelState": "6", "Application": "Dial"}
    async with connected(status_shows=[rings, talks]) as scene:
        (report,) = scene.all(i.ServerReported)
        assert report.phones == (
            i.SeenPhone(Phone("1001"), ChannelId("d1"), "in", answered=False),
            i.SeenPhone(Phone("1002"), ChannelId("d2"), "out", answered=True),
        )
        scene.event("Newstate", "d1", ChannelState="6")
        await scene.reported(i.PhoneAnswered, line=line("d1"))
        for channel in ("d1", "d2"):
            scene.event("Hangup", channel, Cause="16")
            await scene.reported(i.PhoneReleased, line=line(channel))
        assert scene.is_empty()


# --- Phones that come under watch -----------------------------------------------------------------------------


def logged_in(phone: str) -> f.AgentLoggedIn:
    return f.AgentLoggedIn(0, AgentId("ana"), (), Phone(phone), "ana")


def on_a_call(phone: str, context: str = "phones") -> Pairs:
    return {"Uniqueid": "d1", "Channel": f"PJSIP/{phone}-0000000a", "ChannelState": "6", "Context": context}


async def test_phone_of_a_log_in_is_watched_and_looked_at() -> None:
    """It may be in a call, of which no event told us."""
    async with connected() as scene:
        scene.ami.once("Status", status(on_a_call("1500")))
        scene.act(logged_in("1500"))
        assert await scene.reported(i.PhoneInUse) == i.PhoneInUse(Phone("1500"), line("d1"), "out")
        await scene.reported(i.PhoneAnswered)
        scene.event("Hangup", "d1", Cause="16")
        await scene.reported(i.PhoneReleased)
        assert len(scene.all(i.ServerReported)) == 1
        assert not scene.all(i.PhoneServes)


async def test_feature_code_by_which_the_agent_logs_in_is_no_direct_call() -> None:
    async with connected() as scene:
        scene.ami.once("Status", status(on_a_call("1500", context="acd-code")))
        scene.act(logged_in("1500"))
        await scene.reported(i.PhoneServes, line=line("d1"))


async def test_phone_that_is_watched_already_is_not_looked_at_again() -> None:
    async with connected() as scene:
        scene.act(logged_in("1001"))
        scene.act(logged_in("1500"), logged_in("1500"))
        await until(lambda: scene.ami.count("Status") == 2)
        await scene.heard()
        assert scene.ami.count("Status") == 2


async def test_look_that_fails_does_not_keep_the_next_one_from_being_made() -> None:
    async with connected() as scene:
        scene.ami.once("Status", error("Permission denied"))
        scene.act(logged_in("1500"))
        await until(lambda: scene.ami.count("Status") == 2)
        await scene.heard()
        assert scene.books.gone is None, "nothing is noted any more for a report that is not being made"
        scene.ami.once("Status", status(on_a_call("1501")))
        scene.act(logged_in("1501"))
        assert (await scene.reported(i.PhoneInUse)).phone == "1501"


async def test_phone_that_comes_under_watch_during_a_look_is_looked_at_too() -> None:
    async with connected() as scene:
        scene.ami.once("Status", None)
        scene.act(logged_in("1500"))
        await scene.ami.received("Status")
        asked = await scene.ami.received("Status")
        scene.act(logged_in("1501"))
        scene.ami.once("Status", status(on_a_call("1501")))
        scene.ami.answer(asked, status())
        assert (await scene.reported(i.PhoneInUse)).phone == "1501"


# --- An engine that does not keep up --------------------------------------------------------------------------


async def test_report_that_the_engine_does_not_take_brings_a_new_link() -> None:
    async with connected() as scene:
        scene.refuse = NotTaken
        scene.hands_over("c1")
        await until(lambda: not scene.server().link.connected)
        scene.refuse = None
        await scene.reported(i.ServerReported, 2)


async def test_engine_that_takes_no_report_is_not_plied_with_the_rest_of_it() -> None:
    async with AmiServer() as ami:
        ami.on("Status", status(*(waiting(f"c{number}") for number in range(500))))
        with capture_logs() as logs:
            async with running(ami) as scene:
                scene.refuse = NotTaken
                await until(lambda: ami.connections >= 4)
                refused = sum(entry["event"] == "the engine took no report" for entry in logs)
                assert refused <= 2 * ami.connections
                scene.refuse = None
                await scene.reported(i.ServerReported, last=True)
