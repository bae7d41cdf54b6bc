"""OpenAI's chat completions, which many servers speak."""
