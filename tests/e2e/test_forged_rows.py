"""Full write access to SQL: nothing leaves, and it is on record by which clause the sender refused it.

The plans are honest, cleared and released; the attacker has dropped every trigger. What he changes while a plan is
being sent happens with its deliveries put off, so that no forgery depends on who is faster.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from channels.contract import Secret
from dispatcher.domain import canonical
from dispatcher.domain.ids import new_id
from dispatcher.domain.message import TextKind
from dispatcher.domain.statement import Mode
from dispatcher.sending.lists import ListKey, Row, tree_of
from dispatcher.sending.prepared import RENDERING_SCHEMA
from dispatcher.store.tables import (
    ACCOUNTS,
    CLEARANCES,
    DELIVERIES,
    DISPATCHES,
    INCIDENTS,
    PLANS,
    RECIPIENT_LISTS,
    RECIPIENTS,
    RENDERINGS,
    STATEMENTS,
)
from tests.e2e.attacker import DRAWN, Attacker, Campaign, Forgery, attacker_on
from tests.e2e.conftest import CAST
from tests.e2e.deployment import BOTH, LIST_SIZE, Cleared, Deployment
from tests.e2e.honest import EVERYWHERE, FEW, bodies, everywhere, honest, sent, signed, texted, waiting

pytestmark = pytest.mark.system

CAMPAIGN = Campaign()


@pytest.fixture(scope="module")
def attacker(exercise: Deployment) -> Iterator[Attacker]:
    """Somebody inside the running exercise's database; there are accounts that no plan here names."""
    exercise.add("x", "x-dinas")
    exercise.add("x", "live-x", Mode.LIVE)
    with attacker_on(exercise) as intruder:
        yield intruder


def rows(attacker: Attacker, plan: Cleared, **values: object) -> None:
    """Change every delivery of a plan."""
    attacker.does(update(DELIVERIES).where(DELIVERIES.c.plan == plan.digest).values(**values))


def edited(attacker: Attacker, plan: Cleared, old: bytes, new: bytes) -> None:
    """Write other words into a plan's bytes."""
    body = attacker.row(PLANS, PLANS.c.digest == plan.digest)["body"]
    assert old in body
    attacker.does(update(PLANS).where(PLANS.c.digest == plan.digest).values(body=body.replace(old, new)))


@CAMPAIGN.forgery(everywhere, "G07")
def a_text_edited_after_its_clearance(attacker: Attacker, plan: Cleared) -> None:
    """Other words under the digests that were signed, on every channel."""
    for digest, body in bodies(attacker, plan).items():
        forged = body.replace(b"Stay in", b"Go out!")
        assert forged != body
        attacker.does(update(RENDERINGS).where(RENDERINGS.c.digest == digest).values(body=forged))


@CAMPAIGN.forgery(everywhere, "G07")
def a_text_of_his_own(attacker: Attacker, plan: Cleared) -> None:
    """Other words under their own true digests, and the deliveries pointed at them, on every channel."""
    for digest, body in bodies(attacker, plan).items():
        forged = body.replace(b"Stay in", b"Go out!")
        named = canonical.digest(RENDERING_SCHEMA, forged)
        attacker.inserts(RENDERINGS, {"digest": named, "body": forged})
        at = (DELIVERIES.c.plan == plan.digest, DELIVERIES.c.rendering == digest)
        attacker.does(update(DELIVERIES).where(*at).values(rendering=named))


@CAMPAIGN.forgery(everywhere, "G07")
def a_text_encoded_anew(attacker: Attacker, plan: Cleared) -> None:
    """The same words with a space more between two keys, which no canonical encoder writes."""
    for digest, body in bodies(attacker, plan).items():
        forged = body.replace(b"{", b"{ ", 1)
        attacker.does(update(RENDERINGS).where(RENDERINGS.c.digest == digest).values(body=forged))


@CAMPAIGN.forgery(everywhere, "G07")
def a_text_taken_away(attacker: Attacker, plan: Cleared) -> None:
    """The signed words are gone, on every channel."""
    attacker.does(delete(RENDERINGS).where(RENDERINGS.c.digest.in_(bodies(attacker, plan))))


