"""``dispatcher backup`` and ``restore`` at the keyboard."""

from __future__ import annotations

import json

from tests.cli.conftest import Office


def test_a_deployment_is_backed_up_rehearsed_and_restored(office: Office) -> None:
    """Each says what to type next; a restore says that no role may start yet."""
    office.incident()
    backup, again = office.folder.parent / "backup", office.folder.parent / "again"
    made = office.run("backup", backup)
    assert f"Next: dispatcher restore --rehearse {backup}" in made.err
    assert made.json["keys"] is False
    tried = office.run("restore", "--rehearse", backup)
    assert tried.json["faults"] == []
    restored = office.run("restore", backup, again)
    assert "Start no role yet" in restored.err
    assert f"dispatcher --deployment {again} recover" in restored.err
    assert Office(again).kinds() == office.kinds()[: len(Office(again).kinds())]
    assert "incident.declared" in Office(again).kinds()


def test_private_keys_are_in_it_only_where_somebody_asks(office: Office) -> None:
    """Neither a role's nor a person's; public halves always are."""
    for words, private in (((), False), (("--with-keys",), True)):
        backup = office.folder.parent / f"backup{len(words)}"
        office.run("backup", backup, *words)
        held = set(json.loads((backup / "manifest.json").read_bytes())["files"])
        assert "files/keys/status.pub" in held
        assert ("files/keys/status" in held, "files/keys/exercise/ops-1" in held) == (private, private)


def test_a_backup_that_is_not_good_ends_with_ten(office: Office) -> None:
    """So that a timer's failure is noticed."""
    backup = office.folder.parent / "backup"
    office.run("backup", backup)
    (backup / "files" / "trust" / "roster.toml").write_text("")
    said = office.run("restore", "--rehearse", backup, code=10)
    assert "roster.toml has 0 bytes" in said.err


def test_a_rehearsal_needs_no_deployment(office: Office) -> None:
    """It is run on another host too, and says that it is on no record there."""
    backup = office.folder.parent / "backup"
    office.run("backup", backup)
    elsewhere = Office(office.folder.parent / "nowhere")
    assert "Not on record" in elsewhere.run("restore", "--rehearse", backup).err


def test_a_restore_says_where_to(office: Office) -> None:
    """Or that it is a rehearsal; not both, and not neither."""
    backup = office.folder.parent / "backup"
    office.run("restore", backup, code=2)
    office.run("restore", backup, office.folder.parent / "again", "--rehearse", code=2)
