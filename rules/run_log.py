"""What the rule engine must not forget: its place in the journal, runs, their steps, and what was dropped."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

import msgspec
from sqlite_utils import Database

from ..core.journal import Journal
from ..core.types import Json, Struct, Trace, TraceStep
from .run_tables import migrations
from .watch_log import Watched, drop_waits, keep_watched

TRACES_KEPT = 50  # runs of a rule
REFUSALS_KEPT = 20  # times that a rule's conditions did not hold
_PRUNE_EVERY = 10  # new rows of a rule

RunState = Literal["running", "finished", "conditions_failed", "failed", "cut_off"]
DropReason = Literal["cooldown", "mode", "late"]


class RunRow(Struct):
    """Keep one run. ``variables`` are the rule's own, as they were when the run began.

    ``held`` is the mark of the trigger whose time was over, "" for a run that an event began at once.
    """

    run_id: str
    rule_id: str
    event_id: str
    trigger_id: str
    trigger_path: str
    late_s: float
    state: RunState
    fingerprint: str
    started_at: datetime
    variables: dict[str, Json] = {}
    ended_at: datetime | None = None
    reason: str = ""
    held: str = ""
    for_s: float = 0.0


class Drop(Struct):
    """Say that a rule would have run and did not; told as one count, however many."""

    rule_id: str
    after_run: str
    reason: DropReason
    event_id: str
    at: datetime


class Figures(Struct):
    """Sum up a rule's runs since the journal was made."""

    runs: int
    last_at: datetime
    last_run: str


class Decided(Struct):
    """Gather what a stretch of the journal led to; committed together with the place behind it."""

    until_seq: int
    opened: list[tuple[RunRow, list[TraceStep]]]
    cut: list[tuple[str, str]]
    drops: list[Drop]
    at: datetime
    watched: Watched = Watched()


