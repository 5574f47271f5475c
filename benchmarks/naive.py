"""A labeling bot as a tutorial would have it: the library's own client, one commit and one RQ job for each tap.

It does less than the product: no roles, no leases, no consensus, no texts in languages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from redis import Redis
from rq import Queue
from sqlalchemy import Engine, ForeignKey, exists, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Update
from telegram.ext import ApplicationBuilder, CallbackQueryHandler, ContextTypes

from benchmarks.crowd import LABELS, QUESTION, TEXT
from core.config import Settings
from core.db import make_engine

TOKEN = "123456789:" + "A" * 35


class Base(DeclarativeBase):
    """Tables of their own, beside those of the product."""


class Question(Base):
    """An item."""

    __tablename__ = "naive_item"
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]


class Answer(Base):
    """An annotation."""

    __tablename__ = "naive_annotation"
    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey(Question.id), index=True)
    user_id: Mapped[int] = mapped_column(index=True)
    label: Mapped[str]


def job(annotation_id: int) -> int:
    """What a worker would do with an annotation."""
    return annotation_id


class Naive:
    """The bot."""

    def __init__(self, engine: Engine, redis: Redis) -> None:
        self._engine = engine
        self._queue = Queue("naive", connection=redis)

    async def telegram(self, url: str) -> None:
        """Answer the updates of a Bot API server until cancelled."""
        application = ApplicationBuilder().token(TOKEN).base_url(f"{url}/bot").build()
        application.add_handler(CallbackQueryHandler(self._on_tap))
        async with application:
            await application.start()
            assert application.updater is not None
            await application.updater.start_polling()
            try:
                await asyncio.Event().wait()
            finally:
                with suppress(asyncio.CancelledError):
                    await application.updater.stop()
                    await application.stop()

    async def _on_tap(self, update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        query = update.callback_query
        assert query is not None
        assert query.data is not None
        label, item_id = query.data.split(":")
        with Session(self._engine) as session:
            answer = Answer(item_id=int(item_id), user_id=query.from_user.id, label=label)
            session.add(answer)
            session.flush()
            annotation_id = answer.id
            following = session.scalars(_next(query.from_user.id)).one()
            next_id, text = following.id, following.text
            session.commit()
        self._queue.enqueue(job, annotation_id)
        await query.answer("Saved")
        await query.edit_message_text(f"{QUESTION}\n\n{text}", reply_markup=_keyboard(next_id))


def _next(user_id: int) -> Any:
    mine = exists().where(Answer.item_id == Question.id, Answer.user_id == user_id)
    return select(Question).where(~mine).order_by(Question.id).limit(1)


def _keyboard(item_id: int) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([[InlineKeyboardButton(label, callback_data=f"{label}:{item_id}")] for label in LABELS])


@contextmanager
def naive(settings: Settings, items: int) -> Iterator[Naive]:
    """One with so many items, closed afterwards."""
    engine = make_engine(settings)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([Question(text=f"{TEXT} {number}") for number in range(items)])
        session.commit()
    try:
        with Redis.from_url(settings.redis_url) as redis:
            yield Naive(engine, redis)
    finally:
        engine.dispose()


def payloads(people: int) -> dict[str, str]:
    """The first item for everybody."""
    return {str(number): f"{LABELS[0]}:1" for number in range(1, people + 1)}
