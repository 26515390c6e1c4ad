"""Scenarios on an operator's own Asterisk: what is refused before anything starts, and that the others are played."""

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from acd.lab.scenario.command import command
from acd.lab.scenario.place import NotForTests, OwnPbx
from acd.lab.scenario.run import read_scenario
from acd.lab.scenario.script import Mistake
from acd.lab.servers import Lab, LabServer
from tests import needs

ACCOUNTS = """
agent = [{ number = "1031", password = "lab-1031" }, { number = "1032", password = "lab-1032" }]
caller = [{ number = "2051", password = "lab-2051" }]
"""
THERE = 'host = "127.0.0.1"\nusername = "acd"\nsecret = "s"\n'


def described(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "pbx.toml"
    path.write_text(text)
    return path


def scenario(tmp_path: Path, text: str, name: str = "first") -> Path:
    folder = tmp_path / "scenarios" / name
    folder.mkdir(parents=True)
    (folder / "script.txt").write_text(text)
    return folder


def run(tmp_path: Path, pbx: Path, *names: str) -> Result:
    folders = ("--folder", str(tmp_path / "scenarios"), "--pages", str(tmp_path / "pages"))
    return CliRunner().invoke(command, ["run", *names, "--pbx", str(pbx), *folders])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("host = 1", "Expected `str`, got `int` - at `$.host`"),
        (THERE, "missing required field `agent`"),
        (THERE + ACCOUNTS + "sip_port = 70000", "<= 65535"),
        (THERE + ACCOUNTS + 'hots = "x"', "unknown field `hots`"),
        (THERE + "agent = []\ncaller = []", "length >= 1"),
        ("host = ", "Invalid"),
    ],
)
def test_description_that_cannot_be_read_is_told_with_its_file(tmp_path: Path, text: str, told: str) -> None:
    path = described(tmp_path, text)
    with pytest.raises(NotForTests) as error:
        OwnPbx.read(path)
    assert str(error.value).startswith(f"{path}: ")
    assert told in str(error.value)


def test_people_have_the_accounts_in_their_order_and_no_others(tmp_path: Path) -> None:
    phones = OwnPbx.read(described(tmp_path, THERE + ACCOUNTS)).phones
    text = 'queue sales\nagent ana: queues = ["sales"]\nagent ben: queues = ["sales"]\ncaller bob\nbob calls sales\n'
    people = read_scenario(scenario(tmp_path, text), phones).people
    assert {name: person.phone for name, person in people.items()} == {"ana": "1031", "ben": "1032", "bob": "2051"}
    with pytest.raises(Mistake, match="there are too many people; allowed: at most 2 agents and 1 callers"):
        read_scenario(scenario(tmp_path, text.replace("bob\n", "bob\ncaller eve\n", 1), "eve"), phones)
    own_phone = text.replace('ana: queues = ["sales"]', 'ana: queues = ["sales"], phone = "1033"')
    with pytest.raises(Mistake, match=r":2: ana's phone 1033 is no account for tests; allowed: 1031, 1032, 2051"):
        read_scenario(scenario(tmp_path, own_phone, "own"), phones)


@pytest.mark.parametrize(
    "step",
    ["Asterisk restarts", "Asterisk is paused", "bob hears the fallback", "bob calls sales with priority 5",
     "bob calls sales, asking for german"],
)  # fmt: skip
def test_what_belongs_to_the_lab_is_refused_by_name_and_else_left_out(tmp_path: Path, step: str) -> None:
    scenario(tmp_path, f"queue sales\ncaller bob\nbob calls sales\n{step}\n", "lab-alone")
    pbx = described(tmp_path, THERE + ACCOUNTS)
    named = run(tmp_path, pbx, "lab-alone")
    assert named.exit_code == 2
    assert f"script.txt:4: '{step}' is for the lab alone" in named.output
    unnamed = run(tmp_path, pbx)
    assert "left out, for the lab alone: lab-alone" in unnamed.output
    assert unnamed.exit_code == 2, "nothing is left to play"


@pytest.fixture
def lab() -> Lab:
    return Lab()


def as_an_operator(server: LabServer, accounts: str = ACCOUNTS, secret: str = "lab-acd") -> str:
    return f'host = "{server.host}"\nusername = "acd"\nsecret = "{secret}"\n{accounts}'


async def server_a(lab: Lab) -> LabServer:
    with needs.the_lab():
        await lab.up("a")
    return lab.a


@pytest.mark.e2e
@pytest.mark.timeout(120)
async def test_unmarked_account_and_wrong_secret_end_it_before_anything_starts(tmp_path: Path, lab: Lab) -> None:
    server = await server_a(lab)
    unmarked = ACCOUNTS.replace("1032", "1901")
    with pytest.raises(NotForTests, match="account 1901 is not marked as one for tests: its endpoint needs `set_var"):
        await OwnPbx.read(described(tmp_path, as_an_operator(server, unmarked))).check()
    nobody = ACCOUNTS.replace("2051", "9999")
    with pytest.raises(NotForTests, match="account 9999 is not marked"):
        await OwnPbx.read(described(tmp_path, as_an_operator(server, nobody))).check()
    with pytest.raises(NotForTests, match=f"nobody answers at {server.host}:5038 to AMI account acd"):
        await OwnPbx.read(described(tmp_path, as_an_operator(server, secret="wrong"))).check()


@pytest.mark.e2e
@pytest.mark.timeout(120)
def test_scenarios_are_played_with_accounts_that_are_marked(tmp_path: Path, lab: Lab) -> None:
    with needs.the_lab():
        asyncio.run(lab.up("a"))
    pbx = described(tmp_path, as_an_operator(lab.a))
    names = (
        "caller-reaches-an-agent",
        "longest-wait-ends-and-the-caller-goes-back",
        "link-is-cut-and-the-caller-keeps-waiting",
    )
    played = CliRunner().invoke(command, ["run", *names, "--pbx", str(pbx), "--pages", str(tmp_path)])
    assert played.exit_code == 0, played.output
    assert "3 of 3 scenarios came true." in played.output
    assert "pbx  ok, " in played.output
    page = (tmp_path / f"{names[0]}.html").read_text()
    assert "1031" in page
    assert "1001" not in page
