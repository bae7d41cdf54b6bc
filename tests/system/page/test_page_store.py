"""The page's reducer, run in the browser: an answer is a fold over its log."""

from typing import Any

import pytest

pytestmark = pytest.mark.slow

FOLD = """async ([state, actions]) => {
    const { initialState, reduce } = await import("/static/js/state/store.js");
    return actions.reduce(reduce, { ...initialState, ...state });
}"""

ASKED = {"type": "question-sent", "key": "k", "prompt": "Hello", "choice": None, "at": "now"}
ACCEPTED = {"type": "answer-accepted", "key": "k", "id": "m1", "conversation_id": "c1", "events_url": "/e"}


@pytest.fixture(scope="module")
def fold(browser: Any, server: Any) -> Any:
    page = browser.new_page()
    page.goto(server.url)
    yield lambda *actions, **state: page.evaluate(FOLD, [state, list(actions)])
    page.close()


def event(name: str, at: int = 0, /, **data: Any) -> dict[str, Any]:
    return {"type": "answer-event", "id": "m1", "name": name, "data": data, "at": at}


def test_a_question_stands_there_before_the_server_has_it(fold: Any) -> None:
    question, answer = fold(ASKED)["messages"]
    assert (question["role"], question["content"]) == ("user", "Hello")
    assert (answer["role"], answer["status"], answer["events_url"]) == ("assistant", "running", None)


def test_the_accepted_answer_keeps_its_key(fold: Any) -> None:
    state = fold(ASKED, ACCEPTED)
    assert state["conversationId"] == "c1"
    assert [message["key"] for message in state["messages"]] == ["k?", "k"]
    assert state["messages"][1]["id"] == "m1"


def test_a_refused_question_leaves_no_trace_but_its_reason(fold: Any) -> None:
    refused = {"type": "answer-refused", "messages": [], "text": "no", "traceId": "t"}
    state = fold(ASKED, refused)
    assert state["messages"] == [] and state["notice"] == {"text": "no", "detail": "", "traceId": "t"}


def test_an_answer_is_the_fold_of_its_events(fold: Any) -> None:
    events = [
        event("reasoning_delta", 100, delta="hm"),
        event("reasoning_delta", 200, delta="m"),
        event("tool_call", 350, id="t", type="function", name="f", arguments={"a": 1}),
        event("tool_result", 360, tool_call_id="t", result=7),
        event("content_delta", 400, delta="a"),
        event("content_delta", 410, delta="b"),
        event("completed", 420, content="ab", finish_reason="stop", usage={"completion": 2}, timing={"total_ms": 9}),
    ]
    answer = fold(ASKED, ACCEPTED, *events)["messages"][1]
    assert (answer["reasoning"], answer["content"], answer["status"]) == ("hmm", "ab", "done")
    assert answer["thinkingMs"] == 250 and answer["thinkingSince"] is None
    assert answer["tools"][0]["result"] == 7
    assert (answer["finish_reason"], answer["usage"]["completion"]) == ("stop", 2)
    assert fold(ASKED, ACCEPTED, *events, event("content_delta", 430, delta="late"))["messages"][1] == answer


def test_a_call_is_asked_for_decided_and_done(fold: Any) -> None:
    called = event("tool_call", 10, id="t", type="function", name="f", arguments={})
    asked = event("tool_approval", 20, tool_call_id="t", state="asked", expires=99.5)
    pressed = {"type": "tool-deciding", "id": "m1", "call": "t", "deciding": "approved"}
    approved = event("tool_approval", 5000, tool_call_id="t", state="approved", expires=99.5)
    result = event("tool_result", 5010, tool_call_id="t", result=None)

    def tool(*events: Any) -> Any:
        return fold(ASKED, ACCEPTED, called, *events)["messages"][1]["tools"][0]

    assert (tool()["approval"], tool()["since"], tool()["done"]) == (None, 10, False)
    assert (tool(asked)["approval"], tool(asked)["expires"], tool(asked)["since"]) == ("asked", 99.5, None)
    assert tool(asked, pressed)["deciding"] == "approved"
    waiting = tool(asked, pressed, approved)
    assert (waiting["approval"], waiting["deciding"], waiting["since"]) == ("approved", None, 5000)
    done = tool(asked, pressed, approved, result)
    assert (done["result"], done["error"], done["done"]) == (None, None, True)  # nothing is a result too


def test_a_call_asks_and_tells_how_far_it_is(fold: Any) -> None:
    called = event("tool_call", 10, id="t", type="mcp", name="f", arguments={})
    far = event("tool_progress", 15, tool_call_id="t", done=3, total=10, message="on it")
    asks = [
        event("tool_question", 20, tool_call_id="t", question=id, state="asked", expires=99.5, message="?", schema={})
        for id in ("q1", "q2")
    ]
    over = event("tool_question", 30, tool_call_id="t", question="q1", state="accepted", expires=99.5)

    def tool(*events: Any) -> Any:
        return fold(ASKED, ACCEPTED, called, *events)["messages"][1]["tools"][0]

    assert tool(far)["progress"] == {"done": 3, "total": 10, "message": "on it"}
    assert [each["question"] for each in tool(*asks)["questions"]] == ["q1", "q2"]
    assert [each["question"] for each in tool(*asks, over)["questions"]] == ["q2"]
    done = tool(*asks, far, event("tool_result", 40, tool_call_id="t", result=1))
    assert (done["questions"], done["progress"]) == ([], None)


