"""A provider gets the contents of attachments, read once for all its requests."""

from collections.abc import Sequence

from drivers import ScriptedProvider

from chatapp.cancel import CancelScope
from chatapp.chat import Attachment, Chat, Image, Message, Part, Text
from chatapp.generation.attached import AttachingProvider
from chatapp.providers import Finished

FILE = Attachment("file_1", "a.png", "image/png", 3)
PICTURE = Image("data:image/png;base64,AAAA")


def test_contents_take_the_place_of_attachments() -> None:
    loaded: list[tuple[str, Sequence[Attachment]]] = []

    def load(owner: str, files: Sequence[Attachment]) -> dict[str, Part]:
        loaded.append((owner, files))
        return {FILE.id: PICTURE}

    provider = ScriptedProvider([Finished("stop")], [Finished("stop")])
    attaching = AttachingProvider(provider, load)
    chat = Chat(model="m", messages=[Message("user", [FILE, Text("Well?")]), Message("user", "So?")], owner="ann")
    for _ in range(2):
        list(attaching.stream(chat, CancelScope()))
    assert loaded == [("ann", [FILE])]
    for asked in provider.asked:
        assert asked.messages == [Message("user", [PICTURE, Text("Well?")]), Message("user", "So?")]
    assert provider.closed == 2 and list(attaching.models()) == ["m"] and attaching.name == "scripted"