@CAMPAIGN.forgery(waiting, "G07")
def a_text_of_another_plan(attacker: Attacker, plan: Cleared) -> None:
    """Words that were signed, but for a plan that nobody released."""
    other = attacker.site.cleared("x-city")
    rows(attacker, plan, rendering=attacker.row(DELIVERIES, DELIVERIES.c.plan == other.digest)["rendering"])


@CAMPAIGN.forgery(waiting, "G07")
def the_all_clear_as_the_message(attacker: Attacker, plan: Cleared) -> None:
    """Signed with this very plan, as another text than the one that is published."""
    rows(attacker, plan, rendering=signed(attacker, plan).destinations[0].renderings[TextKind.ALL_CLEAR])


@CAMPAIGN.forgery(everywhere, "G03")
def a_correction_that_nobody_released(attacker: Attacker, plan: Cleared) -> None:
    """The release covers publishing; rows of another kind find none."""
    rows(attacker, plan, kind="correct")


@CAMPAIGN.forgery(everywhere, "G03")
def a_withdrawal_that_nobody_released(attacker: Attacker, plan: Cleared) -> None:
    """Rows that would take back a post of ours, chosen by the attacker."""
    rows(attacker, plan, kind="withdraw", original="x:1")


@CAMPAIGN.forgery(waiting, "G07")
def a_delivery_to_another_account(attacker: Attacker, plan: Cleared) -> Sequence[str]:
    """An account that the sender holds and the signed plan does not name."""
    return [attacker.delivery(plan, account="x-dinas", destination="x-dinas")]


@CAMPAIGN.forgery(waiting, "G07")
def an_account_of_another_channel(attacker: Attacker, plan: Cleared) -> None:
    """The post for X, pointed at the account on Bluesky."""
    rows(attacker, plan, account="bluesky-city", destination="bluesky-city")


@CAMPAIGN.forgery(everywhere, "G07")
def everything_in_the_accounts_lane(attacker: Attacker, plan: Cleared) -> Sequence[str]:
    """Text messages and videos in the lane of another role, which does not hold their credentials."""
    moved = (DELIVERIES.c.plan == plan.digest, DELIVERIES.c.lane != "accounts")
    attacker.does(update(DELIVERIES).where(*moved).values(lane="accounts", due_at=attacker.site.desk.now()))
    named = ("notify", "tiktok")
    return [row.id for row in attacker.site.rows(plan) if row.channel in named]


@CAMPAIGN.forgery(waiting, "G07")
def an_account_on_a_channel_under_another_name(attacker: Attacker, plan: Cleared) -> Sequence[str]:
    """An account that the plan does not name, on a channel spelt with a space, by its old name, in full width."""
    spelt = {"x ": "one", "Twitter": "two", "\uff38": "three", "wechat": "four", "WeChat ": "five"}
    return [attacker.delivery(plan, account="x-dinas", channel=name, destination=d) for name, d in spelt.items()]


@CAMPAIGN.forgery(waiting, "G07")
def a_channel_that_is_never_used(attacker: Attacker, plan: Cleared) -> Sequence[str]:
    """An account on WeChat, a clearance that says clear, and a delivery to it."""
    account = attacker.row(ACCOUNTS, ACCOUNTS.c.id == "x-city")
    name = new_id("acc", DRAWN)
    attacker.inserts(ACCOUNTS, account, id=name, channel="wechat")
    clearance = attacker.row(CLEARANCES, CLEARANCES.c.plan == plan.digest)
    attacker.inserts(CLEARANCES, clearance, channel="wechat", state="clear")
    return [attacker.delivery(plan, account=name, channel="wechat", destination=name)]


@CAMPAIGN.forgery(waiting, "G03", "G08")
def contributors_replaced(attacker: Attacker, plan: Cleared) -> None:
    """The author taken out of the plan's bytes, so that he could approve it."""
    edited(attacker, plan, b'"author-1"', b'"legal-1"')


