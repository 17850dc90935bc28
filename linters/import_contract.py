"""E922 broken contract: an import that the settings of the tree forbid."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from analysis.facts import Span
from analysis.walk import Collector
from config.contracts import ContractError
from config.settings import Settings
from linters.rule import Example, Finding, TreeRule

if TYPE_CHECKING:
    from analysis.collectors.imports import Import
    from analysis.contracts import Breach
    from analysis.project import Project

_SHOP = {
    "shop/__init__.py": "",
    "shop/web.py": "from shop import orders\n",
    "shop/orders.py": "import shop.store\n",
}


class ImportContract(TreeRule):
    """An import that a contract of the tree forbids.

    ## What it flags
    An import that breaks one of the contracts in the settings: of a layer above, of a part that is to be independent,
    or of what a part may not import. Where a file gets there by way of others that are in no part of the contract, its
    first import on a shortest such way is flagged, and the message tells each step.

    ## Why it matters
    A circle that was cut grows again, and a part that was to be sold, tested or moved alone gets one more import. Who
    adds it does not see it, as the import works. A contract is checked with every change, so a tree that is clean
    stays clean.

    ## Example
    ```python
    # shop/store.py, where the settings have layers = ["shop.web", "shop.orders", "shop.store"]
    from shop.orders import Order
    ```

    ## Better
    What both need goes into the lower layer, or the upper one hands it down: as an argument, a callback or an event.

    ## When it is left alone
    - The settings have no contract. Where they have one it runs without being selected.
    - flake8 reports it where its own code or `E92` is selected there: `E9` is what flake8 calls the whole plugin.
    - Imports for type checkers only, unless the contract has `typing = true`; those in functions, where it has
      `deferred = false`; ways round by other files, where it has `indirect = false`.
    - What `ignore` of the contract names. An entry that no import needs any longer is an error in the settings.
    - Only a part of the tree is named and nothing says where the tree begins. The summary then says so.
    - Files that do not parse are part of the ways that their lines still show, and are not flagged themselves.
    - Imports by a call whose argument is no literal, and in files that are generated. Missed alarm.

    ## Options
    None. The contracts stand in `[tool.unsnarl.contracts]`, each as a table of its own.

    ## References
    - <https://import-linter.readthedocs.io/en/stable/contract_types/>
    - <https://docs.gauge.sh/usage/layers>
    """

    code: ClassVar[str] = "E922"
    name: ClassVar[str] = "broken-contract"
    message: ClassVar[str] = "import that a contract of the tree forbids"
    since: ClassVar[str] = "0.1"
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "a layer that imports one above it",
            options={"contracts": {"shop": {"layers": ["shop.web", "shop.orders", "shop.store"]}}},
            files={**_SHOP, "shop/store.py": "from shop import orders  # <E922>\n"},
        ),
        Example(
            "layers that import downwards, past one, and for type checkers",
            options={"contracts": {"shop": {"layers": ["shop.web", "shop.orders", "shop.store"]}}},
            files={
                **_SHOP,
                "shop/web.py": "from shop import orders, store\n",
                "shop/store.py": "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from shop import orders\n",
            },
        ),
        Example(
            "by way of a file that is in no part",
            options={"contracts": {"shop": {"sources": ["shop.store"], "targets": ["shop.web"]}}},
            files={
                "shop/store.py": "import shop.util  # <E922>\n",
                "shop/util.py": "def page():\n    from shop import web\n\n    return web.page()\n",
                "shop/web.py": "def page():\n    pass\n",
            },
        ),
        Example(
            "plugins that are independent of each other",
            options={"contracts": {"plugins": {"independent": ["plugins.*"]}}},
            files={
                "plugins/__init__.py": "from plugins import mail, sms\n",
                "plugins/mail.py": "from plugins import sms  # <E922>\n",
                "plugins/sms.py": "",
            },
        ),
        Example(
            "a package from outside of the tree",
            options={"contracts": {"pure": {"sources": ["core"], "packages": ["requests"]}}},
            files={
                "core/price.py": "import requests.sessions  # <E922>\n",
                "web.py": "import requests\nimport core.price\n",
            },
        ),
    )

    @classmethod
    def applies(cls, settings: Settings) -> bool:
        """Whether there is a contract."""
        return bool(settings.contracts)

    def collectors(self) -> tuple[type[Collector], ...]:
        """What the graph of imports is made from."""
        # Not at the top: what this rule needs would be loaded where it is not selected, too.
        from analysis.imports import COLLECTORS

        return COLLECTORS

    def survey(self, project: Project) -> Iterator[Finding]:
        """Yield each import that breaks a contract. Raises SettingsError for a contract that the tree does not fit."""
        from analysis.collectors.imports import Imports
        from analysis.contracts import breaches
        from analysis.imports import graph_of

        graph = graph_of(project, keep=True)
        for name, contract in self.settings.contracts.items():
            try:
                found = breaches(graph, contract)
            except ContractError as error:
                raise self.settings.error(("contracts", name, error.key), error.problem) from None
            for breach in found:
                first = breach.chain[0]
                records = project.files[first.importer].records(Imports)
                record = next((one for one in records if one.span.line == first.line), None)
                yield _finding(name, breach, record)


def _finding(contract: str, breach: Breach, record: Import | None) -> Finding:
    first, last = breach.chain[0], breach.chain[-1]
    message = f"imports {last.imported}, which contract `{contract}` forbids: {breach.why}"
    if len(breach.chain) > 1:
        steps = ", ".join(f"{one.importer}:{one.line} imports {one.imported}" for one in breach.chain)
        message = f"leads to {last.imported}, which contract `{contract}` forbids: {breach.why} ({steps})"
    return Finding(
        code=ImportContract.code,
        message=message,
        path=first.importer,
        # A module that is loaded by a call has no statement of its own.
        span=record.span if record is not None else Span(first.line, 0, first.line, 0),
        column=record.column if record is not None else 1,
        scope=record.scope if record is not None else "<module>",
        source=f"{contract}: imports {last.imported}",
    )
