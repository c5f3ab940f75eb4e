"""The tables of the rule engine, and how older ones become those of today."""

from __future__ import annotations

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from .watch_log import TABLES

migrations = Migrations("rules")


@migrations()
def create_run_tables(db: Database) -> None:
    """Make the tables of the rule engine."""
    for statement in (
        "create table rule_cursor (only_row integer primary key check (only_row = 1), seq integer not null)",
        "insert into rule_cursor values (1, 0)",
        """create table rule_runs (
            number integer primary key, run_id text not null unique, rule_id text not null, event_id text not null,
            trigger_id text not null, trigger_path text not null, late_s real not null, state text not null,
            fingerprint text not null, variables text not null, started_at text not null, ended_at text,
            reason text not null default '', unique (rule_id, event_id))""",
        "create index rule_runs_state on rule_runs (rule_id, state)",
        """create table rule_steps (
            number integer primary key, run_id text not null, path text not null, what text not null,
            at text not null, outcome text not null, facts text not null, error text not null,
            unique (run_id, path))""",
        """create table rule_figures (
            rule_id text primary key, runs integer not null, last_at text not null, last_run text not null)""",
        """create table rule_drops (
            rule_id text not null, after_run text not null, reason text not null, count integer not null,
            first_at text not null, last_at text not null, event_id text not null,
            primary key (rule_id, after_run, reason))""",
    ):
        db.execute(statement)


@migrations()
def index_events(db: Database) -> None:
    """Let an event's page find what the event began."""
    db.execute("create index rule_runs_event on rule_runs (event_id)")
    db.execute("create index rule_drops_event on rule_drops (event_id)")


@migrations()
def keep_what_is_waited_for(db: Database) -> None:
    """Make the tables of times, waits and cooldowns; let one event begin a run at once and another by a time."""
    for statement in TABLES:
        db.execute(statement)
    # What is unique is fixed when a table is made.
    db.execute("alter table rule_runs rename to rule_runs_before")
    db.execute(
        """create table rule_runs (
            number integer primary key, run_id text not null unique, rule_id text not null, event_id text not null,
            trigger_id text not null, trigger_path text not null, late_s real not null, state text not null,
            fingerprint text not null, variables text not null, started_at text not null, ended_at text,
            reason text not null default '', held text not null default '', for_s real not null default 0,
            unique (rule_id, event_id, held))"""
    )
    db.execute("insert into rule_runs select *, '', 0 from rule_runs_before")
    db.execute("drop table rule_runs_before")
    db.execute("create index rule_runs_state on rule_runs (rule_id, state)")
    db.execute("create index rule_runs_event on rule_runs (event_id)")
