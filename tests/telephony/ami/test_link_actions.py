"""Asking: each action at most once, each answer to its own question, nothing injected."""

import asyncio

import pytest

from acd.telephony.ami.link import AmiLink
from acd.telephony.ami.messages import (
    ActionTimeout,
    AmiAction,
    AmiResponse,
    BadAction,
    LinkBusy,
    LinkLost,
    NotConnected,
)
from acd.telephony.ami.protocol import LinkLimits
from acd.testing.ami_server import AmiServer, Pairs, error, listing, with_events
from tests.telephony.ami.link_harness import CALM, QUICK, address, record_writes, running, up


async def test_action_gets_the_response_to_itself() -> None:
    async with AmiServer() as ami, up(ami) as (link, _):
        ami.on("Getvar", lambda action: {"Variable": action.get("Variable"), "Value": "1"})
        answers = await asyncio.gather(link.send("Getvar", ("Variable", "A")), link.send("Getvar", ("Variable", "B")))
        assert [answer.get("variable") for answer in answers] == ["A", "B"]
        assert all(answer.success for answer in answers)


async def test_refused_action_is_an_answer_with_asterisks_words() -> None:
    async with AmiServer() as ami, up(ami) as (link, _):
        ami.on("Redirect", error("Channel does not exist"))
        answer = await link.send("Redirect", ("Channel", "x"))
        assert (answer.success, answer.message) == (False, "Channel does not exist")


async def test_unanswered_action_fails_at_once_when_the_link_breaks() -> None:
    async with AmiServer() as ami, up(ami, LinkLimits(retry_first_s=30)) as (link, witness):
        ami.on("Originate", None)
        asked = link.send("Originate", ("Channel", "PJSIP/1001"))
        await ami.received("Originate")
        ami.cut()
        with pytest.raises(LinkLost, match=r"east: .* the fate of Originate is unknown") as lost:
            await asyncio.wait_for(asked, 1)
        assert lost.value.fate_unknown
        await witness.until(lambda: witness.downs)


async def test_action_asked_while_the_link_breaks_is_refused_at_once() -> None:
    """The first to hear of a loss may ask again at once: that must not wait for an answer that cannot come."""
    async with AmiServer() as ami, up(ami, LinkLimits(retry_first_s=30)) as (link, _):
        ami.on("Originate", None)
        again: asyncio.Future[asyncio.Future[AmiResponse]] = asyncio.get_running_loop().create_future()
        asked = link.send("Originate")
        asked.add_done_callback(lambda _: again.set_result(link.send("Setvar")))
        await ami.received("Originate")
        ami.cut()
        assert (await again).done()
        with pytest.raises(NotConnected):
            await again.result()


async def test_unanswered_action_is_never_sent_again_after_reconnect() -> None:
    async with AmiServer() as ami, up(ami) as (link, witness):
        ami.on("Originate", None)
        asked = link.send("Originate", ("Channel", "PJSIP/1001"), action_id="offer-1")
        await ami.received("Originate")
        ami.cut()
        await witness.until(lambda: witness.ups == 2)
        with pytest.raises(LinkLost):
            await asked
        await link.send("Ping")  # everything that was sent before this ping has arrived with it
        assert ami.count("Originate") == 1


async def test_action_asked_while_down_fails_and_is_not_kept_for_later() -> None:
    async with AmiServer() as ami:
        await ami.stop_listening()
        async with running(ami) as (link, witness):
            asked = link.send("Originate", ("Channel", "PJSIP/1001"))
            with pytest.raises(NotConnected) as refused:
                await asked
            assert not refused.value.fate_unknown
            await ami.listen()
            await witness.until(lambda: witness.ups)
            await link.send("Ping")
            assert ami.count("Originate") == 0


async def test_unanswered_action_times_out_with_its_fate_unknown() -> None:
    async with AmiServer() as ami, up(ami) as (link, witness):
        ami.on("Redirect", None)
        with pytest.raises(ActionTimeout, match="no answer to Redirect") as late:
            await link.send("Redirect", ("Channel", "x"), timeout_s=0.01)
        assert late.value.fate_unknown
        assert link.counters.timeouts == 1
        assert link.connected
        assert witness.downs == []


