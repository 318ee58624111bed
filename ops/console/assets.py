"""The assets of others that the console serves: ``govuk-frontend`` as published, less what only GOV.UK may use.

``python -m ops.console.assets --write`` fetches the package with npm, checks it against the digest recorded here,
strips the GDS Transport font, the crest and the logotype, and writes the rest with its digests.
Font and crown are reserved to services on gov.uk (GOV.UK Design System: Typeface, GOV.UK header).
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path

PACKAGE, VERSION = "govuk-frontend", "6.6.0"
INTEGRITY = "sha512-xctkWrQvLnvQt7fyjQ3MGX9S0wz0x0RQuLxCeoXF+s8EjGICG81/DYQGKN5qgO+0KVT12UAaRwUsGY6fulRcRg=="
"""Of the package's archive, as the registry gives it for this version."""

VENDOR = Path(__file__).parent / "static" / "vendor"
DIGESTS = "SHA512SUMS.txt"
LICENCE = "govuk-frontend.LICENCE.txt"
FONTS = "system-ui,-apple-system,Segoe UI,Roboto,Noto Sans,Liberation Sans,Arial,sans-serif"
RESERVED = ("logotype", "copyright-logo", "crown", "crest")

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_FONT_FACE = re.compile(r"@font-face\{[^}]*\}")
_RULE = re.compile(r"(?<=[{}])([^{}@]+)\{[^{}]*\}")
_SOURCE_MAP = re.compile(r"\n?/[/*]# sourceMappingURL=\S+(?: \*/)?\s*$")


def stripped_css(text: str) -> str:
    """The style sheet without fonts, crest and logotype, set in the reader's own system font."""
    text = _FONT_FACE.sub("", _COMMENT.sub("", _SOURCE_MAP.sub("", text)))
    text = _RULE.sub(lambda rule: "" if any(word in rule[0] for word in RESERVED) else rule[0], text)
    return text.replace("GDS Transport,arial,sans-serif", FONTS)


def stripped_js(text: str) -> str:
    """The script without the reference to a source map that is not there."""
    return _SOURCE_MAP.sub("", text) + "\n"


def made_from(archive: Path) -> dict[str, bytes]:
    """The files that are served, made from the package's archive. Raises ValueError for another archive."""
    digest = "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if digest != INTEGRITY:
        raise ValueError(f"{archive.name} has the digest {digest}, and {INTEGRITY} was expected")
    with tarfile.open(archive) as package:
        css, js = (_read(package, f"package/dist/govuk/govuk-frontend.min.{kind}") for kind in ("css", "js"))
    return {
        "govuk-frontend.min.css": stripped_css(css).encode(),
        "govuk-frontend.min.js": stripped_js(js).encode(),
    }


def digests(folder: Path) -> str:
    """The digests of what lies in the folder, as ``sha512sum`` writes them."""
    names = sorted(file.name for file in folder.iterdir() if file.name != DIGESTS)
    return "".join(f"{hashlib.sha512((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names)


def write(folder: Path = VENDOR) -> None:
    """Fetch the package and write its files. Needs npm."""
    with tempfile.TemporaryDirectory() as place:
        command = ["npm", "pack", "--silent", f"{PACKAGE}@{VERSION}"]
        done = subprocess.run(command, cwd=place, check=True, capture_output=True, text=True)  # noqa: S603
        files = made_from(Path(place, done.stdout.split()[-1]))
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / DIGESTS).write_text(digests(folder), encoding="utf-8")


def _read(package: tarfile.TarFile, name: str) -> str:
    file = package.extractfile(name)
    if file is None:
        raise ValueError(f"{name} is not in the package")
    return file.read().decode("utf-8")


def main() -> int:
    """Write the assets; without ``--write``, say whether what is there is what was recorded."""
    parser = argparse.ArgumentParser(prog="python -m ops.console.assets", description="Assets of the console.")
    parser.add_argument("--write", action="store_true", help="fetch them with npm and write them")
    if parser.parse_args().write:
        write()
    same = (VENDOR / DIGESTS).read_text(encoding="utf-8") == digests(VENDOR)
    print(f"{PACKAGE} {VERSION} in {VENDOR}: {'as recorded' if same else 'not what is recorded'}")
    return 0 if same else 1


if __name__ == "__main__":
    raise SystemExit(main())
