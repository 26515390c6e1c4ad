"""Living: coming up, noticing the end, coming back; a fault is told once, with what to mend."""

import asyncio
import time
from typing import Any

import pytest
from structlog.testing import capture_logs

from acd.telephony.ami.link import AmiLink
from acd.telephony.ami.protocol import LinkLimits
from acd.testing.ami_server import AmiServer, error
from tests.telephony.ami.link_harness import CALM, QUICK, Witness, address, running, up
from tests.turns import until


def faults(logs: list[Any]) -> list[Any]:
    return [entry for entry in logs if entry["event"] == "no AMI link"]


async def test_link_is_up_after_fully_booted_and_says_which_server() -> None:
    with capture_logs() as logs:
        async with AmiServer() as ami, up(ami) as (link, witness):
            assert link.connected
            assert witness.told == ["up"]
            login = await ami.received("Login")
            assert (login.get("Username"), login.get("Events")) == ("acd", "on")
    assert logs[0] == {"event": "AMI link up", "log_level": "info", "server": "east", "version": "11.0.0"}


async def test_link_waits_for_an_asterisk_that_is_still_booting() -> None:
    async with AmiServer(fully_booted=False) as ami, running(ami) as (link, witness):
        await ami.client()
        assert not link.connected
        ami.push("FullyBooted", Status="Fully Booted")
        await witness.until(lambda: witness.ups)
        assert witness.told == ["up"]


async def test_link_comes_up_by_a_ping_where_the_account_never_sees_fully_booted() -> None:
    with capture_logs() as logs:
        async with AmiServer(fully_booted=False) as ami, up(ami, QUICK) as (_, _):
            await ami.received("Ping")
    assert "read=system" in next(entry["mend"] for entry in logs if "no FullyBooted" in entry["event"])


async def test_fully_booted_that_comes_late_is_an_ordinary_event() -> None:
    async with AmiServer(fully_booted=False) as ami, up(ami, QUICK) as (_, witness):
        ami.push("FullyBooted")
        await witness.event("FullyBooted")
        assert witness.ups == 1


async def test_broken_link_comes_back_and_up_and_down_alternate() -> None:
    async with AmiServer() as ami, up(ami) as (link, witness):
        for number in range(2, 6):
            ami.cut()
            await witness.until(lambda wanted=number: witness.ups == wanted)  # type: ignore[misc]
        assert [word.split(":")[0] for word in witness.told] == ["up", "down"] * 4 + ["up"]
        assert link.counters.reconnects == 4


async def test_link_waits_for_a_server_that_is_not_there_and_tells_it_once() -> None:
    async with AmiServer() as ami:
        await ami.stop_listening()
        with capture_logs() as logs:
            async with running(ami, QUICK) as (link, witness):
                await until(lambda: link.counters.reconnects >= 5)
                assert witness.told == []
                await ami.listen()
                await witness.until(lambda: witness.ups)
        assert len(faults(logs)) == 1
        assert "cannot be reached" in faults(logs)[0]["reason"]
        assert "is Asterisk running" in faults(logs)[0]["mend"]


@pytest.mark.parametrize("wrong", [{"host": "a..b"}, {"port": 70_000}])
async def test_address_that_cannot_be_is_told_and_does_not_end_the_link(wrong: dict[str, Any]) -> None:
    with capture_logs() as logs:
        async with AmiServer() as ami, running(ami, QUICK, **wrong):
            await until(lambda: faults(logs))
    assert "cannot be reached" in faults(logs)[0]["reason"]


async def test_silent_peer_is_noticed_within_the_bound_and_dropped() -> None:
    async with AmiServer() as ami, up(ami, QUICK) as (link, witness):
        ami.go_silent()
        began = time.monotonic()
        await witness.until(lambda: witness.downs)
        assert time.monotonic() - began < QUICK.ping_every_s + QUICK.ping_answer_s + 0.5
        assert witness.downs == ["Asterisk is silent: no answer to a ping in 0.05 s"]
        assert not link.connected
        ami.speak_again()
        await witness.until(lambda: witness.ups == 2)


