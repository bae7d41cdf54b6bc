"""The docs cannot drift from what they describe."""

import re
from pathlib import Path
from typing import get_args

from chatapp.providers.discovery import FOUND_BY_KEY
from chatapp.providers.mock.provider import Mock
from chatapp.settings import HELP, PREFIX, TABLES, ProviderType, Settings, ThinkingStyle

ROOT = Path(__file__).parent.parent
CONFIGURATION = (ROOT / "docs/configuration.md").read_text("utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_every_setting_stands_in_the_docs_with_its_default_and_meaning() -> None:
    defaults = Settings()
    for name, meaning in HELP.items():
        if name in TABLES:
            continue
        value = getattr(defaults, name)
        text = ", ".join(value) if isinstance(value, tuple) else str(value)
        shown = f"`{text}`" if text else ""
        assert f"| `{PREFIX}{name.upper()}` | {shown} | {meaning} |" in CONFIGURATION


def test_the_docs_name_no_setting_that_is_not_there() -> None:
    known = {f"{PREFIX}{name.upper()}" for name in HELP} | {"CHATAPP_CONFIG"}
    for page in PAGES:
        named = set(re.findall(r"\bCHATAPP_[A-Z_]+\b", page.read_text("utf-8")))
        assert named <= known, f"{page.name}: {named - known}"


def test_every_provider_that_is_found_and_every_behaviour_of_the_mock_is_named() -> None:
    for found in FOUND_BY_KEY:
        assert f"`{found.name}`" in CONFIGURATION and f"`{found.variable}`" in CONFIGURATION
    for model in Mock().models():
        assert f"`{model}`" in CONFIGURATION
    for name in (*get_args(ProviderType), *get_args(ThinkingStyle)):
        assert f"`{name}`" in CONFIGURATION


def test_links_between_the_docs_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
