"""Which file an import means."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from analysis.effects.paths import added
from analysis.modules import Modules

TREE = [
    "app/__init__.py",
    "app/core/__init__.py",
    "app/core/base.py",
    "app/core/util.py",
    "app/main.py",
    "scripts/run.py",
    "scripts/util.py",
    "plugins/one/thing.py",
    "src/lib/__init__.py",
    "src/lib/deep.py",
    "tools.py",
]


@pytest.mark.parametrize(
    ("importer", "module", "level", "found"),
    [
        ("app/main.py", "app.core.base", 0, "app/core/base.py"),
        ("app/main.py", "app", 0, "app/__init__.py"),
        ("app/core/base.py", "util", 1, "app/core/util.py"),
        ("app/core/base.py", "", 1, "app/core/__init__.py"),
        ("app/core/base.py", "main", 2, "app/main.py"),
        ("app/core/__init__.py", "base", 1, "app/core/base.py"),
        ("scripts/run.py", "util", 0, "scripts/util.py"),
        ("scripts/run.py", "tools", 0, "tools.py"),
        ("scripts/run.py", "app.core", 0, "app/core/__init__.py"),
        ("scripts/run.py", "plugins.one.thing", 0, "plugins/one/thing.py"),
        ("scripts/run.py", "plugins", 0, "plugins/"),
        ("scripts/run.py", "lib", 0, None),
        ("src/lib/deep.py", "lib", 0, "src/lib/__init__.py"),
        ("scripts/run.py", "numpy", 0, None),
        ("tools.py", "app.nothing", 0, None),
    ],
)
def test_find(importer: str, module: str, level: int, found: str | None) -> None:
    assert Modules(TREE).find(importer, module, level) == found


def test_folders_that_a_script_adds_are_looked_in() -> None:
    modules = Modules(TREE, {"scripts/run.py": ("../src",)})
    assert modules.find("scripts/run.py", "lib.deep") == "src/lib/deep.py"
    assert modules.find("scripts/util.py", "lib.deep") is None


def test_a_folder_that_is_added_may_start_with_dots() -> None:
    modules = Modules(["run.py", "..src/deep.py"], {"run.py": ("..src", "../out")})
    assert modules.roots("run.py") == ("", "..src")
    assert modules.find("run.py", "deep") == "..src/deep.py"


def test_a_module_is_called_what_most_imports_call_it() -> None:
    modules = Modules(TREE)
    assert modules.name("src/lib/deep.py") == "lib.deep"
    assert modules.name("plugins/one/thing.py") == "thing"
    modules.find("scripts/run.py", "plugins.one.thing")
    assert modules.name("plugins/one/thing.py") == "plugins.one.thing"
    assert modules.name("app/core/__init__.py") == "app.core"


def test_packages_run_before_what_is_in_them() -> None:
    assert Modules(TREE).packages("app/core/base.py") == ("app/__init__.py", "app/core/__init__.py")
    assert Modules(TREE).packages("app/core/__init__.py") == ("app/__init__.py",)


@pytest.mark.parametrize(
    ("text", "folders"),
    [
        ("sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))", (".",)),
        ("sys.path.append(os.path.join(os.path.dirname(__file__), '..', 'src'))", ("../src",)),
        ("sys.path.insert(0, str(Path(__file__).resolve().parent.parent))", ("..",)),
        ("sys.path.insert(0, str(Path(__file__).parents[2] / 'lib'))", ("../../lib",)),
        ("HERE = Path(__file__).parent\nROOT = HERE.parent\nsys.path.insert(0, str(ROOT))", ("..",)),
        ("if True:\n    sys.path.append(str(Path(__file__).parent / 'x'))", ("x",)),
        ("sys.path.insert(0, A)\nsys.path.append(B)\nA = 1", ()),
        ("sys.path.insert(0, '/somewhere')", ("../" * 9 + "somewhere",)),
        ("def f():\n    sys.path.insert(0, __file__)", ()),
        ("a = a\nsys.path.insert(0, a)", ()),
    ],
)
def test_what_is_put_on_the_path(text: str, folders: tuple[str, ...]) -> None:
    assert added(ast.parse(text)) == folders


def test_the_answers_are_those_of_the_interpreter(tmp_path: Path) -> None:
    import subprocess
    import sys

    for name in TREE:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    asked = ["util", "tools", "app.core.base", "plugins.one.thing", "plugins", "lib", "app"]
    script = (
        "import importlib, sys\nsys.path.append(sys.argv[1])\n"
        "for name in sys.argv[2:]:\n"
        "    try:\n        found = importlib.import_module(name)\n"
        "    except ImportError:\n        print(None)\n"
        "    else:\n        print(found.__file__ or list(found.__path__)[0] + '/')\n"
    )
    (tmp_path / "scripts/run.py").write_text(script)
    out = subprocess.run(
        [sys.executable, tmp_path / "scripts/run.py", tmp_path, *asked], capture_output=True, text=True, check=True
    ).stdout.split()
    modules = Modules(TREE)
    told = [modules.find("scripts/run.py", each) for each in asked]
    assert [each and str(tmp_path / each) + ("/" if each.endswith("/") else "") for each in told] == [
        None if each == "None" else each for each in out
    ]
