"""Calls in the place of ports, however the literal is spelled."""

from __future__ import annotations

import ast

import pytest

from analysis.source import Source
from codemods.compose import apply
from codemods.port_edits import edits


def rewritten(data: str | bytes, *ports: int) -> str | None:
    """What becomes of the value of the first assignment (or of what a function returns); None when it is declined."""
    data = data.encode() if isinstance(data, str) else data
    source = Source.from_bytes(data, "sample.py")
    node = next(
        one.value
        for one in ast.walk(ast.parse(data))
        if isinstance(one, (ast.Assign, ast.Return)) and one.value is not None
    )
    start = source.offset(node.lineno, node.col_offset)
    end = source.offset(node.end_lineno or 0, node.end_col_offset or 0)
    splices = edits(source, start, end, ports, {port: f'get_port("P{port}")' for port in ports})
    if not splices:
        return None
    new = apply(data, sorted((one.start, one.end, one.text.encode(source.encoding)) for one in splices))
    compile(new, "sample.py", "exec", dont_inherit=True)
    return new.decode(source.encoding)


def values(text: str, **names: object) -> object:
    """What ``x`` is bound to by a program in which every name of the registry stands for its number."""
    space: dict[str, object] = {"get_port": lambda name: int(name[1:]), **names}
    exec(compile(text, "sample.py", "exec", dont_inherit=True), space)
    return space["x"]


@pytest.mark.parametrize("number", ["5556", "5_556", "0x15b4", "0X15_B4", "0o12664", "0b1010110110100"])
def test_numbers_in_every_spelling(number: str) -> None:
    assert rewritten(f"x = {number}  # why\n", 5556) == 'x = get_port("P5556")  # why\n'


@pytest.mark.parametrize(
    "text", ["'5556'", '"5556"', "'''5556'''", "r'5556'", "u'5556'", "f'5556'", "'55' '56'", "'\\x35556'"]
)
def test_numbers_in_quotes_stay_text(text: str) -> None:
    new = rewritten(f"x = {text}\n", 5556)
    assert new in ("x = f\"{get_port('P5556')}\"\n", None)
    # `str` may mean something else there.
    assert new is None or values(new, str=len) == "5556"
    assert (new is None) == text.startswith("f")


@pytest.mark.parametrize(
    "text", ["b'5556'", "b'tcp://h:5556'", "True", "5556.0", "'05556'", "' 5556'", "'5556 '", "5557"]
)
def test_what_is_no_port_number_is_left(text: str) -> None:
    assert rewritten(f"x = {text}\n", 5556) is None


ADDRESSES = [
    ('"tcp://*:5556"', "f\"tcp://*:{get_port('P5556')}\""),
    ("'tcp://*:5556'", "f'tcp://*:{get_port(\"P5556\")}'"),
    ('"""tcp://*:5556"""', 'f"""tcp://*:{get_port(\'P5556\')}"""'),
    ("'''tcp://*:5556'''", "f'''tcp://*:{get_port(\"P5556\")}'''"),
    ('r"tcp://*:5556\\d"', "fr\"tcp://*:{get_port('P5556')}\\d\""),
    ('R"tcp://*:5556"', "fr\"tcp://*:{get_port('P5556')}\""),
    ('u"tcp://*:5556"', "f\"tcp://*:{get_port('P5556')}\""),
    ('U"tcp://*:5556"', "f\"tcp://*:{get_port('P5556')}\""),
    ('F"tcp://{h}:5556"', "F\"tcp://{h}:{get_port('P5556')}\""),
    ('rf"tcp://{h}:5556\\d"', "rf\"tcp://{h}:{get_port('P5556')}\\d\""),
    ('"http://h:5556/{a}/{{b}}"', "f\"http://h:{get_port('P5556')}/{{a}}/{{{{b}}}}\""),
    ('f"http://h:5556/{{a}}/{h}"', "f\"http://h:{get_port('P5556')}/{{a}}/{h}\""),
    ("'\"a\" tcp://h:5556 \\'b\\''", "f'\"a\" tcp://h:{get_port(\"P5556\")} \\'b\\''"),
    ('"tcp://h:5556\\n\\t\\u00e9"', "f\"tcp://h:{get_port('P5556')}\\n\\t\\u00e9\""),
    ('"tcp://\\x68ost:5556"', "f\"tcp://\\x68ost:{get_port('P5556')}\""),
    ('f"\\N{BULLET} tcp://{h}:5556"', "f\"\\N{BULLET} tcp://{h}:{get_port('P5556')}\""),
    ('r"\\N{BULLET} tcp://h:5556"', "fr\"\\N{{BULLET}} tcp://h:{get_port('P5556')}\""),
    ('f"{h:5556} tcp://h:5556"', "f\"{h:5556} tcp://h:{get_port('P5556')}\""),
    ("f\"{d['}']} tcp://h:5556\"", "f\"{d['}']} tcp://h:{get_port('P5556')}\""),
    ('"tcp://a:5556," "tcp://b:5556"', None),
    ('("tcp://h" ":5556")', '("tcp://h" f":{get_port(\'P5556\')}")'),
    ("(f'tcp://{h}' \":5556/{a}\")", "(f'tcp://{h}' f\":{get_port('P5556')}/{{a}}\")"),
]


@pytest.mark.parametrize(("text", "after"), ADDRESSES, ids=[text for text, _ in ADDRESSES])
def test_addresses_in_every_spelling(text: str, after: str | None) -> None:
    old = f"x = {text}\n"
    new = rewritten(old, 5556)
    assert new == (None if after is None else f"x = {after}\n")
    if new is not None:
        names = {"h": "é", "a": 1, "d": {"}": 2}}
        if "{h:5556}" in text:
            names["h"] = "z"
        assert values(new, **names) == values(old, **names)


