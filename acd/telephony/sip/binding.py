"""A phone's registration at its registrar: kept alive by aiosipua's Registration, awaited here."""

import asyncio
from collections.abc import Callable

from aiosipua import Registration, RegistrationState, SipDigestAuth, SipRequest, SipResponse, SipTransport, SipUAC

from acd.telephony.sip.leg import Line
from acd.telephony.sip.transactions import Transactions
from acd.telephony.sip.watch import NothingHappened, Watch
from acd.telephony.sip.wire import Address

EXPIRES_S = 300


class NotRegistered(Exception):
    """The registrar has refused: `status` is its SIP status, mostly 403 or 401 for a wrong password."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status
        self.reason = reason


class _Through(SipTransport):
    """Gives aiosipua's REGISTER requests to our transactions, so that a lost one is sent again."""

    def __init__(self, address: Address, transactions: Transactions) -> None:
        super().__init__(local_addr=address)
        self.on_response: Callable[[SipResponse, Address], None] = lambda _response, _address: None
        self._transactions = transactions

    def send(self, message: SipRequest | SipResponse, addr: Address) -> None:
        assert isinstance(message, SipRequest)
        self._transactions.send(message, addr, lambda response, _at_ns: self.on_response(response, addr))


class Binding:
    """Registers one phone, and renews it before it expires."""

    def __init__(self, line: Line, registrar: Address) -> None:
        host, port = registrar
        transport = _Through(line.wire.address, line.transactions)
        transport.on_response = self._answered
        self._line = line
        self._uac = SipUAC(transport)
        self._watch = Watch()
        self._refusal: NotRegistered | None = None
        self._registration = Registration(
            self._uac,
            f"sip:{line.number}@{host}",
            registrar,
            expires=EXPIRES_S,
            auth=line.credentials or SipDigestAuth(line.number, ""),
            registrar_uri=f"sip:{host}:{port}",
        )
        self._registration.on_failed = self._failed

    @property
    def registered(self) -> bool:
        """Whether the registrar knows this phone, as far as we know."""
        return self._registration.state is RegistrationState.REGISTERED

    async def register(self, within_s: float) -> None:
        """Register, or raise `NotRegistered`."""
        self._refusal = None
        self._registration.register()
        await self._reached(RegistrationState.REGISTERED, within_s)

    async def unregister(self, within_s: float) -> None:
        """Tell the registrar that this phone is gone."""
        self._refusal = None
        self._registration.unregister()
        await self._reached(RegistrationState.UNREGISTERED, within_s)

    async def close(self) -> None:
        """Stop renewing."""
        self._uac.close()
        # aiosipua cancels its two timer tasks but does not wait for them: one turn of the loop ends them.
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def _reached(self, state: RegistrationState, within_s: float) -> None:
        await self._watch.until(
            lambda: self._registration.state is state or self._refusal is not None,
            within_s,
            lambda: NothingHappened(f"not {state.value} within {within_s:g} s\n{self._line.wire.conversation()}"),
        )
        if self._refusal is not None:
            raise self._refusal

    def _answered(self, response: SipResponse, addr: Address) -> None:
        self._uac.handle_response(response, addr)
        self._watch.changed()

    def _failed(self, _registration: Registration, status: int, reason: str) -> None:
        self._refusal = NotRegistered(status, reason)
