"""Every example of docs/dialects.md, run as a reader would: in a shell, in Python, in a browser, and under React."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SECTIONS = (ROOT / "docs/dialects.md").read_text("utf-8").split("\n## ")
OURS = "".join(
    s for s in SECTIONS if s.startswith(("One ", "`token`", "`session`", "`reasoning`", "`message`", "`delta`"))
)
NPM = Path(sys.prefix) / "npm/node_modules"
SERVER = "http://127.0.0.1:8000"
BEGIN, END = re.compile(r"You asked:\n\n> .*Hello\n\nI am"), "That is all I have to say."

# One after the other, the page's helper first; each shows in a list of its own.
TRY = """
async ([helper, examples]) => {
    window.shown = examples.map(() => "");
    window.problems = [];
    const run = async (example, index) => {
        const show = (text) => { window.shown[index] += text; };
        const body = `${helper}\\nreturn (async () => {${example}})()`;
        await new Function("show", "report", body)(show, (problem) => window.problems.push(problem));
    };
    await Promise.all(examples.map(run)).catch((error) => window.problems.push(String(error)));
}
"""

APP = """
import { createRoot } from "react-dom/client";
import { useChat } from "./hook.jsx";

function App() {
  const chat = useChat();
  return (
    <>
      <button id="ask" onClick={() => chat.ask("Hello", { provider: "mock", model: "tool", thinking: true })}>ask</button>
      <button id="fail" onClick={() => chat.ask("Hello", { provider: "mock", model: "fail-late" })}>fail</button>
      <button id="refuse" onClick={() => chat.ask("Hello", { provider: "nobody" })}>refuse</button>
      <button id="stop" onClick={chat.stop}>stop</button>
      <pre id="state">{JSON.stringify(chat)}</pre>
    </>
  );
}

const root = document.createElement("main");
document.body.replaceChildren(root);
createRoot(root).render(<App />);
"""


def examples(language: str) -> list[str]:
    found = re.findall(rf"(?m)^```{language}\n(.*?)^```$", OURS, re.DOTALL)
    assert found
    return found


@pytest.fixture
def quick_server(own_server: Any, tmp_path: Path) -> Any:
    """It answers with the mock, which does not take its time."""
    config = tmp_path / "chatapp.toml"
    config.write_text('default_provider = "mock"\n[providers.mock]\ntype = "mock"\ninterval_s = 0.002\n')
    return own_server(CHATAPP_CONFIG=str(config))


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Where examples run: not in this checkout, with `python` as installed."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CHATAPP_")}
    path = f"{Path(sys.executable).parent}:{inherited['PATH']}"
    return {**inherited, "PATH": path, "PWD": str(tmp_path_factory.mktemp("examples")), "NO_PROXY": "127.0.0.1"}


def run_all(commands: list[list[str]], env: dict[str, str]) -> list[str]:
    """Side by side; what each printed."""
    pipe = subprocess.PIPE
    running = [subprocess.Popen(command, env=env, cwd=env["PWD"], stdout=pipe, stderr=pipe) for command in commands]
    printed = []
    for command, process in zip(commands, running, strict=True):
        output, errors = process.communicate(timeout=60)
        assert process.returncode == 0, (command, errors.decode())
        printed.append(output.decode())
    return printed


def at(server: Any, example: str) -> str:
    return example.replace(SERVER, server.url)


def test_each_curl_line_is_answered(quick_server: Any, env: dict[str, str]) -> None:
    lines = [line for example in examples("sh") for line in at(quick_server, example).splitlines()]
    printed = run_all(
        [["sh", "-c", line.replace("curl ", "curl --silent --show-error --fail ")] for line in lines], env
    )
    for line, output in zip(lines, printed, strict=True):
        assert "/api/v1/messages" in line or "That" in output, (line, output)


def test_each_python_example_prints_the_answer(quick_server: Any, env: dict[str, str]) -> None:
    commands = [[sys.executable, "-c", at(quick_server, example)] for example in examples("python")]
    for output in run_all(commands, {**env, **quick_server.env}):
        assert BEGIN.search(output) and END in output


def test_each_browser_example_shows_the_answer(quick_server: Any, browser: Any) -> None:
    helper, *others = examples("js")
    context = browser.new_context(bypass_csp=True)  # the examples are no files of the site
    page = context.new_page()
    page.goto(quick_server.url + "/")
    page.evaluate(TRY, [helper, others])
    page.wait_for_function("end => window.problems.length || window.shown.every(text => text.endsWith(end))", arg=END)
    assert page.evaluate("window.problems") == []
    for text in page.evaluate("window.shown"):
        assert BEGIN.match(text.removeprefix("On it."))
    context.close()


@pytest.fixture
def bundle(tmp_path: Path) -> str:
    """The hook in a small program, as a browser takes it."""
    esbuild = NPM / ".bin/esbuild"
    if not esbuild.exists() or shutil.which("node") is None:
        pytest.skip("esbuild and React are not installed: `make test` installs tests/npm with npm")
    (tmp_path / "hook.jsx").write_text(examples("jsx")[0])
    (tmp_path / "app.jsx").write_text(APP)
    (tmp_path / "node_modules").symlink_to(NPM)
    options = ["--bundle", "--jsx=automatic", "--define:process.env.NODE_ENV='development'", "--outfile=out.js"]
    subprocess.run([esbuild, "app.jsx", *options], cwd=tmp_path, check=True, capture_output=True)
    return (tmp_path / "out.js").read_text()


def test_the_hook_streams_stops_and_fails_in_react(server: Any, browser: Any, bundle: str) -> None:
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    page.goto(server.url + "/")
    page.add_script_tag(content=bundle)

    def until(status: str) -> Any:
        page.wait_for_function(f"JSON.parse(document.querySelector('#state').textContent).status === '{status}'")
        return page.evaluate("JSON.parse(document.querySelector('#state').textContent)")

    page.click("#ask")
    page.wait_for_function("document.querySelector('#state').textContent.includes('I am the')")
    page.click("#stop")
    assert BEGIN.match(until("stopped")["content"])
    page.click("#ask")
    state = until("done")
    assert BEGIN.match(state["content"]) and state["content"].endswith(END)
    assert state["reasoning"].startswith("The user asks") and state["stats"]["tool_results"] == 1
    assert state["tools"][0]["name"] == "count_words" and state["tools"][0]["result"] == {"words": 1}
    page.click("#fail")
    assert "failed after 5 words" in until("error")["error"]
    page.click("#ask")
    until("streaming")
    page.click("#refuse")
    assert "refused" in until("error")["error"]
    context.close()
