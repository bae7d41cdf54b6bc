"""From a parsed request to a run, and from a run to a streamed response: what all streaming endpoints share."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import msgspec
from flask import Response, request

from chatapp.agent_setup import answerer
from chatapp.chat import Chat, Message
from chatapp.client_socket import ClientSocket
from chatapp.dialects import Dialect
from chatapp.errors import InvalidField, NotFound, RunFailed, Unreachable
from chatapp.providers import Checks, Provider
from chatapp.question import Begun, Question
from chatapp.streaming import HEADERS, Read, ReaderLeft, ServerLeaves, WhollyReceived, open_reader
from chatapp.transcript import Transcript
from chatapp.web import current_owner, services, trace_id

NO_HEADERS: Mapping[str, str] = {}
NO_FIELDS: Mapping[str, object] = {}


def begin_answer(
    chat: Chat,
    provider: str | None,
    *,
    conversation_id: str | None = None,
    retry_of: str | None = None,
    keep: bool = False,
    result_mode: str | None = None,
    tools: Sequence[str] | None = None,
    agent: str | None = None,
    previous: str | None = None,
    instructions: Sequence[Message] = (),
    asked: Mapping[str, object] = NO_FIELDS,
) -> Begun:
    """Store what was asked and start the run.

    `chat` holds what is said now, and an empty model for the default; the history of the conversation is put before
    it. `keep`: in a new conversation where none is named. `tools` are names of ours; None: the default ones. `agent`
    is the name of the one that answers; None: the model itself. Tools in `chat` are the client's to run. `previous`: go on from this answer. `instructions` come first and are not kept.
    `asked`: what the request's protocol wants repeated beside the answer.
    """
    app = services()
    chosen, model = choose(provider, chat.model or None)
    if isinstance(chosen, Checks):
        chosen.check(msgspec.structs.replace(chat, model=model))
    if retry_of is not None and conversation_id is None:
        conversation_id = app.conversations.message(current_owner(), retry_of).conversation_id
    question = Question(
        owner=current_owner(),
        provider=chosen.name,
        model=model,
        messages=chat.messages,
        conversation_id=conversation_id,
        session_id=chat.session_id or None,
        retry_of=retry_of,
        previous=previous,
        asked=dict(asked),
        idempotency_key=request.headers.get("Idempotency-Key"),
        result_mode=result_mode,
        keep=keep,
    )
    acting = app.agents.find(agent)
    offered = app.tools.choose(tools, agent=acting is not None)
    app.runs.admit()
    begun = app.conversations.begin(question)
    if not begun.found:
        whole = msgspec.structs.replace(chat, model=model, messages=[*instructions, *begun.messages])
        source = answerer(chosen, app.tools.toolbox(begun.id, offered), acting)
        app.runs.start(begun.id, trace_id(), source, whole)
    return begun


def choose(name: str | None, model: str | None) -> tuple[Provider, str]:
    """The provider and model to use; without a provider's name, `model` may be `provider/model`, or be known to one.

    Raises NotFound, naming the field; Unreachable where no model can be found.
    """
    providers = services().providers
    if name is None and model is not None:
        name, model = _provider_of(model)
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


def _provider_of(model: str) -> tuple[str | None, str | None]:
    """Who is meant by a model's name alone."""
    providers = services().providers
    prefix, _, rest = model.partition("/")
    if prefix in providers.by_name:
        return prefix, rest or None
    return next((name for name, models in providers.listings().items() if model in models), None), model


def whole_answer(run_id: str, on_left: Callable[[], None]) -> Transcript:
    """Wait for the run's end. Where the client leaves before it, `on_left` is called and the wait goes on: the run
    then ends by itself."""
    app = services()
    client = client_socket(on_left)
    client.start()
    try:
        transcript = Transcript()
        while transcript.end is None:
            for entry in app.log.read(run_id, transcript.last_seq, app.settings.heartbeat_s):
                transcript.add(entry)
        return transcript
    finally:
        client.stop()


def succeeded(said: Transcript) -> Transcript:
    """The whole answer of a run that did not fail. Raises RunFailed."""
    if said.end is not None and said.end.error is not None:
        raise RunFailed(said.end.error.code, said.end.error.message, said.end.error.retryable)
    return said


def respond(
    read: Read,
    dialect: Dialect,
    on_left: Callable[[], None] | None = None,
    headers: Mapping[str, str] = NO_HEADERS,
    run_id: str = "",
) -> Response:
    """The streamed response; 204 where the client has it all. `on_left`: the client went before the end.

    `run_id`: the client resumes at the address that began the run, which ids must name then. With it, or without
    `on_left`, the client is one that resumes: when the server goes down it is sent elsewhere.
    """
    suffix = f"@{run_id}" if run_id else ""
    try:
        reader = open_reader(read, dialect, position(suffix) if dialect.own else 0, suffix)
    except WhollyReceived:
        return Response(status=204)
    app = services()
    client = client_socket(partial(reader.scope.cancel, ReaderLeft))

    def close() -> None:
        client.stop()
        app.readers.remove(reader)
        if on_left is not None and not reader.ended and reader.scope.reason is not ServerLeaves:
            on_left()

    if dialect.own and (on_left is None or run_id):
        app.readers.add(reader)
    client.start()
    response = Response(reader.follow(app.settings.heartbeat_s, trace_id()), headers={**HEADERS, **headers})
    response.call_on_close(close)
    return response


def position(suffix: str = "") -> int:
    """The seq that the client has: `Last-Event-ID`, which a browser keeps up to date, else `after`. -1: no seq at all.

    `suffix` is what the ids of this response have after the seq.
    """
    if header := request.headers.get("Last-Event-ID", "").removesuffix(suffix):
        return int(header) if header.isdecimal() and len(header) < 19 else -1
    after = request.args.get("after", "0")
    if not (after.isdecimal() and len(after) < 19):
        raise InvalidField("after: expected a seq, a whole number")
    return int(after)


def client_socket(on_gone: Callable[[], None]) -> ClientSocket:
    """The connection of this request, watched and limited as the settings say once it is started."""
    settings = services().settings
    sock = request.environ.get("gunicorn.socket")
    return ClientSocket(sock, on_gone, settings.send_timeout_s, settings.send_buffer_bytes)
