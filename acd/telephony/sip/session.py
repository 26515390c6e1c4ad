"""What two phones agree on about their audio: SDP offers and answers (RFC 3264), G.711 mu-law and telephone events.

aiosipua writes and reads SDP. Three things are done here: the version counts up with every change (it would stay
the time of the call's begin), the direction of an answer honours this phone's own hold, and an answer names
telephone events by the number that the offer gave them (it would always say 101).
"""

from dataclasses import dataclass

from aiosipua import MediaDescription, SdpMessage, build_sdp, negotiate_sdp, parse_sdp, serialize_sdp

from acd.telephony.sip.audio import PCMU, Address

KEY_TYPE = 101
_DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")


@dataclass(frozen=True)
class Terms:
    """The far end's wishes: where it receives, how it numbers key presses, and whether it listens."""

    remote: Address
    key_type: int
    listens: bool
    talks: bool


def terms_of(body: str) -> Terms:
    """Read the far end's SDP, or raise ValueError when it has no audio stream at all."""
    sdp = parse_sdp(body)
    if sdp.audio is None or sdp.rtp_address is None:
        raise ValueError("SDP without an audio stream")
    host, port = sdp.rtp_address
    reachable = host != "0.0.0.0" and port != 0  # noqa: S104 (the old sign for "on hold", RFC 3264 8.4)
    direction = sdp.audio.direction
    return Terms(
        remote=(host, port),
        key_type=_key_type(sdp.audio),
        listens=reachable and direction in ("sendrecv", "recvonly"),
        talks=direction in ("sendrecv", "sendonly"),
    )


class Session:
    """This phone's side of one call's SDP."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._version = 0

    def offer(self, *, holding: bool) -> str:
        """Offer audio both ways, or towards the far end only while it is held."""
        sdp = build_sdp(self._host, self._port, PCMU, "PCMU", dtmf_payload_type=KEY_TYPE, session_id=self._id)
        return self._written(sdp, "sendonly" if holding else "sendrecv")

    def answer(self, offer: str, *, holding: bool) -> str:
        """Answer an offer, or raise aiosipua's SdpNegotiationError when it has no mu-law."""
        wanted = terms_of(offer)
        sdp, _ = negotiate_sdp(
            parse_sdp(offer),
            self._host,
            self._port,
            supported_codecs=[PCMU],
            dtmf_payload_type=wanted.key_type,
            session_id=self._id,
        )
        return self._written(sdp, _direction(sends=wanted.listens, receives=wanted.talks and not holding))

    @property
    def _id(self) -> str:
        return str(self._port)

    def _written(self, sdp: SdpMessage, direction: str) -> str:
        assert sdp.audio is not None
        for other in _DIRECTIONS:
            sdp.audio.attributes.pop(other, None)
        sdp.audio.attributes[direction] = []
        self._version += 1
        sdp.origin.session_version = str(self._version)
        return serialize_sdp(sdp)


def _direction(*, sends: bool, receives: bool) -> str:
    if sends:
        return "sendrecv" if receives else "sendonly"
    return "recvonly" if receives else "inactive"


def _key_type(audio: MediaDescription) -> int:
    for codec in audio.codecs:
        if codec.encoding_name.lower() == "telephone-event":
            return codec.payload_type
    return KEY_TYPE
