"""What tables are made of: column types that mean the same on SQLite and PostgreSQL, and names of constraints."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Dialect,
    Integer,
    LargeBinary,
    MetaData,
    Text,
    TypedColumns,
)
from sqlalchemy.types import TypeDecorator

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
RowNumber = BigInteger().with_variant(Integer(), "sqlite")


class UtcTime(TypeDecorator[datetime]):
    """An aware UTC time; naive times are refused. SQLite stores it as text that sorts by time."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """To the database."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """From the database."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Columns(TypedColumns):
    """The columns of a table. It is never an object: ``TABLE.c.name`` is a column, and mypy knows their names."""

    if TYPE_CHECKING:
        __getattr__ = None  # type: ignore[assignment, misc]  # else any name would do


METADATA = MetaData(naming_convention=NAMING)

TEXT = Column(Text, nullable=False)
TEXT_OR_NONE = Column(Text)
TIME = Column(UtcTime, nullable=False)
TIME_OR_NONE = Column(UtcTime)
NUMBER = Column(Integer, nullable=False)
NUMBER_OR_NONE = Column(Integer)
DOCUMENT = Column(JSON, nullable=False)
BYTES = Column(LargeBinary, nullable=False)
BYTES_OR_NONE = Column(LargeBinary)
"""What most columns are; each table makes copies."""
