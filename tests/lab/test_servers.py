"""The lab's servers: they run, they are quiet, and they serve this machine only."""

import re
import ssl

import pytest

from tests.lab.ami import Ami
from tests.lab.phones import answering, calling, register
from tests.lab.server import NUMBER, ROOT, A, B, Server, run

pytestmark = pytest.mark.e2e

PROMPT = re.compile(r"^;\s{5}\S.*\s{2,}([a-z&-]+)(?:\s{2,}.*)?$")


async def test_both_servers_run_asterisk_22(lab: tuple[Server, Server]) -> None:
    for server in lab:
        assert (await server.cli("core show version")).startswith("Asterisk 22.")
        assert f"System name:                 {server.name}" in await server.cli("core show settings")


async def sockets(*servers: Server) -> list[tuple[str, str]]:
    """What these servers listen on: protocol, and address with port."""
    processes = [(await run("docker", "inspect", "--format", "{{.State.Pid}}", s.container)).strip() for s in servers]
    rows = [line.split() for line in (await run("ss", "-Hlntup")).splitlines()]
    return [(row[0], row[4]) for row in rows if any(f"pid={process}," in row[-1] for process in processes)]


async def test_what_serves_is_on_loopback_only(lab: tuple[Server, Server]) -> None:
    """PJSIP's DNS client opens two sockets on every address; no setting moves them, and they serve nobody."""
    listening = await sockets(*lab)
    assert set(listening) >= {
        (protocol, f"{server.address}:{port}")
        for server in lab
        for protocol, port in (("udp", 5060), ("tcp", 5060), ("tcp", 5038), ("tcp", 5039))
    }
    elsewhere = [(protocol, where) for protocol, where in listening if not where.startswith(f"127.0.{NUMBER}.")]
    assert [protocol for protocol, _ in elsewhere] == ["udp"] * 2 * len(lab), elsewhere


async def test_sound_is_on_loopback_only(lab: tuple[Server, Server]) -> None:
    before = await sockets(B)
    async with calling(B.address, "tone-440"), Ami.connect(B.address) as ami:
        call = (await ami.event("Newstate", ChannelState="6"))["Uniqueid"]
        sound = set(await sockets(B)) - set(before)
        assert sound
        assert all(re.fullmatch(rf"127\.0\.{NUMBER}\.2:1[34]\d{{3}}", where) for _, where in sound), sound
        await ami.ask("Hangup", Channel=call)


async def test_start_leaves_no_warning(lab: tuple[Server, Server]) -> None:
    """But for one about the thousand members of the benchmark's app_queue, which comes and goes."""
    for server in lab:
        log = (await run("docker", "logs", server.container)).rpartition("Asterisk Dynamic Loader Starting")[2]
        start = log.partition("Asterisk Ready.")[0]
        assert start
        wrong = [line for line in start.splitlines() if "WARNING[" in line or "ERROR[" in line]
        assert [line for line in wrong if "taskprocessor.c" not in line] == []


@pytest.mark.parametrize("context", ["acd", "acd-agent", "acd-features", "acd-code", "phones", "from-peer"])
async def test_dialplan_has_context(server: Server, context: str) -> None:
    assert f"[ Context '{context}' created by 'pbx_config' ]" in await server.cli(f"dialplan show {context}")


async def test_every_phone_has_its_endpoint(server: Server) -> None:
    known = set(re.findall(r"^ Endpoint: +([^ /<]+)", await server.cli("pjsip show endpoints"), re.MULTILINE))
    phones = [*range(1001, 1061), *range(1901, 1910), *range(2001, 2061), *range(30001, 32001)]
    assert known == {*map(str, phones), "lines", "sipp", "dead", "lab-a"}


async def test_phone_registers_and_is_reached_from_the_other_server(lab: tuple[Server, Server]) -> None:
    async with answering() as phone, Ami.connect(B.address) as ami:
        await register(A.address, "1060", phone)
        place = {"Context": "sounds", "Exten": "echo", "Priority": "1"}
        await ami.ask("Originate", Channel="PJSIP/1060@lab-a", Async="true", **place)
        call = (await ami.event("Newstate", ChannelState="6"))["Uniqueid"]
        await ami.ask("Hangup", Channel=call)
        await phone.end()
        await register(A.address, "1060", None)


async def test_ami_over_tls_is_verified_by_the_labs_certificate(lab: tuple[Server, Server]) -> None:
    for server in lab:
        context = ssl.create_default_context(cafile=str(server.certificate))
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        async with Ami.connect(server.address, port=5039, tls=context) as ami:
            assert (await ami.ask("Ping"))["Ping"] == "Pong"


async def test_certificate_of_one_server_is_not_the_others(lab: tuple[Server, Server]) -> None:
    context = ssl.create_default_context(cafile=str(A.certificate))
    with pytest.raises(ssl.SSLCertVerificationError):
        async with Ami.connect(B.address, port=5039, tls=context):
            pass


def prompts() -> list[str]:
    """Every sound that acd.conf plays, or lists for the engine to play."""
    text = (ROOT / "config" / "asterisk" / "acd.conf").read_text()
    played = re.findall(r"(?:Playback\(|Read\(\w+,)([a-z&-]+)", text)
    listed = [found[1] for line in text.splitlines() if (found := PROMPT.match(line)) and "-" in found[1]]
    return sorted({name for names in [*played, *listed] for name in names.split("&")})


async def test_every_prompt_is_in_the_image(server: Server) -> None:
    names = prompts()
    assert {"agent-loginok", "agent-loggedoff", "do-not-disturb", "auth-thankyou", "vm-incorrect"} <= set(names)
    there = (await server.shell("ls /usr/share/asterisk/sounds/en")).split()
    assert [name for name in names if f"{name}.gsm" not in there] == []


def test_guide_lists_the_prompts_of_the_dialplan() -> None:
    guide = (ROOT / "config" / "asterisk" / "README.md").read_text()
    asked = {"agent-user", "agent-pass"}
    assert [name for name in prompts() if name not in guide and name not in asked] == []
