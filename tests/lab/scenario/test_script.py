"""Scripts of scenarios: what can be read, and what a mistake says."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from acd.lab.scenario.acts import ACTS, SHAPES
from acd.lab.scenario.command import FIRST, FOLDER, command
from acd.lab.scenario.place import LAB_PHONES
from acd.lab.scenario.run import read_scenario
from acd.lab.scenario.script import Mistake, read_script
from acd.lab.scenario.setting import check

THERE = 'queue sales\nagent ana: queues = ["sales"]\ncaller bob\n'


def mistake(tmp_path: Path, text: str) -> Mistake:
    path = tmp_path / "script.txt"
    path.write_text(text)
    with pytest.raises(Mistake) as told:
        check(read_script(path, SHAPES), LAB_PHONES)
    assert str(told.value).startswith(str(path))
    return told.value


@pytest.mark.parametrize(
    ("text", "line", "wrong", "allowed"),
    [
        ("bob calls sales\n", 1, "bob is no caller of this script", "none so far: write `caller bob`"),
        (THERE + "bib calls sales\n", 4, "bib is no caller of this script", "bob"),
        (THERE + "ana answers\nbob calls sale\n", 5, "sale is no queue of this script", "sales"),
        (THERE + "bob dances\n", 4, "'bob dances' is not understood", "`<"),
        (THERE + "\n# a remark\nana anwers\n", 6, "'ana anwers' is not understood", "`<person> answers`"),
        (THERE + "fact CallQeued\n", 4, "CallQeued is no fact", "CallQueued"),
        (THERE + "fact CallQueued with queue = sales\n", 4, "'queue = sales' cannot be read", "settings as in"),
        (THERE + "ana pauses for lunch\n", 4, "lunch is no reason of this script", "write `pause lunch` further up"),
        (THERE + "bob hangs up\nqueue support\n", 5, "who is there stands before what happens", "further up"),
        (THERE + "queue sales\nbob hangs up\n", 4, "queue sales is there already", "one line for each"),
        ("queue sales: wrap_up_s = -1\ncaller bob\nbob calls sales\n", 1, "queue.sales.wrap_up_s", "seconds, from 0"),
        ("queue sales: wrapup = 1\ncaller bob\nbob calls sales\n", 1, "queue.sales", "wrap_up_s"),
        (
            "queue sales: wrap_up_s 1\ncaller bob\nbob calls sales\n",
            1,
            "'wrap_up_s 1' cannot be read",
            "settings as in",
        ),
        ("caller bob: tone = 1\nbob hangs up\n", 1, "a caller has no setting tone", "number and name"),
        ('queue sales\nagent ana: queues = ["sale"]\nana answers\n', 2, "agent.ana.queues", "sales"),
        (THERE + "caller ana\nbob calls sales\n", 4, "ana is an agent", "another name"),
        (THERE, 0, "nothing happens in it", "a sentence a line"),
    ],
)
def test_mistake_says_its_line_and_what_is_allowed(
    tmp_path: Path, text: str, line: int, wrong: str, allowed: str
) -> None:
    told = mistake(tmp_path, text)
    assert (told.line, wrong in str(told), allowed in told.allowed) == (line, True, True), told
    assert "\n" not in str(told)


def test_what_is_left_out_is_filled_in(tmp_path: Path) -> None:
    path = tmp_path / "script.txt"
    path.write_text(
        THERE + 'agent ben: phone = "1009", queues = ["sales"]\ncaller eve: name = "Eve"\nbob calls sales\n'
    )
    people = check(read_script(path, SHAPES), LAB_PHONES)
    assert {name: person.phone for name, person in people.items()} == {
        "ana": "1001", "ben": "1009", "bob": "2001", "eve": "2002",
    }  # fmt: skip
    assert len({person.voice_hz for person in people.values()}) == 4


def test_somebody_may_wait_before_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "script.txt"
    path.write_text(THERE + "after 1.5 s: bob calls sales  # in a hurry\nbob hears music within 500 ms\n")
    first, second = read_script(path, SHAPES).steps
    assert (first.after_s, first.words) == (1.5, {"caller": "bob", "queue": "sales"})
    assert (second.after_s, second.words) == (0, {"person": "bob", "time": "500 ms"})


def test_no_two_sentences_look_alike() -> None:
    texts = [act.shape.text for act in ACTS]
    assert len(set(texts)) == len(texts)


def test_first_script_can_be_read_and_a_name_is_taken_once(tmp_path: Path) -> None:
    asked = ["new", "caller-is-lucky", "--folder", str(tmp_path)]
    assert CliRunner().invoke(command, asked).exit_code == 0
    assert (tmp_path / "caller-is-lucky" / "script.txt").read_text() == FIRST
    read_scenario(tmp_path / "caller-is-lucky")
    assert CliRunner().invoke(command, asked).exit_code == 2


def test_wrong_script_and_unknown_name_are_told_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "script.txt").write_text("bob calls sales\n")
    for name, told in (("odd", "script.txt:1: bob is no caller"), ("even", "there is no scenario even in")):
        done = CliRunner().invoke(command, ["run", name, "--folder", str(tmp_path)])
        assert (done.exit_code, told in done.output) == (2, True), done.output


def test_words_lists_every_sentence() -> None:
    listed = CliRunner().invoke(command, ["words"]).output
    assert all(str(act.shape) in listed for act in ACTS)


def test_each_scenario_of_the_lab_can_be_read_and_tells_its_story() -> None:
    folders = sorted(path.parent for path in FOLDER.glob("*/script.txt"))
    assert folders
    for folder in folders:
        scenario = read_scenario(folder)
        heading, _, story = scenario.story.partition("\n\n")
        assert heading == f"# {folder.name.replace('-', ' ').capitalize()}"
        assert len(story.split()) > 8, f"{folder.name} tells no story"


def test_guide_names_every_scenario_and_no_other() -> None:
    guide = (FOLDER.parent / "README.md").read_text(encoding="utf-8")
    table = guide.partition("| scenarios |")[2]
    assert set(re.findall(r"`([a-z-]+-[a-z-]+)`", table)) == {path.parent.name for path in FOLDER.glob("*/script.txt")}
