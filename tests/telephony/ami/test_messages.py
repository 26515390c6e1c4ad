"""Values and bytes: names without case, values without line breaks, a stream cut where its messages end."""

import pytest

from acd.telephony.ami.messages import (
    AmiAction,
    AmiEvent,
    AmiResponse,
    BadAction,
    Framer,
    StreamBroken,
    check_action,
    clean_value,
    parse_headers,
    tls_records,
)

BANNER = b"Asterisk Call Manager/11.0.0\r\n"


def framer(message_bytes: int = 1_000, endless_bytes: int = 5_000) -> Framer:
    new = Framer(banner_bytes=100, message_bytes=message_bytes, endless_bytes=endless_bytes)
    new.feed(BANNER)
    return new


def test_header_is_found_whatever_its_case() -> None:
    headers, strange = parse_headers("Event: Hangup\r\nUniqueID: 1.2\r\nChanVariable: a=1\r\nchanvariable: b=2")
    event = AmiEvent(name="Hangup", headers=headers)
    assert event.get("Uniqueid") == event.get("uniqueid") == "1.2"
    assert event.all("ChanVariable") == ["a=1", "b=2"]
    assert event.get("ChanVariable") == "a=1"
    assert (event.get("Cause"), event.get("Cause", "16"), event.all("Cause")) == ("", "16", [])
    assert strange == 0


def test_value_keeps_colons_and_spaces_and_may_be_empty() -> None:
    headers, strange = parse_headers("Event: X\r\nAppData: a: b \r\nEmpty: \r\nBare:\r\nTight:y")
    assert headers == {"event": "X", "appdata": "a: b ", "empty": "", "bare": "", "tight": "y"}
    assert strange == 0


def test_line_without_a_colon_is_counted_and_the_rest_is_kept() -> None:
    assert parse_headers("Event: X\r\nnonsense\r\nCause: 16") == ({"event": "X", "cause": "16"}, 1)


def test_response_message_is_asterisks_word_or_nothing() -> None:
    assert AmiResponse(headers={"message": "No such channel"}, success=False).message == "No such channel"
    assert AmiResponse(headers={}, success=True).message == ""


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("Zoë Müller", "Zoë Müller"),
        ("Anna\r\nAction: Originate", "Anna Action: Originate"),
        ("a\0b\x1bc\u2028d\x85e", "a b c d e"),
        ("  two   words ", "two words"),
        ("क्\u200dष 李雷", "क्\u200dष 李雷"),
        ("\r\n", ""),
        ("Bob\u202e gnp.exe \u2067x\u2069", "Bob gnp.exe x"),
        ("שלום", "שלום"),
        ("\ufeffBo\u200bb\u00ad", "Bob"),
        ("x" * 500, "x" * 80),
        ("\ud800", ""),
    ],
)
def test_outside_text_becomes_one_clean_line(dirty: str, clean: str) -> None:
    assert clean_value(dirty) == clean
    check_action(AmiAction("Originate", (("CallerID", clean_value(dirty)),)))


def test_clean_value_is_bounded_by_its_limit() -> None:
    assert clean_value("ab cd", limit=3) == "ab"
    assert len(clean_value(" \r" * 10_000 + "x" * 10_000)) <= 80


@pytest.mark.parametrize(
    ("action", "why"),
    [
        (AmiAction("Setvar", (("Value", "a\r\nAction: Command"),)), "Value breaks its line"),
        (AmiAction("Setvar", (("Va:lue", "1"),)), "no header name"),
        (AmiAction("Setvar", (("", "1"),)), "no header name"),
        (AmiAction("Setvar", (("Value", "ä" * 500),)), "longer than the 1000 bytes"),
        (AmiAction("Setvar", (("Variable", "a=1"),) * 121), "121 headers"),
        (AmiAction("Setvar", (("actionid", "1"),)), "not given as a header"),
        (AmiAction("Setvar", (("Action", "Ping"),)), "not given as a header"),
        (AmiAction("Originate", action_id="x" * 65), "at most 64 characters"),
        (AmiAction("Set\nvar"), "the value of Action breaks its line"),
    ],
)
def test_action_that_asterisk_would_misread_is_refused_with_the_reason(action: AmiAction, why: str) -> None:
    with pytest.raises(BadAction, match=why):
        check_action(action)


def test_stream_cut_at_any_byte_gives_the_same_messages() -> None:
    stream = BANNER + "Event: A\r\nName: Zoë €\U0001f600\r\n\r\n".encode() * 2 + b"\r\nEvent: B\r\n\r\n"
    whole = framer_at(stream, [])
    assert len(whole) == 3
    for cut in range(1, len(stream)):
        assert framer_at(stream, [cut]) == whole
    assert framer_at(stream, list(range(1, len(stream)))) == whole


def framer_at(stream: bytes, cuts: list[int]) -> list[bytes]:
    new = Framer(banner_bytes=100, message_bytes=1_000, endless_bytes=5_000)
    messages: list[bytes] = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        messages += new.feed(stream[start:end])
    return [message.strip(b"\r\n") for message in messages]


@pytest.mark.parametrize("size", [7, 64, 5_000])
def test_message_longer_than_the_bound_is_skipped_and_the_next_one_is_read(size: int) -> None:
    cutter = framer()
    stream = b"Event: Big\r\nX: " + b"x" * 2_000 + b"\r\n\r\nEvent: Next\r\n\r\n"
    messages = [message for at in range(0, len(stream), size) for message in cutter.feed(stream[at : at + size])]
    assert messages == [b"Event: Next"]
    assert cutter.oversize == 1


def test_stream_without_an_end_of_message_is_broken_off_in_bounded_memory() -> None:
    cutter = framer(message_bytes=1_000, endless_bytes=5_000)
    for _ in range(50):
        cutter.feed(b"x" * 100)
        assert len(cutter._buffer) <= 1_000
    with pytest.raises(StreamBroken, match="without the end of a message"):
        cutter.feed(b"x" * 100)


@pytest.mark.parametrize("greeting", [b"SSH-2.0-OpenSSH_9.2\r\n", b"x" * 200, b"\r\n", b"\x15\x03\x01\x00\x02\r\n"])
def test_what_does_not_greet_like_a_manager_is_told(greeting: bytes) -> None:
    with pytest.raises(StreamBroken, match="no Asterisk manager answers there"):
        Framer(banner_bytes=100, message_bytes=1_000, endless_bytes=5_000).feed(greeting)


def test_actions_are_cut_at_line_ends_into_pieces_that_asterisk_reads_at_once() -> None:
    lines = [b"Value: " + b"x" * size + b"\r\n" for size in (10, 990, 900, 110, 1, 500, 500, 3)]
    pieces = tls_records(b"".join(lines) + b"\r\n")
    assert b"".join(pieces) == b"".join(lines) + b"\r\n"
    assert all(len(piece) <= 1_024 and piece.endswith(b"\r\n") for piece in pieces)
    assert len(pieces) == 4
    assert tls_records(b"Action: Ping\r\n\r\n") == [b"Action: Ping\r\n\r\n"]
