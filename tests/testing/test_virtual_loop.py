"""Time on the virtual loop: it passes while nobody has anything to do, and never because the machine is slow."""

import asyncio
import time

from acd.testing.ami_server import AmiServer
from acd.testing.virtual_loop import LoopClock, VirtualLoop


def test_an_hour_passes_at_once_and_to_the_millisecond() -> None:
    async def hour() -> int:
        clock = LoopClock()
        began_ms = clock.now_ms()
        rang: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        clock.call_at(began_ms + 3_600_000, lambda: rang.set_result(clock.now_ms() - began_ms))
        return await rang

    began = time.monotonic()
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(hour()) == 3_600_000
    assert time.monotonic() - began < 30


def test_answer_over_a_socket_is_in_time_however_slow_the_machine_is() -> None:
    async def asked() -> bytes:
        async with AmiServer() as ami:
            reader, writer = await asyncio.open_connection(ami.host, ami.port)
            await reader.readline()
            async with asyncio.timeout(0.001):
                time.sleep(0.05)  # noqa: ASYNC251  a busy machine
                writer.write(b"Action: Login\r\nUsername: acd\r\nSecret: lab\r\nActionID: 1\r\n\r\n")
                answer = await reader.readline()
            writer.close()
            await writer.wait_closed()
            return answer

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(asked()) == b"Response: Success\r\n"
