"""One engine at a time serves a server, and none rings anybody on a server that goes down."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from acd.model import ServerId
from acd.router import inputs as i
from acd.telephony.ami import lead
from acd.telephony.ami.lead import STALE_AFTER_S, Lead
from acd.testing.ami_server import AmiServer, Pairs, ReceivedAction, error
from tests.telephony.ami.adapter_harness import EPOCH, Scene, connected, running, waiting
from tests.telephony.ami.adapter_harness import status as shows
from tests.turns import until

ELSEWHERE = "elsewhere/7/0badcafe/main"
FRESH, STALE = EPOCH, str(int(EPOCH) - STALE_AFTER_S - 1)
GOING_DOWN = "Asterisk is shutting down"


class Globals(dict[str, str]):
    """Asterisk's global variables, on a scripted server."""

    def __init__(self, ami: AmiServer, **values: str) -> None:
        super().__init__(EPOCH=EPOCH, **values)
        ami.on("Getvar", self._get)
        ami.on("Setvar", self._set)

    def _get(self, action: ReceivedAction) -> Pairs:
        return {"Value": "" if action.get("Channel") else self.get(action.get("Variable"), "")}

    def _set(self, action: ReceivedAction) -> Pairs:
        if not action.get("Channel"):
            self[action.get("Variable")] = action.get("Value")
        return {}


def engine_of(process: int, start: str = "0badcafe") -> str:
    return f"{lead._HERE}/{process}/{start}/main"


def namesake() -> str:
    """Another machine, or a container, with the host name of this one."""
    return f"{lead._HERE.rpartition('-')[0]}-0123456789ab"


def one_that_has_ended() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def mine(scene: Scene) -> str:
    return scene.server()._lead.name


def waits(logs: Sequence[Mapping[str, Any]]) -> list[Any]:
    return [entry["engine"] for entry in logs if "another engine serves this server" in str(entry["event"])]


# --- Who leads ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "other",
    [ELSEWHERE, engine_of(os.getppid()), engine_of(one_that_has_ended()).replace(lead._HERE, namesake())],
    ids=["elsewhere", "alive-on-this-machine", "namesake"],
)
async def test_engine_waits_while_another_ones_heartbeat_is_fresh_and_tells_it_once(other: str) -> None:
    async with AmiServer() as ami:
        with capture_logs() as logs:
            async with running(ami, heartbeat_s=0.01) as scene:
                values = Globals(ami, ACD_ALIVE=FRESH, ACD_ENGINE=other)
                await until(lambda: sum(a.get("Variable") == "ACD_ENGINE" for a in ami.actions) >= 4)
                scene.hands_over("c1")
                await scene.heard()
                assert not scene.all(i.CallArrived), "the other one takes it"
                assert not scene.server().serves
                assert {"Setvar", "Status"}.isdisjoint(action.name for action in ami.actions)
                assert values["ACD_ENGINE"] == other
                values["ACD_ALIVE"] = STALE
                ami.once("Status", shows(waiting("c1")))
                await scene.reported(i.ServerReported)
                await scene.reported(i.CallArrived)
                assert (values["ACD_ENGINE"], values["ACD_ALIVE"]) == (mine(scene), EPOCH)
        assert waits(logs) == [other]
        assert any("takes over" in entry["event"] for entry in logs)


async def test_heartbeat_of_the_future_ages_from_when_it_is_seen() -> None:
    """The server's clock was set back: an engine that is dead is waited for as long as otherwise, one that lives has
    the time to beat again."""
    async with AmiServer() as ami, running(ami, heartbeat_s=0.01) as scene:
        values = Globals(ami, ACD_ALIVE=str(int(EPOCH) + 3_600), ACD_ENGINE=ELSEWHERE)
        await until(lambda: values["ACD_ALIVE"] == EPOCH)
        assert values["ACD_ENGINE"] == ELSEWHERE
        assert not scene.server().serves
        values["EPOCH"] = str(int(EPOCH) + STALE_AFTER_S + 1)
        await scene.reported(i.ServerReported)
        assert (values["ACD_ENGINE"], values["ACD_ALIVE"]) == (mine(scene), values["EPOCH"])


