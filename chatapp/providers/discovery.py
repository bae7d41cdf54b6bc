"""What the environment offers without configuration.

The local model if its parts are installed, every provider whose usual key is set, an Ollama
(whether it runs shows when it is asked), and the mock.
"""

import logging
from collections.abc import Mapping
from typing import NamedTuple

from chatapp.settings.tables import ProviderConfig, ProviderType, ThinkingStyle

logger = logging.getLogger(__name__)


class Found(NamedTuple):
    """A provider that is offered if the environment `variable` holds its key."""

    name: str
    variable: str
    type: ProviderType = "openai"
    base_url: str | None = None
    thinking: ThinkingStyle | None = None
    models: tuple[str, ...] = ()


FOUND_BY_KEY = (
    Found("openai", "OPENAI_API_KEY", thinking="openai"),
    Found("anthropic", "ANTHROPIC_API_KEY", "anthropic"),
    Found("gemini", "GEMINI_API_KEY", "gemini"),
    Found("gemini", "GOOGLE_API_KEY", "gemini"),
    Found("deepseek", "DEEPSEEK_API_KEY", base_url="https://api.deepseek.com", thinking="deepseek"),
    Found(
        "qwen",
        "DASHSCOPE_API_KEY",
        base_url="https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        thinking="qwen",
    ),
    Found("moonshot", "MOONSHOT_API_KEY", base_url="https://api.moonshot.ai/v1", thinking="moonshot"),
    Found("glm", "ZAI_API_KEY", base_url="https://api.z.ai/api/paas/v4", thinking="glm"),
    Found("mistral", "MISTRAL_API_KEY", base_url="https://api.mistral.ai/v1", thinking="mistral"),
    Found("groq", "GROQ_API_KEY", base_url="https://api.groq.com/openai/v1", thinking="groq"),
    Found("cerebras", "CEREBRAS_API_KEY", base_url="https://api.cerebras.ai/v1", thinking="cerebras"),
    Found("xai", "XAI_API_KEY", base_url="https://api.x.ai/v1", thinking="xai"),
    Found("perplexity", "PERPLEXITY_API_KEY", base_url="https://api.perplexity.ai", models=("sonar", "sonar-pro")),
    Found("openrouter", "OPENROUTER_API_KEY", base_url="https://openrouter.ai/api/v1", thinking="openrouter"),
)


def discover(environ: Mapping[str, str], local_missing: str | None, mock: bool = True) -> dict[str, ProviderConfig]:
    """The providers by name, in the order in which they are offered.

    `local_missing`: why there is no local model, if there is none; it is logged. `mock`: whether
    that is offered.
    """
    found = {}
    if local_missing:
        logger.warning("%s Going on without it.", local_missing)
    else:
        found["local"] = ProviderConfig(type="local")
    for row in FOUND_BY_KEY:
        if row.name not in found and environ.get(row.variable):
            found[row.name] = ProviderConfig(
                type=row.type,
                base_url=row.base_url,
                api_key_env=row.variable,
                thinking=row.thinking,
                models=row.models,
            )
    found["ollama"] = ProviderConfig(type="ollama")
    if mock:
        found["mock"] = ProviderConfig(type="mock")
    return found
