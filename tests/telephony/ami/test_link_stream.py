"""Hearing: whatever comes, the link survives it or drops it cleanly, and nothing good is lost or reordered."""

import asyncio
import time
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from acd.telephony.ami.messages import AmiEvent
from acd.telephony.ami.protocol import LinkLimits
from acd.testing.ami_server import AmiServer, event, with_events
from tests.telephony.ami.link_harness import Witness, up


async def test_exception_in_the_handler_loses_nothing_and_closes_nothing() -> None:
    async with AmiServer() as ami, up(ami) as (link, witness):

        def fails_once(heard: AmiEvent) -> None:
            if heard.name == "First":
                raise RuntimeError("a bug in the handler")

        witness.also = fails_once
        with capture_logs() as logs:
            ami.push_bytes(event("First") + event("Second") + event("Third"))
            await witness.event("Third")
        assert witness.told == ["up", "First", "Second", "Third"]
        assert link.counters.handler_errors == 1
        told = next(entry for entry in logs if "handler failed" in entry["event"])
        assert (told["server"], told["ami_event"], told["exc_info"]) == ("east", "First", True)


async def test_exceptions_without_end_are_logged_ever_more_rarely() -> None:
    async with AmiServer() as ami, up(ami) as (link, witness):

        def always_fails(_: AmiEvent) -> None:
            raise RuntimeError("a bug in the handler")

        witness.also = always_fails
        with capture_logs() as logs:
            ami.push_bytes(event("Newexten") * 1_000 + event("Last"))
            await witness.event("Last")
        assert link.counters.handler_errors == 1_001
        assert len(logs) == 10


async def test_exception_in_on_up_or_on_down_does_not_end_the_link() -> None:
    async with AmiServer() as ami, up(ami) as (link, witness):

        def down_fails(_: str) -> None:
            raise RuntimeError("a bug in the owner")

        def up_fails() -> None:
            witness.on_up()
            raise RuntimeError("a bug in the owner")

        link._on_down, link._on_up = down_fails, up_fails
        with capture_logs() as logs:
            ami.cut()
            await witness.until(lambda: witness.ups == 2)
        assert [entry["event"] for entry in logs].count("AMI link callback failed; the link goes on") == 2
        assert (await link.send("Ping")).success
        assert link.counters.handler_errors == 2


@pytest.mark.parametrize(
    "junk",
    [
        b"no colon in here\r\n\r\n",
        b"Neither: event nor response\r\n\r\n",
        b"\x00\xff\xfe\x80\r\n\r\n",
        b"Event: One\r\nEvent: Two\r\n\r\n",
        b"X: " + b"x" * 70_000 + b"\r\n\r\n",
    ],
    ids=["no colon", "no event", "binary", "two events", "too long"],
)
async def test_malformed_message_is_counted_logged_and_survived(junk: bytes) -> None:
    async with AmiServer() as ami, up(ami) as (link, witness):
        with capture_logs() as logs:
            ami.push_bytes(event("Before") + junk + event("After"))
            await witness.event("After")
        assert witness.told == ["up", "Before", "After"]
        assert link.counters.malformed == 1
        told = next(entry for entry in logs if entry["event"] == "malformed AMI message")
        assert told["server"] == "east"
        assert len(told["start"]) < 400


async def test_event_with_one_bad_line_still_counts_as_the_event() -> None:
    async with AmiServer() as ami, up(ami) as (link, witness):
        ami.push_bytes(b"Event: Hangup\r\nbroken by a line feed\r\nUniqueid: 1.2\r\n\r\n")
        assert (await witness.event("Hangup")).get("Uniqueid") == "1.2"
        assert link.counters.malformed == 1


async def test_malformed_messages_in_a_row_end_the_connection_and_it_comes_back() -> None:
    async with AmiServer() as ami, up(ami, LinkLimits(malformed_in_a_row=20, retry_first_s=0.005)) as (_, witness):
        ami.push_bytes(b"junk\r\n\r\n" * 30)
        await witness.until(lambda: witness.ups == 2)
        assert witness.downs == ["21 malformed messages in a row"]


async def test_stream_without_end_drops_the_link_and_it_comes_back() -> None:
    limits = LinkLimits(message_bytes=1_000, endless_bytes=100_000, retry_first_s=0.005)
    async with AmiServer() as ami, up(ami, limits) as (_, witness):
        ami.push_bytes(b"x" * 300_000)
        await witness.until(lambda: witness.ups == 2)
        assert "without the end of a message" in witness.downs[0]


async def test_multibyte_character_split_at_every_byte_arrives_whole() -> None:
    name = "Zoë €uro \U0001f600 你好"
    data = event("UserEvent", {"CallerIDName": name})
    async with AmiServer() as ami, up(ami) as (link, witness):
        for cut in range(1, len(data)):
            await ami.push_in_pieces(data, [cut])
        await ami.push_in_pieces(data, range(1, len(data)))
        await witness.until(lambda: len(witness.events) == len(data))
        assert {heard.get("CallerIDName") for heard in witness.events} == {name}
        assert link.counters.replaced == 0


