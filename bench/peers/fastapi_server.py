"""The peer that people would pick: FastAPI, httpx and sse-starlette on uvicorn.

UPSTREAM=http://127.0.0.1:9000/v1 uvicorn --app-dir bench/peers fastapi_server:app
"""

import json
import os
from collections.abc import AsyncIterator

import httpx
from fastapi import FastAPI, Request
from sse_starlette import EventSourceResponse

app = FastAPI()
client = httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=None))
URL = os.environ["UPSTREAM"] + "/chat/completions"


@app.post("/chat/stream")
async def stream(request: Request) -> EventSourceResponse:
    return EventSourceResponse(tokens(await request.json()))


async def tokens(body: dict[str, object]) -> AsyncIterator[dict[str, str]]:
    async with client.stream("POST", URL, json={**body, "stream": True}) as response:
        async for line in response.aiter_lines():
            if line.startswith("data: {"):
                text = json.loads(line[6:])["choices"][0]["delta"].get("content")
                if text:
                    yield {"event": "token", "data": text}
