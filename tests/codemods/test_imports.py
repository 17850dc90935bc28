"""Where a needed import goes, under which name, and when there is no place for it."""

from __future__ import annotations

import pytest

from codemods.edits import Need, Reason
from codemods.imports import Refused
from tests.codemods.support import TARGET, plan, planner

LINE = "from tools.failures import Known\n"


def added(text: str, line: int | None = None) -> str:
    """The file with the import in it, which must be the usual one."""
    local, new = plan(text, line)
    assert local == "Known"
    assert new.decode().count(LINE.strip()) == 1
    return new.decode()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("", LINE, id="empty file"),
        pytest.param("x = 1\n", f"{LINE}\nx = 1\n", id="no imports"),
        pytest.param("def f():\n    pass\n", f"{LINE}\n\ndef f():\n    pass\n", id="definition first"),
        pytest.param("@d\ndef f():\n    pass\n", f"{LINE}\n\n@d\ndef f():\n    pass\n", id="decorator first"),
        pytest.param('"""Doc."""\n', f'"""Doc."""\n\n{LINE}', id="only a docstring"),
        pytest.param('"""Doc."""', f'"""Doc."""\n\n{LINE.rstrip()}', id="docstring without a newline"),
        pytest.param('"""Doc."""\nx = 1\n', f'"""Doc."""\n\n{LINE}\nx = 1\n', id="docstring, then code"),
        pytest.param(
            '"""Doc."""\n\n\ndef f(): ...\n', f'"""Doc."""\n\n{LINE}\n\ndef f(): ...\n', id="docstring and blank lines"
        ),
        pytest.param('"""Doc\n\nmore"""\n\nx = 1\n', f'"""Doc\n\nmore"""\n\n{LINE}\nx = 1\n', id="long docstring"),
        pytest.param(
            "from __future__ import annotations\nx = 1\n",
            f"from __future__ import annotations\n\n{LINE}\nx = 1\n",
            id="future",
        ),
        pytest.param(
            '# c\n"""Doc."""\n# d\nfrom __future__ import annotations\n# e\nx = 1\n',
            f'# c\n"""Doc."""\n# d\nfrom __future__ import annotations\n\n{LINE}\n# e\nx = 1\n',
            id="future after comments",
        ),
        pytest.param("import os\n\nx = 1\n", f"import os\n\n{LINE}\nx = 1\n", id="behind the standard library"),
        pytest.param("import zmq\n\nx = 1\n", f"import zmq\n{LINE}\nx = 1\n", id="with imports of its kind"),
        pytest.param(
            "from tools import a\nimport zmq\n\nx = 1\n",
            f"from tools import a\n{LINE}import zmq\n\nx = 1\n",
            id="beside its own package",
        ),
        pytest.param("import zmq; import yaml\nx = 1\n", f"import zmq; import yaml\n{LINE}\nx = 1\n", id="semicolon"),
        pytest.param("import zmq; x = 1\n", f"import zmq; x = 1\n{LINE}", id="code behind a semicolon"),
        pytest.param("import zmq;\nx = 1\n", f"import zmq;\n{LINE}\nx = 1\n", id="semicolon at the end"),
        pytest.param(
            "from zmq import (\n    a,  # b\n    c,\n)\n\nx = 1\n",
            f"from zmq import (\n    a,  # b\n    c,\n)\n{LINE}\nx = 1\n",
            id="brackets",
        ),
        pytest.param("import zmq, \\\n    os\nx = 1\n", f"import zmq, \\\n    os\n{LINE}\nx = 1\n", id="backslash"),
        pytest.param(
            "try:\n    import zmq\nexcept ImportError:\n    zmq = None\nx = 1\n",
            f"{LINE}\ntry:\n    import zmq\nexcept ImportError:\n    zmq = None\nx = 1\n",
            id="conditional imports do not count",
        ),
        pytest.param(
            "import typing\nimport zmq\n\nif typing.TYPE_CHECKING:\n    from tools import b\n\nx = 1\n",
            f"import typing\nimport zmq\n{LINE}\nif typing.TYPE_CHECKING:\n    from tools import b\n\nx = 1\n",
            id="imports for typing are left alone",
        ),
        pytest.param("#!/usr/bin/env python\n\nx = 1\n", f"#!/usr/bin/env python\n\n{LINE}\nx = 1\n", id="interpreter"),
        pytest.param(
            "#!/usr/bin/python\n# coding: utf-8\nx = 1\n",
            f"#!/usr/bin/python\n# coding: utf-8\n\n{LINE}\nx = 1\n",
            id="cookie",
        ),
        pytest.param(
            "# Licence.\n\n# About x.\nx = 1\n", f"# Licence.\n\n{LINE}\n# About x.\nx = 1\n", id="comment of the code"
        ),
        pytest.param(
            'if __name__ == "__main__":\n    print(1)\n',
            f'{LINE}\nif __name__ == "__main__":\n    print(1)\n',
            id="main guard only",
        ),
        pytest.param("import zmq\n\x0c\nx = 1\n", f"import zmq\n{LINE}\x0c\nx = 1\n", id="form feed"),
        pytest.param(
            "import sys\nsys.path.insert(0, '.')\n\nx = 1\n",
            f"import sys\nsys.path.insert(0, '.')\n\n{LINE}\nx = 1\n",
            id="behind an edit of the path",
        ),
        pytest.param(
            "import sys\nsys.path.append('.')\nimport zmq\n\nx = 1\n",
            f"import sys\nsys.path.append('.')\nimport zmq\n{LINE}\nx = 1\n",
            id="behind an import behind an edit of the path",
        ),
        pytest.param(
            "import sys\nif 1:\n    sys.path.append('.')\nimport zmq  # noqa: E402\nx = 1\n",
            "import sys\nif 1:\n    sys.path.append('.')\nimport zmq  # noqa: E402\n"
            f"{LINE.rstrip()}  # noqa: E402\n\nx = 1\n",
            id="with the comment that such imports carry",
        ),
        pytest.param(
            "import sys, site\nsite.addsitedir('lib')\nx = 1\n",
            f"import sys, site\nsite.addsitedir('lib')\n\n{LINE}\nx = 1\n",
            id="addsitedir",
        ),
        pytest.param(
            "from common import add_project_path\nadd_project_path()\nx = 1\n",
            f"from common import add_project_path\nadd_project_path()\n\n{LINE}\nx = 1\n",
            id="a helper that says what it does",
        ),
        pytest.param(
            "import zmq\ndef f(): ...\nimport yaml\n",
            f"import zmq\n{LINE}\n\ndef f(): ...\nimport yaml\n",
            id="imports below the first definition do not count",
        ),
    ],
)
def test_place(before: str, after: str) -> None:
    assert added(before) == after