def test_the_step_that_is_worked_on_is_known(fold: Any) -> None:
    one, two = (event("plan_step", index=index, text=str(index)) for index in (1, 2))
    begun = event("plan_step", index=2, text="2", begun=True)
    text = event("content_delta", delta="x")

    def step(*events: Any) -> Any:
        return fold(ASKED, ACCEPTED, *events)["messages"][1]["step"]

    assert [step(), step(one), step(one, two)] == [0, 1, 1]
    assert [step(one, text), step(one, text, two), step(one, text, two, text)] == [1, 2, 2]  # announced as it begins
    assert [step(one, two, begun), step(one, two, begun, text)] == [2, 0]  # the agent says so
    assert len(fold(ASKED, ACCEPTED, one, two, begun)["messages"][1]["steps"]) == 2


def test_following_again_starts_from_nothing(fold: Any) -> None:
    once = [event("content_delta", delta="ab"), event("reasoning_delta", delta="x")]
    again = {"type": "answer-followed", "id": "m1"}
    assert fold(ASKED, ACCEPTED, *once, again, *once)["messages"] == fold(ASKED, ACCEPTED, *once)["messages"]


def test_an_interrupted_run_and_a_failed_one_are_told_apart(fold: Any) -> None:
    for code, reason in (("interrupted", "interrupted"), ("upstream_truncated", "error")):
        failure = event("error", code=code, message="m", retryable=True, trace_id="t")
        answer = fold(ASKED, ACCEPTED, event("content_delta", delta="kept"), failure)["messages"][1]
        assert (answer["finish_reason"], answer["content"], answer["error"]["code"]) == (reason, "kept", code)


def test_events_of_a_conversation_that_is_not_shown_change_nothing(fold: Any) -> None:
    assert fold(event("content_delta", delta="x"))["messages"] == []


def test_opening_a_conversation_keeps_what_is_already_known_of_its_running_answer(fold: Any) -> None:
    message = {"id": "m1", "role": "assistant", "status": "running", "content": "part", "reasoning": "", "tools": []}
    opened = {"type": "conversation-opened", "conversation": {"id": "c1", "messages": [message]}}
    assert fold(opened)["messages"][0]["content"] == ""  # its log tells all of it
    assert fold(ASKED, ACCEPTED, event("content_delta", delta="partial"), opened)["messages"][0]["content"] == "partial"


def test_a_remembered_model_that_is_no_longer_offered_gives_way(kept_chat: Any) -> None:
    chosen = kept_chat.page.evaluate(
        """async () => {
            const { effectiveChoice } = await import("/static/js/state/selectors.js");
            const { initialState } = await import("/static/js/state/store.js");
            const fallback = { provider: "mock", model: "words" };
            const catalogue = { default: fallback, providers: [{ name: "mock", models: ["words", "slow"] }] };
            const choose = (choice) => effectiveChoice({ ...initialState, catalogue, choice }).model;
            return [choose(null), choose({ provider: "gone", model: "x" }), choose({ provider: "mock", model: "slow" })];
        }"""
    )
    assert chosen == ["words", "words", "slow"]


def test_chosen_tools_and_agents_are_sent_if_the_server_has_them(kept_chat: Any) -> None:
    sent = kept_chat.page.evaluate(
        """async () => {
            const { effectiveAgent, effectiveTools } = await import("/static/js/state/selectors.js");
            const { initialState } = await import("/static/js/state/store.js");
            const offer = { tools: [{ name: "here" }], agents: ["planner"], problems: {} };
            const send = (state) => [effectiveTools({ ...initialState, ...state }), effectiveAgent({ ...initialState, ...state })];
            const picked = { tools: ["here", "away"], agent: "gone" };
            return [send({ offer }), send(picked), send({ offer, ...picked }), send({ offer, tools: [], agent: "planner" })];
        }"""
    )
    assert sent == [[None, None], [["here", "away"], "gone"], [["here"], None], [[], "planner"]]


def test_an_answer_that_goes_on_keeps_the_places_of_its_sources(kept_chat: Any) -> None:
    ends = kept_chat.page.evaluate(
        """async () => {
            const { blankAnswer } = await import("/static/js/state/answer.js");
            const { joined } = await import("/static/js/state/continued.js");
            const source = { id: "s", url: "", title: "t", quote: "", end: 2 };
            const first = blankAnswer({ id: "a", content: "ab😀", sources: [source] });
            const second = blankAnswer({ id: "b", content: "de", continues: "a", sources: [source] });
            return joined([first, second])[0].sources.map(({ end }) => end);
        }"""
    )
    assert ends == [2, 5]


def test_a_card_says_how_its_call_stands(kept_chat: Any) -> None:
    said = kept_chat.page.evaluate(
        """async () => {
            const { timeLeft, toolLabel, toolState } = await import("/static/js/views/labels.js");
            const tool = { done: false, approval: null, error: null, since: 1000 };
            const say = (fields, ended = false) => {
                const call = { ...tool, ...fields };
                return `${toolState(call, ended)}: ${toolLabel(call, ended, 4500)}`;
            };
            return [
                say({}), say({ since: null }), say({ approval: "asked" }), say({ approval: "approved" }),
                say({ done: true }), say({ done: true, error: "no" }), say({ done: true, error: "no", approval: "denied" }),
                say({ done: true, error: "no", approval: "expired" }), say({ approval: "asked" }, true),
                say({ approval: "asked", deciding: "approved" }), say({ approval: "asked", deciding: "denied" }),
                timeLeft(100, 35.2), timeLeft(100, 101),
            ];
        }"""
    )
    assert said == [
        "running: running… 3 s",
        "running: running…",
        "asks: waits for you",
        "running: approved, running… 3 s",
        "done: ",
        "failed: failed",
        "refused: denied",
        "refused: not approved in time",
        "open: no result",
        "asks: approved",
        "asks: denied",
        "1:05 left",
        "time is up",
    ]