@CAMPAIGN.forgery(waiting, "G03", "G08")
def contributors_emptied(attacker: Attacker, plan: Cleared) -> None:
    """Nobody wrote it."""
    body = replace(signed(attacker, plan), contributors={}).encoded()
    attacker.does(update(PLANS).where(PLANS.c.digest == plan.digest).values(body=body))


@CAMPAIGN.forgery(waiting, "G03", "G08")
def another_policy_named(attacker: Attacker, plan: Cleared) -> None:
    """The plan's bytes name an older version of the policy, which is on file."""
    older = attacker.site.desk.trust.policy.versions[0].digest
    edited(attacker, plan, signed(attacker, plan).policy.encode(), older.encode())


@CAMPAIGN.forgery(waiting, "G03", "G08")
def a_longer_window(attacker: Attacker, plan: Cleared) -> None:
    """The year in the plan's bytes is another."""
    edited(attacker, plan, b'"not_after":"20', b'"not_after":"21')


@CAMPAIGN.forgery(waiting, "G03", "G08")
def another_account_in_the_plan(attacker: Attacker, plan: Cleared) -> None:
    """The plan's bytes and the delivery name another account that the sender holds."""
    edited(attacker, plan, b'"x-city"', b'"x-dinas"')
    rows(attacker, plan, account="x-dinas", destination="x-dinas")


@CAMPAIGN.forgery(waiting, "G03", "G08", "G14")
def another_deployment_in_the_plan(attacker: Attacker, plan: Cleared) -> None:
    """The plan's bytes name a neighbouring city."""
    edited(attacker, plan, b'"example-city"', b'"example-town"')


@CAMPAIGN.forgery(texted, "G03", "G08")
def another_list_in_the_plan(attacker: Attacker, plan: Cleared) -> None:
    """The plan's bytes carry the root of a list that the attacker made."""
    (list_,) = signed(attacker, plan).destinations[0].lists
    edited(attacker, plan, list_.root.encode(), b"ab" * 32)


@CAMPAIGN.forgery(waiting, "G03", "G08")
def resend_when_in_doubt(attacker: Attacker, plan: Cleared) -> None:
    """The plan's bytes allow a repeat that nobody signed for."""
    edited(attacker, plan, b'"on_ambiguous":"hold"', b'"on_ambiguous":"resend"')


@CAMPAIGN.forgery(waiting, "G03")
def another_plans_bytes(attacker: Attacker, plan: Cleared) -> None:
    """The row holds the bytes of a cleared plan that nobody released."""
    body = attacker.row(PLANS, PLANS.c.digest == attacker.site.cleared("x-city").digest)["body"]
    attacker.does(update(PLANS).where(PLANS.c.digest == plan.digest).values(body=body))


@CAMPAIGN.forgery(waiting, "G07")
def a_plan_that_cannot_be_read(attacker: Attacker, plan: Cleared) -> None:
    """Bytes that are no plan."""
    attacker.does(update(PLANS).where(PLANS.c.digest == plan.digest).values(body=b"\x80\x04\x95 no plan"))


@CAMPAIGN.forgery(waiting, "G02")
def another_open_incident(attacker: Attacker, plan: Cleared) -> None:
    """The delivery moved to an incident that is open, and not the plan's."""
    rows(attacker, plan, incident=attacker.site.submitted("x-city").incident)


@CAMPAIGN.forgery(honest, "G14")
def a_live_plan_in_the_exercise(attacker: Attacker, plan: Cleared) -> None:
    """Every row says exercise and names an account that is here: what was signed does not."""
    here = {"mode": "exercise"}
    attacker.does(update(INCIDENTS).where(INCIDENTS.c.id == plan.incident).values(**here))
    attacker.does(update(STATEMENTS).where(STATEMENTS.c.subject == plan.digest).values(**here))
    attacker.does(update(PLANS).where(PLANS.c.digest == plan.digest).values(**here))
    attacker.does(update(DISPATCHES).where(DISPATCHES.c.plan == plan.digest).values(**here))
    rows(attacker, plan, **here, account="x-city", destination="x-city")


