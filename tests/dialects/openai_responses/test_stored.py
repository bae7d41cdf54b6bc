"""What is stored, as items that a client can send again."""

import base64

from chatapp.chat import Document, Message
from chatapp.dialects.openai_responses.stored import StoredItems


def test_a_text_that_was_to_be_cited_comes_with_its_words() -> None:
    [item] = StoredItems().of_message("msg_1", Message("user", [Document("plan", "", "Buy bread.")]))
    [part] = item["content"]
    assert (part["type"], part["filename"]) == ("input_file", "plan")
    assert base64.b64decode(part["file_data"].removeprefix("data:text/plain;base64,")) == b"Buy bread."