def test_place_with_a_byte_order_mark() -> None:
    assert plan(b"\xef\xbb\xbfx = 1\n")[1] == b"\xef\xbb\xbf" + f"{LINE}\nx = 1\n".encode()


def test_place_keeps_the_line_ends() -> None:
    assert plan(b"import zmq\r\n\r\nx = 1\r\n")[1] == b"import zmq\r\n" + LINE.strip().encode() + b"\r\n\r\nx = 1\r\n"


@pytest.mark.parametrize(
    ("text", "local"),
    [
        ("from tools.failures import Known\n", "Known"),
        ("from tools.failures import Known as K\n", "K"),
        ("from tools.failures import Other, Known as K, More\n", "K"),
        ("import tools.failures\n", "tools.failures.Known"),
        ("import tools.failures as tf\n", "tf.Known"),
        ("from tools import failures\n", "failures.Known"),
        ("from tools import failures as f\n", "f.Known"),
        ("import os; from tools.failures import Known\n", "Known"),
        ("from tools.failures import Known\ndef f():\n    from tools.failures import Known\n", "Known"),
        ("import tools.failures\nimport tools.other\n", "tools.failures.Known"),
        ("from elsewhere import *\nfrom tools.failures import Known\n", "Known"),
    ],
)
def test_an_import_that_is_there_is_used(text: str, local: str) -> None:
    assert plan(text) == (local, text.encode())


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("try:\n    from tools.failures import Known\nexcept ImportError:\n    Known = None\n", id="try"),
        pytest.param("if x:\n    from tools.failures import Known\n", id="if"),
        pytest.param("def f():\n    from tools.failures import Known\n", id="function"),
        pytest.param("class C:\n    from tools.failures import Known\n", id="class"),
        pytest.param(
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from tools.failures import Known\n", id="typing"
        ),
        pytest.param("from tools.failures import Known\nKnown = 3\n", id="bound again"),
        pytest.param("from tools.failures import Known\ndef f(Known): ...\n", id="parameter"),
        pytest.param("from tools.failures import Known\ndef f():\n    global Known\n    Known = 1\n", id="global"),
        pytest.param("from tools.failures import Known\nfrom elsewhere import *\n", id="star import behind it"),
        pytest.param("from elsewhere import Known\n", id="another of that name"),
        pytest.param("from .failures import Known\n", id="relative, of an unknown package"),
        pytest.param("from elsewhere import *\n", id="star import"),
        pytest.param("class Known: ...\n", id="class of that name"),
        pytest.param("def f():\n    for Known in x: ...\n", id="loop variable in a function"),
        pytest.param("def f(x):\n    match x:\n        case {'a': 1, **Known}: ...\n", id="capture"),
        pytest.param("try: ...\nexcept E as Known: ...\n", id="handler"),
        pytest.param("lambda: (Known := 1)\n", id="walrus"),
        pytest.param("print(Known)\n", id="read, wherever it comes from"),
        pytest.param("print(\N{MATHEMATICAL BOLD CAPITAL K}nown)\n", id="the same name, spelled otherwise"),
    ],
)
def test_a_name_that_could_mean_something_else_is_not_used(text: str) -> None:
    local, new = plan(text)
    assert local == "_Known"
    assert new.decode().count("from tools.failures import Known as _Known\n") == 1