@pytest.mark.parametrize(
    "ended", [one_that_has_ended(), os.getpid(), 9_999_999_999], ids=["ended", "own-number", "none"]
)
async def test_engine_that_is_started_anew_on_its_machine_need_not_wait(ended: int) -> None:
    """Whose number may be that of the process before it."""
    async with AmiServer() as ami, running(ami) as scene:
        Globals(ami, ACD_ALIVE=FRESH, ACD_ENGINE=engine_of(ended))
        with capture_logs() as logs:
            await scene.reported(i.ServerReported)
        assert waits(logs) == []


@pytest.mark.parametrize("changed", ["_BOOT", "_NUMBERS"])
def test_place_is_another_one_after_a_boot_and_in_a_container(
    changed: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert lead._here() == lead._HERE
    other = tmp_path / "other"
    if changed == "_BOOT":
        other.write_text("another boot")
    else:
        other.symlink_to("pid:[1]")
    monkeypatch.setattr(lead, changed, other)
    assert lead._here() != lead._HERE
    assert lead._NAME.fullmatch(f"{lead._here()}/7/0badcafe/main")


def test_where_the_place_cannot_be_known_nobody_else_is_in_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(lead, "_BOOT", tmp_path / "missing")
    mine = lead._here()
    monkeypatch.setattr(lead, "_START", "0badcafe")
    assert lead._here() != mine


@pytest.mark.parametrize("name", ["", "(null)", "nonsense", "a/b/c/d", "x" * 900])
async def test_what_is_no_engines_name_keeps_nobody_waiting(name: str) -> None:
    async with AmiServer() as ami, running(ami) as scene:
        Globals(ami, ACD_ALIVE=FRESH, ACD_ENGINE=name)
        await scene.reported(i.ServerReported)


async def test_engine_that_was_overtaken_gives_way_and_does_not_fight() -> None:
    """Also one that this machine does not know: of two that take turns, callers would belong to none."""
    other = engine_of(one_that_has_ended())
    async with AmiServer() as ami, running(ami, heartbeat_s=0.01) as scene:
        values = Globals(ami)
        await scene.reported(i.ServerReported)
        with capture_logs() as logs:
            values["ACD_ENGINE"] = other
            await scene.reported(i.LinkLost)
            await until(lambda: waits(logs))
            scene.hands_over("c1")
            await scene.heard()
            assert not scene.all(i.CallArrived)
            assert values["ACD_ENGINE"] == other
            values["ACD_ALIVE"] = STALE
            await scene.reported(i.ServerReported, count=2)
            assert values["ACD_ENGINE"] == mine(scene)
        assert any(other in str(entry.get("reason")) for entry in logs)


async def test_of_two_that_begin_at_once_the_last_one_to_write_leads() -> None:
    async with AmiServer() as ami, running(ami, heartbeat_s=0.01) as scene:
        values = Globals(ami)
        look = values._set

        def write_and_be_overwritten(action: ReceivedAction) -> Pairs:
            answer = look(action)
            values["ACD_ENGINE"] = ELSEWHERE
            return answer

        ami.on("Setvar", write_and_be_overwritten)
        with capture_logs() as logs:
            await until(lambda: waits(logs))
        assert not scene.all(i.ServerReported)


async def test_name_is_written_again_where_a_reload_of_the_dialplan_has_cleared_it() -> None:
    async with AmiServer() as ami, running(ami, heartbeat_s=0.01) as scene:
        values = Globals(ami)
        await scene.reported(i.ServerReported)
        values.pop("ACD_ENGINE")
        await until(lambda: values.get("ACD_ENGINE") == mine(scene))
        assert not scene.all(i.LinkLost)


async def test_engine_that_is_stopped_lets_the_next_one_begin_at_once() -> None:
    async with AmiServer() as ami:
        async with running(ami) as scene:
            values = Globals(ami)
            await scene.reported(i.ServerReported)
        await until(lambda: values["ACD_ENGINE"] == "")
        assert values["ACD_ALIVE"] == EPOCH, "who waits is kept"


async def test_engine_that_waits_takes_no_name_away_when_it_is_stopped() -> None:
    async with AmiServer() as ami:
        async with running(ami, heartbeat_s=0.01) as scene:
            values = Globals(ami, ACD_ALIVE=FRESH, ACD_ENGINE=ELSEWHERE)
            await until(lambda: scene.server().link.connected)
            await scene.heard()
        assert values["ACD_ENGINE"] == ELSEWHERE


async def test_engine_that_stood_still_for_too_long_looks_again_before_it_does_anything() -> None:
    async with connected() as scene:
        call = await scene.queued("c1")
        leading = scene.server()._lead
        assert leading._beat_at is not None
        leading._beat_at -= leading._lease_s + 1
        offer = scene.offer(call)
        assert await scene.reported(i.LegEnded) == i.LegEnded(offer.offer, "failed")
        scene.hands_over("c2")
        await scene.reported(i.LinkLost)
        await scene.reported(i.ServerReported, count=2)
        assert scene.ami.count("Originate") == 0
        assert not scene.all(i.CallArrived, line=scene.queue_fact("c2").line), "the report tells of whom there is"


async def test_engine_listens_at_once_after_a_short_outage_and_then_looks_whether_it_leads_still() -> None:
    async with connected() as scene:
        await scene.cut()
        scene.ami.once("Getvar", None)  # the look is not answered yet
        await scene.ami.listen()
        await until(lambda: scene.server().link.connected)
        scene.hands_over("c1")
        await scene.reported(i.CallArrived)


async def test_engine_that_was_overtaken_during_an_outage_gives_way_before_its_report() -> None:
    async with connected() as scene:
        await scene.cut()
        Globals(scene.ami, ACD_ALIVE=FRESH, ACD_ENGINE=ELSEWHERE)
        with capture_logs() as logs:
            await scene.ami.listen()
            await until(lambda: waits(logs))
        assert len(scene.all(i.ServerReported)) == 1


async def test_outage_that_outlasts_the_heartbeat_ends_the_lead() -> None:
    async with connected() as scene:
        await scene.cut()
        leading = scene.server()._lead
        assert leading._beat_at is not None
        leading._beat_at -= leading._lease_s + 1
        await scene.restored()
        assert scene.server().serves
        assert len(scene.all(i.LinkLost)) == 1


async def test_server_that_stands_in_the_configuration_twice_is_served_once() -> None:
    """Whatever names its address has: each waits for the other."""
    async with AmiServer() as ami, running(ami, ami, heartbeat_s=0.01) as scene:
        values = Globals(ami)
        with capture_logs() as logs:
            await until(lambda: waits(logs))
        served = [server for server in ("a", "b") if scene.server(server).serves]
        assert served == [values["ACD_ENGINE"].rpartition("/")[2]]


def test_names_differ_between_servers_and_are_names() -> None:
    names = {Lead(ServerId(server), None, 60, 3.0, 0.2).name for server in ("a", "b.c_d-E")}  # type: ignore[arg-type]
    assert len(names) == 2
    assert all(lead._NAME.fullmatch(name) for name in names)


# --- A server that goes down ----------------------------------------------------------------------------------


async def test_calls_that_a_shutdown_hangs_up_were_ended_by_nobody() -> None:
    async with connected() as scene:
        offer = await scene.talking("c1")
        before = len(scene.inputs.seen)
        for channel in (offer.offer, "c1"):
            scene.event("SoftHangupRequest", channel, Cause="4")
        for channel in (offer.offer, "c1"):
            scene.event("Hangup", channel, Cause="16")
        await scene.reported(i.LinkLost)
        await scene.reported(i.ServerReported, count=2)
        assert [type(said) for said in scene.inputs.seen[before:]] == [i.LinkLost, i.ServerReported]


async def test_offer_that_a_server_on_its_way_down_refuses_is_the_last_one_there() -> None:
    """The loss comes before the end of the offer: or the next agent would be offered the same call."""
    async with connected() as scene:
        call = await scene.queued("c1")
        before = len(scene.inputs.seen)
        scene.ami.once("Originate", error(GOING_DOWN))
        offer = scene.offer(call)
        await scene.reported(i.LegEnded)
        assert scene.inputs.seen[before : before + 2] == [
            i.LinkLost(ServerId("a")), i.LegEnded(offer.offer, "failed")
        ]  # fmt: skip


async def test_heartbeat_finds_out_that_a_server_waits_for_its_end() -> None:
    async with AmiServer() as ami, running(ami, heartbeat_s=0.01) as scene:
        await scene.reported(i.ServerReported)
        ami.once("Login", error(GOING_DOWN))
        with capture_logs() as logs:
            ami.once("Getvar", error(GOING_DOWN))
            await scene.reported(i.LinkLost)
            await scene.reported(i.ServerReported, count=2)
        reasons = [entry["reason"] for entry in logs if entry["event"] == "no AMI link"]
        assert reasons[0] == GOING_DOWN
        assert reasons[1].endswith(GOING_DOWN)
        assert not [entry for entry in logs if "acd-manager.conf" in str(entry)]
