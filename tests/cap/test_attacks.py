"""Hostile files: each is read in a process of its own that can open nothing, and is measured.

The process reads the file, is then forbidden any further file descriptor, validates, and prints what it cost. The
time is the processor's: with nothing to open there is nothing to wait for but other people's tests.
"""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from dispatcher.cap.reader import MAX_BYTES
from dispatcher.cap.validate import validate

MAX_SECONDS = 1.0
MAX_GROWTH_KB = 100_000

MEASURED = """
import json, resource, socket, sys, time
from pathlib import Path
from dispatcher.cap.validate import validate

def peak_kb():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])

data = Path(sys.argv[1]).read_bytes()
validate(b"<a/>")
before = peak_kb()
status = open("/proc/self/status")
resource.setrlimit(resource.RLIMIT_NOFILE, (0, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
try:
    socket.socket()
except OSError:
    locked = True
else:
    locked = False
start = time.process_time()
report = validate(data)
seconds = time.process_time() - start
after = int(next(line for line in status if line.startswith("VmHWM")).split()[1])
print(json.dumps({"locked": locked, "seconds": seconds, "growth_kb": after - before, "verdict": report.verdict}))
"""

NAMESPACE = 'xmlns="urn:oasis:names:tc:emergency:cap:1.2"'
HEAD = (
    f"<alert {NAMESPACE}><identifier>a</identifier><sender>b</sender><sent>2026-11-21T18:05:00-00:00</sent>"
    "<status>Actual</status><msgType>Alert</msgType><scope>Public</scope>"
)
INFO = (
    "<info><category>Met</category><event>e</event><urgency>Past</urgency><severity>Minor</severity>"
    "<certainty>Likely</certainty>"
)
AREA = f"{HEAD}{INFO}<area><areaDesc>x</areaDesc><polygon>"
ROOM = MAX_BYTES - 2_000
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))

ATTACKS = {
    "entities": f'<!DOCTYPE alert [<!ENTITY l0 "ha">{LAUGHS}]>{HEAD}<note>&l9;</note></alert>',
    "unclosed document type": "<!DOCTYPE a [" + "]  " * (ROOM // 3),
    "nesting": HEAD + "<info>" * 95_000,
    "elements": HEAD + "<code>                 </code>\n      " * 49_000 + "</alert>",
    "infos": HEAD + f"{INFO}</info>" * 6_000 + "</alert>",
    "unknown elements": HEAD + "<x/>" * 99_000 + "</alert>",
    "attributes": f"<alert {NAMESPACE} " + " ".join(f'a{n}="{n}"' for n in range(19_990)) + "/>",
    "namespaces": f"<alert {NAMESPACE} " + " ".join(f'xmlns:a{n}="u{n}"' for n in range(19_990)) + "/>",
    "text between elements": HEAD + "x<code/>" * 95_000 + "</alert>",
    "comments": "<!---->" * 95_000 + HEAD + "</alert>",
    "pairs that are none": AREA + "1 " * (ROOM // 2),
    "white polygon": f"{AREA}{' ' * (ROOM - 500)}</polygon></area></info></alert>",
    "points": f"{AREA}{'1.0000,1.0 ' * 50_000}</polygon></area></info></alert>",
    "references": f"{HEAD}<references>{'a,b ' * (ROOM // 4 - 200)}</references></alert>",
    "wide text": f"{HEAD}{INFO}<description>\U0001f600{'a' * (ROOM - 900)}</description></info></alert>",
    "address": f"{HEAD}{INFO}<web>http://{'a:1' * (ROOM // 3 - 400)}@</web></info></alert>",
    "language": f"{HEAD}<info><language>{'a-' * (ROOM // 2 - 400)}</language></info></alert>",
}


def measure(path: Path) -> dict[str, float | str | bool]:
    """Validate the file in a process of its own."""
    command = [sys.executable, "-c", MEASURED, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, float | str | bool] = json.loads(done.stdout)
    return found


def assert_harmless(found: dict[str, float | str | bool]) -> None:
    """Under a second, under 100 MB, with no descriptor to open a file or a connection."""
    assert found["locked"] is True
    assert float(found["seconds"]) < MAX_SECONDS
    assert float(found["growth_kb"]) < MAX_GROWTH_KB


@pytest.mark.parametrize("name", ATTACKS)
def test_a_hostile_file_costs_little(name: str, tmp_path: Path) -> None:
    """Each attack ends in a verdict within the bounds of time and memory."""
    path = tmp_path / "attack.xml"
    path.write_text(ATTACKS[name], encoding="utf-8")
    assert_harmless(measure(path))


def test_a_hostile_sample_costs_little(attack_sample: dict[str, str], samples: Path) -> None:
    """The same for every attack of the sample set."""
    assert_harmless(measure(samples / attack_sample["file"]))


@pytest.mark.parametrize(
    "markup",
    [
        '<!DOCTYPE alert SYSTEM "{url}"><alert/>',
        '<!DOCTYPE alert [<!ENTITY % p SYSTEM "{url}">%p;]><alert/>',
        '<!DOCTYPE alert [<!ENTITY e SYSTEM "{url}">]><alert>&e;</alert>',
        '<?xml-stylesheet type="text/xsl" href="{url}"?><alert/>',
        '<alert xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="{url}"/></alert>',
        '<alert xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:x {url}"/>',
        '<feed xmlns="http://www.w3.org/2005/Atom"><link href="{url}"/></feed>',
    ],
)
def test_nothing_that_a_file_points_to_is_fetched(markup: str) -> None:
    """A listening server that the file names is never called."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/x"
        validate(markup.format(url=url).replace("<alert", f"<alert {NAMESPACE}", 1).encode())
        with pytest.raises(BlockingIOError):
            server.accept()


def test_a_file_on_disk_is_never_read_into_an_alert(cap, tmp_path: Path) -> None:
    """An entity that names a file stays unread, and the refusal does not hold its text."""
    secret = tmp_path / "secret"
    secret.write_text("planted-secret")
    doctype = f'<!DOCTYPE alert [<!ENTITY e SYSTEM "{secret.as_uri()}">]><alert'.encode()
    report = validate(cap.alert(note="@").replace(b"<alert", doctype, 1).replace(b"@<", b"&e;<"))
    assert report.alert is None
    assert "planted-secret" not in str(report.faults)
