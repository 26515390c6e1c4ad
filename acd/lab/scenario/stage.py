"""The stage of one scenario: an engine on the lab's server a, its wire to Asterisk, and everybody's phones."""

import asyncio
import re
from collections.abc import Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Final, Self

from aiosipua import SipRequest, SipResponse

from acd.core import Fact
from acd.lab.dialling import key_in
from acd.lab.engine import EngineFailed, EngineProcess
from acd.lab.relay import Relay
from acd.lab.scenario.place import InLab, Place
from acd.lab.scenario.script import Script
from acd.lab.scenario.setting import PIN, Person, config_text
from acd.lab.scenario.trace import Trace
from acd.lab.sip_line import SipLine
from acd.lab.small_disk import SmallDisk
from acd.router import facts as f
from acd.router.apply import apply
from acd.router.state import State
from acd.tasks import Tasks
from acd.telephony.sip import Call, IncomingCall, NothingHappened, OutgoingCall, Phone
from acd.telephony.sip import State as CallState

PATIENCE_S: Final = 5.0
"""What should happen within milliseconds may take so long where the script says nothing else."""
UP_WITHIN_S: Final = 20.0
LINE_IS_SLOW: Final = "<person>'s line is slow by <time>"
LINE_LOSES: Final = "<person>'s line loses one packet in <number>"
LINE_IS_WHOLE: Final = "<person>'s line is whole"
DISK_IS_FULL: Final = "the disk is full"
DISK_HAS_ROOM: Final = "the disk has room again"
"""What a stage must be made for from the beginning; `acts` does them."""
SECRET: Final = re.compile(r"(?im)^(secret|key): .*$")


class Failed(Exception):
    """A step of the script did not come true: what was expected, and what came instead."""

    def __init__(self, expected: str, came: str) -> None:
        super().__init__(f"expected: {expected}\ncame: {came}")
        self.expected = expected
        self.came = came


class AtPhone:
    """A person and the phone in front of them."""

    def __init__(self, person: Person, place: Place, trace: Trace) -> None:
        self.person = person
        self.own_line: SipLine | None = None
        """Where something is to happen to it."""
        self.call: Call | None = None
        """The one they are in, or were in last."""
        self._place = place
        self._trace = trace
        self._phone: Phone | None = None
        self._stack = AsyncExitStack()

    async def plug_in(self) -> None:
        """Have a registered phone."""
        phone = Phone(
            self.person.phone,
            self._place.password(self.person.phone),
            self.own_line.registrar if self.own_line else self._place.sip,
            host=self._place.own_host,
            on_message=self._passed,
            seen_at=self.own_line.seen_at if self.own_line else None,
        )
        self._phone = await self._stack.enter_async_context(phone)
        await self._phone.register()

    async def unplug(self) -> None:
        """The phone is gone at once, and nobody is told."""
        await self.phone.vanish()
        await self._stack.aclose()
        self._phone = None

    async def leave(self) -> None:
        """The phone says good-bye."""
        await self._stack.aclose()

    @property
    def line(self) -> SipLine:
        """The one that can be slow and lossy."""
        assert self.own_line is not None, "it was laid before the phone was plugged in"
        return self.own_line

    @property
    def phone(self) -> Phone:
        if self._phone is None:
            raise Failed(f"{self.person.id}'s phone", "it is unplugged")
        return self._phone

    async def place(self, number: str) -> OutgoingCall:
        """Call, and talk at once."""
        self.call = call = await self.phone.place(number, caller_name=self.person.name)
        call.send_tone(self.person.voice_hz)
        return call

    async def rings(self, within_s: float) -> IncomingCall:
        """The call that rings, once it does."""
        if isinstance(self.call, IncomingCall) and self.call.state is CallState.RINGING:
            return self.call
        try:
            self.call = call = await self.phone.ring(within_s)
        except NothingHappened:
            raise Failed(f"{self.person.id}'s phone rings within {within_s:g} s", "it stays silent") from None
        return call

    @property
    def rings_by_now(self) -> bool:
        """Whether a call has come that nobody has looked at."""
        return self._phone is not None and self._phone.rings_waiting > 0

    @property
    def in_call(self) -> Call:
        """The call in hand."""
        if self.call is None or self.call.state is CallState.ENDED:
            raise Failed(f"{self.person.id} is in a call", "there is none, or it is over")
        return self.call

    async def key_in(self, code: str) -> None:
        """Dial a feature code and do as the voice says."""
        await key_in(self.phone, code, self.person.code, PIN)

    def _passed(self, at_ns: int, arrow: str, message: SipRequest | SipResponse) -> None:
        self._trace.sip(self.person.id, arrow, at_ns, _sip_title(message), bytes(message).decode(errors="replace"))


