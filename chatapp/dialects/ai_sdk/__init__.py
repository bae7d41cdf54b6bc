"""The AI SDK's UI messages: what is asked, what is answered."""
