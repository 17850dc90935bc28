"""Which files cannot import the target."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from analysis.collectors.imports import Imports
from analysis.project import load
from codemods.edits import Reason
from codemods.targets import Targets
from config.settings import Settings


def refusals(root: Path, files: dict[str, str], target: str | None = None) -> dict[str, Reason]:
    """The files that may not import the target, with the reason."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    settings = Settings() if target is None else msgspec.structs.replace(Settings(), safe_executor=target)
    project = load([root], root=root, collectors=[Imports], jobs=1, cache=False)
    targets = Targets(project, settings, "safe_executor")
    found = {name: targets.refusal(name) for name in files}
    return {name: one[0] for name, one in found.items() if one is not None}


def test_a_tree_that_knows_nothing_of_it(tmp_path: Path) -> None:
    assert refusals(tmp_path, {"a.py": "", "pkg/__init__.py": "", "pkg/b.py": ""}) == {}


def test_the_target_and_what_it_imports(tmp_path: Path) -> None:
    files = {
        "runtime/__init__.py": "from . import flags\n",
        "runtime/flags.py": "",
        "runtime/safe_executor.py": "import common.log\nfrom runtime.hooks import x\nfrom . import retry\n",
        "runtime/hooks.py": "",
        "runtime/retry.py": "def f():\n    import late\n",
        "common/__init__.py": "",
        "common/log.py": "from . import levels\nimport json\n",
        "common/levels.py": "",
        "late.py": "",
        "json.py": "",
        "other.py": "",
        "elsewhere/json.py": "",
    }
    kept = {"late.py", "other.py", "elsewhere/json.py"}
    assert refusals(tmp_path, files) == dict.fromkeys(set(files) - kept, Reason.DEFINES_TARGET)


def test_a_target_that_the_settings_name(tmp_path: Path) -> None:
    files = {"common_utils/error_handling.py": "import common_utils.base\n", "common_utils/base.py": "", "a.py": ""}
    found = refusals(tmp_path, files, "common_utils.error_handling:SafeExecutor")
    assert found == dict.fromkeys(list(files)[:2], Reason.DEFINES_TARGET)


def test_a_target_below_a_folder_that_is_put_on_the_path(tmp_path: Path) -> None:
    files = {"src/runtime/__init__.py": "", "src/runtime/safe_executor.py": "import helper\n", "src/helper.py": ""}
    assert set(refusals(tmp_path, {**files, "helper.py": "", "src/app.py": ""})) == set(files)


@pytest.mark.parametrize("name", ["runtime.py", "runtime/__init__.py"])
def test_a_package_of_that_name_stands_in_for_it(tmp_path: Path, name: str) -> None:
    found = refusals(tmp_path, {name: "", "a.py": "", "sub/b.py": ""})
    assert found == dict.fromkeys([name, "a.py", "sub/b.py"], Reason.SHADOWED_TARGET)


def test_it_does_so_below_its_own_folder_only(tmp_path: Path) -> None:
    found = refusals(tmp_path, {"sub/runtime.py": "", "sub/deep/a.py": "", "b.py": "", "subway/c.py": ""})
    assert set(found) == {"sub/runtime.py", "sub/deep/a.py"}


def test_a_folder_that_is_no_package_does_not(tmp_path: Path) -> None:
    assert refusals(tmp_path, {"runtime/tool.py": "", "a.py": ""}) == {}


def test_a_module_of_that_name_inside_the_target_s_package_does_not(tmp_path: Path) -> None:
    files = {
        "runtime/__init__.py": "",
        "runtime/safe_executor.py": "",
        "runtime/runtime.py": "",
        "runtime/other.py": "",
        "a.py": "",
    }
    assert set(refusals(tmp_path, files)) == {"runtime/__init__.py", "runtime/safe_executor.py"}


def test_the_message_names_the_setting(tmp_path: Path) -> None:
    (tmp_path / "runtime.py").write_text("", "utf-8")
    project = load([tmp_path], root=tmp_path, collectors=[Imports], jobs=1, cache=False)
    found = Targets(project, Settings(), "safe_executor").refusal("runtime.py")
    assert found is not None
    assert "`safe-executor` under [tool.unsnarl]" in found[1]


def test_a_target_that_is_left_out_of_the_run_is_still_there(tmp_path: Path) -> None:
    for name in ("runtime/__init__.py", "runtime/safe_executor.py", "a.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("", "utf-8")
    project = load(
        [tmp_path], root=tmp_path, collectors=[Imports], jobs=1, cache=False, exclude=["runtime/safe_executor.py"]
    )
    assert Targets(project, Settings(), "safe_executor").refusal("a.py") is None


@pytest.mark.parametrize(
    ("files", "taken"),
    [
        ({"a.py": "X = 1\n", "b.py": "from a import *\nSafeExecutor = 2\n"}, {"a.py"}),
        ({"a.py": "", "c.py": "from a import *\n", "b.py": "from c import *\nSafeExecutor()\n"}, {"a.py", "c.py"}),
        ({"a.py": "", "b.py": "from a import *\nSafeExecutors = 2\n"}, set()),
        ({"a.py": "__all__ = ['x']\n", "b.py": "from a import *\nSafeExecutor = 2\n"}, set()),
        ({"p/__init__.py": "", "p/SafeExecutor.py": "", "p/a.py": ""}, {"p/__init__.py"}),
        ({"p/__init__.py": "", "p/SafeExecutor/__init__.py": "", "a.py": ""}, {"p/__init__.py"}),
    ],
)
def test_a_name_that_others_see_is_not_bound_over_their_own(
    tmp_path: Path, files: dict[str, str], taken: set[str]
) -> None:
    assert refusals(tmp_path, files) == dict.fromkeys(taken, Reason.NAME_TAKEN)
