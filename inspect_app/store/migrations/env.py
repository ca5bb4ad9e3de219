"""Alembic runs this file: it takes the open connection and goes through the steps on it."""

from alembic import context

from inspect_app.store.migrate import VERSION_TABLE


def go_through_the_steps() -> None:
    """Run them on the connection that `inspect_app.store.migrate` has put into the settings."""
    connection = context.config.attributes["connection"]
    context.configure(connection=connection, version_table=VERSION_TABLE)
    with context.begin_transaction():
        context.run_migrations()


if __name__ != "inspect_app.store.migrations.env":  # Alembic loads the file by its path
    go_through_the_steps()
