"""What a configuration hands to the script that it runs: the socket has its number or sum, and who says so."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import ports
from analysis.collectors.ports import PortCollector
from analysis.declared.entries import Entries
from analysis.declared.handed import entries
from analysis.declared.handed import rows as handed
from analysis.declared.reading import read
from analysis.declared.scripts import Scripts
from analysis.ports import Ask, Row
from analysis.project import load
from analysis.values.terms import Const, Key, Term, Unknown, choice, total
from tests.analysis.tables import table

START = "A:\n  script_path: a.py\n  port: 7200\n  health_check_port: 8200\n"
AGENT = "class A:\n    def __init__(self, config):\n        self.config = config\n        self.port = {}\n"
CALLS = "    def run(self):\n        self.up(config['port'])\n        self.up(config['health_check_port'])\n"
UP = "    def up(self, port):\n        self.sock.bind(f'tcp://*:{port}')\n"
BIND = "    def run(self):\n        self.sock.bind(f'tcp://*:{self.port}')\n"


def told(rows: list[Row]) -> list[str]:
    return [
        f"{row.path}:{row.line} {row.machine}/{row.owner} "
        f"{row.port if row.port is not None else f'<{row.expression}>'}: {row.given}"
        for row in rows
        if row.certainty == "configured"
    ]


def bound(expression: str) -> str:
    return f"PORT = {expression}\nsock.bind(f'tcp://*:{{PORT}}')\n"


ASKED = {
    "a key of the configuration": (bound("config['port']"), ["7200: config['port'] in start.yaml:3"]),
    "with a default that agrees": (bound("config.get('port', 7200)"), ["7200: config['port'] in start.yaml:3"]),
    "with a default that differs": (
        bound("config.get('port', 5624)"),
        ["7200: config['port'] in start.yaml:3; 5624 in the source"],
    ),
    "of an agent's own": (
        AGENT.format('self.config["port"]') + BIND,
        ["7200: self.config['port'] in start.yaml:3"],
    ),
    "an attribute": (bound("settings.port"), ["7200: settings.port in start.yaml:3"]),
    "another key": (
        bound("config.get('health_check_port', 1)"),
        ["8200: config['health_check_port'] in start.yaml:4; 1 in the source"],
    ),
    "written otherwise": (bound("config['healthCheckPort']"), ["8200: config['healthCheckPort'] in start.yaml:4"]),
    "the whole way from the top": (bound("config['A']['port']"), ["7200: config['A']['port'] in start.yaml:3"]),
    "a key with dots in it": (
        bound("config.get('a.port', 5)"),
        ["7200: config['a.port'] in start.yaml:3; 5 in the source"],
    ),
    "a variable that starts an agent": (
        bound("int(os.getenv('AGENT_PORT', '5556'))"),
        ["7200: $AGENT_PORT in start.yaml:3; 5556 in the source"],
    ),
    "a variable that is called like the key": (
        bound("int(os.environ['HEALTH_CHECK_PORT'])"),
        ["8200: $HEALTH_CHECK_PORT in start.yaml:4"],
    ),
    "a variable before a key": (
        bound("os.getenv('AGENT_PORT', config.get('port', 5))"),
        ["7200: $AGENT_PORT in start.yaml:3; 5 in the source"],
    ),
    "an option": (
        "p.add_argument('--port', type=int, default=5556)\nargs = p.parse_args()\n" + bound("args.port"),
        ["7200: --port in start.yaml:3; 5556 in the source"],
    ),
    "worked out": (bound("config['port'] + 100"), ["7300: config['port'] in start.yaml:3"]),
    "the default of another name": (
        bound("os.getenv('TTS_PORT', config['port'])"),
        ["7200: config['port'] in start.yaml:3"],
    ),
    "one of two": (
        bound("config['port'] if x else 5556"),
        ["7200: config['port'] in start.yaml:3"],
    ),
    "and what is tried when it is taken": (
        "p = config['port']\nfor n in range(5):\n    sock.bind(f'tcp://*:{p if first else p + n}')\n",
        ["7200: config['port'] in start.yaml:3"],
    ),
    "both in one call": (
        AGENT.format("0") + CALLS + UP,
        [
            "7200: config['port'] in start.yaml:3, config['health_check_port'] in start.yaml:4",
            "8200: config['port'] in start.yaml:3, config['health_check_port'] in start.yaml:4",
        ],
    ),
    "a parameter that a loader fills": (
        "class A:\n    def __init__(self, port=5556):\n        self.sock.bind(f'tcp://*:{port}')\n",
        ["7200: A.__init__(port) in start.yaml:3; 5556 in the source"],
    ),
}


@pytest.mark.parametrize("title", ASKED)
def test_a_socket_gets_what_the_entry_says_under_its_name(tmp_path: Path, title: str) -> None:
    source, expected = ASKED[title]
    found = told(table(tmp_path, {"start.yaml": START, "a.py": source}))
    assert [line.partition(" ")[2].partition(" ")[2] for line in found] == expected


UNASKED = {
    "another key": bound("config['metrics_port']"),
    "part of a key": bound("config['health_port']"),
    "a key below another": bound("config['redis']['port']"),
    "another's configuration": bound("redis_config['port']"),
    "a table of another's": bound("network_config['ports']['port']"),
    "no configuration": bound("message['port']"),
    "an attribute that nobody sets": "class A:\n    def run(self):\n        self.sock.bind(f'tcp://*:{self.port}')\n",
    "another variable": bound("os.getenv('TTS_PORT', '5556')"),
    "another agent's variable": bound("os.getenv('ROUTER_AGENT_PORT', '5556')"),
    "another option": "args = p.parse_args()\n" + bound("args.metrics_port"),
    "a number": bound("5556"),
    "a connection": "sock.connect(f\"tcp://h:{config['port']}\")\n",
    "a parameter of another function": "def up(port):\n    sock.bind(f'tcp://*:{port}')\n",
    "a parameter that the script fills itself": (
        "class A:\n    def __init__(self, port=5556):\n        self.sock.bind(f'tcp://*:{port}')\n"
        "if __name__ == '__main__':\n    A()\n"
    ),
    "a literal that wins": (
        "class A:\n    def __init__(self, port=5556):\n"
        "        p = port if port is not None else config['port']\n        self.sock.bind(f'tcp://*:{p}')\n"
        "if __name__ == '__main__':\n    A().run()\n"
    ),
    "a port that is looked for": "for n in range(9):\n    sock.bind(f\"tcp://*:{config['port'] + n}\")\n",
}


@pytest.mark.parametrize("title", UNASKED)
def test_a_socket_that_does_not_ask_gets_nothing(tmp_path: Path, title: str) -> None:
    rows = table(tmp_path, {"start.yaml": START, "a.py": UNASKED[title]})
    assert told(rows) == []
    assert any(row.path == "a.py" for row in rows)


SAID = {
    "an offset that nothing sets": (
        "a.yaml",
        'A:\n  script: a.py\n  port: "${PORT_OFFSET}+7200"\n',
        "<$PORT_OFFSET + 7200>: config['port'] in a.yaml:3; 5 in the source",
    ),
    "an offset with a default": (
        "a.yaml",
        'A:\n  script: a.py\n  port: "${PORT_OFFSET:-1000}+7200"\n',
        "8200: config['port'] in a.yaml:3; 5 in the source",
    ),
    "a template": (
        "a.yaml",
        'A:\n  script: a.py\n  port: "{{ port }}"\n',
        None,
    ),
    "a table of the entry's settings": (
        "a.yaml",
        "- name: A\n  script: a.py\n  config: {port: 7200}\n",
        "7200: config['port'] in a.yaml:3; 5 in the source",
    ),
    "a table of something else": ("a.yaml", "A:\n  script: a.py\n  redis: {port: 7200}\n", None),
    "a series": ("a.yaml", "A:\n  script: a.py\n  port: [7200, 7201]\n", None),
    "a range": ("a.yaml", "A:\n  script: a.py\n  ports: {port: 7200-7201}\n", None),
    "a variable, which is no key": ("a.yaml", "A:\n  script: a.py\n  environment: {port: 7200}\n", None),
    "another script": ("a.yaml", "A:\n  script: b.py\n  port: 7200\n", None),
    "no script": ("a.yaml", "A:\n  port: 7200\n", None),
    "JSON": (
        "a.json",
        '{"A": {"script": "a.py", "port": 7200}}',
        "7200: config['port'] in a.json:1; 5 in the source",
    ),
    "TOML": (
        "a.toml",
        '[A]\nscript = "a.py"\nport = 7200\n',
        "7200: config['port'] in a.toml:3; 5 in the source",
    ),
}


@pytest.mark.parametrize("title", SAID)
def test_what_a_configuration_says(tmp_path: Path, title: str) -> None:
    name, text, expected = SAID[title]
    found = told(table(tmp_path, {name: text, "a.py": bound("config.get('port', 5)")}))
    assert found == ([] if expected is None else [f"a.py:2 /a {expected}"])


VARIABLES = {
    "of a service": (
        "compose.yaml",
        "services:\n  tts:\n    command: python a.py\n    environment:\n      AGENT_PORT: 7200\n",
        "7200: $AGENT_PORT in compose.yaml:5; 5 in the source",
    ),
    "in a list": (
        "compose.yaml",
        "services:\n  tts:\n    command: python a.py\n    environment: ['AGENT_PORT=7200']\n",
        "7200: $AGENT_PORT in compose.yaml:4; 5 in the source",
    ),
    "of a container": (
        "k.yaml",
        "name: tts\ncommand: python a.py\nenv:\n- {name: AGENT_PORT, value: 7200}\n",
        "7200: $AGENT_PORT in k.yaml:4; 5 in the source",
    ),
    "of an image": (
        "Dockerfile",
        'FROM python\nENV AGENT_PORT=7200\nCMD ["python", "a.py"]\n',
        "7200: $AGENT_PORT in Dockerfile:2; 5 in the source",
    ),
    "of an entry, before its key": (
        "a.yaml",
        "A:\n  script: a.py\n  port: 1\n  env_vars: {AGENT_PORT: 7200}\n",
        "7200: $AGENT_PORT in a.yaml:4; 5 in the source",
    ),
    "of another case": ("a.yaml", "A:\n  script: a.py\n  env_vars: {agent_port: 7200}\n", None),
    "of another name": ("a.yaml", "A:\n  script: a.py\n  env_vars: {TTS_PORT: 7200}\n", None),
    "of another service": (
        "compose.yaml",
        "services:\n  a:\n    command: python a.py\n  b:\n    image: b\n    environment:\n      AGENT_PORT: 7200\n",
        None,
    ),
    "that the container publishes": (
        "compose.yaml",
        "services:\n  a:\n    command: python a.py\n    ports: ['7200:7200']\n",
        None,
    ),
}


@pytest.mark.parametrize("title", VARIABLES)
def test_a_variable_of_an_entry(tmp_path: Path, title: str) -> None:
    name, text, expected = VARIABLES[title]
    found = told(table(tmp_path, {name: text, "a.py": bound("int(os.getenv('AGENT_PORT', 5))")}))
    assert found == ([] if expected is None else [f"a.py:2 /a {expected}"])


def test_an_option_of_the_command_that_runs_the_script(tmp_path: Path) -> None:
    source = "p.add_argument('--port', default=5)\nargs = p.parse_args()\n" + bound("args.port")
    files = {
        "compose.yaml": """\
            services:
              a:
                command: python a.py --port 7200
                healthcheck: {test: "probe --port 7300"}
            """,
        "Dockerfile": 'FROM python\nHEALTHCHECK CMD probe --port 7300\nCMD ["python", "a.py", "--port", "7201"]\n',
        "a.py": source,
    }
    assert told(table(tmp_path, files)) == [
        "a.py:4 /a 7201: --port in Dockerfile:3; 5 in the source",
        "a.py:4 /a 7200: --port in compose.yaml:3; 5 in the source",
    ]


def test_a_value_of_a_command_is_no_key(tmp_path: Path) -> None:
    files = {"compose.yaml": "services:\n  a:\n    command: python a.py --port 7200\n", "a.py": bound("config['port']")}
    assert told(table(tmp_path, files)) == []


def test_two_machines_that_run_one_script_have_a_row_each(tmp_path: Path) -> None:
    start = "A:\n  script_path: common/a.py\n  port: {}\n"
    files = {
        "main_pc_code/start.yaml": start.format(7200),
        "pc2_code/start.yaml": start.format(7300),
        "main_pc_code/x.py": "",
        "pc2_code/x.py": "",
        "common/a.py": bound("config.get('port', 5556)"),
    }
    assert told(table(tmp_path, files)) == [
        "common/a.py:2 main_pc/a 7200: config['port'] in main_pc_code/start.yaml:3; 5556 in the source",
        "common/a.py:2 pc2/a 7300: config['port'] in pc2_code/start.yaml:3; 5556 in the source",
    ]


def test_a_script_with_a_machine_runs_there(tmp_path: Path) -> None:
    files = {
        "main_pc_code/start.yaml": "A:\n  script_path: pc2_code/a.py\n  port: 7200\n",
        "pc2_code/a.py": bound("config['port']"),
        "main_pc_code/b.py": "",
    }
    assert told(table(tmp_path, files)) == ["pc2_code/a.py:2 pc2/a 7200: config['port'] in main_pc_code/start.yaml:3"]


def test_one_file_that_starts_a_script_twice(tmp_path: Path) -> None:
    text = """\
        - {name: A1, script: a.py, port: 7200, health_port: 8200}
        - {name: A2, script: a.py, port: 7201}
        - {script: a.py, port: 7202}
        - {script: a.py, port: 7203}
        """
    found = told(table(tmp_path, {"start.yaml": text, "a.py": bound("config['port']")}))
    assert found == [f"a.py:2 /a {7199 + line}: config['port'] in start.yaml:{line}" for line in (1, 2, 3, 4)]


def test_the_ports_of_one_entry_stay_together(tmp_path: Path) -> None:
    text = (
        "- {name: A1, script: a.py, port: 7200, base: 1, health_port: 8200}\n- {name: A2, script: a.py, port: 7300}\n"
    )
    source = "PORT = int(os.getenv('HEALTH_PORT', config['port'] + 1))\nsock.bind(f'tcp://*:{PORT}')\n"
    assert [row.port for row in table(tmp_path, {"start.yaml": text, "a.py": source}) if row.given] == [8200, 7301]


def test_files_that_agree_are_one_row_that_names_the_nearest(tmp_path: Path) -> None:
    start = "A:\n  script_path: agents/a.py\n  port: {}\n"
    files = {
        "backup/start.yaml": start.format(7200),
        "agents/start.yaml": start.format(7200),
        "zoo/start.yaml": start.format(7200),
        "old.yaml": start.format(7100),
        "agents/a.py": bound("config.get('port', 5)"),
    }
    assert told(table(tmp_path, files)) == [
        "agents/a.py:2 /a 7200: config['port'] in agents/start.yaml:3, and 2 others; 5 in the source",
        "agents/a.py:2 /a 7100: config['port'] in old.yaml:3; 5 in the source",
    ]


def test_the_configuration_that_a_script_names_is_the_one_that_counts(tmp_path: Path) -> None:
    start = "A:\n  script_path: a.py\n  port: {}\n"
    files = {"inventory.yaml": start.format(7100), "conf/start.yaml": start.format(7200)}
    named = "config = load('conf/start.yaml')\n" + bound("config['port']")
    other = "config = load('conf/models.yaml')\n" + bound("config['port']")
    assert [row.port for row in table(tmp_path, {**files, "a.py": named}) if row.given] == [7200]
    assert sorted(row.port or 0 for row in table(tmp_path, {**files, "a.py": other}) if row.given) == [7100, 7200]


BASE = """\
    class Base:
        def __init__(self, port=None, health=None, config=None, **more):
            self.port = port
            self.health = health or {}
            self.one.bind(f"tcp://*:{{self.port}}")
            self.two.bind(f"tcp://*:{{self.health}}")
    """
DERIVED = """\
    from base import Base
    class A(Base):
        def __init__(self):
            super().__init__(port=config.get("port", 5))
    """


def test_a_base_class_binds_for_the_agent_that_is_started(tmp_path: Path) -> None:
    files = {"start.yaml": START, "a.py": DERIVED, "base.py": BASE.format("config['health_check_port']")}
    assert told(table(tmp_path, files)) == [
        "base.py:5 /A 7200: config['port'] in start.yaml:3; 5 in the source",
        "base.py:6 /A 8200: config['health_check_port'] in start.yaml:4",
    ]


def test_a_base_class_that_looks_for_a_configuration_itself_is_not_followed(tmp_path: Path) -> None:
    found = "(getattr(self, 'config', None) or {}).get('health_check_port')"
    base = BASE.format("own['health_check_port']").replace("self.port = port", f"own = {found}")
    files = {"start.yaml": START, "a.py": DERIVED, "base.py": base}
    assert [line for line in told(table(tmp_path, files)) if line.startswith("base.py:6")] == []


def test_of_several_classes_in_a_script_the_one_that_is_called_like_the_entry_is_started(tmp_path: Path) -> None:
    source = "".join(
        f"class {name}:\n    def run(self):\n        self.sock.bind(f\"tcp://*:{{config['port']}}\")\n"
        for name in ("Cache", "SpeakerAgent")
    )
    start = "Speaker:\n  script: a.py\n  port: 7200\n"
    assert told(table(tmp_path, {"start.yaml": start, "a.py": source})) == [
        "a.py:6 /SpeakerAgent 7200: config['port'] in start.yaml:3"
    ]


def test_the_row_of_the_source_stays_and_nothing_clashes(tmp_path: Path) -> None:
    files = {
        "start.yaml": START.replace("7200", "5556"),
        "a.py": bound("config.get('port', 5624)"),
        "b.py": "sock.bind('tcp://*:5556')\n",
    }
    rows = table(tmp_path, files)
    own, configured = (row for row in rows if row.path == "a.py")
    assert (own.port, own.certainty, own.given) == (5624, "default", "")
    assert (configured.port, configured.evidence, configured.line) == (5556, own.evidence, own.line)
    assert ports.conflicts(rows) == []
    declared = [row for row in rows if row.side == "declare"]
    assert [(row.port, row.owner, row.given) for row in declared] == [(5556, "a", ""), (8200, "a", "")]


def test_a_table_without_what_configurations_hand_out(tmp_path: Path) -> None:
    (tmp_path / "start.yaml").write_text(START)
    (tmp_path / "a.py").write_text(bound("config['port']"))
    project = load([tmp_path], root=tmp_path, collectors=[PortCollector], jobs=1, cache=False)
    whole = ports.table(project)
    assert [row for row in whole if not row.given] == ports.table(project, configured=False)
    assert ports.sockets(project) == [row for row in whole if row.path == "a.py" and not row.given]


TERMS: st.SearchStrategy[Term] = st.recursive(
    st.one_of(
        st.sampled_from([Key("config['port']", Const(5556)), Key("config['other']", Const(5))]),
        st.integers(1, 9).map(Const),
        st.just(Unknown("x")),
    ),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(choice),
        st.lists(inner, min_size=1, max_size=3).map(total),
        inner.map(lambda one: Key("config['more']", one)),
    ),
    max_leaves=6,
)


@given(term=TERMS, number=st.integers(1024, 65535))
def test_a_row_is_made_only_where_the_term_asks_and_only_from_what_the_entry_says(term: Term, number: int) -> None:
    """Whatever a port is worked out from: what does not ask is not answered, what asks alone has that number."""
    text = f"A:\n  script: a.py\n  port: {number}\n".encode()
    known = entries({"s.yaml": read("s.yaml", text).declared}, Scripts(["a.py"]), {}, lambda _: ())
    row = Row(
        path="a.py", line=1, column=1, machine="", owner="A", purpose="", side="bind", by="zmq", socket="",
        transport="tcp", host="*", port=None, expression="", certainty="expression", evidence="", home="a.py",
    )  # fmt: skip
    found = list(handed([Ask(row, term, False, frozenset())], known, [row]))
    asks = "config['port']" in repr(term)
    assert all(one.certainty == "configured" and "config['port'] in s.yaml:3" in one.given for one in found)
    assert not found or asks
    if term == Key("config['port']", Const(5556)):
        assert [one.port for one in found] == [number]


def test_keys_of_a_record_lead_from_the_entry() -> None:
    text = (
        "g:\n  A:\n    script: a.py\n    port: 1\n    env: {B_PORT: 2}\n    command: run --c-port 3000 http://x:4000\n"
    )
    found = read("a.yaml", text.encode()).declared
    assert [one.keys for one in found] == [("port",), ("env", "B_PORT"), ("--c-port",), ()]
    assert Entries("yaml").records == []
