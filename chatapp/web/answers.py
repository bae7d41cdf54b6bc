"""From a parsed request to a run, and from a run to a streamed response: what all streaming endpoints share."""

from collections.abc import Callable
from functools import partial

from flask import Response, request

from chatapp.chat import Chat, Message
from chatapp.client_socket import ClientSocket
from chatapp.conversations import Begun, Question
from chatapp.dialects import Dialect
from chatapp.errors import InvalidField, NotFound, Unreachable
from chatapp.providers import Provider
from chatapp.streaming import HEADERS, Read, ReaderLeft, WhollyReceived, open_reader
from chatapp.web import current_owner, services, trace_id
from chatapp.web.bodies import ChatRequest, MessageRequest


def begin_answer(asked: ChatRequest, keep: bool) -> Begun:
    """Store what was asked, start the run; `keep`: in a new conversation where none is named."""
    app = services()
    provider, model = choose(asked.provider, asked.model)
    turns = asked.turns()
    app.runs.admit()
    begun = app.conversations.begin(_question(asked, provider, model, turns, keep))
    if not begun.found:
        chat = Chat(
            model=model,
            messages=begun.messages,
            thinking=asked.thinking,
            max_tokens=asked.max_tokens,
            temperature=asked.temperature,
        )
        app.runs.start(begun.id, trace_id(), provider, chat)
    return begun


def choose(name: str | None, model: str | None) -> tuple[Provider, str]:
    """The provider and model to use. Raises NotFound, naming the field; Unreachable where no model can be found."""
    providers = services().providers
    name = name or providers.default
    if name not in providers.by_name:
        raise NotFound(f"provider: there is none named {name!r}; there are {', '.join(providers.by_name)}")
    provider = providers.by_name[name]
    models = provider.models()
    if model is None and not models:
        raise Unreachable(f"model: {name} cannot be asked for its models now; name one, or see whether it is running")
    if model is not None and models and model not in models:
        raise NotFound(f"model: {name} has none named {model!r}; it has {', '.join(models)}")
    return provider, model or models[0]


def respond(read: Read, dialect: Dialect, on_left: Callable[[], None] | None = None) -> Response:
    """The streamed response; 204 where the client has it all. `on_left`: the client went before the end.

    Without `on_left` the client is one that resumes: when the server goes down it is sent elsewhere.
    """
    try:
        reader = open_reader(read, dialect, position())
    except WhollyReceived:
        return Response(status=204)
    app = services()
    left = partial(reader.scope.cancel, ReaderLeft)
    client = ClientSocket(
        request.environ.get("gunicorn.socket"), left, app.settings.send_timeout_s, app.settings.send_buffer_bytes
    )

    def close() -> None:
        client.stop()
        app.readers.remove(reader)
        if on_left is not None and not reader.ended:
            on_left()

    if on_left is None:
        app.readers.add(reader)
    client.start()
    response = Response(reader.follow(app.settings.heartbeat_s, trace_id()), headers=HEADERS)
    response.call_on_close(close)
    return response


def position() -> int:
    """The seq that the client has: `Last-Event-ID`, which a browser keeps up to date, else `after`. -1: no seq at all."""
    if header := request.headers.get("Last-Event-ID"):
        return int(header) if header.isdecimal() and len(header) < 19 else -1
    after = request.args.get("after", "0")
    if not (after.isdecimal() and len(after) < 19):
        raise InvalidField("after: expected a seq, a whole number")
    return int(after)


def _question(asked: ChatRequest, provider: Provider, model: str, turns: list[Message], keep: bool) -> Question:
    message = asked if isinstance(asked, MessageRequest) else MessageRequest()
    conversation_id = asked.conversation_id
    if message.retry_of is not None and conversation_id is None:
        conversation_id = services().conversations.message(current_owner(), message.retry_of).conversation_id
    return Question(
        owner=current_owner(),
        provider=provider.name,
        model=model,
        messages=turns,
        conversation_id=conversation_id,
        retry_of=message.retry_of,
        idempotency_key=request.headers.get("Idempotency-Key"),
        result_mode=message.result_mode,
        keep=keep,
    )
