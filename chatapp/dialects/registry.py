"""All dialects, by the names that clients ask for."""

from chatapp.dialects import Dialect
from chatapp.dialects.agui.events import AGUIDialect
from chatapp.dialects.ai_sdk.events import UIMessageDialect
from chatapp.dialects.anthropic.events import AnthropicDialect
from chatapp.dialects.delta import DeltaDialect
from chatapp.dialects.message import MessageDialect, RawPassthroughDialect, XMLPlaintextDialect
from chatapp.dialects.openai_chat.events import OpenAIDialect
from chatapp.dialects.openai_responses.events import ResponsesDialect
from chatapp.dialects.reasoning import ReasoningDialect
from chatapp.dialects.session import SessionDialect
from chatapp.dialects.token import TokenDialect

OWN_DIALECTS = (
    DeltaDialect,
    MessageDialect,
    RawPassthroughDialect,
    ReasoningDialect,
    SessionDialect,
    TokenDialect,
    XMLPlaintextDialect,
)
VENDOR_DIALECTS = (AGUIDialect, AnthropicDialect, OpenAIDialect, ResponsesDialect, UIMessageDialect)
DIALECTS: dict[str, type[Dialect]] = {dialect.name: dialect for dialect in (*OWN_DIALECTS, *VENDOR_DIALECTS)}
"""Any run, live or finished, can be read in each of them."""
