"""What the lab's tests leave behind is cleared away, whatever they have left unread."""

import pytest

from tests.lab.ami import Ami
from tests.lab.conftest import empty
from tests.lab.phones import calling
from tests.lab.server import Server

pytestmark = pytest.mark.e2e


async def test_answer_that_a_test_left_unread_misleads_no_teardown(ami: Ami, server: Server) -> None:
    """It tells of a channel that is gone by then: no hang-up of it will ever come."""
    async with calling(server.address, "q-sales"):
        call = (await ami.event("Newchannel"))["Uniqueid"]
        await ami.ask("Status")
        await ami.ask("Hangup", Channel=call)
        await ami.event("Hangup", Uniqueid=call)
        await empty(ami)