async def test_peer_that_sends_events_but_answers_nothing_is_dropped_too() -> None:
    async with AmiServer() as ami, up(ami, QUICK) as (_, witness):
        ami.on("Ping", None)
        async with asyncio.timeout(2):
            while not witness.downs:
                ami.push("Newexten")
                await asyncio.sleep(0)
        assert witness.downs == ["no answer to a ping in 0.3 s"]


async def test_silent_peer_fails_the_unanswered_actions_at_once() -> None:
    async with AmiServer() as ami, up(ami, QUICK) as (link, _):
        ami.go_silent()
        with pytest.raises(Exception, match="Asterisk is silent"):
            await link.send("Originate", timeout_s=10)


async def test_shutdown_event_is_a_loss_and_not_an_event() -> None:
    async with AmiServer() as ami, up(ami) as (_, witness):
        ami.push("Shutdown", Shutdown="Cleanly", Restart="False")
        await witness.until(lambda: witness.ups == 2)
        assert witness.told == ["up", "down: Asterisk is shutting down", "up"]


async def test_first_hang_up_of_a_shutdown_is_a_loss_and_those_that_follow_are_no_events() -> None:
    async with AmiServer() as ami, up(ami, CALM) as (_, witness):
        ami.push("SoftHangupRequest", Uniqueid="c0", Cause="32")
        ami.push("SoftHangupRequest", Uniqueid="c1", Cause="4")
        ami.push("Hangup", Uniqueid="c1", Cause="16")
        await witness.until(lambda: witness.downs)
        assert witness.downs[0] == "Asterisk is shutting down"
        assert [heard.get("Uniqueid") for heard in witness.events] == ["c0"], "another order is an ordinary event"


async def test_answer_of_a_server_that_goes_down_is_a_loss_after_the_refusal() -> None:
    async with AmiServer() as ami, up(ami, CALM) as (link, witness):
        ami.once("Setvar", error("Asterisk is shutting down"))
        answer = await link.send("Setvar", ("Variable", "A"), ("Value", "1"))
        assert (answer.success, answer.shuts_down) == (False, True), "it is known that nothing was done"
        await witness.until(lambda: witness.downs)
        assert witness.downs[0] == "Asterisk is shutting down"


async def test_sign_in_on_a_server_that_goes_down_is_tried_again_soon() -> None:
    async with AmiServer() as ami:
        for _ in range(3):
            ami.once("Login", error("Asterisk is shutting down"))
        with capture_logs() as logs:
            async with up(ami, LinkLimits(ping_every_s=30, retry_first_s=0.001, retry_most_s=0.01, retry_refused_s=30)):
                assert ami.count("Login") == 4
        (told,) = faults(logs)
        assert told["reason"].endswith("Asterisk is shutting down")


async def test_server_that_closes_the_connection_is_told_as_such() -> None:
    async with AmiServer() as ami, up(ami) as (_, witness):
        ami.hang_up()
        await witness.until(lambda: witness.ups == 2)
        assert witness.downs == ["Asterisk closed the connection"]


async def test_wrong_password_is_told_with_what_to_mend_and_tried_slowly() -> None:
    limits = LinkLimits(retry_first_s=0.001, retry_refused_s=30)
    with capture_logs() as logs:
        async with AmiServer() as ami, running(ami, limits, secret="wrong") as (link, witness):
            await until(lambda: faults(logs))
            assert faults(logs)[0]["reason"] == "Asterisk refused user acd: Authentication failed"
            assert "[acd] in manager.conf" in faults(logs)[0]["mend"]
            await ami.until(lambda: not ami._writers, 2, "the refused connection is closed")
            assert (ami.count("Login"), witness.told, link.connected) == (1, [], False)


async def test_password_that_is_mended_later_is_found_out() -> None:
    async with AmiServer(secret="new") as ami, running(ami, CALM, secret="lab") as (_, witness):
        await ami.received("Login")
        ami.secret = "lab"
        await witness.until(lambda: witness.ups)


async def test_login_without_an_answer_is_tried_again() -> None:
    async with AmiServer() as ami:
        ami.once("Login", None)
        async with up(ami, LinkLimits(action_s=0.02, retry_first_s=0.005)):
            assert ami.count("Login") == 2


