"""Certificates of the test run's own, made by the openssl command."""

import shutil
import subprocess
from pathlib import Path

from tests import needs


def new_key(stem: Path) -> tuple[str, ...]:
    return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{stem}.key")


def openssl(*arguments: str) -> None:
    if shutil.which("openssl") is None:
        needs.missing("the openssl command is needed to make certificates")
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=30)


def make_authority(folder: Path, name: str = "ca") -> Path:
    """The certificate of a new authority, `NAME.pem` with `NAME.key` beside it."""
    path = folder / f"{name}.pem"
    subject = ("-subj", "/CN=test authority", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    openssl("req", "-x509", *new_key(folder / name), *subject, "-days", "2", "-out", str(path))
    return path
