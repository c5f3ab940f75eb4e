"""The desk's tables: incidents, alerts, messages, escalations, what is still to be told, its place in the journal."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from ..event_log import stamp
from ..settings import Address
from ..types import Alert, AlertOutcome, Event, Incident, Struct
from .tellings import Telling

migrations = Migrations("alerts")
RANK = {"low": 0, "normal": 1, "high": 2}
_encode = msgspec.json.Encoder().encode


@migrations()
def create_alert_tables(db: Database) -> None:
    """Make the desk's tables; columns are what is searched, ``body`` is the record."""
    for statement in (
        """create table incidents (
            number integer primary key autoincrement, id text not null unique, key text not null, state text not null,
            last_at text not null, last_event text, body text not null)""",
        # One incident of a key is open at a time, whoever opens it.
        "create unique index incidents_key on incidents (key) where state <> 'closed'",
        "create index incidents_state on incidents (state, number)",
        """create table alerts (
            number integer primary key autoincrement, key text not null unique, incident text, rule text not null,
            step text not null, run text not null, clip text, rank integer not null, at text not null,
            is_grouped integer not null, body text not null, outcome text not null)""",
        "create index alerts_incident on alerts (incident, rule, step)",
        "create index alerts_run on alerts (run)",
        "create index alerts_clip on alerts (clip) where clip is not null",
        "create index alerts_at on alerts (at)",
        """create table alert_tellings (
            number integer primary key autoincrement, key text not null unique, alert text not null, incident text,
            notifier text not null, address text not null, what text not null, state text not null,
            hold text not null, counts integer not null, rank integer not null, at text not null,
            due_at text not null, body text not null)""",
        "create index alert_tellings_state on alert_tellings (state, due_at)",
        "create index alert_tellings_alert on alert_tellings (alert)",
        "create index alert_tellings_incident on alert_tellings (incident)",
        "create index alert_tellings_address on alert_tellings (notifier, address, at)",
        """create table alert_escalations (
            key text primary key, incident text not null, alert text not null, state text not null,
            due_at text not null, body text not null)""",
        "create index alert_escalations_due on alert_escalations (state, due_at)",
        "create index alert_escalations_incident on alert_escalations (incident)",
        """create table alert_news (
            number integer primary key autoincrement, id text not null unique, body text not null)""",
        # Answers from before the desk was there are nobody's.
        "create table alert_cursor (only_row integer primary key check (only_row = 1), seq integer not null)",
        "insert into alert_cursor select 1, coalesce((select max(seq) from events), 0)",
    ):
        db.execute(statement)


# Everything that is an incident's, itself last.
_OF_INCIDENTS = (
    ("alert_tellings", "incident"),
    ("alert_escalations", "incident"),
    ("alerts", "incident"),
    ("incidents", "id"),
)


class Counted(Struct):
    """Keep an alert that was asked for, and what it led to."""

    alert: Alert
    outcome: AlertOutcome


class Escalating(Struct):
    """Keep one step that is taken unless somebody answers; the last one has no target and tells that nobody did."""

    key: str
    incident_id: str
    alert_key: str
    number: int
    due_at: datetime
    after_s: float
    is_last: bool = False
    taken_at: datetime | None = None


_incident = msgspec.json.Decoder(Incident).decode
_telling = msgspec.json.Decoder(Telling).decode
_alert = msgspec.json.Decoder(Alert).decode
_outcome = msgspec.json.Decoder(AlertOutcome).decode
_escalating = msgspec.json.Decoder(Escalating).decode
_event = msgspec.json.Decoder(Event).decode