async def test_answer_that_comes_too_late_is_counted_and_harmless() -> None:
    async with AmiServer() as ami, up(ami) as (link, witness):
        ami.on("Status", None)
        asked = link.send("Status", timeout_s=0.01)
        action = await ami.received("Status")
        with pytest.raises(ActionTimeout):
            await asked
        ami.answer(action, listing("StatusComplete", ("Status", {"Uniqueid": "1"})))
        await link.send("Ping")
        assert link.counters.unmatched == 1
        assert witness.events == []
        assert (await link.send("Ping", action_id=action.action_id)).success


async def test_cancelled_wait_leaves_the_link_in_order() -> None:
    async with AmiServer() as ami, up(ami) as (link, _):
        ami.on("Getvar", None)
        asked = link.send("Getvar", ("Variable", "A"))
        action = await ami.received("Getvar")
        asked.cancel()
        ami.answer(action, {"Value": "1"})
        assert (await link.send("Ping")).success


async def test_list_action_comes_whole_without_reaching_the_event_handler() -> None:
    async with AmiServer() as ami, up(ami) as (link, witness):
        rows: list[tuple[str, Pairs]] = [
            ("Status", {"Uniqueid": str(number), "Variable": ["a=1", "b=(null)"]}) for number in range(300)
        ]
        ami.on("Status", listing("StatusComplete", *rows))
        answer = await link.send("Status")
        items = answer.events[:-1]
        assert [item.get("Uniqueid") for item in items] == [str(number) for number in range(300)]
        assert items[0].all("variable") == ["a=1", "b=(null)"]
        assert answer.events[-1].name == "StatusComplete"
        assert witness.events == []


async def test_refused_list_action_answers_at_once() -> None:
    async with AmiServer() as ami, up(ami) as (link, _):
        ami.on("Status", error("No such channel"))
        answer = await link.send("Status", ("Channel", "offer-1"))
        assert (answer.success, answer.events) == (False, ())


async def test_list_without_an_end_times_out() -> None:
    async with AmiServer() as ami, up(ami) as (link, _):
        ami.on("Status", with_events({"EventList": "start"}))
        with pytest.raises(ActionTimeout):
            await link.send("Status", timeout_s=0.02)


async def test_list_longer_than_its_bound_fails_and_the_link_goes_on() -> None:
    async with AmiServer() as ami, up(ami, LinkLimits(list_events=10)) as (link, witness):
        ami.on("Status", listing("StatusComplete", *[("Status", {"Uniqueid": "1"})] * 50))
        with pytest.raises(LinkBusy, match="too long"):
            await link.send("Status")
        assert (await link.send("Ping")).success
        assert witness.events == []


async def test_originate_is_answered_before_the_phone_is() -> None:
    async with AmiServer() as ami, up(ami) as (link, witness):
        answer = await link.send("Originate", ("Async", "true"), action_id="offer-1")
        assert (answer.success, answer.message) == (True, "Originate successfully queued")
        ami.push("OriginateResponse", ActionID="offer-1", Response="Failure", Reason="0")
        outcome = await witness.event("OriginateResponse")
        assert (outcome.get("ActionID"), outcome.get("Response")) == ("offer-1", "Failure")


async def test_originate_response_that_overtakes_its_response_is_an_event_all_the_same() -> None:
    async with AmiServer() as ami, up(ami) as (link, witness):
        ami.on("Originate", None)
        asked = link.send("Originate", ("Async", "true"), action_id="offer-1")
        action = await ami.received("Originate")
        ami.push("OriginateResponse", ActionID="offer-1", Response="Failure", Reason="0")
        await witness.event("OriginateResponse")
        ami.answer(action, {"Message": "Originate successfully queued"})
        assert (await asked).success


async def test_several_actions_go_in_one_write_in_their_order() -> None:
    async with AmiServer() as ami, up(ami) as (link, _):
        writes = record_writes(link)
        answers = link.send_many(
            AmiAction("Setvar", (("Channel", "u"), ("Variable", "ACD_CLAIM"), ("Value", "1"))),
            AmiAction("Getvar", (("Channel", "u"), ("Variable", "ACD_LEFT"))),
            AmiAction("Originate", (("Variable", "A=1"), ("Variable", "B=2")), action_id="offer-1"),
        )
        await asyncio.gather(*answers)
        assert len(writes) == 1
        assert [action.name for action in ami.actions[1:]] == ["Setvar", "Getvar", "Originate"]
        originate = await ami.received("Originate")
        assert originate.all("Variable") == ["A=1", "B=2"]
        assert originate.action_id == "offer-1"


