"""The delivery protocol as a machine small enough to be searched whole: one delivery, its workers, its far side.

Rules
  1. Moves are those of ``dispatcher.domain.lifecycle``: one that is not in the table is a violation here, as it is an
     error in the database.
  2. Decisions are the product's own: ``workers.outcomes`` says what an outcome, a refusal and a look come to.
  3. Time is ticks. Leases, quiet periods, the far side's memory and its lag count down; whoever could act may also
     wait, so a worker that is slow, starved or stopped (SIGSTOP) is one whose turn does not come. Only the kernel's
     timer (the self-fence) acts on it meanwhile.
  4. A worker may be killed anywhere; its requests travel on without it, for as long as the network may keep them.
  5. A fence only grows, so a holder's is told by one bit: whether it is still the row's.
  6. Of two officers one may err. The sender's spent file is left out: it refuses more, and may be another host's.

A ``Bug`` takes one guard away. The search must then find what the guard is for.
"""

from __future__ import annotations

from dataclasses import dataclass

from channels.capabilities import IdempotencyKind
from channels.contract import Found
from dispatcher.domain.lifecycle import DELIVERY
from dispatcher.domain.plan import OnAmbiguous
from dispatcher.gate.evidence import Then
from dispatcher.service.resolving import AMBIGUOUS_NEEDS, TARGETS, Answer
from dispatcher.store.queue import Move
from dispatcher.store.sweep import POISONED_AFTER
from tests.model.state import (
    ATTEMPTS,
    BLIND,
    CALL,
    FENCE,
    FINAL,
    IDLE,
    LAG,
    LEASE,
    NETWORK,
    QUIET,
    TTL,
    Bug,
    Engine,
    Far,
    IllegalMoveError,
    Looker,
    Row,
    State,
    Steps,
    answered,
    answers,
    decision,
    disowned,
    made,
    moved,
    passed,
    put,
    see,
    stripped,
)


