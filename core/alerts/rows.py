"""The desk's tables: incidents, alerts, messages, escalations, what is still to be told, its place in the journal."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from ..event_log import stamp
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
            key text primary key, incident text not null, state text not null, due_at text not null,
            body text not null)""",
        "create index alert_escalations_due on alert_escalations (state, due_at)",
        "create index alert_escalations_incident on alert_escalations (incident)",
        """create table alert_news (
            number integer primary key autoincrement, id text not null unique, body text not null)""",
        # Answers from before the desk was there are nobody's.
        "create table alert_cursor (only_row integer primary key check (only_row = 1), seq integer not null)",
        "insert into alert_cursor select 1, coalesce((select max(seq) from events), 0)",
    ):
        db.execute(statement)


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

    def add_alert(self, alert: Alert, outcome: AlertOutcome, at: datetime) -> None:
        """Keep an alert with what it led to."""
        row = (alert.key, outcome.incident_id, alert.rule_id, alert.step, alert.run_id, alert.clip)
        body = (RANK[alert.priority], stamp(at), outcome.is_grouped, _encode(alert).decode(), _encode(outcome).decode())
        self._conn.execute(
            "insert into alerts (key, incident, rule, step, run, clip, rank, at, is_grouped, body, outcome)"
            " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*row, *body),
        )

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

    def keep_telling(self, telling: Telling) -> None:
        """Write a message that changed."""
        self._conn.execute(
            "update alert_tellings set state = ?, hold = ?, counts = ?, rank = ?, at = ?, due_at = ?, body = ?"
            " where key = ?",
            (*_columns(telling), telling.notice.key),
        )

    def tellings(self, where: str, *values: Any) -> list[Telling]:  # noqa: ANN401
        """Return the messages that fit, in the order they were made unless ``where`` says otherwise."""
        order = "" if "order by" in where else " order by number"
        return [
            _telling(row[0])
            for row in self._conn.execute(f"select body from alert_tellings where {where}{order}", values)
        ]

    # --- what is still to come ------------------------------------------------------------------

    def add_escalations(self, steps: Iterable[Escalating]) -> None:
        """Keep the steps of an alert that nobody has answered yet."""
        self._conn.executemany(
            "insert into alert_escalations (key, incident, state, due_at, body) values (?, ?, 'waiting', ?, ?)"
            " on conflict (key) do nothing",
            [(step.key, step.incident_id, stamp(step.due_at), _encode(step).decode()) for step in steps],
        )

    def cancel_escalations(self, incident_id: str) -> None:
        """Take no further step for an incident."""
        sql = "update alert_escalations set state = 'cancelled' where incident = ? and state = 'waiting'"
        self._conn.execute(sql, (incident_id,))

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

    def drop_news(self, event_id: str) -> None:
        """Forget an event that is in the journal."""
        self._conn.execute("delete from alert_news where id = ?", (event_id,))


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
