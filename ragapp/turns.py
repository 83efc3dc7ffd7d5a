"""Turns of a conversation: what a follow-up question stands on, and what is kept of an answer."""

from __future__ import annotations

from dataclasses import replace

from ragapp.answers import Answer
from ragapp.followup import PastTurn
from ragapp.indexes.conversations import Conversations
from ragapp.serialization import from_json, to_json

_TURNS_REMEMBERED = 3
"""A follow-up question leaves out what was named in one of so many turns before it."""


def past_turns(conversations: Conversations, conversation: int) -> list[PastTurn]:
    """Give the last turns of a conversation.

    Args:
        conversations: The catalog's conversations.
        conversation: Which one.

    Returns:
        The turns, oldest first, with the answers that were given; empty where one was withheld.

    Raises:
        IndexError_: If there is no such conversation.
    """
    conversations.require(conversation)
    turns = conversations.turns(conversation, _TURNS_REMEMBERED)
    answers = [from_json(turn.answer) for turn in turns]
    return [PastTurn(answer.understood_as, "" if answer.abstained else answer.text) for answer in answers]


def store_turn(conversations: Conversations, conversation: int, answer: Answer) -> None:
    """Put a question and its answer at the end of a conversation.

    Args:
        conversations: The catalog's conversations.
        conversation: Which one.
        answer: The answer; its passages are left out: a transcript keeps what it quoted, not whole documents that may
            be removed later.
    """
    conversations.add_turn(conversation, answer.question, to_json(replace(answer, passages=())))
