"""Feature codes: the PIN is fetched, forgotten on the server, shown to nobody, and the answer is spoken."""

import asyncio
from typing import Any, get_args

import pytest
from structlog.testing import capture_logs

from acd.model import ChannelId, Line, Phone, ServerId
from acd.router import inputs as i
from acd.telephony.ami.codes import CODES_AT_ONCE
from acd.telephony.ami.dialplan import SPOKEN
from acd.telephony.port import CodeAnswer, FeatureCode
from acd.testing.ami_server import AmiServer, Pairs, ReceivedAction, error
from tests.telephony.ami.adapter_harness import EPOCH, Scene, connected, running
from tests.turns import until

PIN = "47110815"
LINE = Line(ServerId("a"), ChannelId("p1"))


def keyed_in(scene: Scene, request: str = "login", channel: str = "p1", **more: Any) -> None:
    given: dict[str, Any] = {"Request": request, "Agent": "41", "Reason": "", "Phone": "1001"}
    given |= {"CallerIDNum": "555"} | more
    scene.says("AcdRequest", channel, **given)


def with_pin(action: ReceivedAction) -> Pairs:
    return {"Value": {"EPOCH": EPOCH, "ACD_PIN": PIN}.get(action.get("Variable"), "")}


def about(scene: Scene, channel: str = "p1") -> list[ReceivedAction]:
    return [action for action in scene.ami.actions if action.get("Channel") == channel]


def codes_served(scene: Scene) -> list[str]:
    return [name for name in scene.adapter.tasks if "code-" in name]


async def spoken(scene: Scene) -> str:
    """What the phone hears."""
    moved = await scene.ami.received("Redirect")
    assert (moved.get("Context"), moved.get("Exten")) == ("acd-code", "said")
    return [action for action in about(scene) if action.get("Variable") == "ACD_SAY"][-1].get("Value")


async def test_pin_is_fetched_and_cleared_at_once_and_the_answer_is_spoken() -> None:
    async with connected() as scene:
        scene.ami.on("Getvar", with_pin)
        scene._answer = lambda _: "logged-in"
        keyed_in(scene)
        assert await spoken(scene) == "agent-loginok"
        assert scene.codes == [FeatureCode(LINE, "login", "41", PIN, None, Phone("1001"), caller_number="555")]
        fetched, cleared, *_ = about(scene)
        assert (fetched.name, fetched.get("Variable")) == ("Getvar", "ACD_PIN")
        assert (cleared.name, cleared.get("Variable"), cleared.get("Value")) == ("Setvar", "ACD_PIN", "")


@pytest.mark.parametrize("answer", get_args(CodeAnswer))
async def test_every_answer_is_spoken(answer: CodeAnswer) -> None:
    async with connected(answer=lambda _: answer) as scene:
        keyed_in(scene, "ready")
        assert await spoken(scene) == SPOKEN[answer]


@pytest.mark.parametrize("ends", ["well", "wrong", "link lost", "caller gone", "refused"])
async def test_pin_is_in_no_log_no_input_and_no_text_of_the_code(ends: str) -> None:
    async with connected(answer=lambda _: "wrong" if ends == "wrong" else "ready") as scene:
        scene.ami.on("Getvar", with_pin)
        if ends == "link lost":
            scene.ami.once("Redirect", lambda _: scene.ami.cut())
        if ends == "refused":
            scene.ami.once("Redirect", error("Channel does not exist: p1"))
        with capture_logs() as logs:
            keyed_in(scene)
            await scene.ami.received("Redirect")
            await until(lambda: not codes_served(scene))
        assert scene.codes[0].pin == PIN
        assert PIN not in repr(scene.codes)
        assert PIN not in repr(logs)
        assert PIN not in repr(scene.inputs.seen)
        assert not any(PIN in value for action in scene.ami.actions for _, value in action.headers)


async def test_code_keyed_in_on_a_watched_phone_is_no_direct_call() -> None:
    async with connected() as scene:
        scene.event("Newchannel", "p1", Channel="PJSIP/1001-00000003", ChannelState="4")
        keyed_in(scene, "pause", Reason="2")
        await spoken(scene)
        assert [type(said) for said in scene.inputs.seen[-2:]] == [i.PhoneInUse, i.PhoneServes]
        assert scene.codes[0].reason_number == 2


