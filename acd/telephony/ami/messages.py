"""What crosses an AMI link: events, responses, actions, the ways an action can fail, and a stream's cutting.

Values and bytes only: no socket, no task, no meaning. Header names are lower case from here on, because Asterisk,
its dialplan and its versions disagree on theirs.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

import msgspec

BANNER: Final = b"Asterisk Call Manager/"
SHUTTING_DOWN: Final = "Asterisk is shutting down"
"""What Asterisk answers to every action, a sign-in too, from the moment in which it was told to stop gracefully."""
END_OF_LINE: Final = b"\r\n"
END_OF_MESSAGE: Final = b"\r\n\r\n"

Headers = Mapping[str, str | list[str]]

# Asterisk reads an action line by line into 1,024 bytes and throws a longer line away with the action's
# other half, takes 128 headers, and keeps 79 characters of an ActionID (main/manager.c).
MAX_LINE_BYTES: Final = 1_000
MAX_HEADERS: Final = 120
MAX_ACTION_ID: Final = 64
MAX_RECORD_BYTES: Final = 1_024

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_FORBIDDEN = re.compile(r"[\r\n\0\ud800-\udfff]")


def first(value: str | list[str]) -> str:
    """A header's value, or its first where it is repeated."""
    return value if isinstance(value, str) else value[0]


class AmiError(Exception):
    """An action that has no answer. `fate_unknown` says whether Asterisk may have carried it out."""

    fate_unknown = False


class NotConnected(AmiError):
    """The link was down: the action was not sent, and never will be."""


class LinkBusy(AmiError):
    """Too much is under way on this link already: the action was not sent, and never will be."""


class LinkLost(AmiError):
    """The link broke before the answer: the action may have been carried out. It is never sent again."""

    fate_unknown = True


class ActionTimeout(AmiError):
    """No answer in time: the action may have been carried out. It is never sent again."""

    fate_unknown = True


class BadAction(ValueError):
    """An action that must not reach the wire, such as one with a line break inside a value."""


class _Message(msgspec.Struct, frozen=True):
    headers: Headers

    def get(self, key: str, default: str = "") -> str:
        """The header's value whatever the case of its name; the first one where it is repeated."""
        return first(self.headers.get(key.lower(), default))

    def all(self, key: str) -> list[str]:
        """Every value of a header that may be repeated, such as ChanVariable; none is an empty list."""
        value = self.headers.get(key.lower(), [])
        return [value] if isinstance(value, str) else value


class AmiEvent(_Message, frozen=True, kw_only=True):
    """One event as it came. `name` keeps Asterisk's spelling: "Hangup", "UserEvent"."""

    name: str


class AmiResponse(_Message, frozen=True, kw_only=True):
    """Asterisk's answer to one action; `events` holds the items of a list action, such as Status."""

    success: bool
    events: tuple[AmiEvent, ...] = ()

    @property
    def shuts_down(self) -> bool:
        """Whether nothing was done, and nothing ever will be, because Asterisk is going down."""
        return not self.success and self.message == SHUTTING_DOWN

    @property
    def message(self) -> str:
        """Asterisk's own words: why it refused, or what it did."""
        return self.get("message")


class AmiAction(msgspec.Struct, frozen=True):
    """One action for `AmiLink.send_many`: an ActionID is made where none is given."""

    name: str
    headers: tuple[tuple[str, str], ...] = ()
    action_id: str = ""
    timeout_s: float | None = None


_UNSEEN: Final = dict.fromkeys(
    map(ord, "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u00ad\u200b\u2060\ufeff")
)
"""Unicode's bidirectional formatting characters (Unicode Standard Annex 9, 2), soft hyphens, and spaces of no width."""


def clean_value(text: str, limit: int = 80) -> str:
    """Make text from outside, such as a caller's name, fit for one header: one line, at most `limit` characters.

    Control characters and line breaks become spaces, runs of spaces one; what turns the direction of writing is taken
    out, for it turns what stands beside it too, and so is what nobody sees. Letters of every script stay, and joiners.
    """
    straight = text[: limit * 4].translate(_UNSEEN)
    visible = "".join(" " if _breaks_a_line(char) else char for char in straight)
    return " ".join(visible.split())[:limit].rstrip()


def check_action(action: AmiAction) -> None:
    """Refuse what Asterisk would misread: header injection, lines too long for it, too many headers."""
    if len(action.headers) > MAX_HEADERS:
        raise BadAction(f"{action.name}: {len(action.headers)} headers, Asterisk takes {MAX_HEADERS}")
    if len(action.action_id) > MAX_ACTION_ID:
        raise BadAction(f"{action.name}: an ActionID has at most {MAX_ACTION_ID} characters")
    for name, value in (("Action", action.name), ("ActionID", action.action_id), *action.headers):
        _check_header(action.name, name, value)
    for name, _ in action.headers:
        if name.lower() in ("action", "actionid"):
            raise BadAction(f"{action.name}: {name} is not given as a header; use the name and action_id")


