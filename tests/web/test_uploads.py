"""Files are uploaded, attached to a question, read by the model, and seen by their owner alone."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pdfs import pdf
from waiting import soon
from web.conftest import served

from chatapp.chat import Attachment
from chatapp.providers.mock.media import picture
from chatapp.service import ChatService

FILES, MESSAGES = "/api/v1/files", "/api/v1/messages"


@pytest.fixture
def ann(client: FlaskClient) -> FlaskClient:
    client.get("/")
    return client


def upload(client: FlaskClient, name: str, data: bytes, status: int = 201) -> dict[str, Any]:
    head = f'--b\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    form = head.encode() + data + b"\r\n--b--\r\n"
    response = client.post(FILES, data=form, content_type="multipart/form-data; boundary=b")
    assert response.status_code == status, response.get_data(as_text=True)
    body: dict[str, Any] = response.get_json()
    return body


def ask(client: FlaskClient, status: int = 202, **fields: Any) -> dict[str, Any]:
    response = client.post(MESSAGES, json={"provider": "mock", "max_tokens": 30, **fields})
    assert response.status_code == status, response.get_data(as_text=True)
    body: dict[str, Any] = response.get_json()
    return body


def answered(client: FlaskClient, id: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The question and the answer, once that has ended."""

    def ended() -> Any:
        message = client.get(f"{MESSAGES}/{id}").get_json()
        return message if message["status"] == "done" else None

    answer = soon(ended)
    return client.get(f"{MESSAGES}/{answer['parent']}").get_json(), answer


def test_a_model_reads_a_text_file_and_its_question_shows_it(ann: FlaskClient) -> None:
    file = upload(ann, "dir/notes.py", b"print('a')")
    assert file == {
        "id": file["id"],
        "name": "notes.py",
        "media_type": "text/plain",
        "size_bytes": 10,
        "chars": 10,
        "url": f"{FILES}/{file['id']}",
    }
    question, answer = answered(ann, ask(ann, prompt="Well?", attachments=[file["id"]])["id"])
    url = f"{MESSAGES}/{question['id']}/files/{file['id']}"
    shown = {"id": file["id"], "name": "notes.py", "media_type": "text/plain", "size_bytes": 10, "url": url}
    assert question["content"] == "Well?" and question["files"] == [shown]
    assert question["parts"] == [{"type": "file", "file": shown}, {"type": "text", "text": "Well?", "start": 0}]
    assert "notes.py:\n> ```py\n> print('a')\n> ```" in answer["content"]
    conversation = ann.get(f"/api/v1/conversations/{question['conversation_id']}").get_json()
    assert conversation["messages"][0]["files"] == [shown] and conversation["title"] == "Well?"
    assert json.dumps(url) in ann.get(f"/c/{question['conversation_id']}").get_data(as_text=True)


def test_later_questions_and_other_versions_have_the_file_too(ann: FlaskClient) -> None:
    file = upload(ann, "a.txt", b"remember")
    first = ask(ann, prompt="Well?", attachments=[file["id"]])
    question, _ = answered(ann, first["id"])
    again, answer = answered(ann, ask(ann, retry_of=first["id"])["id"])
    assert again["id"] == question["id"] and "remember" in answer["content"]
    edited, answer = answered(ann, ask(ann, edit_of=question["id"], prompt="So?", attachments=[file["id"]])["id"])
    assert edited["files"][0]["id"] == file["id"] and "remember" in answer["content"]


def test_a_picture_is_shown_and_anything_else_saved(ann: FlaskClient) -> None:
    drawn = upload(ann, "a.png", picture())
    got = ann.get(drawn["url"])
    assert (got.data, got.mimetype) == (picture(), "image/png")
    assert got.headers["Content-Disposition"].startswith("inline")
    for name, data in (("a.svg", b"<svg/>"), ("a.html", b"<script>"), ("a.pdf", pdf("a"))):
        got = ann.get(upload(ann, name, data)["url"])
        assert (got.data, got.mimetype) == (data, "application/octet-stream")
        assert got.headers["Content-Disposition"].startswith("attachment")
        assert got.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert got.headers["X-Content-Type-Options"] == "nosniff"


def test_files_stand_in_the_order_in_which_they_are_named(ann: FlaskClient) -> None:
    first, second = (upload(ann, name, b"x")["id"] for name in ("a.txt", "b.txt"))
    question, _ = answered(ann, ask(ann, prompt="compare", attachments=[second, first, second])["id"])
    assert [file["id"] for file in question["files"]] == [second, first]


def test_a_question_may_be_nothing_but_files(ann: FlaskClient) -> None:
    question, answer = answered(ann, ask(ann, attachments=[upload(ann, "a.txt", b"just this")["id"]])["id"])
    assert question["content"] == "" and "just this" in answer["content"]
    told = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": " "}]
    question, answer = answered(
        ann, ask(ann, messages=told, attachments=[upload(ann, "b.txt", b"and this")["id"]])["id"]
    )
    assert question["content"] == "" and "and this" in answer["content"]
    assert ask(ann, 422, attachments=[])["error"]["message"] == "prompt: must not be empty"
    assert ask(ann, 422, messages=told)["error"]["message"] == "messages[1].content: must not be empty"


def test_the_text_of_a_pdf_is_read(ann: FlaskClient) -> None:
    file = upload(ann, "a.pdf", pdf("Bread and milk"))
    assert (file["media_type"], file["chars"]) == ("application/pdf", 14)
    assert "attachments: mock takes no PDF" not in ask(ann, prompt="?", attachments=[file["id"]])
    assert upload(ann, "a.pdf", b"%PDF-nothing", 422)["error"]["message"].startswith("file: a.pdf was refused")


