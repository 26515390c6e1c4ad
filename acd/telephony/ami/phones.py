"""Which channels are agents' phones: by the names that Asterisk gives to channels, `PJSIP/1001-0000002a`."""

import re
from collections.abc import Collection
from typing import Final

from acd.model import Phone

_CHANNEL: Final = re.compile(r"([A-Za-z0-9]+/.+)-[0-9a-f]{8}")


class PhoneWatch:
    """The phones that are watched on one server. Channels of all others (trunks, callers) are not ours to see."""

    def __init__(self, dial: str, phones: Collection[Phone]) -> None:
        technology = dial.partition("/")[0]
        self._phones: dict[str, Phone] = {f"{technology}/{phone}": phone for phone in phones}

    def phone_of(self, channel_name: str) -> Phone | None:
        """The phone that a channel belongs to, or None."""
        match = _CHANNEL.fullmatch(channel_name)
        return None if match is None else self._phones.get(match[1])