async def test_bytes_that_are_no_utf8_are_replaced_and_counted() -> None:
    async with AmiServer() as ami, up(ami) as (link, witness):
        ami.push_bytes(b"Event: UserEvent\r\nCallerIDName: M\xfcller\r\n\r\n")
        assert (await witness.event("UserEvent")).get("CallerIDName") == "M\ufffdller"
        assert (link.counters.replaced, link.counters.malformed) == (1, 0)


def busy(seconds: float) -> Callable[[AmiEvent], None]:
    """A handler that takes so long for each event."""

    def handle(_: AmiEvent) -> None:
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            pass

    return handle


def numbered(count: int) -> bytes:
    return b"".join(event("Newexten", {"Number": str(number)}) for number in range(count))


async def test_flood_is_handled_in_order_and_other_tasks_keep_their_turn() -> None:
    async with AmiServer() as ami, up(ami, LinkLimits(messages_a_turn=50)) as (link, witness):
        witness.also = busy(0.000_1)
        ami.push_bytes(numbered(2_000) + event("Last"))
        turns = await turns_until(witness, "Last")
        assert [heard.get("Number") for heard in witness.events[:-1]] == [str(n) for n in range(2_000)]
        assert link.counters.events == 2_001
        assert turns >= 2_000 / 50


async def test_events_before_an_orderly_end_are_all_handled() -> None:
    async with AmiServer() as ami, up(ami, LinkLimits(messages_a_turn=5, retry_first_s=0.005)) as (_, witness):
        ami.push_bytes(numbered(3_000))
        ami.hang_up()
        await witness.until(lambda: witness.downs)
        assert len(witness.events) == 3_000


async def test_slow_handler_is_not_taken_for_a_silent_asterisk() -> None:
    limits = LinkLimits(ping_every_s=0.01, ping_answer_s=0.02, messages_a_turn=5)
    async with AmiServer() as ami, up(ami, limits) as (link, witness):
        witness.also = busy(0.001)
        ami.push_bytes(numbered(150) + event("Last"))
        await witness.event("Last")
        assert (await link.send("Ping")).success
        assert witness.downs == []


async def test_handler_that_never_catches_up_costs_the_link_and_the_reason_says_so() -> None:
    """Coming back with a fresh report is quicker than ever older events."""
    limits = LinkLimits(ping_every_s=0.01, ping_answer_while_busy_s=0.05, messages_a_turn=1, retry_first_s=0.005)
    async with AmiServer() as ami, up(ami, limits) as (_, witness):
        witness.also = busy(0.001)
        ami.push_bytes(numbered(1_000))
        await witness.until(lambda: witness.downs)
        assert witness.downs == ["no answer to a ping in 0.05 s; its events come faster than they are handled"]


async def turns_until(witness: Witness, name: str) -> int:
    """How often another task had its turn until that event came."""
    turns = 0
    while name not in witness.told[-1:]:
        turns += 1
        await asyncio.sleep(0)
    return turns


async def test_flood_faster_than_the_handler_is_left_in_the_socket_not_in_memory() -> None:
    one = event("Newexten", {"AppData": "x" * 200})
    async with AmiServer() as ami, up(ami, LinkLimits(messages_a_turn=1, ping_every_s=30)) as (link, witness):
        held: list[int] = []

        def measure(_: AmiEvent) -> None:
            connection = link._connection
            assert connection is not None
            held.append(len(connection._messages) * len(one) + len(connection._framer._buffer))

        witness.also = measure
        total = 20_000
        await ami.flood(one * 500 for _ in range(total // 500))
        await witness.until(lambda: len(witness.events) == total, 10)
        assert max(held) < 600_000 < total * len(one)


async def test_ping_behind_a_flood_does_not_cost_the_link() -> None:
    """The answer waits its turn behind events: that Asterisk is there shows by them."""
    limits = LinkLimits(ping_every_s=0.01, ping_answer_s=0.02)
    async with AmiServer() as ami, up(ami, limits) as (_, witness):
        ami.once("Ping", None)
        late = await ami.received("Ping")
        enough = time.monotonic() + 3 * limits.ping_answer_s
        while time.monotonic() < enough:
            ami.push("Newexten")
            await asyncio.sleep(0)
        ami.answer(late, {"Ping": "Pong"})
        await ami.received("Ping")
        assert witness.downs == []


async def test_events_before_the_link_is_up_are_dropped_and_counted() -> None:
    """The report that the owner asks for at on_up says more than they do."""
    async with AmiServer(fully_booted=False) as ami:
        ami.on("Ping", with_events({"Ping": "Pong"}, ("Newchannel", {})))
        async with up(ami, LinkLimits(booted_s=0.01, ping_every_s=30)) as (link, witness):
            assert witness.told == ["up"]
            assert link.counters.dropped == 1
