"""What owners said to questions of running calls, in SQL: said in one process, found by the one in
which the call waits."""

import logging
from typing import cast

import msgspec
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import sessionmaker

from chatapp.errors import DatabaseUnavailable
from chatapp.storage.tables import UserInputRow
from chatapp.tools import InputState, UserInput

logger = logging.getLogger(__name__)


class StoredUserInputs:
    """`chatapp.tools.UserInputs` over the database of the conversations."""

    def __init__(self, engine: Engine) -> None:
        self._session = sessionmaker(engine)

    def said(self, run_id: str, question_id: str) -> UserInput | None:
        try:
            with self._session() as session:
                row = session.get(UserInputRow, (run_id, question_id))
                return _value(row) if row else None
        except SQLAlchemyError as error:
            raise _unavailable(error) from None

    def say(self, run_id: str, question_id: str, said: UserInput) -> UserInput:
        content = msgspec.json.encode(said.content).decode()
        try:
            with self._session.begin() as session:
                session.add(UserInputRow(run_id=run_id, question_id=question_id, state=said.state, content=content))
        except IntegrityError:  # said before, or the message is gone, and nobody will ask
            return self.said(run_id, question_id) or said
        except SQLAlchemyError as error:
            raise _unavailable(error) from None
        return said


def _value(row: UserInputRow) -> UserInput:
    return UserInput(cast(InputState, row.state), msgspec.json.decode(row.content, type=dict[str, object]))


def _unavailable(error: SQLAlchemyError) -> DatabaseUnavailable:
    logger.error("the database failed: %s", error)
    return DatabaseUnavailable("what was said to a tool is not available; try again in a moment")