def _check_header(action: str, name: str, value: str) -> None:
    if not _NAME.fullmatch(name):
        raise BadAction(f"{action[:40]!r}: {name[:40]!r} is no header name; letters, digits, '-', '_', '.' only")
    if _FORBIDDEN.search(value):
        raise BadAction(f"{action[:40]!r}: the value of {name} breaks its line; clean it with clean_value")
    if len(name) + 2 + len(value.encode()) > MAX_LINE_BYTES:
        raise BadAction(f"{action[:40]!r}: {name} is longer than the {MAX_LINE_BYTES} bytes that Asterisk reads")


def _breaks_a_line(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")


def tls_records(data: bytes) -> list[bytes]:
    """Actions cut at line ends into pieces for one TLS record each, small enough for Asterisk's line buffer.

    Asterisk 22 takes 1,024 bytes out of a record and then waits for the socket, while the record's rest lies
    decrypted in its TLS library: a longer record's end is read only when something else is sent, seconds
    later. A piece that ended inside a line would leave less room for the next one.
    """
    records = [bytearray()]
    for line in data.splitlines(keepends=True):
        if records[-1] and len(records[-1]) + len(line) > MAX_RECORD_BYTES:
            records.append(bytearray())
        records[-1] += line
    return [bytes(record) for record in records]


def parse_headers(text: str) -> tuple[dict[str, str | list[str]], int]:
    """The headers of one message and how many of its lines were none; what is readable stays readable."""
    headers: dict[str, str | list[str]] = {}
    strange = 0
    for line in text.split("\r\n"):
        name, colon, value = line.partition(":")
        if not colon:
            strange += 1
            continue
        key = name.lower()
        if value[:1] == " ":
            value = value[1:]
        if key in headers:
            _repeat(headers, key, value)
        else:
            headers[key] = value
    return headers, strange


def _repeat(headers: dict[str, str | list[str]], key: str, value: str) -> None:
    before = headers[key]
    if isinstance(before, list):
        before.append(value)
    else:
        headers[key] = [before, value]


class StreamBroken(Exception):
    """What came is no AMI, or no longer."""


class Framer:
    """Cuts a byte stream into messages at its blank lines: bytes in, whole messages out, memory bounded.

    It cuts bytes, not text, so a character split over two segments is whole again before it is decoded.
    """

    def __init__(self, banner_bytes: int, message_bytes: int, endless_bytes: int) -> None:
        self._banner_bytes = banner_bytes
        self._message_bytes = message_bytes
        self._endless_bytes = endless_bytes
        self._buffer = bytearray()
        self._skipped = 0
        self.banner: str | None = None
        self.oversize = 0

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that `data` completed, in order. Raises `StreamBroken` where this is no AMI stream."""
        searched = max(0, len(self._buffer) - len(END_OF_MESSAGE))
        self._buffer += data
        if self.banner is None and not self._read_banner():
            return []
        end = self._buffer.rfind(END_OF_MESSAGE, searched)
        if end < 0:
            self._bound_the_rest()
            return []
        whole = bytes(self._buffer[:end])
        del self._buffer[: end + len(END_OF_MESSAGE)]
        messages = self._without_oversize(whole.split(END_OF_MESSAGE))
        self._bound_the_rest()
        return messages

    def _read_banner(self) -> bool:
        line, end, _ = bytes(self._buffer[: self._banner_bytes]).partition(END_OF_LINE)
        if not end and len(self._buffer) < self._banner_bytes:
            return False
        if not end or not line.startswith(BANNER):
            raise StreamBroken(f"no Asterisk manager answers there: it says {line[:40]!r}")
        self.banner = line[len(BANNER) :].decode("ascii", "replace").strip()
        del self._buffer[: len(line) + len(end)]
        return True

    def _without_oversize(self, messages: list[bytes]) -> list[bytes]:
        if self._skipped:
            self._skipped = 0
            del messages[0]
        kept = [message for message in messages if len(message) <= self._message_bytes]
        self.oversize += len(messages) - len(kept)
        return kept

    def _bound_the_rest(self) -> None:
        if not self._skipped and len(self._buffer) <= self._message_bytes:
            return
        if not self._skipped:
            self.oversize += 1
        # The last bytes may be the beginning of the blank line that ends the skipping.
        over = max(0, len(self._buffer) - len(END_OF_MESSAGE) + 1)
        self._skipped += over
        del self._buffer[:over]
        if self._skipped > self._endless_bytes:
            raise StreamBroken(f"{self._skipped} bytes came without the end of a message")
