"""Reads the settings: from `chatapp.toml`, then from `CHATAPP_<NAME>` variables, which override
it."""

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import msgspec

from chatapp.errors import ConfigError, field_of
from chatapp.prices import Price
from chatapp.secret import Secret
from chatapp.settings import HELP, Names, Settings
from chatapp.settings.tables import AgentConfig, MCPServerConfig, ProviderConfig

PREFIX = "CHATAPP_"
TABLES = {
    "providers": "NAME",
    "mcp_servers": "NAME",
    "agents": "NAME",
    "prices": "PROVIDER.MODEL",
}
"""The named tables of the file, and how their names are written."""

TYPES = (("providers", ProviderConfig), ("mcp_servers", MCPServerConfig), ("agents", AgentConfig))
OTHERS = ("config", "key")
"""Variables of this form that are no settings: the file's path, and the key of `chatapp chat`."""

DEFAULT = "default"

T = TypeVar("T")


def load(environ: Mapping[str, str]) -> Settings:
    """Read the file that CHATAPP_CONFIG names (else `chatapp.toml`, if it exists), then variables.

    Raises ConfigError.
    """
    settings = _from_tables(*_read_file(environ))
    changes = {}
    types = get_type_hints(Settings, include_extras=True)
    for variable, text in sorted(environ.items()):
        name = variable.removeprefix(PREFIX).lower()
        if not variable.startswith(PREFIX) or name in OTHERS:
            continue
        if name not in types:
            raise ConfigError(f"{variable}: unknown setting; `chatapp settings` lists them all")
        if name in TABLES:
            raise ConfigError(
                f"{variable}: not available as a variable; use [{name}.{TABLES[name]}] tables in chatapp.toml"
            )
        changes[name] = _from_text(variable, text, types[name])
    return msgspec.structs.replace(settings, **changes)


def with_changes(settings: Settings, changes: Mapping[str, object]) -> Settings:
    """With these values, given in Python, instead of those of the settings. Raises ConfigError."""
    types = get_type_hints(Settings, include_extras=True)
    typed = {}
    for name, value in changes.items():
        if name not in types:
            raise ConfigError(f"{name}: unknown setting; `chatapp settings` lists them all")
        typed[name] = _convert(name, value, types[name], strict=True)
    return msgspec.structs.replace(settings, **typed)


def origins(environ: Mapping[str, str]) -> dict[str, str]:
    """Where each setting comes from: its variable, the file's path, or `default`. Raises
    ConfigError."""
    path, tables = _read_file(environ)
    variables = {name: f"{PREFIX}{name.upper()}" for name in HELP}
    return {
        name: variable if variable in environ else path if name in tables else DEFAULT
        for name, variable in variables.items()
    }


def _read_file(environ: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    """The file's path and what stands in it: nothing if it need not exist."""
    named = environ.get("CHATAPP_CONFIG", "")
    path = Path(named or "chatapp.toml")
    if not named and not path.exists():
        return str(path), {}
    try:
        return str(path), tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot read it: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None


def _from_tables(source: str, tables: dict[str, Any]) -> Settings:
    """Convert each named table first: msgspec's errors do not say which key of a dict they mean."""
    for key, type_ in TYPES:
        for name, table in _items(tables.get(key)):
            _convert(f"{source}: {key}.{name}", table, type_, strict=True)
    for provider, models in _items(tables.get("prices")):
        for model, price in _items(models):
            for row in price if isinstance(price, list) else [price]:
                _convert(f"{source}: prices.{provider}.{model}", row, Price, strict=True)
    return _convert(source, tables, Settings, strict=True)


def _items(table: object) -> Iterable[tuple[str, object]]:
    return table.items() if isinstance(table, dict) else ()


def _from_text(variable: str, text: str, type_: Any) -> Any:
    """A list is written with commas."""
    is_list = type_.__origin__ == Names
    value = [part.strip() for part in text.split(",") if part.strip()] if is_list else text
    return _convert(variable, value, type_, strict=False)


def _convert(source: str, value: object, type_: type[T], strict: bool) -> T:
    try:
        return msgspec.convert(value, type_, strict=strict, dec_hook=_decode_text)
    except msgspec.ValidationError as error:
        field, wrong = field_of(error)
        raise ConfigError(f"{source}: {field}: {wrong}" if field else f"{source}: {wrong}") from None


def _decode_text(type_: type, value: object) -> object:
    if isinstance(value, type_):
        return value
    if type_ in (Path, Secret) and isinstance(value, str):
        return type_(value)
    raise TypeError(f"Expected `str`, got `{type(value).__name__}`")