DECLINED = [
    '"tcp://h:\\x35556"',
    '"tcp://h\\x3a5556"',
    '"tcp://h:55" "56"',
    '"tcp://h:" "5556"',
    '"\\N{BULLET} tcp://h:5556"',
    'f"tcp://{h:5556}"',
    "f\"tcp://{d['}']:5556}\"",
    'f"{h}:5556"',
    '"tcp://h:5556.5"',
    '"tcp://h:5556-5557"',
    '"tcp://h:55567"',
    '"tcp://h:5556" + y',
    "f\"{'tcp://h:5556'}\"",
]


@pytest.mark.parametrize("text", DECLINED)
def test_what_cannot_be_put_in_surely_is_declined(text: str) -> None:
    assert rewritten(f"x = {text}\n", 5556) is None


def test_several_ports_of_one_text() -> None:
    new = rewritten('x = "tcp://a:5556,tcp://b:5557;udp://c:5556"\n', 5556, 5557, 5556)
    assert new is not None
    assert new.count("get_port('P5556')") == 2
    assert values(new) == "tcp://a:5556,tcp://b:5557;udp://c:5556"


def test_only_the_ports_that_are_asked_for_are_replaced() -> None:
    new = rewritten('x = "tcp://a:443 tcp://b:5556 at 12:5556 5556"\n', 5556)
    assert new == "x = f\"tcp://a:443 tcp://b:{get_port('P5556')} at 12:5556 5556\"\n"


def test_parts_side_by_side_keep_their_comments_and_prefixes() -> None:
    old = 'x = (\n    "tcp://a:5556,"  # first: {a}\n    r"\\d{1}"  # none\n    "tcp://b:5557"  # second\n)\n'
    new = rewritten(old, 5556, 5557)
    assert new == (
        'x = (\n    f"tcp://a:{get_port(\'P5556\')},"  # first: {a}\n    r"\\d{1}"  # none\n'
        "    f\"tcp://b:{get_port('P5557')}\"  # second\n)\n"
    )
    assert values(new) == values(old)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_line_ends_of_any_kind(newline: str) -> None:
    old = 'x = (\n    "tcp://a:5556,"  # é\n    """\n{tcp://b:5557}\n"""\n)\n'.replace("\n", newline)
    new = rewritten(old, 5556, 5557)
    assert new is not None
    assert new.replace("get_port('P5556')", "5556").count(newline) == old.count(newline)
    assert values(new) == values(old)


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-8", "euc-jp"])
def test_other_encodings(encoding: str) -> None:
    letter = "名" if encoding == "euc-jp" else "é"
    old = f'# coding: {encoding}\n{letter} = 1; x = "{letter}{letter} tcp://{letter}:5556 {letter}"  # {letter}\n'
    if encoding == "euc-jp":
        old = old.replace("ééé", "名")
    source = old.encode(encoding)
    data = Source.from_bytes(source, "sample.py")
    assert data.fault is None
    start = source.index(b'"')
    end = source.rindex(b'"') + 1
    splices = edits(data, start, end, [5556], {5556: 'get_port("P5556")'})
    new = apply(source, sorted((one.start, one.end, one.text.encode(encoding)) for one in splices)).decode(encoding)
    assert new == old.replace('"' + letter, 'f"' + letter).replace("5556", "{get_port('P5556')}")


def test_a_mark_before_the_text() -> None:
    old = '\ufeffx = "é tcp://h:5556"\n'
    assert rewritten(old, 5556) == "\ufeffx = f\"é tcp://h:{get_port('P5556')}\"\n"


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ('return"5556"', "return f\"{get_port('P5556')}\""),
        ('return"tcp://h:5556"', "return f\"tcp://h:{get_port('P5556')}\""),
        ("return'tcp://h'':5556'", "return'tcp://h'f':{get_port(\"P5556\")}'"),
    ],
)
def test_a_word_right_before_the_text_stays_apart(text: str, after: str) -> None:
    assert rewritten(f"def f():\n    {text}\n", 5556) == f"def f():\n    {after}\n"


@pytest.mark.parametrize(
    "address",
    [
        "http://[::1]:5556/x",
        "tcp://user:secret@h:5556",
        "redis://:12345@h:5556",
        "redis://:5556@h:5556/0",
        "tcp://[fe80::1%eth0]:5556,tcp://u@[::]:5556",
        "http://h:5556?to=a@b",
    ],
)
def test_users_passwords_and_numeric_hosts(address: str) -> None:
    new = rewritten(f"x = '{address}'\n", *[5556] * (address.count(":5556") - address.count("5556@")))
    assert new is not None
    assert values(new) == address
    assert "5556@" in new or "5556@" not in address


def test_a_password_is_no_port() -> None:
    assert rewritten('x = "redis://u:5556@h:6379/0"\n', 5556) is None


def test_a_look_up_that_is_there_already_is_not_taken_for_the_new_one() -> None:
    assert rewritten("x = f\"tcp://a:{get_port('P5556')} tcp://b:5556\"\n", 5556) is None


def test_the_call_may_name_a_machine() -> None:
    source = Source.from_bytes(b"x = 'tcp://h:5556'\n", "sample.py")
    splices = edits(source, 4, 18, [5556], {5556: 'get_port("P", machine="m")'})
    assert "".join(one.text for one in splices) == 'f{get_port("P", machine="m")}'