@CAMPAIGN.forgery(honest, "G03", "G08")
def a_live_plan_rewritten_for_the_exercise(attacker: Attacker, plan: Cleared) -> None:
    """The same, and the plan's bytes say so too."""
    a_live_plan_in_the_exercise(attacker, plan)
    edited(attacker, plan, b'"mode":"live"', b'"mode":"exercise"')


@CAMPAIGN.forgery(sent, "G15")
def what_went_out_put_back(attacker: Attacker, plan: Cleared) -> None:
    """Every accepted delivery is ready again, on every channel, packets included."""
    rows(attacker, plan, state="ready", reason="")


@CAMPAIGN.forgery(sent, "G15")
def what_went_out_made_new(attacker: Attacker, plan: Cleared) -> None:
    """Every delivery as it was before anything happened: no attempts, no fence, no reference, no time of intent."""
    fresh = {"state": "ready", "fence": 0, "attempts": 0, "failures": 0, "leases": 0, "looked": 0, "absent": 0}
    rows(attacker, plan, **fresh, reason="", handle=None, reference=None, accepted_at=None, first_intent_at=None)


@CAMPAIGN.forgery(sent, "G15")
def a_second_dispatch(attacker: Attacker, plan: Cleared) -> None:
    """The dispatch of what went out, again: another id, another time of release, every delivery ready."""
    changed = {"id": new_id("dsp", DRAWN), "released_at": attacker.site.desk.now()}
    attacker.does(update(DISPATCHES).where(DISPATCHES.c.plan == plan.digest).values(**changed))
    rows(attacker, plan, state="ready", attempts=0)


@CAMPAIGN.forgery(sent, "G15")
def what_went_out_under_new_ids(attacker: Attacker, plan: Cleared) -> Sequence[str]:
    """A copy of every delivery: the same words to the same accounts and numbers."""
    made = []
    for row in attacker.site.rows(plan):
        like = attacker.row(DELIVERIES, DELIVERIES.c.id == row.id)
        name, due = new_id("dly", DRAWN), attacker.site.desk.now()
        again = {"id": name, "state": "ready", "due_at": due, "destination": name, "attempts": 0}
        attacker.does(insert(DELIVERIES).values(**{**like, **again}))
        made.append(name)
    return made


@CAMPAIGN.forgery(texted, "G07")
def a_recipient_slipped_in(attacker: Attacker, plan: Cleared) -> Sequence[str]:
    """A row behind the last one, with its delivery, has no path to the signed root."""
    (list_,) = signed(attacker, plan).destinations[0].lists
    attacker.inserts(
        RECIPIENTS, attacker.row(RECIPIENTS, RECIPIENTS.c.list == list_.id), position=FEW, leaf="ab" * 32
    )
    return [attacker.delivery(plan, destination="ab" * 32, position=FEW)]


@CAMPAIGN.forgery(texted, "G07")
def recipients_replaced(attacker: Attacker, plan: Cleared) -> None:
    """Other numbers under another key, sealed to the sender as an importer would, have another root."""
    (list_,) = signed(attacker, plan).destinations[0].lists
    key = ListKey(DRAWN(32))
    made = [key.seal(Row(Secret(f"+44770090070{number}"), "en-GB"), DRAWN) for number in range(FEW)]
    sealed_key = key.sealed_to(attacker.site.desk.settings.vault(Mode.EXERCISE, "recipients").recipient())
    for position, row in enumerate(made):
        at = (RECIPIENTS.c.list == list_.id, RECIPIENTS.c.position == position)
        attacker.does(update(RECIPIENTS).where(*at).values(leaf=row.leaf, sealed=row.sealed))
    root = tree_of([row.leaf for row in made]).root.hex()
    named = update(RECIPIENT_LISTS).where(RECIPIENT_LISTS.c.id == list_.id)
    attacker.does(named.values(root=root, sealed_key=sealed_key))


