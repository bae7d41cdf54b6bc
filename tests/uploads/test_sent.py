"""A refusal names the field of the file that it is about."""

import pytest

from chatapp.chat import Ask, Attachment, Message, Sent
from chatapp.errors import InvalidField
from chatapp.uploads.sent import by_the_clients_field


@pytest.mark.parametrize("names", [("a.txt", "data.txt"), ("data.txt", "a.txt")])
def test_a_name_that_is_in_another_files_name_is_not_meant(names: tuple[str, str]) -> None:
    sent = Ask(said=[Message("user", [Sent(f"field of {name}", name, b"") for name in names])])
    files = [Attachment(f"file_{name}", name, "text/plain", 1, 1) for name in names]
    attached = Ask(said=[Message("user", [*files])])
    refused = pytest.raises(InvalidField, match=r"^field of data\.txt: .* remove data\.txt$")
    with refused, by_the_clients_field(sent, attached):
        raise InvalidField("attachments: the model takes no texts; ask another one, or remove data.txt")