class RunLog:
    """Keep and read the engine's tables."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._since_prune: dict[str, int] = {}

    @classmethod
    async def open(cls, journal: Journal) -> RunLog:
        """Make the tables where they are missing."""
        await journal.migrate(migrations)
        return cls(journal)

    async def cursor(self) -> int:
        """Return the place in the journal up to which every event was met."""
        return await self._journal.read(lambda db: int(db.execute("select seq from rule_cursor").fetchone()[0]))

    async def commit(self, decided: Decided) -> None:
        """Keep new runs, cut ones, drops, and the place behind them: all or nothing."""
        full = [rule_id for row, _ in decided.opened if self._is_prune_due(rule_id := row.rule_id)]

        def job(db: Database) -> None:
            for row, steps in decided.opened:
                _insert_run(db, row)
                for step in steps:
                    _put_step(db, row.run_id, step)
            for run_id, reason in decided.cut:
                _end(db, run_id, "cut_off", reason, decided.at)
            for drop in decided.drops:
                _count_drop(db, drop)
            keep_watched(db, decided.watched)
            for rule_id in full:
                _prune(db, rule_id)
            db.execute("update rule_cursor set seq = max(seq, ?)", [decided.until_seq])

        await self._journal.write(job)

    async def reload(
        self, cut: list[tuple[str, str]], moved: list[tuple[str, str]], watched: Watched, at: datetime
    ) -> None:
        """Keep which runs a reload ended and why, and which begin by the rule's new steps: all or nothing."""

        def job(db: Database) -> None:
            for run_id, reason in cut:
                _end(db, run_id, "cut_off", reason, at)
            for run_id, fingerprint in moved:
                db.execute("update rule_runs set fingerprint = ? where run_id = ?", [fingerprint, run_id])
            keep_watched(db, watched)

        await self._journal.write(job)

    async def put_step(self, run_id: str, step: TraceStep) -> None:
        """Keep a step that ended (or waits); a later word on the same path replaces it."""
        await self._journal.write(lambda db: _put_step(db, run_id, step))

    async def drop_steps(self, run_id: str, paths: Iterable[str]) -> None:
        """Drop the steps at and below paths: a loop keeps no more than its last turns."""
        # "/" is the letter behind ".": everything below a path, and no neighbour such as turn 12 of turn 1.
        bounds = [(run_id, path, f"{path}.", f"{path}/") for path in paths]
        statement = "delete from rule_steps where run_id = ? and (path = ? or (path >= ? and path < ?))"
        await self._journal.write(lambda db: db.conn.executemany(statement, bounds))

    async def end(self, run_id: str, state: RunState, reason: str, at: datetime) -> None:
        """Keep how a run ended."""
        await self._journal.write(lambda db: _end(db, run_id, state, reason, at))

    async def open_runs(self) -> list[tuple[RunRow, tuple[TraceStep, ...]]]:
        """Return the runs that had not ended, oldest first, with the steps that had."""

        def job(db: Database) -> list[tuple[RunRow, tuple[TraceStep, ...]]]:
            rows = db.execute(f"select {_RUN} from rule_runs where state = 'running' order by number").fetchall()
            return [(_run(row), _steps(db, row[0])) for row in rows]

        return await self._journal.read(job)

    async def figures(self) -> dict[str, Figures]:
        """Return how often and when each rule ran last."""

        def job(db: Database) -> dict[str, Figures]:
            rows = db.execute("select rule_id, runs, last_at, last_run from rule_figures").fetchall()
            return {row[0]: Figures(runs=row[1], last_at=_time(row[2]), last_run=row[3]) for row in rows}

        return await self._journal.read(job)

    async def traces(self, rule_id: str, limit: int) -> tuple[Trace, ...]:
        """Return a rule's newest runs and, as one short trace each, what was dropped after them."""

        def job(db: Database) -> list[Trace]:
            rows = db.execute(
                f"select {_RUN} from rule_runs where rule_id = ? order by number desc limit ?", [rule_id, limit]
            ).fetchall()
            drops = db.execute(
                f"select {_DROP} from rule_drops where rule_id = ? order by last_at desc limit ?", [rule_id, limit]
            ).fetchall()
            return [_trace(_run(row), _steps(db, row[0])) for row in rows] + [_dropped(row) for row in drops]

        found = await self._journal.read(job)
        return tuple(sorted(found, key=lambda trace: trace.ended_at or trace.started_at, reverse=True)[:limit])

    async def traces_of_event(self, event_id: str) -> tuple[Trace, ...]:
        """Return the runs that an event began, oldest first, then what was dropped with it as the last of its count."""

        def job(db: Database) -> tuple[Trace, ...]:
            rows = db.execute(f"select {_RUN} from rule_runs where event_id = ? order by number", [event_id]).fetchall()
            drops = db.execute(f"select {_DROP} from rule_drops where event_id = ?", [event_id]).fetchall()
            runs = tuple(_trace(_run(row), _steps(db, row[0])) for row in rows)
            return runs + tuple(_dropped(row) for row in drops)

        return await self._journal.read(job)

    def _is_prune_due(self, rule_id: str) -> bool:
        self._since_prune[rule_id] = (self._since_prune.get(rule_id, 0) + 1) % _PRUNE_EVERY
        return self._since_prune[rule_id] == 0


_RUN = (
    "run_id, rule_id, event_id, trigger_id, trigger_path, late_s, state, fingerprint, variables,"
    " started_at, ended_at, reason, held, for_s"
)
_DROP = "rule_id, after_run, reason, count, first_at, last_at, event_id"


def _insert_run(db: Database, row: RunRow) -> None:
    values = [row.run_id, row.rule_id, row.event_id, row.trigger_id, row.trigger_path, row.late_s, row.state]
    values += [row.fingerprint, _json(row.variables), row.started_at.isoformat()]
    values += [row.ended_at.isoformat() if row.ended_at else None, row.reason, row.held, row.for_s]
    # An event that was met already (the place behind it was lost) opens nothing twice.
    added = db.execute(f"insert or ignore into rule_runs ({_RUN}) values ({', '.join('?' * len(values))})", values)
    if added.rowcount and row.state != "conditions_failed":
        db.execute(
            "insert into rule_figures (rule_id, runs, last_at, last_run) values (?, 1, ?, ?) on conflict (rule_id)"
            " do update set runs = runs + 1, last_at = excluded.last_at, last_run = excluded.last_run",
            [row.rule_id, row.started_at.isoformat(), row.run_id],
        )