@CAMPAIGN.forgery(texted, "G07")
def recipients_moved_round(attacker: Attacker, plan: Cleared) -> None:
    """Each row of the list at its neighbour's place, so that one number would hear it twice or another's language."""
    (list_,) = signed(attacker, plan).destinations[0].lists
    of_list = RECIPIENTS.c.list == list_.id
    sealed = dict(attacker.does(select(RECIPIENTS.c.position, RECIPIENTS.c.sealed).where(of_list)).all())
    for position in range(FEW):
        change = update(RECIPIENTS).where(of_list, RECIPIENTS.c.position == position)
        attacker.does(change.values(sealed=sealed[(position + 1) % FEW]))


@CAMPAIGN.forgery(texted, "G07")
def recipients_of_another_list(attacker: Attacker, plan: Cleared) -> None:
    """A true list, which another plan was signed for."""
    rows(attacker, plan, list=attacker.site.add_list(new_id("lst", DRAWN), FEW))


@CAMPAIGN.forgery(texted, "G07")
def another_lists_rows_under_this_name(attacker: Attacker, plan: Cleared) -> None:
    """The rows and the key of a true list, moved under the name of the signed one."""
    (list_,) = signed(attacker, plan).destinations[0].lists
    other = attacker.site.add_list(new_id("lst", DRAWN), FEW + 1)
    key = attacker.row(RECIPIENT_LISTS, RECIPIENT_LISTS.c.id == other)["sealed_key"]
    attacker.does(delete(RECIPIENTS).where(RECIPIENTS.c.list == list_.id))
    attacker.does(update(RECIPIENTS).where(RECIPIENTS.c.list == other).values(list=list_.id))
    attacker.does(update(RECIPIENT_LISTS).where(RECIPIENT_LISTS.c.id == list_.id).values(sealed_key=key))


@CAMPAIGN.forgery(texted, "G07")
def a_list_without_recipients(attacker: Attacker, plan: Cleared) -> None:
    """Deliveries of text messages that name no row of any list."""
    rows(attacker, plan, list=None, position=None)


@CAMPAIGN.forgery(waiting, "G07")
def a_recipient_of_a_post(attacker: Attacker, plan: Cleared) -> None:
    """A post that names a row of a list that is on file."""
    rows(attacker, plan, list="residents", position=0)


@pytest.mark.parametrize("forgery", CAMPAIGN.forgeries, ids=lambda forgery: forgery.name)
def test_a_forged_row_sends_nothing(attacker: Attacker, forgery: Forgery) -> None:
    """Nothing leaves, and every delivery's refusal is on record with its clauses."""
    assert forgery.strike(attacker) >= forgery.clauses


def test_an_honest_plan_goes_out(exercise: Deployment, attacker: Attacker) -> None:
    """The control: with the attacker inside, all that was signed still reaches all six channels, once."""
    before = len(exercise.requests())
    plan = exercise.cleared(*EVERYWHERE, languages=BOTH)
    exercise.release(plan)
    assert exercise.ended(plan) == {"accepted": len(CAST) - 2 + LIST_SIZE, "handed_over": 1}
    assert len(exercise.requests()) - before == len(CAST) - 3 + LIST_SIZE
    assert sum(plan.headline in alert for alert in exercise.alerts()) == 1


@pytest.mark.parametrize("channel", ["x", "bluesky", "webhook", "notify"])
def test_what_a_platform_receives_is_what_was_signed(exercise: Deployment, attacker: Attacker, channel: str) -> None:
    """Character for character the texts whose digests the plan names, and nothing besides."""
    plan = exercise.cleared(dict(CAST)[channel], languages=BOTH if channel in ("webhook", "notify") else BOTH[:1])
    exercise.release(plan)
    exercise.ended(plan)
    seen = {effect["text"] for effect in exercise.published(channel, plan.headline)}
    assert seen
    assert seen <= {text for body in bodies(attacker, plan).values() for text in carried(json.loads(body))}


def carried(rendering: dict[str, Any]) -> Iterator[str]:
    """The texts that a signed rendering lets a platform show: each of its parts, or a webhook's event as a whole."""
    yield from (part["text"] for part in rendering["parts"])
    entries = rendering["options"].get("data", {}).get("texts", [])
    yield "\n\n".join(f"{entry['headline']}\n\n{entry['body']}" for entry in entries)