@pytest.mark.parametrize(
    ("banner", "reason"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "no Asterisk manager answers there: it says b'SSH-2.0-OpenSSH_9.2'"),
        (b"", "says nothing: it is no Asterisk manager, or it waits for TLS"),
    ],
)
async def test_other_service_on_that_port_is_told_and_tried_slowly(banner: bytes, reason: str) -> None:
    limits = LinkLimits(banner_s=0.02, retry_first_s=0.001, retry_refused_s=30)
    with capture_logs() as logs:
        async with AmiServer(banner=banner) as ami, running(ami, limits):
            await until(lambda: faults(logs))
            assert reason in faults(logs)[0]["reason"]
            assert "set host and port" in faults(logs)[0]["mend"]
            assert ami.count("Login") == 0


async def test_pauses_grow_to_their_bound_with_chance_and_start_anew_after_a_steady_link() -> None:
    limits = LinkLimits(retry_first_s=0.1, retry_most_s=1.0, retry_refused_s=8.0)
    witness = Witness()
    async with AmiServer() as ami:
        link = AmiLink(address(ami), witness.on_event, witness.on_up, witness.on_down, limits, lambda: 0.5)
    fault = type("Fault", (), {"slow": False})()
    refused = type("Fault", (), {"slow": True})()
    pauses = [link._pause_s(fault) for _ in range(6)]
    assert pauses == pytest.approx([0.075, 0.15, 0.3, 0.6, 0.75, 0.75])
    assert link._pause_s(refused) == pytest.approx(6.0)


async def test_link_that_breaks_soon_after_each_login_is_not_tried_in_a_hurry() -> None:
    limits = LinkLimits(ping_every_s=0.002, retry_first_s=0.001, retry_most_s=0.004, steady_s=60)
    async with AmiServer() as ami, up(ami, limits) as (link, witness):
        for number in range(2, 5):
            await ami.received("Ping")
            await ami.received("Ping")
            ami.cut()
            await witness.until(lambda wanted=number: witness.ups == wanted)  # type: ignore[misc]
        assert link._retry_s == 0.004


async def test_link_that_held_tries_at_once_when_it_breaks() -> None:
    async with AmiServer() as ami, up(ami, QUICK) as (link, _):
        ami.cut()
        await until(lambda: link._retry_s > QUICK.retry_first_s)
        await until(lambda: link._retry_s == QUICK.retry_first_s)


async def test_secret_is_in_no_log_and_no_repr() -> None:
    secret = "s3cret-of-the-operator"
    with capture_logs() as logs:
        limits = LinkLimits(action_s=0.05, retry_first_s=0.001, retry_refused_s=0.001)
        async with AmiServer(secret=secret) as ami, up(ami, limits, secret=secret) as (link, witness):
            ami.once("Login", error("Authentication failed"), None)
            ami.cut()
            await witness.until(lambda: witness.ups == 2, 5)
            told = [repr(link.address), str(link.address), repr(link), repr(vars(link))]
            ami.on("Login", None)
            ami.cut()
            await ami.received("Login")
            await until(lambda: ami.count("Login") >= 4)
    assert len(faults(logs)) >= 2
    assert secret not in repr(logs) + repr(told) + repr(witness.told)


async def test_asyncio_and_panoramisk_loggers_never_see_the_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    async with AmiServer(secret="s3cret") as ami:
        async with up(ami, secret="s3cret") as (link, _):
            connection = link._connection
            assert connection is not None
            assert "s3cret" not in repr(connection.responses)
        async with running(ami, QUICK, secret="s3cret-but-wrong"):
            await until(lambda: ami.count("Login") >= 2)
    assert "s3cret" not in caplog.text


async def test_stopping_while_connecting_or_waiting_leaves_nothing() -> None:
    async with AmiServer() as ami:
        ami.on("Login", None)
        async with running(ami) as (_, witness):
            await ami.received("Login")
        assert witness.told == []
        await ami.until(lambda: not ami._writers, 1, "the connection is closed")
        await ami.stop_listening()
        async with running(ami, LinkLimits(retry_first_s=60)) as (link, _):
            await until(lambda: link._retry_s > 60 or link._told)