def test_the_last_alias_and_then_none() -> None:
    text = "Known = _Known = 1\n"
    assert plan(text)[0] == "_unsnarl_Known"
    with pytest.raises(Refused) as caught:
        plan("Known = _Known = _unsnarl_Known = 1\n")
    assert caught.value.reason == Reason.NAME_TAKEN


def test_a_name_in_strings_comments_and_attributes_is_free() -> None:
    assert added("x.Known = f(Known=1)  # Known\ns = 'Known'\n").startswith(LINE)


def test_a_name_that_only_contains_it_is_free() -> None:
    assert added("KnownToo = Un_Known = 1\n").startswith(LINE)


class TestOrder:
    """An import must have run when what uses it runs."""

    def test_a_use_among_the_imports_brings_it_forward(self) -> None:
        text = "import zmq\nx = 1\nimport yaml\n"
        assert added(text, line=2) == f"import zmq\n{LINE}\nx = 1\nimport yaml\n"
        assert added(text, line=4) == f"import zmq\nx = 1\nimport yaml\n{LINE}"

    def test_the_first_use_counts(self) -> None:
        one = planner(b"import zmq\nx = 1\nimport yaml\n")
        (change,) = one.changes([(TARGET, 4), (TARGET, 2)])
        assert change.splices[0].start == len("import zmq\n")

    def test_a_use_before_all_imports(self) -> None:
        assert added("x = 1\nimport yaml\n", line=1) == f"{LINE}\nx = 1\nimport yaml\n"

    @pytest.mark.parametrize(
        "text",
        [
            "import sys\nx = 1\nsys.path.insert(0, '.')\n",
            "import sys\ndef f():\n    x = 1\nsys.path.insert(0, '.')\n",
            "import sys\nx = 1\nif y:\n    sys.path += ['.']\n",
            "import sys\nx = 1\nsys.path[:0] = ['.']\n",
        ],
    )
    def test_a_use_before_the_last_edit_of_the_path_is_refused(self, text: str) -> None:
        with pytest.raises(Refused) as caught:
            plan(text, line=2)
        assert caught.value.reason == Reason.BEFORE_IMPORT
        assert "sys.path" in caught.value.detail

    def test_a_use_inside_the_edit_of_the_path_is_refused(self) -> None:
        with pytest.raises(Refused, match=r"edits `sys\.path`"):
            plan("import sys\ntry:\n    x = 1\n    sys.path.append('.')\nexcept OSError: ...\n", line=3)

    def test_an_edit_of_the_path_under_the_main_guard_does_not_count(self) -> None:
        text = "import sys\nx = 1\nif __name__ == '__main__':\n    sys.path.append('.')\n"
        assert (
            added(text, line=2)
            == f"import sys\n\n{LINE}\nx = 1\nif __name__ == '__main__':\n    sys.path.append('.')\n"
        )

    def test_a_use_before_the_import_that_is_there_is_refused(self) -> None:
        with pytest.raises(Refused, match="imported at line 3 only"):
            plan("import os\nx = 1\nfrom tools.failures import Known\n", line=2)

    def test_a_use_on_the_line_of_the_import_is_refused(self) -> None:
        with pytest.raises(Refused):
            plan("from tools.failures import Known; x = 1\n", line=1)


def test_nothing_is_added_twice() -> None:
    one = planner(b"import zmq\n")
    uses = [(TARGET, 2), (TARGET, 3), (Need("tools.failures", "Other"), 3), (TARGET, 2)]
    (change,) = one.changes(uses)
    assert [splice.text for splice in change.splices] == ["from tools.failures import Known, Other\n"]


def test_several_modules_at_once() -> None:
    one = planner(b"import zmq\n")
    (change,) = one.changes([(TARGET, 2), (Need("zmq.error", "ZMQError"), 2)])
    assert change.splices[0].text == "from tools.failures import Known\nfrom zmq.error import ZMQError\n"


def test_a_planned_file_needs_nothing_more() -> None:
    local, new = plan("import os\nKnown = 1\n")
    again, same = plan(new)
    assert (again, same) == (local, new) == ("_Known", new)


def test_nothing_is_imported_into_a_file_that_may_not() -> None:
    one = planner(b"x = 1\n", (Reason.DEFINES_TARGET, "it is the target"))
    with pytest.raises(Refused) as caught:
        one.bind(TARGET, 1)
    assert caught.value.reason == Reason.DEFINES_TARGET
