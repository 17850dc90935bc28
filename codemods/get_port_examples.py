"""The examples of ``codemods.get_port``: documentation and tests."""

from __future__ import annotations

from codemods.edits import Example, Reason

_IMPORT = "from runtime.ports import get_port\n"

EXAMPLES: tuple[Example, ...] = (
    Example(
        title="an address",
        before='class MemoryAgent:\n    def run(self):\n        self.sock.bind("tcp://*:5556")\n',
        after=f"{_IMPORT}\n\nclass MemoryAgent:\n    def run(self):\n"
        "        self.sock.bind(f\"tcp://*:{get_port('MEMORY_AGENT')}\")\n",
    ),
    Example(
        title="an address with a replacement field",
        before="def ask(sock, host):\n    sock.connect(f'tcp://{host}:5556')  # the translator\n",
        after=f"{_IMPORT}\n\ndef ask(sock, host):\n"
        "    sock.connect(f'tcp://{host}:{get_port(\"EXAMPLE_5556\")}')  # the translator\n",
    ),
    Example(
        title="both sides of a connection have one name",
        before="class Translator:\n    def run(self):\n        self.sock.bind('tcp://*:5563')\n\n\n"
        "def ask(sock):\n    sock.connect('tcp://localhost:5563')\n",
        after=f"{_IMPORT}\n\nclass Translator:\n    def run(self):\n"
        "        self.sock.bind(f'tcp://*:{get_port(\"TRANSLATOR\")}')\n\n\n"
        "def ask(sock):\n    sock.connect(f'tcp://localhost:{get_port(\"TRANSLATOR\")}')\n",
    ),
    Example(
        title="a constant, and braces that stand for themselves",
        before='WEB_PORT = 8080\nURL = "http://localhost:8080/{user}"\n',
        after=f'{_IMPORT}\nWEB_PORT = get_port("EXAMPLE_WEB")\n'
        "URL = f\"http://localhost:{get_port('EXAMPLE_WEB')}/{{user}}\"\n",
    ),
    Example(
        title="defaults: the environment, an option and a caller keep their say",
        before="import os\n\nASR_PORT = int(os.getenv('ASR_PORT', '5580'))\n\n\ndef listen(asr_port=5580):\n    pass\n",
        after=f"import os\n\n{_IMPORT}\nASR_PORT = int(os.getenv('ASR_PORT', f\"{{get_port('ASR')}}\"))\n\n\n"
        'def listen(asr_port=get_port("ASR")):\n    pass\n',
    ),
    Example(
        title="keywords, pairs and positions",
        before="run(app, api_port=8001)\nserver.bind(('', 8001))\n",
        after=f'{_IMPORT}\nrun(app, api_port=get_port("EXAMPLE_API"))\nserver.bind((\'\', get_port("EXAMPLE_API")))\n',
    ),
    Example(
        title="several of one text",
        before='BROKERS = "tcp://127.0.0.1:5601 tcp://127.0.0.1:5602"\n',
        after=f"{_IMPORT}\nBROKERS = f\"tcp://127.0.0.1:{{get_port('BROKERS')}} "
        "tcp://127.0.0.1:{get_port('BROKERS_5602')}\"\n",
    ),
    Example(
        title="two on one line",
        before="run(app, api_port=8001, web_port=8002)\n",
        after=f'{_IMPORT}\nrun(app, api_port=get_port("EXAMPLE_API"), web_port=get_port("EXAMPLE_WEB"))\n',
    ),
    Example(
        title="two owners of one port",
        before="class Listener:\n    def run(self):\n        self.sock.bind('tcp://*:5556')\n\n\n"
        "class Speaker:\n    def run(self):\n        self.sock.bind('tcp://*:5556')\n",
        declined=Reason.PORT_CONFLICT,
    ),
    Example(
        title="two owners of one port, renumbered",
        before="class Listener:\n    def run(self):\n        self.sock.bind('tcp://*:5556')\n\n\n"
        "class Speaker:\n    def run(self):\n        self.sock.bind('tcp://*:5556')\n",
        after=f"{_IMPORT}\n\nclass Listener:\n    def run(self):\n"
        "        self.sock.bind(f'tcp://*:{get_port(\"LISTENER\")}')\n\n\n"
        "class Speaker:\n    def run(self):\n        self.sock.bind(f'tcp://*:{get_port(\"SPEAKER\")}')\n",
        options={"renumber": True},
    ),
    Example(
        title="in a replacement field",
        before="import os\n\nprint(f\"{os.getenv('X_PORT', 5556)}\")\n",
        declined=Reason.INSIDE_FIELD,
    ),
    Example(
        title="digits that are written as escapes",
        before='sock.connect("tcp://localhost:\\x35556")\n',
        declined=Reason.NOT_FOUND,
    ),
)
