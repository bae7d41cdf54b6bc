"""OpenAI's chat completions: what is asked, what is answered."""
