"""What the daemon asks of a phone system beyond the port, and how Asterisk is made. Loaded when it is needed."""

from collections.abc import Callable
from typing import Protocol

from acd.config import Config, ServerSettings
from acd.model import Phone
from acd.telephony.port import AnswerCode, Submit, Telephony


class PhoneSystem(Telephony, Protocol):
    """A phone system that can follow a changed configuration."""

    async def reconfigure(self, servers: tuple[ServerSettings, ...], phones: frozenset[Phone]) -> None:
        """From now on these are the servers and the phones that are watched. Links that are not concerned stay up."""


OnFailure = Callable[[str, BaseException], None]
"""Given to a phone system to say that a task of its own has failed, as `acd.tasks.Tasks` says it: the daemon ends
with an error, so that the service manager starts it anew."""

PhoneSystemFactory = Callable[[Config, Submit, AnswerCode, OnFailure], PhoneSystem]


def asterisk(config: Config, submit: Submit, answer_code: AnswerCode, on_failure: OnFailure) -> PhoneSystem:
    """The Asterisk servers of this configuration. Their links come back by themselves."""
    from acd.telephony.ami.adapter import Asterisk
    from acd.telephony.ami.protocol import LinkLimits
    from acd.telephony.ami.server import ServerOptions

    settings = config.telephony
    limits = LinkLimits(
        connect_s=settings.connect_timeout_s,
        action_s=settings.action_timeout_s,
        ping_every_s=settings.ping_every_s,
        retry_most_s=settings.retry_at_most_s,
    )
    options = ServerOptions(lost_after_s=settings.waiting_lost_after_s, link=limits)
    return Asterisk(config.servers, config.phones, submit, answer_code, options, on_failure)