async def test_header_repeated_in_another_case_is_not_lost() -> None:
    async with AmiServer() as ami, up(ami) as (link, _):
        await link.send("Originate", ("Variable", "A=1"), ("variable", "B=2"))
        assert (await ami.received("Originate")).all("Variable") == ["A=1", "B=2"]


async def test_second_response_to_one_action_is_counted_and_harmless() -> None:
    async with AmiServer() as ami, up(ami) as (link, witness):
        ami.on("Status", with_events({"EventList": "start"}))
        asked = link.send("Status", action_id="s1")
        await ami.received("Status")
        ami.push_bytes(b"Response: Success\r\nActionID: s1\r\nActionID: s2\r\n\r\n")
        ami.push("StatusComplete", ActionID="s1", EventList="Complete")
        assert [item.name for item in (await asked).events] == ["StatusComplete"]
        assert link.counters.unmatched == 1
        assert witness.events == []


@pytest.mark.parametrize("evil", ["a\r\nAction: Command", "a\nb", "a\rb", "a\0b", "a\ud800b"])
async def test_line_break_in_a_value_is_refused_and_nothing_is_sent(evil: str) -> None:
    async with AmiServer() as ami, up(ami) as (link, _):
        for attempt in (
            lambda: link.send("Originate", ("CallerID", evil)),
            lambda: link.send("Originate", (f"Variable{evil}", "x")),
            lambda: link.send(f"Originate{evil}"),
            lambda: link.send("Originate", action_id=evil),
            lambda: link.send_many(AmiAction("Ping"), AmiAction("Setvar", (("Value", evil),))),
        ):
            with pytest.raises(BadAction):
                attempt()
        await link.send("Ping")
        assert [action.name for action in ami.actions] == ["Login", "Ping"]


async def test_action_id_in_use_is_refused() -> None:
    async with AmiServer() as ami, up(ami) as (link, _):
        ami.on("Originate", None)
        link.send("Originate", action_id="offer-1")
        with pytest.raises(BadAction, match="offer-1 still waits"):
            link.send("Originate", action_id="offer-1")


async def test_too_many_unanswered_actions_are_refused_unsent() -> None:
    async with AmiServer() as ami, up(ami, LinkLimits(pending_actions=2)) as (link, _):
        ami.on("Setvar", None)
        asked = [link.send("Setvar") for _ in range(3)]
        with pytest.raises(LinkBusy) as refused:
            await asked[2]
        assert not refused.value.fate_unknown
        await ami.received("Setvar")
        assert not asked[0].done()


async def test_server_that_does_not_read_is_not_written_to_without_end() -> None:
    limits = LinkLimits(unsent_bytes=10_000, pending_actions=1_000_000)
    async with AmiServer() as ami, up(ami, limits) as (link, _):
        ami.stop_reading()
        asked = link.send("Setvar")
        while not asked.done():  # until the system's own buffers are full, too
            asked = link.send("Setvar", *[("Value", "x" * 900)] * 100)
        with pytest.raises(LinkBusy, match="does not read"):
            await asked


async def test_events_in_one_segment_with_an_answer_keep_their_order() -> None:
    async with AmiServer() as ami, up(ami) as (link, witness):
        ami.on("Setvar", with_events({}, ("UserEvent", {"Uniqueid": "1"}), ("Hangup", {"Uniqueid": "1"})))
        await link.send("Setvar")
        assert witness.told == ["up", "UserEvent", "Hangup"]


async def test_future_that_nobody_awaits_makes_no_noise_when_it_fails() -> None:
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    async with AmiServer() as ami, up(ami) as (link, witness):
        ami.on("Setvar", None)
        link.send("Setvar")
        ami.cut()
        await witness.until(lambda: witness.ups == 2)
    idle = AmiLink(address(ami), witness.on_event, witness.on_up, witness.on_down, CALM)
    idle.send("Setvar")
    assert complaints == []


async def test_stopping_fails_what_is_unanswered_and_tells_down_once() -> None:
    async with AmiServer() as ami:
        async with up(ami, QUICK) as (link, witness):
            ami.on("Setvar", None)
            asked = link.send("Setvar")
        with pytest.raises(LinkLost, match="stopped"):
            await asked
        assert witness.downs == ["the link was stopped"]
        await ami.until(lambda: not ami._writers, 1, "the connection is closed")
