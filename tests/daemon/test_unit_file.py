"""config/systemd/acd.service, judged by systemd itself where it is there."""

import re
import shutil
import subprocess
from pathlib import Path

from acd.daemon import service
from acd.sign_in import PIN_ALLOWED
from tests import needs

UNIT = Path(__file__).parent.parent.parent / "config" / "systemd" / "acd.service"


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        needs.impossible("systemd-analyze is not installed: this machine runs without systemd")
    unit = tmp_path / "acd.service"
    installed = shutil.which("true")
    unit.write_text(UNIT.read_text().replace("/opt/acd/bin/acd", str(installed)))
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, timeout=50, check=False
    )
    assert (verified.returncode, verified.stderr) == (0, "")


def setting(name: str) -> int:
    found = re.search(rf"^{name}=(\d+)$", UNIT.read_text(), flags=re.MULTILINE)
    assert found is not None
    return int(found[1])


def test_systemd_waits_longer_than_all_the_steps_of_a_stop() -> None:
    own_tasks_s = 5.0
    steps = service.STOP_TELEPHONY_WITHIN_S + service.STOP_ENGINE_WITHIN_S + service.CLOSE_WITHIN_S + own_tasks_s
    assert setting("TimeoutStopSec") > steps


def test_a_wrong_configuration_is_not_started_again() -> None:
    from acd.cli import MISTAKE

    assert setting("RestartPreventExitStatus") == MISTAKE


def test_the_operators_document_says_what_a_pin_is() -> None:
    document = UNIT.parent.parent.parent / "docs" / "configuration.md"
    assert PIN_ALLOWED in document.read_text()