class Stage:
    """`async with` has everybody at their phones and the engine on Asterisk. Leaving it takes all away again."""

    def __init__(self, script: Script, people: dict[str, Person], place: Place, trace: Trace) -> None:
        self.place = place
        self.trace = trace
        self.state = State()
        """As the facts make it; up to the first that is missing, since the disk was full."""
        self.facts: list[Fact] = []
        self.lives = 0
        """So many engines have begun so far."""
        self.looked_at = 0
        """So many facts lie before what the script asked for last."""
        self.people = {name: AtPhone(person, place, trace) for name, person in people.items()}
        self.script = script
        self._news = asyncio.Event()
        self._stack = AsyncExitStack()
        self._failure = ""
        self._next = 0
        """The number of the fact that continues the state."""
        self._tasks = Tasks("scenario")

    async def __aenter__(self) -> Self:
        try:
            await self._set_up()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _set_up(self) -> None:
        self.wire = await self._stack.enter_async_context(Relay(*self.place.ami, self._ami_passed))
        self.ears = await self._stack.enter_async_context(self.place.ears())
        self._stack.push_async_callback(self.place.is_empty, self.ears)
        await self._lay_lines()
        self._stack.push_async_callback(self._leave)
        await asyncio.gather(*(person.plug_in() for person in self.people.values()))
        asterisk = (
            f'asterisk.{self.place.name} = {{ host = "127.0.0.1", port = {self.wire.port}, '
            f'username = "{self.place.ami_user}", secret = "{self.place.ami_secret}" }}'
        )
        folder = None
        if any(step.shape.text in (DISK_IS_FULL, DISK_HAS_ROOM) for step in self.script.steps):
            self.disk = await self._stack.enter_async_context(SmallDisk())
            folder = self.disk.folder
        self.engine = EngineProcess(
            config_text(self.script, asterisk, self.place.phones), self._fact, folder, own_session=True
        )
        await self._stack.enter_async_context(self.engine)
        self._stack.push_async_callback(self._tasks.stop)
        await self.is_up(1)
        self.watch_engine()

    async def _lay_lines(self) -> None:
        """One for each of those to whose line something happens in the script."""
        for name, person in self.people.items():
            said = {step.shape.text for step in self.script.steps if step.words.get("person") == name}
            if said & {LINE_IS_SLOW, LINE_LOSES, LINE_IS_WHOLE}:
                line = SipLine(self.place.sip, lossy=LINE_LOSES in said)
                person.own_line = await self._stack.enter_async_context(line)

    async def is_up(self, life: int) -> None:
        """Return once the engine, the first or a later one, serves its Asterisk."""
        await self.until(
            lambda: self.lives >= life and any(isinstance(fact, f.ServerSettled) and fact.up for fact in self.facts),
            UP_WITHIN_S,
            "the engine reaches Asterisk",
            lambda: f"it does not. The end of its log:\n{self.engine.log_tail()}",
        )

    def watch_engine(self) -> None:
        """From now on an engine that ends by itself fails the scenario."""
        self._tasks.start("engine", self._engine_stays())

    def watch_engine_no_more(self) -> None:
        """It is about to be ended on purpose."""
        self._tasks.cancel()

    async def pause_asterisk(self) -> None:
        """It stands still until it is told to go on, at the latest when the stage is left."""
        assert isinstance(self.place, InLab), "such a script is played nowhere else"
        self._stack.push_async_callback(self.place.go_on)
        await self.place.pause()

    async def continue_asterisk(self) -> None:
        assert isinstance(self.place, InLab), "such a script is played nowhere else"
        await self.place.go_on()

    async def restart_asterisk(self) -> None:
        assert isinstance(self.place, InLab), "such a script is played nowhere else"
        await self.place.restart()

    async def _leave(self) -> None:
        await asyncio.gather(*(person.leave() for person in self.people.values()))

    # --- What happens -----------------------------------------------------------------------------------------

    def _fact(self, number: int, fact: Fact) -> None:
        if isinstance(fact, f.JournalOpened):
            self.state, self.looked_at = State(), 0  # an engine that began anew
            self.lives += 1
            self.facts.clear()
            self._next = number
        if number == self._next:
            apply(self.state, fact)
            self._next = number + 1
        self.facts.append(fact)
        self.trace.fact(number, fact)
        self._news.set()

    def _ami_passed(self, sent_by_engine: bool, message: bytes) -> None:
        whole = SECRET.sub(r"\1: …", message.decode(errors="replace").replace("\r\n", "\n"))
        self.trace.ami(sent_by_engine, _title(whole), whole)

    async def _engine_stays(self) -> None:
        try:
            await self.engine.failed()
        except EngineFailed as error:
            self._failure = str(error)
            self._news.set()

    async def until(self, holds: Callable[[], bool], within_s: float, expected: str, came: Callable[[], str]) -> None:
        """Return once it holds; looked at now, and after each fact."""
        try:
            async with asyncio.timeout(within_s):
                while not holds():
                    self._news.clear()
                    await self._news.wait()
                    if self._failure:
                        raise Failed(expected, self._failure)
        except TimeoutError:
            self.engine.drain()
            if not holds():
                raise Failed(f"{expected} within {within_s:g} s", came()) from None


def _sip_title(message: SipRequest | SipResponse) -> str:
    """`INVITE`, `180 Ringing`."""
    if isinstance(message, SipRequest):
        return message.method
    return f"{message.status_code} {message.reason_phrase}"


def _title(message: str) -> str:
    """`Originate`, `VarSet ACD_QUEUE`, `AcdCall`, `Success`."""
    headers = dict(line.split(": ", 1) for line in message.splitlines() if ": " in line)
    for name in ("UserEvent", "Event", "Action", "Response"):
        if name in headers:
            more = headers.get("Variable", "") if name != "Response" else headers.get("Message", "")
            return f"{headers[name]} {more}".strip()
    return message.strip().partition("\n")[0]
