"""AMI over TLS: the server proves who it is before the secret leaves us."""

import asyncio
import ssl
from dataclasses import dataclass
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from acd.telephony.ami.messages import AmiAction
from acd.telephony.ami.protocol import LinkLimits
from acd.testing.ami_server import AmiServer, event
from tests.certificates import make_authority, new_key, openssl
from tests.telephony.ami.link_harness import record_writes, running, up
from tests.turns import until

SLOW = LinkLimits(ping_every_s=30, retry_first_s=0.001, retry_refused_s=30)


@dataclass(frozen=True)
class Authority:
    """A certificate authority of this test run's own."""

    folder: Path

    @property
    def ca_file(self) -> str:
        return str(self.folder / "ca.pem")

    def server(self, name: str) -> ssl.SSLContext:
        """A server's side of TLS, with a certificate for a name such as "IP:127.0.0.1"."""
        stem = self.folder / name.replace(":", "-")
        openssl("req", "-new", *new_key(stem), "-subj", "/CN=asterisk", "-out", f"{stem}.csr")
        stem.with_suffix(".ext").write_text(f"subjectAltName={name}\n")
        signed_by = ("-CA", self.ca_file, "-CAkey", str(self.folder / "ca.key"), "-CAcreateserial")
        extensions = ("-extfile", f"{stem.with_suffix('.ext')}")
        openssl("x509", "-req", "-days", "2", "-in", f"{stem}.csr", *signed_by, *extensions, "-out", f"{stem}.pem")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{stem}.pem", f"{stem}.key")
        return context


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    folder = tmp_path_factory.mktemp("tls")
    make_authority(folder)
    return Authority(folder)


async def test_link_over_tls_carries_actions_and_events(authority: Authority) -> None:
    async with (
        AmiServer(tls=authority.server("IP:127.0.0.1")) as ami,
        up(ami, tls=True, ca_file=authority.ca_file) as (link, witness),
    ):
        assert (await link.send("Ping")).get("Ping") == "Pong"
        await ami.flood([event("Newexten", {"AppData": "Zoë" * 50}) * 500, event("Last")])
        await witness.event("Last")
        assert link.counters.events == 501


async def test_no_tls_record_is_longer_than_asterisk_reads_at_once(authority: Authority) -> None:
    """Asterisk leaves the rest of a longer one unread until something else is sent (docs/decisions/0002)."""
    async with (
        AmiServer(tls=authority.server("IP:127.0.0.1")) as ami,
        up(ami, tls=True, ca_file=authority.ca_file) as (link, _),
    ):
        writes = record_writes(link)
        actions = [AmiAction("Setvar", (("Value", "x" * 10 * number),)) for number in range(50)]
        answers = await asyncio.gather(*link.send_many(*actions))
        assert all(answer.success for answer in answers)
        assert [action.get("Value") for action in ami.actions[1:]] == ["x" * 10 * number for number in range(50)]
        assert all(len(record) <= 1_024 and record.endswith(b"\r\n") for record in writes)


async def test_link_over_tls_comes_back_after_a_cut(authority: Authority) -> None:
    async with (
        AmiServer(tls=authority.server("IP:127.0.0.1")) as ami,
        up(ami, tls=True, ca_file=authority.ca_file) as (_, witness),
    ):
        ami.cut()
        await witness.until(lambda: witness.ups == 2)


async def test_server_reached_by_another_name_is_accepted_by_tls_name(authority: Authority) -> None:
    async with (
        AmiServer(tls=authority.server("DNS:pbx.example")) as ami,
        up(ami, tls=True, ca_file=authority.ca_file, tls_name="pbx.example"),
    ):
        assert ami.count("Login") == 1


async def fault_of(ami: AmiServer, limits: LinkLimits = SLOW, **changes: object) -> tuple[str, str]:
    """The fault that a link tells when it cannot come up, and what to mend."""
    with capture_logs() as logs:
        async with running(ami, limits, tls=True, **changes) as (link, _):
            await until(lambda: link._told)
    return logs[0]["reason"], logs[0]["mend"]


async def test_certificate_for_another_host_is_refused_before_the_secret_is_sent(authority: Authority) -> None:
    async with AmiServer(tls=authority.server("IP:127.0.0.9")) as ami:
        reason, mend = await fault_of(ami, ca_file=authority.ca_file)
        assert "certificate of 127.0.0.1" in reason
        assert "IP address mismatch" in reason
        assert "tls_name" in mend
        assert ami.actions == []


async def test_certificate_of_an_unknown_authority_is_refused(authority: Authority) -> None:
    async with AmiServer(tls=authority.server("IP:127.0.0.1")) as ami:
        reason, mend = await fault_of(ami)
        assert "is not accepted" in reason
        assert "ca_file" in mend
        assert ami.actions == []


async def test_missing_or_broken_ca_file_is_told_by_its_name(authority: Authority, tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate")
    async with AmiServer(tls=authority.server("IP:127.0.0.1")) as ami:
        for path in (broken, tmp_path / "missing.pem"):
            reason, mend = await fault_of(ami, ca_file=str(path))
            assert f"ca_file {path} cannot be used" in reason
            assert "PEM" in mend


async def test_plain_port_asked_for_tls_is_told(authority: Authority) -> None:
    async with AmiServer() as ami:
        reason, mend = await fault_of(ami, ca_file=authority.ca_file)
        assert "no TLS with 127.0.0.1" in reason
        assert "tlsbindaddr" in mend


async def test_tls_port_asked_without_tls_is_told(authority: Authority) -> None:
    with capture_logs() as logs:
        async with AmiServer(tls=authority.server("IP:127.0.0.1")) as ami:
            limits = LinkLimits(banner_s=0.05, retry_refused_s=30, close_s=0.05)
            async with running(ami, limits) as (link, _):
                await until(lambda: link._told)
    assert "set tls" in logs[0]["mend"]