def test_everybody_else_gets_404(app: Flask, ann: FlaskClient) -> None:
    file = upload(ann, "a.txt", b"secret")
    question, _ = answered(ann, ask(ann, prompt="?", attachments=[file["id"]])["id"])
    bob = app.test_client()
    bob.get("/")
    for url in (file["url"], question["files"][0]["url"]):
        assert ann.get(url).data == b"secret" and bob.get(url).status_code == 404
    assert bob.delete(file["url"]).status_code == 404
    other, _ = answered(bob, ask(bob, prompt="?")["id"])
    assert bob.get(f"{MESSAGES}/{other['id']}/files/{file['id']}").status_code == 404
    refused = ask(bob, 422, prompt="?", attachments=[file["id"]])
    assert refused["error"]["message"] == "attachments[0]: no such file; upload it first, to /api/v1/files"


def test_a_viewer_of_a_link_sees_the_files_of_what_is_shared(app: Flask, ann: FlaskClient) -> None:
    file, other = upload(ann, "a.png", picture()), upload(ann, "b.txt", b"other")
    question, _ = answered(ann, ask(ann, prompt="?", attachments=[file["id"]])["id"])
    elsewhere, _ = answered(ann, ask(ann, prompt="?", attachments=[other["id"]])["id"])
    path = ann.post(f"/api/v1/conversations/{question['conversation_id']}/share").get_json()["path"]
    viewer = app.test_client(use_cookies=False)
    shown = viewer.get(f"{path}/messages").get_json()["messages"][0]
    assert shown["files"][0]["url"] == f"{path}/messages/{question['id']}/files/{file['id']}"
    assert shown["parts"][0]["file"] == shown["files"][0]
    assert viewer.get(shown["files"][0]["url"]).data == picture()
    assert viewer.get(f"{path}/messages/{elsewhere['id']}/files/{other['id']}").status_code == 404
    assert viewer.get(file["url"]).status_code == 404


def test_an_unsent_file_can_be_deleted(ann: FlaskClient) -> None:
    file = upload(ann, "a.txt", b"a")
    assert ann.delete(file["url"]).status_code == 204
    assert ann.get(file["url"]).status_code == 404


@pytest.mark.parametrize(
    ("body", "content_type", "status", "message"),
    [
        (b"x", "text/plain", 415, "Content-Type: expected multipart/form-data, got text/plain"),
        (b"x", "multipart/form-data", 415, "Content-Type: expected multipart/form-data, got multipart/form-data"),
        (b"x", "multipart/form-data; boundary=b", 400, "body: malformed; expected a form of one file, as in RFC 7578"),
        (
            b'--b\r\nContent-Disposition: form-data; name="other"\r\n\r\nx\r\n--b--\r\n',
            "multipart/form-data; boundary=b",
            422,
            "file: missing; expected a form with a file in the field 'file'",
        ),
        (
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nx\r\n' * 2 + b"--b--\r\n",
            "multipart/form-data; boundary=b",
            422,
            "file: more than one; send one with each request",
        ),
        (
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nunfinished',
            "multipart/form-data; boundary=b",
            400,
            "body: malformed; expected a form of one file, as in RFC 7578",
        ),
    ],
)
def test_a_form_that_is_none_is_refused(
    ann: FlaskClient, body: bytes, content_type: str, status: int, message: str
) -> None:
    response = ann.post(FILES, data=body, content_type=content_type)
    assert (response.status_code, response.get_json()["error"]["message"]) == (status, message)


def test_a_text_of_the_same_name_is_not_the_file(ann: FlaskClient) -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="file"'
    form = head + b"\r\n\r\nno file\r\n" + head + b'; filename="a.txt"\r\n\r\nthe file\r\n--b--\r\n'
    response = ann.post(FILES, data=form, content_type="multipart/form-data; boundary=b")
    assert ann.get(response.get_json()["url"]).data == b"the file"


def test_files_are_bounded_by_size_and_count(tmp_path: Path) -> None:
    bounds: dict[str, Any] = {"max_file_bytes": 5000, "max_attachments": 1, "max_attached_chars": 100}
    for app in served(tmp_path, **bounds):
        client = app.test_client()
        client.get("/")
        assert upload(client, "a.png", picture() + b"x" * 5000, 413)["error"]["message"] == (
            "file: too large; the limit is 5000 bytes (setting max_file_bytes)"
        )
        assert "setting max_file_bytes" in upload(client, "a.png", b"x" * 100_000, 413)["error"]["message"]
        assert (
            "a.txt has 101 characters; the limit is 100" in upload(client, "a.txt", b"x" * 101, 413)["error"]["message"]
        )
        ids = [upload(client, "a.txt", b"a")["id"] for _ in range(2)]
        assert ask(client, 422, prompt="?", attachments=ids)["error"]["message"] == (
            "attachments: 2 are too many; the limit is 1 (setting max_attachments)"
        )


def test_a_page_elsewhere_cannot_upload(ann: FlaskClient) -> None:
    data = {"file": (io.BytesIO(b"a"), "a.txt")}
    assert ann.post(FILES, data=data, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_a_large_file_is_taken_apart_in_turns(ann: FlaskClient, service: ChatService) -> None:
    large = picture() + bytes(range(256)) * 8000
    file = upload(ann, "large.png", large)
    assert ann.get(file["url"]).data == large
    found = service.attachments.contents("", [Attachment(file["id"], "", "image/png", 0)])
    assert found == {}  # nobody's without an owner
