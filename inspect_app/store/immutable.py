"""The triggers that keep what was once written from being changed, whatever program tries."""

from sqlalchemy import Connection

_FUNCTION = """
CREATE OR REPLACE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '{table} are immutable' USING ERRCODE = 'integrity_constraint_violation'; END
$$
"""


def make_immutable(connection: Connection, table: str, same_row: str) -> None:
    """Refuse UPDATE, DELETE and TRUNCATE of a table, and on SQLite INSERT OR REPLACE as well.

    Args:
        same_row: SQL that says which row a new row NEW would replace, such as `id = NEW.id`.
    """
    make = _on_sqlite if connection.dialect.name == "sqlite" else _on_postgres
    for statement in make(table, same_row):
        connection.exec_driver_sql(statement)


def _on_sqlite(table: str, same_row: str) -> list[str]:
    refuse = f"SELECT RAISE(ABORT, '{table} are immutable')"
    return [
        f"CREATE TRIGGER {table}_refuse_update BEFORE UPDATE ON {table} BEGIN {refuse}; END",
        f"CREATE TRIGGER {table}_refuse_delete BEFORE DELETE ON {table} BEGIN {refuse}; END",
        f"CREATE TRIGGER {table}_refuse_replace BEFORE INSERT ON {table} "
        f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same_row}) BEGIN {refuse}; END",
    ]


def _on_postgres(table: str, _same_row: str) -> list[str]:
    """PostgreSQL has no REPLACE: its ON CONFLICT ... DO UPDATE is an update."""
    call = f"EXECUTE FUNCTION {table}_refuse()"
    return [
        _FUNCTION.format(table=table),
        f"CREATE TRIGGER {table}_refuse_change BEFORE UPDATE OR DELETE ON {table} "
        f"FOR EACH ROW {call}",
        f"CREATE TRIGGER {table}_refuse_truncate BEFORE TRUNCATE ON {table} "
        f"FOR EACH STATEMENT {call}",
    ]
