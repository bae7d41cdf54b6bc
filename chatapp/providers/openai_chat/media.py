"""What chat completions say beside the text: pictures, and the sources that the text cites. Pure.

OpenAI has `annotations`, OpenRouter `images` as well. Perplexity and xAI repeat in every chunk the
`citations`, which are addresses, and Perplexity their titles in `search_results`; GLM and Qwen have
names of their own for the pages that were found.
"""

from collections.abc import Iterator

import msgspec
from msgspec import UNSET, UnsetType

from chatapp.events import CitedSource, File
from chatapp.providers.media import annotations, cited, file_of_url, objects, texts


class Beside(msgspec.Struct, gc=False):
    """The fields of a message that are not its text; of any type, for they must not cost it."""

    annotations: msgspec.Raw | UnsetType = UNSET
    images: msgspec.Raw | UnsetType = UNSET


class Found(msgspec.Struct, gc=False):
    """The fields of a chunk that say which pages were found."""

    citations: msgspec.Raw | UnsetType = UNSET
    search_results: msgspec.Raw | UnsetType = UNSET
    web_search: msgspec.Raw | UnsetType = UNSET
    search_info: msgspec.Raw | UnsetType = UNSET


def beside(message: Beside) -> Iterator[CitedSource | File]:
    yield from annotations(objects(message.annotations))
    for part in objects(message.images):
        url = part.get("image_url")
        url = url.get("url") if isinstance(url, dict) else url
        if isinstance(url, str) and url:
            yield file_of_url(url)


class Pages:
    """The pages that the provider found, in the order in which the text numbers them; told once, at
    the end, because titles may come later than addresses."""

    def __init__(self) -> None:
        self._pages: dict[str, CitedSource] = {}

    def take(self, found: Found) -> None:
        for url in texts(found.citations):
            self._pages.setdefault(url, cited(url))
        nested = [one.get("search_results") for one in objects(found.search_info)]
        listed = [one for pages in nested if isinstance(pages, list) for one in pages if isinstance(one, dict)]
        for page in [*objects(found.citations), *objects(found.search_results), *objects(found.web_search), *listed]:
            source = cited(page.get("url") or page.get("link"), page.get("title"), page.get("snippet"))
            if source.url:
                self._pages[source.url] = source

    def end(self) -> Iterator[CitedSource]:
        yield from self._pages.values()
