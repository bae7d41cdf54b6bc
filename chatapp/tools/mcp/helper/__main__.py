"""Starts the helper from the path of its folder.

Importing `chatapp.tools` would load the half of the server, and with it gevent. So the packages
above this one are named here without being run.
"""

import asyncio
import importlib
import sys
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).parent
ABOVE = {"chatapp": HERE.parents[2], "chatapp.tools": HERE.parents[1], "chatapp.tools.mcp": HERE.parent}


def start() -> None:
    sys.path.pop(0)  # this folder: its modules have names that others may have too
    for name, folder in ABOVE.items():
        package = ModuleType(name)
        package.__path__ = [str(folder)]
        sys.modules[name] = package
    asyncio.run(importlib.import_module("chatapp.tools.mcp.helper.pump").main())


if __name__ == "__main__":
    start()
