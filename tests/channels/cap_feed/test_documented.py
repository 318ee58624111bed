"""What the page about the feed tells people to type gives a key that signs."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from channels.cap_feed.signing import signer_of
from channels.contract import Secret

PAGE = Path(__file__).parents[3] / "docs" / "channels" / "cap_feed.md"

pytestmark = pytest.mark.system


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl")
def test_the_documented_command_makes_a_key_for_exercises(tmp_path):
    """And a certificate that says so."""
    (command,) = re.findall(r"^openssl req .*$", PAGE.read_text(), re.MULTILINE)
    subprocess.run(shlex.split(command), cwd=tmp_path, check=True, capture_output=True)
    files = {"signing_key": "drill.key", "certificate": "drill.crt"}
    signer = signer_of({name: Secret((tmp_path / file).read_text()) for name, file in files.items()})
    assert signer.is_exercise
    assert signer.signed(b"<?xml version='1.0' encoding='UTF-8'?>\n<a/>\n".replace(b"<a/>", b"<a><b/></a>"))
