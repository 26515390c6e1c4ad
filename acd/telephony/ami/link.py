"""The link to one Asterisk server: connects, signs in, keeps alive, comes back; sends actions, hands on events.

It knows no call and no agent: what the events mean is the adapter's. An action is sent at most once in its
life; when the link breaks before its answer, its fate is unknown and stays so.
"""

import asyncio
import random
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import structlog

from acd.telephony.ami.messages import (
    ActionTimeout,
    AmiAction,
    AmiError,
    AmiEvent,
    AmiResponse,
    NotConnected,
    check_action,
)
from acd.telephony.ami.protocol import AmiConnection, LinkCounters, LinkLimits, failed

log = structlog.get_logger(__name__)

_dice = random.SystemRandom()


@dataclass(frozen=True, slots=True, kw_only=True)
class AmiAddress:
    """Where an Asterisk server is and who signs in there. `server` is its name in our configuration.

    With `tls`, the certificate must be signed by `ca_file` (or the system's authorities) and name `host`,
    or `tls_name` where the server is reached by another name than its certificate's.
    """

    server: str
    username: str
    secret: str = field(repr=False)
    host: str = "127.0.0.1"
    port: int = 5038
    tls: bool = False
    ca_file: str | None = None
    tls_name: str | None = None


class _Fault(Exception):
    """Why there is no link. `slow`: only a person can mend it, so there is no hurry to try again."""

    def __init__(self, reason: str, mend: str = "", slow: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.mend = mend
        self.slow = slow


class AmiLink:
    """A link that keeps itself up while `run` runs.

    The callbacks are plain functions called on the event loop, and must return soon. `on_up` and `on_down`
    alternate; events come only in between. After every `on_up` the caller asks what exists on that server:
    events during an outage are gone.
    """

    def __init__(
        self,
        address: AmiAddress,
        on_event: Callable[[AmiEvent], None],
        on_up: Callable[[], None],
        on_down: Callable[[str], None],
        limits: LinkLimits | None = None,
        chance: Callable[[], float] = _dice.random,
    ) -> None:
        self.address = address
        self.counters = LinkCounters()
        self._on_event = on_event
        self._on_up = on_up
        self._on_down = on_down
        self._limits = limits or LinkLimits()
        self._chance = chance
        self._connection: AmiConnection | None = None
        self._log = log.bind(server=address.server)
        self._retry_s = self._limits.retry_first_s
        self._told = ""

    @property
    def connected(self) -> bool:
        """True from `on_up` to `on_down`."""
        return self._connection is not None and self._connection.up

    def send(
        self, action: str, *headers: tuple[str, str], action_id: str = "", timeout_s: float | None = None
    ) -> asyncio.Future[AmiResponse]:
        """Send one action now, or fail now: nothing is kept for later and nothing is sent twice.

        The future gets the response, also where Asterisk refuses (`success` is false), or an `AmiError`
        whose `fate_unknown` says whether Asterisk may have acted. For list actions it comes with all events.
        Raises `BadAction` for what must not reach the wire: clean outside text with `clean_value` first.
        """
        return self.send_many(AmiAction(action, headers, action_id, timeout_s))[0]

    def send_many(self, *actions: AmiAction) -> list[asyncio.Future[AmiResponse]]:
        """Send several actions in one write; Asterisk carries them out in this order."""
        for action in actions:
            check_action(action)
        if self._connection is None:
            down = NotConnected(f"{self.address.server}: not connected")
            return [failed(asyncio.get_running_loop(), down) for _ in actions]
        return self._connection.ask(actions)

    def restart(self, reason: str) -> None:
        """Give the present connection up, for a new one whose report mends what was missed."""
        if self._connection is not None:
            self._connection.drop(reason)

    async def run(self) -> None:
        """Keep the link up until cancelled. No fault from outside ends it."""
        while True:
            fault = await self._one_connection()
            self._tell(fault)
            await asyncio.sleep(self._pause_s(fault))
            self.counters.reconnects += 1

    async def _one_connection(self) -> _Fault:
        try:
            connection = await self._connect()
        except _Fault as fault:
            return fault
        reason = "the link was stopped"
        try:
            await self._sign_in(connection)
            await self._booted(connection)
            self._up(connection)
            reason = await self._keep_alive(connection)
            return _Fault(reason)
        except _Fault as fault:
            reason = fault.reason
            return fault
        finally:
            self._down(connection, reason)
            await connection.end(reason)

    # -- coming up

    async def _connect(self) -> AmiConnection:
        address = self.address
        loop = asyncio.get_running_loop()
        tls = await self._tls() if address.tls else None
        try:
            async with asyncio.timeout(self._limits.connect_s):
                _, connection = await loop.create_connection(
                    self._new_connection,
                    address.host,
                    address.port,
                    ssl=tls,
                    server_hostname=(address.tls_name or address.host) if tls else None,
                )
        except (OSError, UnicodeError, OverflowError) as error:  # the last two: no host name, no port
            raise _connect_fault(address, error) from None
        return connection

    async def _tls(self) -> ssl.SSLContext:
        try:
            return await asyncio.to_thread(tls_context, self.address)
        except OSError as error:
            reason = f"ca_file {self.address.ca_file} cannot be used: {error.strerror or error}"
            raise _Fault(reason, "set ca_file to a readable file with PEM certificates", slow=True) from None

    def _new_connection(self) -> AmiConnection:
        return AmiConnection(self.address.server, self._on_event, self._limits, self.counters)

    async def _sign_in(self, connection: AmiConnection) -> None:
        await self._first(connection, connection.banner, self._limits.banner_s)
        if not connection.banner.done():
            raise _banner_fault(self.address, connection)
        headers = (("Username", self.address.username), ("Secret", self.address.secret), ("Events", "on"))
        try:
            (answer,) = connection.ask([AmiAction("Login", headers)])
            response = await answer
        except AmiError as error:
            raise _Fault(f"signing in failed: {_why(connection, error)}") from None
        if not response.success:
            raise _refused_fault(self.address, response)

    async def _booted(self, connection: AmiConnection) -> None:
        await self._first(connection, connection.booted, self._limits.booted_s)
        if connection.booted.done():
            return
        await self._ping(connection)
        connection.booted.set_result(None)
        self._log.info(
            "no FullyBooted came, a ping was answered instead",
            mend="give the account read=system in manager.conf: the link is then up at once",
        )

    async def _first(self, connection: AmiConnection, wanted: asyncio.Future[Any], limit_s: float) -> None:
        either: set[asyncio.Future[Any]] = {wanted, connection.lost}
        await asyncio.wait(either, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)

    def _up(self, connection: AmiConnection) -> None:
        if connection.lost.done():
            raise _Fault(connection.lost.result())
        connection.up = True
        self._connection = connection
        self._told = ""
        self._log.info("AMI link up", version=connection.banner.result())
        self._call(self._on_up)

    def _down(self, connection: AmiConnection, reason: str) -> None:
        if self._connection is not connection:
            return
        self._connection = None
        connection.drop(reason)
        self._call(lambda: self._on_down(reason))

    def _call(self, callback: Callable[[], None]) -> None:
        try:
            callback()
        except Exception:
            self.counters.handler_errors += 1
            log.exception("AMI link callback failed; the link goes on", server=self.address.server)

    # -- staying up

    async def _keep_alive(self, connection: AmiConnection) -> str:
        """Ping until the connection is lost; the reason is returned."""
        began = asyncio.get_running_loop().time()
        while True:
            await asyncio.wait({connection.lost}, timeout=self._limits.ping_every_s)
            if connection.lost.done():
                return connection.lost.result()
            await self._ping(connection)
            if asyncio.get_running_loop().time() - began >= self._limits.steady_s:
                self._retry_s = self._limits.retry_first_s

    async def _ping(self, connection: AmiConnection) -> None:
        """One ping and its answer. While other bytes keep coming, the answer may wait its turn longer."""
        limits = self._limits
        (answer,) = connection.ask([AmiAction("Ping", timeout_s=limits.ping_answer_while_busy_s)])
        try:
            while not answer.done():
                heard_at = connection.heard_at
                await asyncio.wait({answer}, timeout=limits.ping_answer_s)
                if not answer.done() and connection.heard_at == heard_at:
                    raise _Fault(f"Asterisk is silent: no answer to a ping in {limits.ping_answer_s} s")
            answer.result()
        except ActionTimeout:
            behind = "; its events come faster than they are handled" if connection.behind else ""
            raise _Fault(f"no answer to a ping in {limits.ping_answer_while_busy_s} s{behind}") from None
        except AmiError as error:
            raise _Fault(_why(connection, error)) from None

    # -- coming back

    def _pause_s(self, fault: _Fault) -> float:
        base = self._limits.retry_refused_s if fault.slow else self._retry_s
        self._retry_s = min(self._retry_s * 2, self._limits.retry_most_s)
        return base * (0.5 + self._chance() / 2)

    def _tell(self, fault: _Fault) -> None:
        """The same fault again and again is told once."""
        if fault.reason == self._told:
            return
        self._told = fault.reason
        self._log.warning("no AMI link", reason=fault.reason, mend=fault.mend)


def tls_context(address: AmiAddress) -> ssl.SSLContext:
    """How the server must prove who it is; reads `ca_file`, so it runs in a thread."""
    context = ssl.create_default_context(cafile=address.ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _why(connection: AmiConnection, error: AmiError) -> str:
    return connection.lost.result() if connection.lost.done() else str(error)


def _connect_fault(address: AmiAddress, error: Exception) -> _Fault:
    where = f"{address.host}:{address.port}"
    match error:
        case ssl.SSLCertVerificationError():
            mend = "set ca_file to the authority that signed it, or tls_name to the name in the certificate"
            return _Fault(f"the certificate of {where} is not accepted: {error.verify_message}", mend, slow=True)
        case ssl.SSLError():
            mend = "is this the port of tlsbindaddr in manager.conf?"
            return _Fault(f"no TLS with {where}: {error.reason}", mend, slow=True)
        case TimeoutError():
            return _Fault(f"{where} does not answer", "is the address right, and no firewall in between?")
        case _:
            return _Fault(
                f"{where} cannot be reached: {error}", "is Asterisk running, with enabled=yes in manager.conf?"
            )


def _banner_fault(address: AmiAddress, connection: AmiConnection) -> _Fault:
    where = f"{address.host}:{address.port}"
    if connection.lost.done():
        reason = connection.lost.result()
        return _Fault(f"{where}: {reason}", "set host and port to Asterisk's manager", slow="no Asterisk" in reason)
    mend = "set host and port to Asterisk's manager; if it is its TLS port, set tls"
    return _Fault(f"{where} says nothing: it is no Asterisk manager, or it waits for TLS", mend, slow=True)


def _refused_fault(address: AmiAddress, response: AmiResponse) -> _Fault:
    if response.shuts_down:
        return _Fault(f"{address.host}:{address.port}: {response.message}")
    mend = f"compare username and secret with [{address.username}] in manager.conf, and its permit and deny"
    return _Fault(f"Asterisk refused user {address.username}: {response.message}", mend, slow=True)
