"""OpenAI's Responses: what is asked, what is answered."""
