"""What the server says in English to programs and models, and its pages say in their readers'
language, too.

The messages of errors name fields and numbers, and stay as they are: a page that is not in English
says the sentence for the code, and the message behind it.
"""


def N_(sentence: str) -> str:
    """Marks a sentence for the catalogues."""
    return sentence


FAILURES = {
    "internal_error": N_("The server could not answer this request."),
    "invalid_request": N_("The request was not understood."),
    "invalid_field": N_("Something in the request is not right."),
    "unauthorized": N_("You have to sign in for this."),
    "forbidden": N_("You may not do this."),
    "not_found": N_("This does not exist, or no longer."),
    "method_not_allowed": N_("This address cannot be used in this way."),
    "request_timeout": N_("The request took too long to arrive."),
    "body_too_large": N_("The request is too large."),
    "unsupported_media_type": N_("The server cannot read this type of file."),
    "rate_limit_exceeded": N_("Too many requests. Wait a moment and try again."),
    "token_limit_exceeded": N_("The limit of tokens is reached."),
    "budget_exceeded": N_("The budget is used up."),
    "log_unavailable": N_("The server's store cannot be reached. Try again soon."),
    "log_lost": N_("The answer was lost on the server."),
    "database_unavailable": N_("The server's database cannot be reached. Try again soon."),
    "login_unavailable": N_("Signing in is not possible now. Try again soon."),
    "overloaded": N_("The server is busy. Try again soon."),
    "run_timeout": N_("The answer took too long and was ended."),
    "interrupted": N_("The answer was interrupted before it was complete."),
    "upstream_error": N_("The provider failed."),
    "upstream_unreachable": N_("The provider cannot be reached."),
    "upstream_timeout": N_("The provider took too long."),
    "upstream_unavailable": N_("The provider is not available now."),
    "upstream_rejected": N_("The provider refused the request."),
    "upstream_refused_request": N_("The provider found a fault in the request."),
    "context_length_exceeded": N_("The conversation is too long for this model."),
    "rate_limited": N_("The provider's limit is reached. Wait a moment and try again."),
    "upstream_reported_error": N_("The provider reported an error."),
    "upstream_bad_reply": N_("The provider's reply was not understood."),
    "upstream_frame_too_large": N_("A part of the provider's reply was too large."),
    "upstream_truncated": N_("The provider's reply broke off."),
    "upstream_too_large": N_("The provider's reply was too large."),
}
"""By the codes of errors."""

TOOLS = (
    N_("The current date and time in a time zone."),
    N_("The value of an arithmetic expression."),
    N_("A stock quote from a sample table for demonstrations: companies that do not exist, prices that are not real."),
)
"""What the built-in tools do, as models are told."""

PROBE = (
    N_("The ticks came one by one: nothing on the way holds them back."),
    N_("The ticks were held back and came together: something on the way buffers the stream."),
    N_("a proxy that does not show itself"),
)
"""What the probe finds, as far as it names nothing that it has seen."""

FILE_ERRORS = (N_("the file was not kept in the export"),)
"""Why a message has no file, as far as it is said in fixed words."""
