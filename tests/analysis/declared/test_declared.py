"""What configuration files say of ports: each row is told by place, side, owner, purpose, port, certainty and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis import ports
from analysis.collectors.ports import PortCollector
from analysis.declared.reading import LARGEST, format_of, read
from analysis.ports import Row
from analysis.project import load
from tests.analysis.tables import table


def told(rows: list[Row]) -> list[str]:
    return [
        f"{row.line}:{row.column} {row.side} {row.by} {row.owner}/{row.purpose} "
        f"{row.port if row.port is not None else f'<{row.expression}>'} {row.certainty} {row.evidence}"
        for row in rows
    ]


SHAPES = {
    "entries of a list": (
        "a.yaml",
        """\
        services:
          - name: Speaker
            port: 5556
            health_check_port: "5557"
            report_interval: 3000
            timeout: 5000
            replicas: 80
        """,
        [
            "3:11 declare yaml Speaker/ 5556 exact services[0].port",
            "4:25 declare yaml Speaker/health_check 5557 exact services[0].health_check_port",
        ],
    ),
    "entries by their key": (
        "a.yaml",
        "agents:\n  Speaker: {port: 5556, retry_port_count: 3}\n",
        ["2:19 declare yaml Speaker/ 5556 exact agents.Speaker.port"],
    ),
    "an offset that the file does not know": (
        "a.yaml",
        'A:\n  port: "${PORT_OFFSET}+7200"\n',
        ["2:10 declare yaml A/ <$PORT_OFFSET + 7200> expression A.port"],
    ),
    "an offset with a default": (
        "a.yaml",
        'A:\n  port: "${PORT_OFFSET:-0}+7200"\n',
        ["2:10 declare yaml A/ 7200 default A.port"],
    ),
    "a variable": ("a.yaml", "A:\n  port: ${X:-5556}\n", ["2:9 declare yaml A/ 5556 default A.port"]),
    "a variable without more": ("a.yaml", "A:\n  port: $X\n", ["2:9 declare yaml A/ <$X> expression A.port"]),
    "part of an entry": (
        "a.yaml",
        "name: A\nconfig:\n  redis:\n    port: 6379\n",
        ["4:11 declare yaml A/redis 6379 exact config.redis.port"],
    ),
    "ports by name": (
        "network.yaml",
        "ports:\n  tts: 5556\n  start: 7000\n",
        ["2:8 declare yaml tts/ 5556 exact ports.tts"],
    ),
    "ports in a list": (
        "a.yaml",
        "A:\n  ports: [5556, 5557]\n",
        [
            "2:11 declare yaml A/ 5556 exact A.ports[0]",
            "2:17 declare yaml A/ 5557 exact A.ports[1]",
        ],
    ),
    "the file's own": (
        "hub.yaml",
        "port: 9000\nX_PORT: 5\n",
        [
            "1:7 declare yaml hub/ 9000 exact port",
            "2:9 declare yaml hub/x 5 exact X_PORT",
        ],
    ),
    "Kubernetes": (
        "k.yaml",
        """\
        kind: Deployment
        metadata: {name: tts}
        spec:
          containers:
          - env:
            - {name: HTTP_PORT, value: "8080"}
            ports:
            - {name: web, containerPort: 8080}
        ---
        kind: Service
        metadata: {name: tts}
        spec: {ports: [{port: 80, targetPort: http}]}
        """,
        [
            "6:33 declare yaml tts/containers.http 8080 exact spec.containers[0].env[0].value",
            "8:34 declare yaml tts/containers.web.container 8080 exact spec.containers[0].ports[0].containerPort",
            "12:23 declare yaml tts/ 80 exact spec.ports[0].port",
        ],
    ),
    "addresses": (
        "a.yaml",
        """\
        A:
          endpoint: "tcp://${HOST}:5556"
          url: https://example.com/path
          hub_url: http://hub:9000/x
          targets: [hub:9100]
          image: redis:7
          at: 12:30
        """,
        [
            "2:28 declare yaml a/a 5556 exact A.endpoint",
            "4:23 declare yaml a/a.hub 9000 exact A.hub_url",
            "5:17 declare yaml a/a 9100 exact A.targets[0]",
        ],
    ),
    "anchors, merge keys, a key that comes twice": (
        "a.yaml",
        "base: &b {port: 5556}\nA: {<<: *b}\nB: {<<: *b, port: 1, port: 5557}\n",
        [
            "1:17 declare yaml base/ 5556 exact base.port",
            "1:17 declare yaml A/ 5556 exact A.port",
            "3:28 declare yaml B/ 5557 exact B.port",
        ],
    ),
    "tags, BOM and a template's value": (
        "a.yaml",
        "\ufeffport: !!int 5556\nA: !mine {port: '{{ port }}'}\n",
        ["1:13 declare yaml a/ 5556 exact port", "2:18 declare yaml A/ <{{ port }}> unknown A.port"],
    ),
    "no ports": (
        "a.yaml",
        "A:\n  port: null\n  health_port: 0\n  x_port: 70000\n  y_port: true\n  export: 8080\n  port_range: 5000\n",
        [],
    ),
    "TOML": (
        "a.toml",
        """\
        port = 8080 # own
        [[agents]]
        name = "A"
        rep.port = 5556
        note = '''
        port = 1
        '''
        [agents.pub]
        "port" = "5557"
        extra = { port = 5558, timeout = 10 }
        url = "tcp://h:5559"
        """,
        [
            "1:8 declare toml a/ 8080 exact port",
            "4:12 declare toml A/rep 5556 exact agents[0].rep.port",
            "9:11 declare toml A/pub 5557 exact agents[0].pub.port",
            "10:18 declare toml A/pub.extra 5558 exact agents[0].pub.extra.port",
            "11:16 declare toml A/pub 5559 exact agents[0].pub.url",
        ],
    ),
    "JSON": (
        "a.json",
        '{"agents": [{"name": "A", "port": 5556, // why\n  "healthPort": "5557", "size": 8080,}]}\n',
        [
            "1:35 declare json A/ 5556 exact agents[0].port",
            "2:18 declare json A/health 5557 exact agents[0].healthPort",
        ],
    ),
    "compose": (
        "docker-compose.yml",
        """\
        x-base: &base {environment: {X_PORT: 5000}}
        services:
          web:
            <<: *base
            ports:
              - 8080:80
              - "127.0.0.1:8443:443/udp"
              - "3000-3001:4000-4001"
              - "${WEB:-9000}:90"
              - 91
              - {target: 92, published: "9200"}
            expose: ["93"]
          db:
            image: db:15
            command: db --port 5432 --retries 10
            environment:
              - DB_PORT=5432
              - HUB_URL=http://hub:9000
            healthcheck: {test: [CMD, curl, "http://localhost:5433/"]}
        """,
        [
            "1:38 declare compose web/x 5000 exact services.web.environment.X_PORT",
            "6:9 publish compose web/published 8080 exact services.web.ports[0]",
            "6:14 declare compose web/target 80 exact services.web.ports[0]",
            "7:20 publish compose web/published 8443 exact services.web.ports[1]",
            "7:25 declare compose web/target 443 exact services.web.ports[1]",
            "8:10 publish compose web/published 3000 exact services.web.ports[2]",
            "8:10 publish compose web/published 3001 exact services.web.ports[2]",
            "8:20 declare compose web/target 4000 exact services.web.ports[2]",
            "8:20 declare compose web/target 4001 exact services.web.ports[2]",
            "9:10 publish compose web/published 9000 default services.web.ports[3]",
            "9:23 declare compose web/target 90 exact services.web.ports[3]",
            "10:9 declare compose web/target 91 exact services.web.ports[4]",
            "11:18 declare compose web/target 92 exact services.web.ports[5].target",
            "11:34 publish compose web/published 9200 exact services.web.ports[5].published",
            "12:15 declare compose web/expose 93 exact services.web.expose[0]",
            "15:24 declare compose db/ 5432 exact services.db.command",
            "17:17 declare compose db/db 5432 exact services.db.environment[0].DB_PORT",
            "18:28 declare compose db/hub 9000 exact services.db.environment[1].HUB_URL",
            "19:55 declare compose db/healthcheck.test 5433 exact services.db.healthcheck.test[2]",
        ],
    ),
    "a compose file by another name": (
        "stack.yaml",
        'services: {web: {image: x, ports: ["8000-8001:80"]}}\n',
        [
            "1:37 publish compose web/published 8000 choice services.web.ports[0]",
            "1:37 publish compose web/published 8001 choice services.web.ports[0]",
            "1:47 declare compose web/target 80 exact services.web.ports[0]",
        ],
    ),
    "a Dockerfile": (
        "tts/Dockerfile",
        """\
        FROM x:8080
        ARG WEB_PORT=8000
        ENV A_PORT=5556 TIMEOUT=3000 \\
            B_PORT="5557"
        ENV C_PORT 5558
        EXPOSE $WEB_PORT 53/udp 5000-8000
        HEALTHCHECK CMD curl http://localhost:${H:-8001}/ || exit 1
        CMD ["serve", "--port", "5559"]
        """,
        [
            "2:14 declare dockerfile tts/web 8000 exact ARG WEB_PORT",
            "3:12 declare dockerfile tts/a 5556 exact ENV A_PORT",
            "4:13 declare dockerfile tts/b 5557 exact ENV B_PORT",
            "5:12 declare dockerfile tts/c 5558 exact ENV C_PORT",
            "6:8 declare dockerfile tts/expose 8000 default EXPOSE",
            "6:18 declare dockerfile tts/expose 53 exact EXPOSE",
            "6:25 declare dockerfile tts/expose <5000-8000> expression EXPOSE",
            "7:39 declare dockerfile tts/healthcheck 8001 default HEALTHCHECK",
            "8:26 declare dockerfile tts/ 5559 exact CMD --port",
        ],
    ),
    "variables": (
        "tts.env",
        "# PORT=1\nexport A_PORT=5556 # why\nB_PORT='5557'\nC_URL=tcp://h:$A_PORT\nD_TIMEOUT=3000\nnothing\n",
        [
            "2:15 declare env tts/a 5556 exact A_PORT",
            "3:9 declare env tts/b 5557 exact B_PORT",
            "4:15 declare env tts/c 5556 default C_URL",
        ],
    ),
    "options that are written as a host and its port are": (
        "tts.env",
        """\
        PYTORCH_CUDA_ALLOC_CONF=max_split_size_mb:128
        JAVA_OPTS=a:5556
        SPLIT=max_split_size_mb:5557
        REDIS=my_redis:6379
        APP_CONF=http://h:5558
        """,
        ["4:16 declare env tts/redis 6379 exact REDIS", "5:19 declare env tts/app_conf 5558 exact APP_CONF"],
    ),
    "the same in a Dockerfile": (
        "tts/Dockerfile",
        "FROM x\nENV PYTHONUNBUFFERED=1 \\\n    PYTORCH_CUDA_ALLOC_CONF=max_split_size_mb:512\nENV API=backend:8000\n",
        ["4:17 declare dockerfile tts/api 8000 exact ENV API"],
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape(shape: str, tmp_path: Path) -> None:
    name, text, expected = SHAPES[shape]
    assert told(table(tmp_path, {name: text})) == expected


SPEAKER = 'class Speaker:\n    def run(self):\n        self.sock.bind("tcp://*:5556")\n'


@pytest.mark.parametrize(
    ("entry", "owner"),
    [
        ("script_path: code/tts.py", "Speaker"),
        ("script_path: tts.py", "Speaker"),
        ("script_path: /srv/tree/code/tts.py", "Speaker"),
        ("command: [python, -m, code.tts]", "Speaker"),
        ("command: python -u /app/code/tts.py --verbose", "Speaker"),
        ("command: uvicorn code.tts:app", "Speaker"),
        ("script_path: elsewhere/tts.py", "tts"),
        ("script_path: nowhere.py", "tts"),
        ("name: other", "other"),
    ],
)
def test_an_entry_that_runs_a_script_belongs_to_whom_binds_there(entry: str, owner: str, tmp_path: Path) -> None:
    files = {"code/tts.py": SPEAKER, "code/agents.yaml": f"tts:\n  port: 5556\n  {entry}\n"}
    (row,) = [row for row in table(tmp_path, files) if row.side == "declare"]
    assert row.owner == owner


def test_of_several_owners_the_one_with_the_port(tmp_path: Path) -> None:
    other = SPEAKER.replace("Speaker", "Other").replace("5556", "5557")
    files = {"tts.py": SPEAKER + other, "a.yaml": "tts: {script: tts.py, port: 5557, x_port: 5558}\n"}
    assert [row.owner for row in table(tmp_path, files) if row.side == "declare"] == ["Other", "tts"]


def test_conflicts(tmp_path: Path) -> None:
    compose = """\
        services:
          tts: {command: python tts.py, ports: ["5556:5556"]}
          other: {image: x, ports: ["5556:80", "53:53", "54:54/udp"]}
          third: {image: x, ports: ["53:53/udp", "55:54/udp"], expose: [54]}
        """
    plain = "a: {port: 5556}\n"
    found = ports.conflicts(table(tmp_path, {"tts.py": SPEAKER, "compose.yaml": compose, "a.yaml": plain}))
    assert [(one.port, [owner for owner, _ in one.owners]) for one in found] == [(5556, ["Speaker", "other"])]
    assert ports.conflicts(row for row in table(tmp_path, {}) if row.owner != "other") == []


MALFORMED = {
    "a list that does not end": ("a.yaml", b"a: [1, 2\n"),
    "a template": ("a.yaml", b"{% for x in y %}\nport: {{ x }}: 1\n{% endfor %}\n"),
    "an alias of nothing": ("a.yaml", b"a: *b\n"),
    "not UTF-8": ("a.yaml", b"a: 1\nport: \xff\xfe5556\n"),
    "a NUL": ("a.yaml", b"a: \0\n"),
    "too deep YAML": ("a.yaml", b"[" * 5000),
    "too deep JSON": ("a.json", b"[" * 5000),
    "too deep TOML": ("a.toml", b"a = " + b"[" * 5000 + b"]" * 5000),
    "half of JSON": ("a.json", b'{"port": 5556'),
    "no JSON": ("a.json", b"port = 5556"),
    "TOML without a value": ("a.toml", b"a = 1\nport = \n"),
    "too large": ("a.json", b'{"port": 5556, "x": "' + b" " * LARGEST + b'"}'),
    "aliases without end": (
        "a.yaml",
        b"a0: &a0 {port: 1}\n"
        + b"".join(b"a%d: &a%d [*a%d, *a%d, *a%d]\n" % (n, n, n - 1, n - 1, n - 1) for n in range(1, 40)),
    ),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_what_cannot_be_read_is_said(case: str) -> None:
    name, data = MALFORMED[case]
    found = read(name, data)
    assert found.declared == ()
    assert found.fault is not None
    assert found.fault.message


def test_where_it_cannot_be_read() -> None:
    fault = read("a.toml", b"a = 1\nport = \n").fault
    assert fault is not None
    assert (fault.kind, fault.line) == ("syntax", 2)


def test_ends_of_lines_and_encodings() -> None:
    for data in (b"a: 1\r\nport: 5556\r\n", "a: 1\nport: 5556\n".encode("utf-16"), b"\xef\xbb\xbfa: 1\nport: 5556\n"):
        (one,) = read("a.yaml", data).declared
        assert (one.line, one.column) == (2, 7)


def test_an_anchor_inside_of_itself() -> None:
    assert read("a.yaml", b"a: &a [*a]\n").fault is not None


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a/b.yml", "yaml"),
        ("compose.prod.yaml", "compose"),
        ("Dockerfile.agent", "dockerfile"),
        ("tts.Dockerfile", "dockerfile"),
        (".env.local", "env"),
        ("package-lock.json", None),
        ("package.json", None),
        ("poetry.lock", None),
        ("pyproject.toml", None),
        ("pnpm-lock.yaml", None),
        ("Dockerfile.md", None),
        ("dockerfile_tools.py", None),
        ("a.py", None),
    ],
)
def test_which_files_are_read(name: str, kind: str | None) -> None:
    assert format_of(name) == kind


def test_what_discovery_leaves_out(tmp_path: Path) -> None:
    files = {
        ".gitignore": "hidden/\n",
        "a.yaml": "port: 1\n",
        "hidden/b.yaml": "port: 2\n",
        "node_modules/c.json": '{"port": 3}\n',
        "left/d.yaml": "port: 4\n",
    }
    table(tmp_path, files)
    project = load([tmp_path], root=tmp_path, collectors=[PortCollector], cache=False, exclude=["left/"])
    assert list(project.declarations.records) == ["a.yaml"]
    named = load([tmp_path / "left/d.yaml"], root=tmp_path, collectors=[PortCollector], cache=False)
    assert list(named.declarations.records) == ["left/d.yaml"]


def test_the_index_answers_the_second_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from analysis.declared import reading

    (tmp_path / "a.yaml").write_text("port: 5556\n")
    (tmp_path / "b.yaml").write_text("port: [\n")

    def ask() -> tuple[list[Row], list[str]]:
        project = load([tmp_path], root=tmp_path, collectors=[PortCollector])
        return ports.table(project), list(project.declarations.faults)

    first = ask()
    monkeypatch.setattr(reading, "read", None)
    assert ask() == first
    assert first[1] == ["b.yaml"]
    monkeypatch.undo()
    (tmp_path / "a.yaml").write_text("port: 5557\n")
    assert [row.port for row in ask()[0]] == [5557]


def test_who_asks_for_no_ports_reads_no_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from analysis.declared import reading

    (tmp_path / "a.yaml").write_text("port: 5556\n")
    monkeypatch.setattr(reading, "read", None)
    project = load([tmp_path], root=tmp_path, collectors=[PortCollector], cache=False)
    assert ports.sockets(project) == []
