"""The scripted server keeps its own promises, tried with a plain socket and no AMI client."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from acd.testing.ami_server import AmiServer, error, listing, with_events

LOGIN = b"Action: Login\r\nActionID: 1\r\nUsername: acd\r\nSecret: lab\r\n\r\n"
ACCEPTED = b"Response: Success\r\nActionID: 1\r\nMessage: Authentication accepted\r\n\r\n"
BOOTED = b"Event: FullyBooted\r\nStatus: Fully Booted\r\n\r\n"


class Plain:
    """A socket that says bytes and reads messages."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def says(self, data: bytes) -> bytes:
        self.writer.write(data)
        return await self.hears()

    async def hears(self) -> bytes:
        async with asyncio.timeout(5):
            return await self.reader.readuntil(b"\r\n\r\n")


@asynccontextmanager
async def plain(ami: AmiServer) -> AsyncIterator[Plain]:
    reader, writer = await asyncio.open_connection(ami.host, ami.port)
    try:
        assert await reader.readline() == b"Asterisk Call Manager/11.0.0\r\n"
        yield Plain(reader, writer)
    finally:
        writer.close()


@asynccontextmanager
async def signed_in(ami: AmiServer) -> AsyncIterator[Plain]:
    async with plain(ami) as client:
        assert await client.says(LOGIN) == ACCEPTED
        assert await client.hears() == BOOTED
        yield client


async def test_login_is_checked_and_a_refused_one_is_hung_up() -> None:
    async with AmiServer(secret="other") as ami, plain(ami) as client:
        assert b"Response: Error" in await client.says(LOGIN)
        assert await client.reader.read() == b""


async def test_action_is_answered_by_its_script_and_once_goes_first() -> None:
    async with AmiServer() as ami, signed_in(ami) as client:
        ami.on("Getvar", lambda action: {"Value": action.get("Variable").lower()})
        ami.once("Getvar", error("No such channel"))
        ask = b"Action: Getvar\r\nActionID: 7\r\nVariable: A\r\n\r\n"
        assert await client.says(ask) == b"Response: Error\r\nActionID: 7\r\nMessage: No such channel\r\n\r\n"
        assert await client.says(ask) == b"Response: Success\r\nActionID: 7\r\nValue: a\r\n\r\n"


async def test_list_carries_the_action_id_on_every_item_and_ends() -> None:
    async with AmiServer() as ami, signed_in(ami) as client:
        ami.on("Status", listing("StatusComplete", ("Status", {"Variable": ["a=1", "b=2"]})))
        assert b"EventList: start" in await client.says(b"Action: Status\r\nActionID: 8\r\n\r\n")
        assert await client.hears() == b"Event: Status\r\nActionID: 8\r\nVariable: a=1\r\nVariable: b=2\r\n\r\n"
        assert b"ActionID: 8\r\nEventList: Complete\r\nListItems: 1" in await client.hears()


async def test_unanswered_action_can_be_answered_later() -> None:
    async with AmiServer() as ami, signed_in(ami) as client:
        ami.on("Originate", None)
        client.writer.write(b"Action: Originate\r\nActionID: 9\r\n\r\n")
        action = await ami.received("originate")
        ami.answer(action, with_events({}, ("Hangup", {"Cause": "16"})))
        assert await client.hears() == b"Response: Success\r\nActionID: 9\r\n\r\n"
        assert await client.hears() == b"Event: Hangup\r\nCause: 16\r\n\r\n"


async def test_received_gives_each_action_once_in_order_and_says_what_came_instead() -> None:
    async with AmiServer() as ami, signed_in(ami) as client:
        await client.says(b"Action: Setvar\r\nValue: 1\r\n\r\n")
        await client.says(b"Action: Setvar\r\nValue: 2\r\n\r\n")
        assert [(await ami.received("Setvar")).get("value") for _ in range(2)] == ["1", "2"]
        with pytest.raises(AssertionError, match="Setvar received; received so far: Login, Setvar, Setvar"):
            await ami.received("Setvar", within_s=0.01)


async def test_silent_server_keeps_the_connection_and_says_nothing() -> None:
    async with AmiServer() as ami, signed_in(ami) as client:
        ami.go_silent()
        client.writer.write(b"Action: Ping\r\n\r\n")
        await ami.received("Ping")
        ami.speak_again()
        ami.push("Hangup")
        assert await client.hears() == b"Event: Hangup\r\n\r\n"


async def test_events_go_only_to_who_is_signed_in() -> None:
    async with AmiServer() as ami, plain(ami) as stranger, signed_in(ami) as client:
        ami.push("Hangup", Cause="16")
        assert await client.hears() == b"Event: Hangup\r\nCause: 16\r\n\r\n"
        assert await stranger.says(b"Action: Ping\r\n\r\n") == b"Response: Success\r\nPing: Pong\r\n\r\n"


async def test_listening_stops_and_starts_on_the_same_port() -> None:
    async with AmiServer() as ami:
        port = ami.port
        await ami.stop_listening()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(ami.host, port)
        await ami.listen()
        assert ami.port == port
        async with signed_in(ami):
            await ami.client()


async def test_script_that_fails_fails_the_test() -> None:
    def broken(_: object) -> None:
        raise LookupError("a bug in the script")

    async def conversation() -> None:
        async with AmiServer() as ami, signed_in(ami) as client:
            ami.on("Ping", broken)
            client.writer.write(b"Action: Ping\r\n\r\n")
            await ami.until(lambda: not ami._writers, 5, "the connection is gone")

    with pytest.raises(LookupError):
        await conversation()


async def test_nothing_is_left_behind() -> None:
    before = len(asyncio.all_tasks())
    async with AmiServer() as ami, signed_in(ami) as client:
        pass
    assert ami._tasks.names == ()
    assert await client.reader.read() == b""
    assert len(asyncio.all_tasks()) == before
