"""Exim as a submission server on 127.0.0.1: logins, TLS both ways, one file per message that it took."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from dispatcher.embedded.process import ending_with
from tests.servers import missing, until

USER, PASSWORD = "press@council.example", "correct horse battery"
UNKNOWN, BUSY = "nobody", "busy"
"""Local parts that are refused for good, and for now."""

CONFIGURATION = """
primary_hostname = localhost
spool_directory = {folder}/spool
log_file_path = {folder}/log/%s
pid_file_path =
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port} : {tls_port}
tls_on_connect_ports = {tls_port}
tls_advertise_hosts = *
tls_certificate = {folder}/certificate
tls_privatekey = {folder}/key
acl_smtp_rcpt = rcpt
acl_smtp_data = data
host_lookup =
rfc1413_query_timeout = 0s
smtp_enforce_sync = true

begin acl
rcpt:
  deny !authenticated = *
  deny local_parts = {unknown}
       message = 5.1.1 no such address
  defer local_parts = {busy}
        message = 4.2.1 try again later
  accept
data:
  accept

begin routers
all:
  driver = accept
  transport = kept

begin transports
kept:
  driver = appendfile
  directory = {folder}/mail/taken
  envelope_to_add
  maildir_format
  create_directory
  user = {user}

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{{login}}}}}{{eq{{$auth3}}{{{password}}}}}}}}}
  server_set_id = $auth2
"""


@dataclass(frozen=True)
class Exim:
    """A running server. ``certificate`` is what its clients have to trust."""

    folder: Path
    port: int
    tls_port: int

    @property
    def certificate(self) -> Path:
        """Its own, signed by itself, for ``localhost``."""
        return self.folder / "certificate"

    def mail(self, local_part: str, count: int = 1) -> list[EmailMessage]:
        """What was taken for an address, once there are so many."""

        def found() -> list[EmailMessage] | None:
            taken = [message_from_bytes(file.read_bytes(), policy=policy.default) for file in self._files()]
            theirs = [one for one in taken if str(one["envelope-to"]).startswith(f"{local_part}@")]
            return theirs if len(theirs) >= count else None

        return until(found, f"{count} messages for {local_part}")

    def _files(self) -> list[Path]:
        return sorted((self.folder / "mail" / "taken" / "new").glob("*"))


@contextmanager
def exim_running() -> Iterator[Exim]:
    """Run Exim with everything that it keeps in a folder of its own; it gives its own privileges up."""
    program = shutil.which("exim4", path=f"{os.environ['PATH']}:/usr/sbin") or shutil.which("exim")
    if program is None:
        missing("Exim", "run `make test-peers`, which installs it where it can")
    with tempfile.TemporaryDirectory(prefix="exim.", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        user = _user()
        server = Exim(folder, _free_port(), _free_port())
        _certify(folder)
        settings = {"unknown": UNKNOWN, "busy": BUSY, "login": USER, "password": PASSWORD, "user": user}
        ports = {"port": server.port, "tls_port": server.tls_port}
        (folder / "exim.conf").write_text(CONFIGURATION.format(folder=folder, **ports, **settings))
        folder.chmod(0o755)
        for made in ("spool", "log", "mail"):
            (folder / made).mkdir()
            shutil.chown(folder / made, user)
        shutil.chown(folder / "key", user)
        ending = ending_with(os.getpid())
        command = [program, "-C", folder / "exim.conf", "-bdf"]
        with (folder / "out").open("wb") as out:
            daemon = subprocess.Popen(command, stdout=out, stderr=out, preexec_fn=ending)  # noqa: PLW1509 - one prctl call
        try:
            until(lambda: _answers(server.port) and _answers(server.tls_port), f"Exim listens: {folder / 'out'}")
            yield server
        finally:
            daemon.terminate()
            daemon.wait(10)


def _user() -> str:
    """Who Exim delivers as: its own user where root starts it, else whoever does."""
    if os.geteuid():
        return pwd.getpwuid(os.geteuid()).pw_name
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("Debian-exim", "exim", "mail") if name in names)


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _certify(folder: Path) -> None:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    (folder / "certificate").write_bytes(made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key").write_bytes(private)
