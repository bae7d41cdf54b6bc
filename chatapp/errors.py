"""Everything that can go wrong, drawn as a tree. It knows no HTTP library and no provider.

ChatappError
├── RunFailed                   a run's error, for a client that waits for the whole answer
├── ConfigError                 the start is refused; the message names the key
├── RequestError                the client's doing: answered before the first byte
│   ├── InvalidRequest          400  not what this endpoint takes: malformed JSON, an empty prompt
│   │   └── InvalidField        422  a field of the wrong type or out of range
│   ├── Forbidden               403  asked for by another site's page
│   ├── NotFound                404  no such thing, or not yours
│   ├── BodyTooLarge            413
│   └── UnsupportedMediaType    415
├── LogError
│   ├── UnknownRun              404  no such log, or trimmed
│   └── LogUnavailable          503  the store does not take or give events
├── DatabaseUnavailable         503  the conversations cannot be read or written
├── Overloaded                  503  this process does not start more runs
└── UpstreamError               the provider's doing: `run-end` carries it
    ├── Unreachable             502  no connection
    ├── UpstreamTimeout         504  silent, or longer than allowed
    ├── Unavailable             503  not asked: it kept failing just now
    ├── Rejected                502  answered with an HTTP error
    │   └── RateLimited         429
    ├── Reported                502  said in its stream that it failed
    ├── BadReply                502  not what its protocol says
    │   └── FrameTooLarge       502  a line or an event of its stream is larger than allowed
    ├── Truncated               502  ended without an end
    └── ReplyTooLarge           502  larger than the settings allow

Each class has a `code` for programs, a `status` for HTTP and a message that is safe to show: it never quotes
a key, a provider's body or a traceback.
"""


class ChatappError(Exception):
    code = "internal_error"
    status = 500
    retryable = False

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class RunFailed(ChatappError):
    """A run that ended as `error` or `interrupted`, told to a client that waits for the whole answer: with the code that
    its `run-end` carries, and the status of the class that has this code."""

    def __init__(self, code: str, message: str, retryable: bool) -> None:
        super().__init__(message)
        self.code = code
        self.status = status_of(code)
        self.retryable = retryable


def status_of(code: str) -> int:
    """The HTTP status for the code of a failed run."""
    return 503 if code == "interrupted" else _statuses(ChatappError).get(code, 500)


def _statuses(tree: type[ChatappError]) -> dict[str, int]:
    below = [_statuses(child) for child in tree.__subclasses__()]
    return {code: status for statuses in below for code, status in statuses.items()} | {tree.code: tree.status}


class ConfigError(ChatappError):
    code = "bad_configuration"


class RequestError(ChatappError):
    status = 400


class InvalidRequest(RequestError):
    code = "invalid_request"


class InvalidField(InvalidRequest):
    code = "invalid_field"
    status = 422


class Forbidden(RequestError):
    code = "forbidden"
    status = 403


class NotFound(RequestError):
    code = "not_found"
    status = 404


class BodyTooLarge(RequestError):
    code = "body_too_large"
    status = 413


class UnsupportedMediaType(RequestError):
    code = "unsupported_media_type"
    status = 415


class LogError(ChatappError):
    pass


class UnknownRun(LogError):
    code = "not_found"
    status = 404


class LogUnavailable(LogError):
    code = "log_unavailable"
    status = 503
    retryable = True


class DatabaseUnavailable(ChatappError):
    code = "database_unavailable"
    status = 503
    retryable = True


class Overloaded(ChatappError):
    code = "overloaded"
    status = 503
    retryable = True


class UpstreamError(ChatappError):
    code = "upstream_error"
    status = 502


class Unreachable(UpstreamError):
    code = "upstream_unreachable"
    retryable = True


class UpstreamTimeout(UpstreamError):
    code = "upstream_timeout"
    status = 504
    retryable = True


class Unavailable(UpstreamError):
    code = "upstream_unavailable"
    status = 503
    retryable = True


class Rejected(UpstreamError):
    """The provider answered with an HTTP error. `upstream_status` is its status; `retry_after` is in seconds."""

    code = "upstream_rejected"

    def __init__(self, message: str, upstream_status: int, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.upstream_status = upstream_status
        self.retry_after = retry_after
        self.retryable = upstream_status >= 500


class RateLimited(Rejected):
    code = "rate_limited"
    status = 429

    def __init__(self, message: str, upstream_status: int = 429, retry_after: float | None = None) -> None:
        super().__init__(message, upstream_status, retry_after)
        self.retryable = True


class Reported(UpstreamError):
    code = "upstream_reported_error"
    retryable = True


class BadReply(UpstreamError):
    code = "upstream_bad_reply"
    retryable = True


class FrameTooLarge(BadReply):
    code = "upstream_frame_too_large"
    retryable = False


class Truncated(UpstreamError):
    code = "upstream_truncated"
    retryable = True


class ReplyTooLarge(UpstreamError):
    code = "upstream_too_large"
