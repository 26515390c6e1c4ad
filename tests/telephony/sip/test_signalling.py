"""The softphone against a scripted far end: what is lost, repeated, crossed or wrong."""

import asyncio
import random
from collections.abc import AsyncIterator

import pytest
from aiosipua import SipRequest, parse_sdp

from acd.telephony.sip import (
    CallRefused,
    EndedBy,
    IncomingCall,
    NothingHappened,
    NotRegistered,
    OutgoingCall,
    Phone,
    State,
    phone,
    transactions,
)
from tests.telephony.sip.far_end import FarEnd, far_end

CHALLENGE = 'Digest realm="lab",nonce="abc",algorithm=MD5,qop="auth"'


@pytest.fixture
async def far(nothing_is_left: None) -> AsyncIterator[FarEnd]:
    async with far_end() as far:
        yield far


@pytest.fixture(autouse=True)
def quick_farewell(monkeypatch: pytest.MonkeyPatch) -> None:
    """The far end does not confirm what the phones say as they leave."""
    monkeypatch.setattr(phone, "FAREWELL_S", 0.02)


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repetitions after 10 ms in place of 500, an end after 200."""
    monkeypatch.setattr(transactions, "T1_S", 0.01)
    monkeypatch.setattr(transactions, "T2_S", 0.02)
    monkeypatch.setattr(transactions, "LIFETIME_S", 0.2)


async def placed(ana: Phone, far: FarEnd) -> tuple[OutgoingCall, SipRequest]:
    call = await ana.place(far.uri)
    return call, await far.expect("INVITE")


async def placed_and_talking(ana: Phone, far: FarEnd) -> tuple[OutgoingCall, SipRequest]:
    call, invite = await placed(ana, far)
    far.reply(invite, 200, far.sdp.answer(invite.text, holding=False))
    await call.answered()
    return call, await far.expect("ACK")


async def rung(ana: Phone, far: FarEnd, sdp: str | None = None) -> tuple[IncomingCall, SipRequest]:
    invite = far.invite(ana.uri, far.sdp.offer(holding=False) if sdp is None else sdp)
    await far.expect(180)
    return await ana.ring(), invite


async def rung_and_talking(ana: Phone, far: FarEnd) -> tuple[IncomingCall, SipRequest]:
    ring, invite = await rung(ana, far)
    answer = ring.answer()
    ok = await far.expect(200)
    far.acknowledge(invite, ok)
    assert await answer
    return ring, ok


# What is lost and repeated.


async def test_invite_that_nobody_answers_is_sent_again_and_fails(ana: Phone, far: FarEnd, fast: None) -> None:
    call, first = await placed(ana, far)
    again = await far.expect("INVITE")
    assert bytes(again) == bytes(first)
    assert (await call.refused()).status == 408
    assert call.state is State.ENDED


async def test_provisional_answer_ends_the_repetitions(ana: Phone, far: FarEnd, fast: None) -> None:
    _, invite = await placed(ana, far)
    far.reply(invite, 100)
    await asyncio.sleep(0)
    while not far.arrived.empty():
        far.arrived.get_nowait()
    await far.expect_nothing(for_s=0.05)
    far.reply(invite, 486)
    await far.expect("ACK")


async def test_refusal_is_acknowledged_each_time_and_told_once(ana: Phone, far: FarEnd) -> None:
    call, invite = await placed(ana, far)
    for _ in range(3):
        far.reply(invite, 486)
        ack = await far.expect("ACK")
        assert ack.via[0].branch == invite.via[0].branch
        assert ack.get_header("to") == f"{invite.get_header('to')};tag=far"
    with pytest.raises(CallRefused, match="486"):
        await call.answered()


async def test_answer_that_comes_again_is_acknowledged_again(ana: Phone, far: FarEnd) -> None:
    call, invite = await placed(ana, far)
    sdp = far.sdp.answer(invite.text, holding=False)
    for _ in range(3):
        far.reply(invite, 200, sdp)
        ack = await far.expect("ACK")
        assert ack.cseq is not None
        assert invite.cseq is not None
        assert ack.cseq.seq == invite.cseq.seq
        assert ack.uri == far.uri
    assert call.state is State.TALKING
    call.hang_up()
    bye = await far.expect("BYE")
    far.reply(invite, 200, sdp)
    await far.expect("ACK")
    far.reply(bye, 200)


async def test_repeated_invite_rings_once(ana: Phone, far: FarEnd) -> None:
    ring, invite = await rung(ana, far)
    far.send(invite)
    await far.expect(180)
    assert ana.rings_waiting == 0
    ring.answer()
    ok = await far.expect(200)
    far.send(invite)
    assert bytes(await far.expect(200)) == bytes(ok)
    far.acknowledge(invite, ok)


async def test_answer_is_repeated_until_its_ack(ana: Phone, far: FarEnd, fast: None) -> None:
    ring, invite = await rung(ana, far)
    stands = ring.answer()
    for _ in range(3):
        ok = await far.expect(200)
    far.acknowledge(invite, ok)
    assert await stands
    while not far.arrived.empty():
        far.arrived.get_nowait()
    await far.expect_nothing(for_s=0.05)


async def test_answer_without_ack_is_hung_up(ana: Phone, far: FarEnd, fast: None) -> None:
    ring, _ = await rung(ana, far)
    assert not await ring.answer()
    assert ring.ended_by is EndedBy.US


async def test_refusal_is_repeated_until_its_ack(ana: Phone, far: FarEnd, fast: None) -> None:
    ring, invite = await rung(ana, far)
    done = ring.busy()
    for _ in range(3):
        refusal = await far.expect(486)
    ack = transactions.request_like(invite, "ACK")
    ack.set_header("To", refusal.get_header("to") or "")
    far.send(ack)
    await done
    assert ana.calls == ()


async def test_repeated_bye_is_answered_again(ana: Phone, far: FarEnd) -> None:
    ring, ok = await rung_and_talking(ana, far)
    bye = far.ask("BYE", ok)
    await far.expect(200)
    far.send(bye)
    await far.expect(200)
    assert ring.ended_by is EndedBy.THEM


async def test_lost_bye_is_sent_again(ana: Phone, far: FarEnd, fast: None) -> None:
    call, _ = await placed_and_talking(ana, far)
    done = call.hang_up()
    await far.expect("BYE")
    far.reply(await far.expect("BYE"), 200)
    await done


# Credentials.


@pytest.mark.parametrize(
    ("status", "asks", "answers"),
    [(401, "WWW-Authenticate", "authorization"), (407, "Proxy-Authenticate", "proxy-authorization")],
)
async def test_challenged_invite_is_sent_with_credentials(far: FarEnd, status: int, asks: str, answers: str) -> None:
    async with Phone("1001", "secret") as ana:
        call = await ana.place(far.uri, caller_name="Ana", headers={"X-Queue": "sales"})
        first = await far.expect("INVITE")
        far.reply(first, status, headers={asks: CHALLENGE})
        await far.expect("ACK")
        second = await far.expect("INVITE")
        far.reply(first, status, headers={asks: CHALLENGE})
        await far.expect("ACK")
        assert 'username="1001"' in (second.get_header(answers) or "")
        assert second.via[0].branch != first.via[0].branch
        assert second.get_header("cseq") == "2 INVITE"
        assert second.get_header("x-queue") == "sales"
        assert second.get_header("from") == first.get_header("from")
        far.reply(second, 200, far.sdp.answer(second.text, holding=False))
        await call.answered()
        assert call.invite_at is not None
        assert call.invite_at > call.first_invite_at
        await far.expect("ACK")
        call.hang_up()
        far.reply(await far.expect("BYE"), 200)


async def test_wrong_password_is_a_refusal(far: FarEnd) -> None:
    async with Phone("1001", "wrong") as ana:
        call = await ana.place(far.uri)
        for _ in range(2):
            far.reply(await far.expect("INVITE"), 401, headers={"WWW-Authenticate": CHALLENGE})
            await far.expect("ACK")
        with pytest.raises(CallRefused, match="401"):
            await call.answered()


async def test_challenge_without_a_password_is_a_refusal(ana: Phone, far: FarEnd) -> None:
    call, invite = await placed(ana, far)
    far.reply(invite, 401, headers={"WWW-Authenticate": CHALLENGE})
    assert (await call.refused()).status == 401


async def test_registration_with_credentials_and_its_end(far: FarEnd) -> None:
    async with Phone("1001", "secret", registrar=far.address) as ana:
        registered = asyncio.gather(ana.register())
        far.reply(await far.expect("REGISTER"), 401, headers={"WWW-Authenticate": CHALLENGE})
        request = await far.expect("REGISTER")
        assert "secret" not in bytes(request).decode()
        assert request.get_header("contact") == f"<{ana.uri}>"
        far.reply(request, 200, headers={"Expires": "300"})
        await registered
        assert ana.registered
        leaving = asyncio.gather(ana.unregister())
        request = await far.expect("REGISTER")
        assert request.get_header("expires") == "0"
        far.reply(request, 200)
        await leaving
        assert not ana.registered


async def test_lost_registration_is_sent_again(far: FarEnd, fast: None) -> None:
    async with Phone("1001", "secret", registrar=far.address) as ana:
        registered = asyncio.gather(ana.register())
        await far.expect("REGISTER")
        far.reply(await far.expect("REGISTER"), 200)
        await registered
        leaving = asyncio.gather(ana.unregister())
        while (request := await far.expect("REGISTER")).get_header("expires") != "0":
            pass  # the first one, sent once more before the answer came
        far.reply(request, 200)
        await leaving


async def test_refused_registration_tells_the_status(far: FarEnd) -> None:
    async with Phone("1001", "secret", registrar=far.address) as ana:
        registered = asyncio.gather(ana.register(), return_exceptions=True)
        far.reply(await far.expect("REGISTER"), 403)
        refusal = (await registered)[0]
        assert isinstance(refusal, NotRegistered)
        assert refusal.status == 403


# Crossing and glare.


async def test_cancel_waits_for_a_sign_of_life(ana: Phone, far: FarEnd) -> None:
    call, invite = await placed(ana, far)
    done = call.hang_up()
    await far.expect_nothing(for_s=0.02)
    far.reply(invite, 100)
    cancel = await far.expect("CANCEL")
    assert cancel.via[0].branch == invite.via[0].branch
    far.reply(cancel, 200)
    far.reply(invite, 487)
    await far.expect("ACK")
    await done
    assert call.ended_by is EndedBy.US


async def test_answer_that_crosses_the_cancel_is_acknowledged_and_hung_up(ana: Phone, far: FarEnd) -> None:
    call, invite = await placed(ana, far)
    far.reply(invite, 180)
    await call.ringing()
    done = call.hang_up()
    far.reply(invite, 200, far.sdp.answer(invite.text, holding=False))
    far.reply(await far.expect("CANCEL"), 200)
    await far.expect("ACK")
    far.reply(await far.expect("BYE"), 200)
    await done
    assert ana.calls == ()


async def test_cancel_after_the_answer_changes_nothing(ana: Phone, far: FarEnd) -> None:
    ring, invite = await rung(ana, far)
    ring.answer()
    ok = await far.expect(200)
    far.send(transactions.request_like(invite, "CANCEL"))
    await far.expect(200)
    far.acknowledge(invite, ok)
    assert ring.state is State.TALKING


async def test_cancelled_call_says_why(ana: Phone, far: FarEnd) -> None:
    ring, invite = await rung(ana, far)
    cancel = transactions.request_like(invite, "CANCEL")
    cancel.set_header("Reason", 'SIP;cause=200;text="Call completed elsewhere"')
    far.send(cancel)
    await far.expect(200)
    await far.expect(487)
    await ring.cancelled()
    assert "completed elsewhere" in ring.ended_with
    assert not await ring.answer()


async def test_offers_that_cross_are_both_refused_and_the_call_stands(ana: Phone, far: FarEnd) -> None:
    call, ack = await placed_and_talking(ana, far)
    held = call.hold()
    reinvite = await far.expect("INVITE")
    far.ask("INVITE", ack, far.sdp.offer(holding=False))
    await far.expect(491)
    far.reply(reinvite, 491)
    await far.expect("ACK")
    with pytest.raises(CallRefused, match="491"):
        await held
    assert call.state is State.TALKING


# What the far end asks within a call.


async def test_hold_and_resume_are_offered(ana: Phone, far: FarEnd) -> None:
    call, _ = await placed_and_talking(ana, far)
    for change, direction in ((call.hold, "sendonly"), (call.resume, "sendrecv")):
        done = change()
        reinvite = await far.expect("INVITE")
        offer = parse_sdp(reinvite.text)
        assert offer.audio is not None
        assert offer.audio.direction == direction
        far.reply(reinvite, 200, far.sdp.answer(reinvite.text, holding=False))
        await far.expect("ACK")
        await done
    assert int(offer.origin.session_version) == 3


@pytest.mark.parametrize(
    ("offered", "answered"),
    [("sendrecv", "sendrecv"), ("sendonly", "recvonly"), ("recvonly", "sendonly"), ("inactive", "inactive")],
)
@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
async def test_offers_of_the_far_end_are_answered(
    ana: Phone, far: FarEnd, method: str, offered: str, answered: str
) -> None:
    _, ok = await rung_and_talking(ana, far)
    request = far.ask(method, ok, far.sdp.offer(holding=False).replace("sendrecv", offered))
    response = await far.expect(200)
    answer = parse_sdp(response.text)
    assert answer.audio is not None
    assert answer.audio.direction == answered
    if method == "INVITE":
        far.acknowledge(request, response)


async def test_refreshes_and_questions_get_200(ana: Phone, far: FarEnd) -> None:
    _, ok = await rung_and_talking(ana, far)
    for method in ("UPDATE", "OPTIONS", "INFO", "NOTIFY"):
        far.ask(method, ok)
        response = await far.expect(200)
        assert not response.body
    far.ask("REFER", ok)
    await far.expect(405)


async def test_offer_that_comes_with_the_ack_is_followed(ana: Phone, far: FarEnd) -> None:
    ring, invite = await rung(ana, far, sdp="")
    stands = ring.answer()
    ok = await far.expect(200)
    assert parse_sdp(ok.text).audio is not None
    far.acknowledge(invite, ok, far.sdp.answer(ok.text, holding=False))
    assert await stands
    ring.send_tone(440)
    await far.audio.ear.hears(440, within_s=1)


async def test_keys_have_the_number_that_the_offer_gave_them(ana: Phone, far: FarEnd) -> None:
    ring, _invite = await rung(ana, far, sdp=far.sdp.offer(holding=False).replace("101", "96"))
    ring.answer()
    ok = await far.expect(200)
    answer = parse_sdp(ok.text)
    assert answer.audio is not None
    assert answer.audio.formats == ["0", "96"]
    far.acknowledge(_invite, ok)


# What is wrong.


async def test_offer_without_mu_law_is_refused(ana: Phone, far: FarEnd) -> None:
    far.invite(ana.uri, far.sdp.offer(holding=False).replace(" 0 101", " 9 101").replace("0 PCMU", "9 G722"))
    await far.expect(488)
    assert ana.rings_waiting == 0
    assert ana.calls == ()


async def test_answer_without_audio_is_hung_up(ana: Phone, far: FarEnd) -> None:
    call, invite = await placed(ana, far)
    far.reply(invite, 200)
    await far.expect("ACK")
    far.reply(await far.expect("BYE"), 200)
    await call.ended()


async def test_garbage_is_counted_and_survived(ana: Phone, far: FarEnd) -> None:
    host, port = ana.uri.partition("@")[2].split(":")
    for garbage in (b"", b"\0\0\0\0", b"\r\n\r\n", b"INVITE\r\n\r\n", b"SIP/2.0 200 OK\r\n\r\n", bytes(range(256))):
        far.throw(garbage, (host, int(port)))
    _, _ = await rung_and_talking(ana, far)


@pytest.mark.parametrize("seed", range(5))
async def test_mutilated_messages_disturb_nothing(ana: Phone, bob: Phone, far: FarEnd, seed: int) -> None:
    broken: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: broken.append(context))
    call, invite = await placed(ana, far)
    ring, incoming = await rung(ana, far)
    ok = far.reply(invite, 200, far.sdp.answer(invite.text, holding=False))
    ring.answer()
    wholes = [bytes(message) for message in (incoming, ok)]
    wholes += [wholes[0].replace(b"INVITE", method) for method in (b"ACK", b"BYE", b"CANCEL", b"UPDATE", b"INFO")]
    chance = random.Random(seed)
    for _ in range(300):
        far.throw(mutilated(chance.choice(wholes), chance))
    await call.answered()
    await (await bob.place(ana.uri)).ringing()
    assert broken == []


def mutilated(message: bytes, chance: random.Random) -> bytes:
    """The message with some bytes changed, lost, repeated or put in."""
    text = bytearray(message)
    for _ in range(chance.randint(1, 5)):
        begin = chance.randrange(len(text))
        end = min(len(text), begin + chance.randint(0, 30))
        put = chance.choice([b"", text[begin:end] * 2, b"\r\n", b"<", b'"', b";tag=", b":", b"\xff", b"0"])
        text[begin:end] = put
        text = text or bytearray(b"x")
    return bytes(text)


async def test_requests_of_unknown_calls_are_told_so(ana: Phone, far: FarEnd) -> None:
    _, ok = await rung_and_talking(ana, far)
    ok.set_header("Call-ID", "unknown")
    for method, status in (("BYE", 481), ("INVITE", 481), ("CANCEL", 481), ("OPTIONS", 200), ("SUBSCRIBE", 405)):
        far.ask(method, ok)
        await far.expect(status)


async def test_audio_of_strangers_is_not_heard(ana: Phone, far: FarEnd) -> None:
    ring, ok = await rung_and_talking(ana, far)
    sdp = parse_sdp(ok.text)
    assert sdp.rtp_address is not None
    async with far_end() as stranger:
        stranger.audio.connect(sdp.rtp_address, key_type=101, sends=True)
        with pytest.raises(NothingHappened):
            await ring.hears_sound(within_s=0.1)
        assert ring.ear.frames_heard == 0
