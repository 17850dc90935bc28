"""Comments and multi-line strings are found as the tokenizer finds them."""

from __future__ import annotations

import io
import sys
import tokenize

import pytest

from codemods.tokens import names_as_written, scan

STRETCHES = [
    "a = 1  # one\n# two\nb = '#no'  # three\n",
    's = """\n# no\n"""  # yes\n',
    "s = '''it's # no'''  # yes\n",
    "s = r'\\'  # no'\nt = 1  # yes\n",
    "s = 'a\\\n# no'\n",
    "s = b'''\n''' b'#'  # yes\n",
    "s = f'{x!r:>{w}}'  # yes\n",
    "s = f'{{'  # yes\n",
    "s = f'''{\nx}\n'''  # yes\n",
    "x = [  # one\n    1,\n]  # two\n",
    "    a = 1  # indented\n    b = '''\n# no\n'''\n",
    "# don't\nx = 1\n",
    "s = ''  # one\nt = ''''''  # two\n",
    "def f():\n\tx = '''\n\t'''\t# tab\t \n",
]


def tokenized(text: str) -> tuple[tuple[bytes, ...], tuple[int, ...]]:
    lead = "if 1:\n" if text.startswith((" ", "\t")) else ""
    starts = [0]
    for line in text.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    comments, inside, begun = [], set(), []
    for token in tokenize.generate_tokens(io.StringIO(lead + text).readline):
        first, last = (place[0] - 1 - bool(lead) for place in (token.start, token.end))
        name = tokenize.tok_name[token.type]
        if name == "COMMENT":
            comments.append(token.string.rstrip().encode())
        elif name == "STRING":
            inside.update(starts[line] for line in range(first + 1, last + 1))
        elif name == "FSTRING_START":
            begun.append(first)
        elif name == "FSTRING_END":
            inside.update(starts[line] for line in range(begun.pop() + 1, last + 1))
    return tuple(comments), tuple(sorted(inside))


@pytest.mark.parametrize("text", STRETCHES)
def test_the_tokenizer_agrees(text: str) -> None:
    found = scan(text.encode())
    assert found.sure
    assert (found.comments, found.inside) == tokenized(text)


def test_one_newline_of_two_characters_is_one() -> None:
    assert scan(b"s = '''\r\nx\r\n'''\r\n").inside == (9, 12)
    assert scan(b"s = 'a\\\r\nb'  # c\r\n").comments == (b"# c",)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="quotes nest in f-strings from 3.12 on")
@pytest.mark.parametrize(
    ("text", "comments"),
    [
        ("s = f'{d['#']}'  # yes\n", (b"# yes",)),
        ('s = f"{f"{1}#"}"  # yes\n', (b"# yes",)),
        ("s = f'''{\n'#'  # yes\n}'''\n", (b"# yes",)),
    ],
)
def test_quotes_in_replacement_fields(text: str, comments: tuple[bytes, ...]) -> None:
    found = scan(text.encode())
    assert found.sure
    assert found.comments == comments


def test_a_stretch_may_end_in_the_middle_of_a_statement() -> None:
    assert scan(b"if x:  # f'{'\n    y = f'{{'  # b\n").comments == (b"# f'{'", b"# b")
    assert scan(b"y = (f'{{',  # b\n").comments == (b"# b",)


@pytest.mark.parametrize("text", [b"x = 'open\n", b"x = '''open\n", b"it's\n"])
def test_what_makes_no_sense_is_not_sure(text: bytes) -> None:
    assert not scan(text).sure


def test_other_encodings_are_read_as_characters() -> None:
    text = "x = '表'  # コメント\n"
    found = scan(text.encode("shift_jis"), "shift_jis")
    assert found.sure
    assert found.comments == ("# コメント".encode("shift_jis"),)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("e = 1\n", True),
        ("größe = 'ﬁne ½ ™'  # ｆull\n", True),
        ("\uff45 = 1\n", False),
        ("x = f'{\uff45}'\n", False),
        ("x = f'{{{\uff45}}}'\n", False),
        ("x = f'{a:{\uff45}}'\n", False),
        ("x = f'\u2139 {e} {{\uff45}} {e}'\n", True),
        ("x = '\uff45'\n", True),
        ("def f():\n    \u2102 = 1\n", False),
        ("x = (  # \uff45\n", False),
    ],
)
def test_names_in_other_letters(text: str, plain: bool) -> None:
    assert names_as_written(text) is plain