@pytest.mark.parametrize(
    ("reason", "number"), [("2", 2), ("", None), ("two", None), ("²", None), ("-1", None), ("9" * 400, None)]
)
async def test_reason_is_a_number_or_none(reason: str, number: int | None) -> None:
    async with connected() as scene:
        keyed_in(scene, "pause", Reason=reason)
        await spoken(scene)
        assert scene.codes[0].reason_number == number


async def test_disposition_is_a_number_of_its_own() -> None:
    async with connected() as scene:
        keyed_in(scene, "disposition", Disposition="12")
        await spoken(scene)
        assert (scene.codes[0].request, scene.codes[0].disposition_number) == ("disposition", 12)
        assert scene.codes[0].reason_number is None


async def test_unknown_code_is_logged_and_asks_nobody() -> None:
    async with connected() as scene:
        with capture_logs() as logs:
            keyed_in(scene, "dance" * 1_000)
            await scene.heard()
        assert (logs[0]["event"], len(logs[0]["request"])) == ("unknown feature code", 40)
        assert about(scene) == []


@pytest.mark.parametrize("phone", ["", "a/b", "1001&PJSIP/2", "x" * 65, "10 01", "10\n01"])
async def test_log_in_from_what_is_no_phone_is_refused_and_other_codes_are_not(phone: str) -> None:
    async with connected() as scene:
        keyed_in(scene, "login", Phone=phone)
        assert await spoken(scene) == SPOKEN["refused"]
        assert scene.codes == []
        keyed_in(scene, "ready", Phone=phone)
        assert await spoken(scene) == SPOKEN["ready"]
        assert scene.codes[0].phone == ""


async def test_who_hung_up_before_the_pin_was_fetched_has_tried_nothing() -> None:
    async with connected() as scene:
        scene.ami.once("Getvar", error("No such channel"))
        keyed_in(scene)
        await until(lambda: len(about(scene)) == 2)
        await until(lambda: not codes_served(scene))
        assert scene.codes == []


class SlowDesk:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.asked = 0

    async def __call__(self, code: FeatureCode) -> CodeAnswer:
        self.asked += 1
        await self.open.wait()
        return "ready"


async def test_of_too_many_at_once_the_rest_is_left_to_the_dialplan() -> None:
    desk = SlowDesk()
    async with AmiServer() as ami, running(ami) as scene:
        await scene.reported(i.ServerReported)
        scene.server()._hearing._on_code.__self__._answer_code = desk  # type: ignore[attr-defined]
        with capture_logs() as logs:
            for number in range(CODES_AT_ONCE + 5):
                keyed_in(scene, "ready", f"p{number}")
            await until(lambda: desk.asked == CODES_AT_ONCE)
            await scene.heard()
        assert desk.asked == CODES_AT_ONCE
        said = [entry["so_far"] for entry in logs if entry["event"] == "too many feature codes at once"]
        assert said == [1, 2, 4], "a flood does not fill the log"
        desk.open.set()
        for _ in range(CODES_AT_ONCE):
            await ami.received("Redirect")
        await until(lambda: not codes_served(scene))
        keyed_in(scene, "ready", "late")
        await ami.received("Redirect")


async def test_link_that_is_lost_in_between_leaves_the_answer_to_the_dialplan_and_no_task() -> None:
    desk = SlowDesk()
    async with AmiServer() as ami, running(ami) as scene:
        await scene.reported(i.ServerReported)
        codes = scene.server()._hearing._on_code.__self__  # type: ignore[attr-defined]
        codes._answer_code = desk
        for number in range(CODES_AT_ONCE):
            keyed_in(scene, "ready", f"p{number}")
        await until(lambda: desk.asked == CODES_AT_ONCE)
        await scene.cut()
        await until(lambda: not codes_served(scene))
        await scene.restored()
        assert ami.count("Redirect") == 0
        desk.open.set()
        keyed_in(scene, "ready", "p99")
        assert (await ami.received("Redirect")).get("Channel") == "p99", "the places are free again"