class Rows:
    """Read and write the desk's tables inside one job of the journal."""

    def __init__(self, db: Database) -> None:
        self._conn = db.conn

    # --- incidents ------------------------------------------------------------------------------

    def incident(self, id_or_key: str) -> Incident | None:
        """Return an incident by its id, else the newest of a key, one that is not closed before others."""
        sql = (
            "select body from incidents where id = ? or key = ?"
            " order by id = ? desc, state = 'closed', number desc limit 1"
        )
        row = self._conn.execute(sql, (id_or_key, id_or_key, id_or_key)).fetchone()
        return _incident(row[0]) if row else None

    def incidents(self, state: str | None, limit: int, before: str | None) -> list[Incident]:
        """Return the newest incidents, newest first; ``before`` is the id of the last one seen."""
        where, values = ["true"], []
        if state is not None:
            where.append("state = ?")
            values.append(state)
        if before is not None:
            where.append("number < (select number from incidents where id = ?)")
            values.append(before)
        sql = f"select body from incidents where {' and '.join(where)} order by number desc limit ?"
        return [_incident(row[0]) for row in self._conn.execute(sql, (*values, limit))]

    def keep_incident(self, incident: Incident, last_event: str | None = None) -> None:
        """Write an incident, a new one or a changed one."""
        row = (incident.id, incident.key, incident.state, stamp(incident.last_at), last_event)
        self._conn.execute(
            "insert into incidents (id, key, state, last_at, last_event, body) values (?, ?, ?, ?, ?, ?)"
            " on conflict (id) do update set state = excluded.state, last_at = excluded.last_at,"
            " last_event = coalesce(excluded.last_event, last_event), body = excluded.body",
            (*row, _encode(incident).decode()),
        )

    def has_counted(self, incident_id: str, event_id: str) -> bool:
        """Say whether an event was the last that an incident counted: several steps of a run tell of one event."""
        sql = "select 1 from incidents where id = ? and last_event = ?"
        return self._conn.execute(sql, (incident_id, event_id)).fetchone() is not None

    # --- alerts ---------------------------------------------------------------------------------

    def alert(self, key: str) -> Counted | None:
        """Return what an alert led to, None when it was never asked for."""
        row = self._conn.execute("select body, outcome from alerts where key = ?", (key,)).fetchone()
        return Counted(alert=_alert(row[0]), outcome=_outcome(row[1])) if row else None

    def last_told(self, incident_id: str, alert: Alert) -> tuple[datetime, int] | None:
        """Return when the same step last told of an incident, and how urgent it was."""
        sql = (
            "select at, rank from alerts where incident = ? and rule = ? and step = ? and not is_grouped"
            " order by number desc limit 1"
        )
        row = self._conn.execute(sql, (incident_id, alert.rule_id, alert.step)).fetchone()
        return (datetime.fromisoformat(row[0]), int(row[1])) if row else None

    def has_told_in_run(self, incident_id: str, run_id: str) -> bool:
        """Say whether a run told of an incident before."""
        sql = "select 1 from alerts where run = ? and run <> '' and incident = ? limit 1"
        return self._conn.execute(sql, (run_id, incident_id)).fetchone() is not None

    def add_alert(self, alert: Alert, outcome: AlertOutcome, at: datetime) -> None:
        """Keep an alert with what it led to; of one that only counted, its event alone."""
        kept = Alert(key=alert.key, text="", event=alert.event) if outcome.is_grouped else alert
        row = (alert.key, outcome.incident_id, alert.rule_id, alert.step, alert.run_id, alert.clip)
        body = (RANK[alert.priority], stamp(at), outcome.is_grouped, _encode(kept).decode(), _encode(outcome).decode())
        self._conn.execute(
            "insert into alerts (key, incident, rule, step, run, clip, rank, at, is_grouped, body, outcome)"
            " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*row, *body),
        )

    def events_of(self, incident_id: str, limit: int) -> list[Event]:
        """Return the events of which an incident's alerts told, the newest first."""
        sql = "select body from alerts where incident = ? order by number desc limit ?"
        alerts = (_alert(body) for (body,) in self._conn.execute(sql, (incident_id, limit)))
        return [alert.event for alert in alerts if alert.event is not None]

    def alerts_of_clip(self, clip_id: str, runs: Iterable[str]) -> list[str]:
        """Return the keys of the alerts that name a clip, or whose run recorded it."""
        keys = [row[0] for row in self._conn.execute("select key from alerts where clip = ?", (clip_id,))]
        for run in runs:
            sql = "select key from alerts where run = ? and run <> '' and not is_grouped order by number"
            keys += [row[0] for row in self._conn.execute(sql, (run,))]
        return list(dict.fromkeys(keys))

    # --- messages -------------------------------------------------------------------------------

    def add_telling(self, telling: Telling) -> None:
        """Keep a message; one whose key is there already stays as it is."""
        notice = telling.notice
        row = (notice.key, telling.alert_key, notice.incident_id, notice.notifier, notice.to, telling.what)
        self._conn.execute(
            "insert into alert_tellings (key, alert, incident, notifier, address, what, state, hold, counts, rank, at,"
            " due_at, body) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (key) do nothing",
            (*row, *_columns(telling)),
        )

    def keep_tellings(self, tellings: Iterable[Telling]) -> None:
        """Write messages that changed."""
        self._conn.executemany(
            "update alert_tellings set state = ?, hold = ?, counts = ?, rank = ?, at = ?, due_at = ?, body = ?"
            " where key = ?",
            [(*_columns(telling), telling.notice.key) for telling in tellings],
        )

    def tellings(self, where: str, *values: Any) -> list[Telling]:  # noqa: ANN401
        """Return the messages that fit, in the order they were made unless ``where`` says otherwise."""
        order = "" if "order by" in where else " order by number"
        return [
            _telling(row[0])
            for row in self._conn.execute(f"select body from alert_tellings where {where}{order}", values)
        ]

    def has_due(self) -> bool:
        """Say whether a message is still to be handed to the outbox."""
        return self._conn.execute("select 1 from alert_tellings where state = 'due' limit 1").fetchone() is not None

    def sent_since(self, address: Address, since: datetime, least_rank: int) -> list[datetime]:
        """Return when messages that count towards a limit went to an address, oldest first."""
        sql = (
            "select at from alert_tellings where notifier = ? and address = ? and at > ? and counts and rank >= ?"
            " and state in ('due', 'put') order by at"
        )
        values = (address.notifier, address.to, stamp(since), least_rank)
        return [datetime.fromisoformat(row[0]) for row in self._conn.execute(sql, values)]

    # --- what is still to come ------------------------------------------------------------------

    def add_escalations(self, steps: Iterable[Escalating]) -> None:
        """Keep the steps of an alert that nobody has answered yet."""
        self._conn.executemany(
            "insert into alert_escalations (key, incident, alert, state, due_at, body)"
            " values (?, ?, ?, 'waiting', ?, ?) on conflict (key) do nothing",
            [
                (step.key, step.incident_id, step.alert_key, stamp(step.due_at), _encode(step).decode())
                for step in steps
            ],
        )

    def is_escalating(self, incident_id: str, alert: Alert) -> bool:
        """Say whether the same step's escalation of an incident still goes on."""
        sql = (
            "select 1 from alert_escalations e join alerts a on a.key = e.alert where e.incident = ?"
            " and e.state = 'waiting' and a.rule = ? and a.step = ?"
        )
        return self._conn.execute(sql, (incident_id, alert.rule_id, alert.step)).fetchone() is not None

    def due_escalations(self, now: datetime) -> list[Escalating]:
        """Return the steps to take now, in the order of their time."""
        sql = "select body from alert_escalations where state = 'waiting' and due_at <= ? order by due_at, key"
        return [_escalating(row[0]) for row in self._conn.execute(sql, (stamp(now),))]

    def end_escalation(self, step: Escalating) -> None:
        """Keep a step that was taken, or was of no use any more."""
        sql = "update alert_escalations set state = 'done', body = ? where key = ?"
        self._conn.execute(sql, (_encode(step).decode(), step.key))

    def escalations(self, incident_id: str) -> list[Escalating]:
        """Return every step of an incident in the order of their time."""
        sql = "select body from alert_escalations where incident = ? order by due_at, key"
        return [_escalating(row[0]) for row in self._conn.execute(sql, (incident_id,))]

    def cancel_escalations(self, incident_id: str) -> None:
        """Take no further step for an incident."""
        sql = "update alert_escalations set state = 'cancelled' where incident = ? and state = 'waiting'"
        self._conn.execute(sql, (incident_id,))

    def next_due(self) -> datetime | None:
        """Return when something that waits is due next; None when nothing waits."""
        sql = (
            "select min(due_at) from (select min(due_at) as due_at from alert_tellings where state = 'held'"
            " union all select min(due_at) from alert_escalations where state = 'waiting')"
        )
        at = self._conn.execute(sql).fetchone()[0]
        return datetime.fromisoformat(at) if at else None

    def shift(self, step_s: float) -> None:
        """Move what waits for a length of time along with a wall clock that was set; quiet hours stay."""
        step = timedelta(seconds=step_s)
        for row in self._conn.execute("select body from alert_escalations where state = 'waiting'").fetchall():
            waiting = _escalating(row[0])
            self._keep_escalation(msgspec.structs.replace(waiting, due_at=waiting.due_at + step))
        held = self.tellings("state = 'held' and hold in ('limit', 'thread')")
        self.keep_tellings([msgspec.structs.replace(one, due_at=one.due_at + step) for one in held])

    def clamp(self, now: datetime) -> None:
        """Put right what a wrong clock planned: a step is never further away than its own time."""
        for row in self._conn.execute("select body from alert_escalations where state = 'waiting'").fetchall():
            waiting = _escalating(row[0])
            latest = now + timedelta(seconds=waiting.after_s)
            if waiting.due_at > latest:
                self._keep_escalation(msgspec.structs.replace(waiting, due_at=latest))

    def _keep_escalation(self, step: Escalating) -> None:
        sql = "update alert_escalations set due_at = ?, body = ? where key = ?"
        self._conn.execute(sql, (stamp(step.due_at), _encode(step).decode(), step.key))

    def news(self, limit: int = 100) -> list[Event]:
        """Return the events that are decided and not in the journal yet, oldest first."""
        return [
            _event(row[0])
            for row in self._conn.execute("select body from alert_news order by number limit ?", (limit,))
        ]

    def add_news(self, event: Event) -> None:
        """Keep an event with the change that it tells of."""
        self._conn.execute(
            "insert into alert_news (id, body) values (?, ?) on conflict (id) do nothing",
            (event.id, _encode(event).decode()),
        )

    def drop_news(self, event_ids: Iterable[str]) -> None:
        """Forget events that are in the journal."""
        self._conn.executemany("delete from alert_news where id = ?", [(event_id,) for event_id in event_ids])

    def place(self) -> int:
        """Return the place in the journal up to which replies and clips were met."""
        return int(self._conn.execute("select seq from alert_cursor").fetchone()[0])

    def move_to(self, seq: int) -> bool:
        """Move behind an event; False when it was met already."""
        return self._conn.execute("update alert_cursor set seq = ? where seq < ?", (seq, seq)).rowcount == 1

    # --- what is long over ----------------------------------------------------------------------

    def over(self, before: datetime, limit: int) -> list[Incident]:
        """Return incidents that somebody answered and of which nothing was seen since, the oldest first."""
        sql = "select body from incidents where state = 'acknowledged' and last_at < ? order by number limit ?"
        return [_incident(row[0]) for row in self._conn.execute(sql, (stamp(before), limit))]

    def prune_grouped(self, before: datetime, limit: int) -> int:
        """Remove up to ``limit`` alerts of before a time that only counted; their number stays with the incident."""
        old = "select number from alerts where at < ? and is_grouped order by at limit ?"
        sql = f"delete from alerts where number in ({old})"
        return self._conn.execute(sql, (stamp(before), limit)).rowcount

    def prune(self, before: datetime, limit: int) -> int:
        """Remove up to ``limit`` closed incidents and lone alerts of before a time, with all that hangs on them."""
        closed = "select id from incidents where state = 'closed' and last_at < ? order by number limit ?"
        ids = [row[0] for row in self._conn.execute(closed, (stamp(before), limit))]
        for table, column in _OF_INCIDENTS:
            self._conn.executemany(f"delete from {table} where {column} = ?", [(id_,) for id_ in ids])
        lone = "select key from alerts where incident is null and at < ? order by number limit ?"
        keys = [row[0] for row in self._conn.execute(lone, (stamp(before), limit - len(ids)))]
        for table, column in (("alert_tellings", "alert"), ("alerts", "key")):
            self._conn.executemany(f"delete from {table} where {column} = ?", [(key,) for key in keys])
        # A summary of many matters, and a word to who replied, hang on no incident.
        self._conn.execute("delete from alert_tellings where incident is null and at < ?", (stamp(before),))
        return len(ids) + len(keys)

    @staticmethod
    def stamp(at: datetime) -> str:
        """Return a time as the columns hold it."""
        return stamp(at)


def _columns(telling: Telling) -> tuple[Any, ...]:
    return (
        telling.state,
        telling.hold,
        telling.counts,
        RANK[telling.notice.priority],
        stamp(telling.at),
        stamp(telling.due_at),
        _encode(telling).decode(),
    )
