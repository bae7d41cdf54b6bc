"""Errors as OpenAI says them."""

from chatapp.web.compat.openai_chat import error_shape


def test_errors_have_openai_s_shape_and_statuses() -> None:
    assert error_shape(422, "invalid_field", "messages[0].role: must not be empty") == (
        400,
        {
            "error": {
                "message": "messages[0].role: must not be empty",
                "type": "invalid_request_error",
                "param": "messages[0].role",
                "code": "invalid_field",
            }
        },
    )
    status, body = error_shape(404, "not_found", "model: mock has none named 'x'")
    assert status == 404 and body["error"]["code"] == "model_not_found"  # type: ignore[index]
    status, body = error_shape(502, "upstream_rejected", "mock: failed")
    assert status == 502 and body["error"]["type"] == "server_error" and body["error"]["param"] is None  # type: ignore[index]