def _put_step(db: Database, run_id: str, step: TraceStep) -> None:
    db.execute(
        "insert into rule_steps (run_id, path, what, at, outcome, facts, error) values (?, ?, ?, ?, ?, ?, ?)"
        " on conflict (run_id, path) do update set at = excluded.at, outcome = excluded.outcome,"
        " facts = excluded.facts, error = excluded.error",
        [run_id, step.path, step.what, step.at.isoformat(), step.outcome, _json(step.values), step.error],
    )


def _end(db: Database, run_id: str, state: str, reason: str, at: datetime) -> None:
    db.execute(
        "update rule_runs set state = ?, reason = ?, ended_at = ? where run_id = ? and state = 'running'",
        [state, reason, at.isoformat(), run_id],
    )
    drop_waits(db, run_id)


def _count_drop(db: Database, drop: Drop) -> None:
    at = drop.at.isoformat()
    db.execute(
        "insert into rule_drops (rule_id, after_run, reason, count, first_at, last_at, event_id)"
        " values (?, ?, ?, 1, ?, ?, ?) on conflict (rule_id, after_run, reason) do update set"
        " count = count + 1, last_at = excluded.last_at, event_id = excluded.event_id",
        [drop.rule_id, drop.after_run, drop.reason, at, at, drop.event_id],
    )


def _prune(db: Database, rule_id: str) -> None:
    for test, kept in (("state = 'conditions_failed'", REFUSALS_KEPT), ("state <> 'conditions_failed'", TRACES_KEPT)):
        old = db.execute(
            f"select run_id from rule_runs where rule_id = ? and state <> 'running' and {test}"
            " order by number desc limit -1 offset ?",
            [rule_id, kept],
        ).fetchall()
        for (run_id,) in old:
            db.execute("delete from rule_steps where run_id = ?", [run_id])
            db.execute("delete from rule_drops where rule_id = ? and after_run = ?", [rule_id, run_id])
            db.execute("delete from rule_runs where run_id = ?", [run_id])


def _steps(db: Database, run_id: str) -> tuple[TraceStep, ...]:
    rows = db.execute(
        "select path, what, at, outcome, facts, error from rule_steps where run_id = ? order by number", [run_id]
    )
    return tuple(
        TraceStep(path=p, what=w, at=_time(at), outcome=o, values=msgspec.json.decode(facts), error=e)
        for p, w, at, o, facts, e in rows.fetchall()
    )


def _run(row: tuple[Json, ...]) -> RunRow:
    return RunRow(
        run_id=row[0],
        rule_id=row[1],
        event_id=row[2],
        trigger_id=row[3],
        trigger_path=row[4],
        late_s=row[5],
        state=row[6],
        fingerprint=row[7],
        variables=msgspec.json.decode(row[8]),
        started_at=_time(row[9]),
        ended_at=_time(row[10]) if row[10] else None,
        reason=row[11],
        held=row[12],
        for_s=row[13],
    )


def _trace(row: RunRow, steps: tuple[TraceStep, ...]) -> Trace:
    return Trace(
        run_id=row.run_id,
        rule_id=row.rule_id,
        event_id=row.event_id,
        started_at=row.started_at,
        ended_at=row.ended_at,
        state=row.state,
        steps=steps,
        reason=row.reason,
    )


def _dropped(row: tuple[Json, ...]) -> Trace:
    rule_id, after_run, reason, count, first_at, last_at, event_id = row
    step = TraceStep(
        path="triggers", what=reason, at=_time(last_at), outcome="skipped", values={"count": count, "after": after_run}
    )
    return Trace(
        run_id=f"{after_run or rule_id}:{reason}",
        rule_id=rule_id,
        event_id=event_id,
        started_at=_time(first_at),
        ended_at=_time(last_at),
        state="dropped",
        steps=(step,),
        reason=reason,
    )


def _json(value: Json) -> str:
    return msgspec.json.encode(value).decode()


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