@dataclass(frozen=True)
class Protocol:
    """One channel under one signed wish; ``by_hand``: people finish what is handed over.

    ``asks``: whether it is wrong to ask people too early, and not only what comes of it.
    """

    kind: IdempotencyKind
    on_ambiguous: OnAmbiguous = OnAmbiguous.HOLD
    by_hand: bool = False
    asks: bool = True
    bugs: frozenset[Bug] = frozenset()
    workers: int = 3
    lookers: int = 2

    @property
    def start(self) -> State:
        """A released delivery that is due."""
        return State(engines=(IDLE,) * self.workers, lookers=(BLIND,) * self.lookers)

    @property
    def most_effects(self) -> int:
        """Two where the signed plan would rather have two than none, and the far side cannot tell."""
        return 2 if self.on_ambiguous is OnAmbiguous.RESEND and self.kind is not IdempotencyKind.QUERY else 1

    def wrong(self, state: State) -> str | None:
        """What is wrong with a state, if anything is."""
        row, far = state.row, state.far
        if far.effects > self.most_effects:
            return "doubled"
        if row.state in ("accepted", "visible", "missing") and not far.effects:
            return "falsely accepted"
        if self.asks and row.state == "held" and row.reason == "ambiguous" and self._may_still_leave(state):
            return "people are asked while bytes may still leave"
        return None

    def steps(self, state: State) -> Steps:
        """Every next step, with a word for each."""
        parts = (self._tick, self._engines, self._wire, self._sweeper, self._reconciler, self._people, self._public)
        for part in parts:
            for word, after in part(state):
                yield word, self._bare(after)

    def _bare(self, state: State) -> State:
        """The state without what can make no difference any more: states that differ in nothing else are one."""
        row = state.row
        if row.state in FINAL:
            row, state = Row(row.state), state._replace(window="over")
        row = row._replace(
            due=row.due if row.state in ("ready", "in_doubt") else 0,
            leases=row.leases if row.state in ("ready", "leased") else 0,
        )
        engines, lookers, wire = state.engines, state.lookers, state.wire
        if Bug.FENCE_IGNORED not in self.bugs:  # whose fence is not the row's can only send what it had in hand
            engines = tuple(sorted(map(stripped, engines)))
            lookers = tuple(sorted(looker if looker.ours else BLIND for looker in lookers))
            heard = {engine.attempt for engine in engines if engine.at == "calling"}
            wire = tuple(sorted((attempt if attempt in heard else 0, left) for attempt, left in wire))
        return state._replace(row=row, engines=engines, lookers=lookers, wire=wire)

    # --- time

    def _tick(self, state: State) -> Steps:
        row = state.row
        engines = tuple(sorted(passed(self._fenced(engine)) for engine in state.engines))
        wire = tuple((attempt, left - 1) for attempt, left in state.wire if left > 1)
        keyed = self.kind is IdempotencyKind.IDEMPOTENT
        age = min(TTL // 2, row.age + 1) if keyed and row.age >= 0 else row.age
        key = min(TTL, state.far.key + 1) if state.far.key >= 0 else -1
        row = row._replace(due=max(0, row.due - 1), lease=max(0, row.lease - 1), age=age)
        far = state.far._replace(hidden=max(0, state.far.hidden - 1), key=key)
        after = state._replace(row=row, engines=engines, wire=wire, far=far)
        if after != state:
            yield "tick", after
        if state.window == "open" and not FINAL & {row.state}:
            yield "the window passes", state._replace(window="passed")
            yield "it is revoked", self._revoked(state._replace(window="revoked"))

    def _fenced(self, engine: Engine) -> Engine:
        """The kernel ends a worker that holds a lease for too long; with what it has not recorded, it may live."""
        held = engine.at in ("leased", "intended", "calling")
        fenced = held and engine.fence <= 1 and Bug.NO_SELF_FENCE not in self.bugs
        return IDLE if fenced else engine

    # --- workers

    def _engines(self, state: State) -> Steps:
        for place, engine in enumerate(state.engines):
            if place and engine == state.engines[place - 1]:
                continue  # workers are alike
            if engine.at != "idle":
                yield "a worker is killed", put(state, place, IDLE)
            match engine.at:
                case "idle":
                    yield from self._lease(state, place)
                case "leased":
                    yield from self._permit(state, place, engine)
                case "intended":
                    yield from self._send(state, place, engine)
                case "calling" if not engine.call:
                    yield "no answer in time", put(state, place, answered(engine, "in_doubt"))
                case "answered":
                    yield from self._record(state, place, engine)

    def _lease(self, state: State, place: int) -> Steps:
        row = state.row
        if row.state != "ready" or row.due or row.attempts > ATTEMPTS:
            return
        leased = moved(row, "leased", leases=row.leases + 1, lease=LEASE)
        after = disowned(state)._replace(row=leased)
        yield "leased", put(after, after.engines.index(IDLE), Engine("leased", ours=True, fence=FENCE))

    def _permit(self, state: State, place: int, engine: Engine) -> Steps:
        row, free = state.row, put(state, place, IDLE)
        if not self._is_ours(row, engine, "leased"):
            yield "its lease is gone", free
            return
        yield "it cannot go on", free._replace(row=made(row, self._decided("returned", "", row, state.window)))
        kept = self._decided("before", "", row, state.window)
        if kept is not None:
            yield "its key is too old", free._replace(row=made(row, kept))
            return
        for then in self._refusals(state, row):
            yield f"refused: {then}", free._replace(row=made(row, self._decided("refused", then, row, state.window)))
        if state.window == "open" and row.attempts < ATTEMPTS and row.lease > CALL + LEASE - FENCE:
            yield "intent", self._intend(state, place, engine)

    def _refusals(self, state: State, row: Row) -> list[str]:
        if state.window != "open":
            return [Then.CANCEL if state.window == "revoked" else Then.EXPIRE]
        return [Then.HOLD] if row.attempts == ATTEMPTS else [Then.WAIT, Then.HOLD, Then.HOLD_STALE]

    def _intend(self, state: State, place: int, engine: Engine) -> State:
        row = state.row
        counted = {"attempts": row.attempts + 1, "leases": 0, "age": max(0, row.age)}
        row = moved(row, "leased" if Bug.NO_INTENT in self.bugs else "sending", **counted)
        begun = engine._replace(at="intended", attempt=row.attempts)
        return put(state._replace(row=row), place, begun)

    def _send(self, state: State, place: int, engine: Engine) -> Steps:
        yield "not made", put(state, place, answered(engine, "not_made"))
        if state.window != "open" and Bug.NO_SELF_FENCE not in self.bugs:
            return  # the sender's last check
        yield "no connection", put(state, place, answered(engine, "deferred"))
        wire = tuple(sorted((*state.wire, (engine.attempt, NETWORK))))
        yield "bytes leave", put(state._replace(wire=wire), place, engine._replace(at="calling", call=CALL))

    def _record(self, state: State, place: int, engine: Engine) -> Steps:
        row, free = state.row, put(state, place, IDLE)
        source = "leased" if Bug.NO_INTENT in self.bugs else "sending"
        if not self._is_ours(row, engine, source):
            yield "stale", free
            return
        if row.attempts != engine.attempt:
            raise IllegalMoveError("an outcome is taken for that of another attempt")
        if source == "leased":
            row = row._replace(state="sending")
        yield "recorded", free._replace(row=made(row, self._decided("sent", engine.outcome, row, state.window)))

    # --- the network and the far side

    def _wire(self, state: State) -> Steps:
        for place, (attempt, _) in enumerate(state.wire):
            gone = state._replace(wire=(*state.wire[:place], *state.wire[place + 1 :]))
            acted = gone._replace(far=self._acted(state.far))
            yield from answers(state, attempt, "in_doubt")
            yield from answers(acted, attempt, "accepted", "in_doubt")
            yield from answers(gone, attempt, "rejected", "deferred", "in_doubt")
            if self.by_hand:
                yield from answers(gone, attempt, "handed_over")

    def _acted(self, far: Far) -> Far:
        keyed = self.kind is IdempotencyKind.IDEMPOTENT
        if keyed and 0 <= far.key < TTL:
            return far
        hidden = LAG if self.kind is IdempotencyKind.QUERY else 0
        return Far(far.effects + 1, hidden, 0 if keyed else -1)

    # --- the sweeper and whoever revokes

    def _sweeper(self, state: State) -> Steps:
        row, swept = state.row, disowned(state)
        if row.state == "leased" and not row.lease:
            target = "held" if row.leases >= POISONED_AFTER else "ready"
            reason = "poison" if target == "held" else ""
            yield "a lease is lost", swept._replace(row=moved(row, target, reason=reason, lease=0, due=0))
        if row.state == "sending" and not row.lease:
            quiet = 0 if Bug.NO_QUIET in self.bugs else QUIET
            doubted = moved(row, "in_doubt", due=quiet, lease=0)
            yield "a send is lost", swept._replace(row=doubted)
        if row.state in ("ready", "held", "handed_over") and state.window == "passed" and row.reason != "ambiguous":
            yield "over time", swept._replace(row=moved(row, "expired"))
        stale = row.reason == "stale_status" or (Bug.HELD_RESENT in self.bugs and row.reason == "ambiguous")
        if row.state == "held" and stale:
            yield "a fresh status", swept._replace(row=moved(row, "ready", due=0))

    def _revoked(self, state: State) -> State:
        if state.row.state not in ("ready", "leased"):
            return state
        return disowned(state)._replace(row=moved(state.row, "cancelled"))

    # --- reconcilers

    def _reconciler(self, state: State) -> Steps:
        row = state.row
        for place, looker in enumerate(state.lookers):
            if place and looker == state.lookers[place - 1]:
                continue
            if looker.at != "idle":
                yield "a reconciler is killed", see(state, place, BLIND)
            if looker.at == "idle" and row.state == "in_doubt" and not row.due and not row.lease:
                after = disowned(state)._replace(row=row._replace(lease=LEASE))
                yield "taken to be looked at", see(after, after.lookers.index(BLIND), Looker("looking", ours=True))
            if looker.at == "looking":
                for found in self._findings(state.far):
                    yield f"found: {found}", see(state, place, looker._replace(at="looked", found=found))
            if looker.at == "looked":
                free = see(state, place, BLIND)
                if not self._is_ours(row, looker, "in_doubt"):
                    yield "a stale look", free
                    continue
                yield "settled", free._replace(row=made(row, self._decided("look", looker.found, row, state.window)))
                yield "unreadable", free._replace(row=moved(row, "held", reason="ambiguous", lease=0))

    def _findings(self, far: Far) -> list[str]:
        """What the platform's record shows; where there is none, what the sender's own may."""
        query = self.kind is IdempotencyKind.QUERY
        unseen = query and (far.effects == 0 or (far.effects == 1 and far.hidden > 0))
        return [str(Found.UNKNOWN), *[str(Found.ABSENT)] * unseen, *[str(Found.FOUND)] * (far.effects > 0)]

    # --- people

    def _people(self, state: State) -> Steps:
        row = state.row
        if row.state == "handed_over":
            yield from self._by_hand(state)
        if row.state != "held":
            return
        if row.reason != "ambiguous":
            yield "one retries", self._resolved(state, Answer.NOT_SEEN)
            yield "one cancels", self._resolved(state, Answer.CANCEL)
            return
        truth = Answer.SEEN if state.far.effects else Answer.NOT_SEEN
        for place, said in enumerate(((truth, Answer.CANCEL), (Answer.SEEN, Answer.NOT_SEEN, Answer.CANCEL))):
            for answer in said:
                if state.votes[place] != answer:
                    votes = (str(answer), state.votes[1]) if not place else (state.votes[0], str(answer))
                    yield f"officer {place + 1} says {answer}", self._counted(state._replace(votes=votes), answer)

    def _counted(self, state: State, answer: Answer) -> State:
        needs = 1 if Bug.ONE_OFFICER in self.bugs else AMBIGUOUS_NEEDS
        return self._resolved(state, answer) if state.votes.count(str(answer)) >= needs else state

    def _resolved(self, state: State, answer: Answer) -> State:
        """As ``service.resolving`` moves it: only two people's answer ends a doubt."""
        row, again = state.row, {}
        if answer is Answer.NOT_SEEN:
            looked = 0 if row.reason == "ambiguous" else row.looked
            again = {"failures": 0, "looked": looked, "absent": 0, "due": 0}
        return state._replace(row=moved(row, TARGETS[answer], leases=0, **again), votes=("", ""))

    def _by_hand(self, state: State) -> Steps:
        posted = state._replace(far=state.far._replace(effects=1))
        yield "two operators posted it", posted._replace(row=moved(state.row, "accepted"))

    def _public(self, state: State) -> Steps:
        """Read-back, once everybody is at rest: what the public sees comes and goes."""
        at_rest = not state.wire and all(e.at == "idle" for e in state.engines)
        for target in sorted(DELIVERY.moves[state.row.state]) if state.row.state in FINAL and at_rest else ():
            yield f"read back: {target}", state._replace(row=moved(state.row, target))

    # --- guards and decisions

    def _is_ours(self, row: Row, holder: Engine | Looker, source: str) -> bool:
        return row.state == source and (holder.ours or Bug.FENCE_IGNORED in self.bugs)

    def _may_still_leave(self, state: State) -> bool:
        return bool(state.wire) or any(engine.at in ("intended", "calling") for engine in state.engines)

    def _decided(self, what: str, word: str, row: Row, window: str) -> Move:
        return decision(self.kind, self.on_ambiguous, self.bugs, what, word, row._replace(lease=0), window)
