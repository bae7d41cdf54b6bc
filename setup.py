"""Copies templates/, static/ and translations/ into the package of a wheel, which setup.cfg cannot express."""

from shutil import copytree, ignore_patterns

from setuptools import setup
from setuptools.command.build_py import build_py

CODE = ignore_patterns("*.py", "__pycache__")


class BuildWithPages(build_py):
    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            for folder in ("templates", "static", "translations"):
                copytree(folder, f"{self.build_lib}/chatapp/{folder}", ignore=CODE, dirs_exist_ok=True)


setup(cmdclass={"build_py": BuildWithPages})
