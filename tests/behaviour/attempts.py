"""The ``try`` statements of generated programs: every kind of handler, in every combination that the grammar has."""

from __future__ import annotations

from dataclasses import replace

from tests.behaviour.pick import chance, one_of, weighted
from tests.behaviour.program import COROUTINES, GENERATORS, Place, Writer, bindings, indent

BROAD = {
    "Exception": 14,
    "": 2,
    "BaseException": 1,
    "(ValueError, Exception)": 2,
    "builtins.Exception": 1,
    "(Exception, KeyboardInterrupt)": 1,
    "(Exception)": 1,
}
NARROW = {
    "ValueError": 4,
    "KeyError": 2,
    "(KeyError, TypeError)": 2,
    "OSError": 2,
    "LookupError": 1,
    "Custom": 3,
    "Control": 2,
    "KeyboardInterrupt": 3,
    "SystemExit": 2,
    "(KeyboardInterrupt, SystemExit)": 2,
    "asyncio.CancelledError": 2,
    "GeneratorExit": 1,
    "StopIteration": 1,
    "(ImportError, AttributeError)": 1,
    "chosen()": 1,
}
NAMES = {"e": 12, "": 5, "err": 3, "exc": 2, "_": 1, "attempt": 1, "logger": 1, "self_e": 1}
REMARKS = {
    "": 12,
    "  # noqa: BLE001": 2,
    "  # pragma: no cover": 1,
    "  # the caller asks again": 1,
    "  # größer: nothing to do": 1,
}


def attempt(writer: Writer, place: Place) -> list[str]:
    """One ``try`` statement."""
    pick, inner = writer.pick, place.deeper()
    star = chance(pick, 4)
    lines: list[str] = []
    if chance(pick, 12):
        lines.append(one_of(pick, ["e = 'before'", "attempt = 'taken'", "err = None", "# why this is tried"]))
    lines.append("try:" + weighted(pick, REMARKS))
    body = writer.suite(inner, 1)
    lines += close(writer, lines, body)
    known = (*place.names, *bindings(body))[-4:]
    after = replace(place, names=known)
    if chance(pick, 3):
        writer.shapes["try finally only"] += 1
        return [*lines, "finally:", *indent(writer.suite(inner))]
    types = handler_types(writer, star)
    bound = "e"
    for number, kind in enumerate(types):
        if chance(pick, 8):
            lines.append(f"# before handler {number}")
        bound = weighted(pick, NAMES) if kind else ""
        lines += handler(writer, after, kind, bound, star=star)
    if chance(pick, 22):
        writer.shapes["try else"] += 1
        lines.append("else:" + weighted(pick, REMARKS))
        lines += close(writer, lines, writer.suite(inner))
    if chance(pick, 20):
        writer.shapes["try finally"] += 1
        lines.append("finally:" + weighted(pick, REMARKS))
        lines += close(writer, lines, writer.suite(replace(inner, loop=False)))
    if bound and chance(pick, 12):
        lines.append(f"mark('after', {bound})")
    elif known and chance(pick, 20):
        lines.append(f"mark('after', {known[-1]})")
    return lines


def handler_types(writer: Writer, star: bool) -> list[str]:
    """The types of the handlers in their order; mostly one of them is broad. A bare one can only be the last."""
    pick = writer.pick
    before = [weighted(pick, NARROW)] if chance(pick, 25) else []
    before += [weighted(pick, NARROW)] if chance(pick, 6) else []
    after = [weighted(pick, NARROW)] if chance(pick, 7) else []
    broad = [weighted(pick, BROAD)] if not chance(pick, 8) else []
    types = before + broad + after
    if not types:
        types = ["ValueError"]
    if "" in types:
        types = [kind for kind in types if kind] + [""]
    if star:
        types = [kind or "Exception" for kind in types if kind != "chosen()"] or ["Exception"]
        writer.shapes["try star"] += 1
    writer.shapes["siblings"] += len(types) > 1
    return types


def handler(writer: Writer, place: Place, kind: str, bound: str, *, star: bool) -> list[str]:
    """One clause: its header and what it does."""
    pick = writer.pick
    keyword = "except*" if star else "except"
    header = f"{keyword} {kind}" if kind else keyword
    if bound:
        header += f" as {bound}"
    writer.shapes[f"handler {kind or 'bare'}"] += 1
    inner = replace(
        place.deeper(),
        star=place.star or star,
        loop=place.loop and not star,
        error=bound or None,
        names=(*place.names, *([bound] if bound else []))[-4:],
    )
    lines = [f"{header}:{weighted(pick, REMARKS)}"]
    body: list[str] = []
    for _ in range(1 + pick.below(3)):
        body += reaction(writer, inner)
    return lines + close(writer, lines, body)


def reaction(writer: Writer, place: Place) -> list[str]:
    """What handlers do: log, report, fall back, leave, go on, raise."""
    pick, site, e = writer.pick, writer.site(), place.error
    named = 1 if e else 0
    leave = place.function and not place.star
    options = {
        "log": 8, "log error": 7 * named, "exception": 4, "exc_info": 4, "format_exc": 3, "print_exc": 1, "sys": 2,
        "helper": 1, "mark": 4 * named, "pass": 4, "ellipsis": 1, "text": 3 * named, "note": 1 * named,
        "keep": 1 * named, "save": 1 * named, "rebind": 1 * named, "drop": 1 * named, "test": 2 * named,
        "return": 5 if leave else 0, "return error": 3 * named if leave and place.kind != "agen" else 0,
        "break": 2 if place.loop else 0, "continue": 2 if place.loop else 0,
        "yield": 2 if place.kind in GENERATORS else 0, "await": 3 if place.kind in COROUTINES else 0,
        "raise": 1, "raise error": named, "raise from": 2 * named, "raise new": 2, "raise none": 1,
        "statement": 6, "try": 4 if place.depth < 4 and writer.budget > 0 else 0, "exc_info name": 2 * named,
        "assert": 1, "closure": named if place.function else 0,
    }  # fmt: skip
    choice = weighted(pick, options)
    writer.shapes[f"reaction {choice}"] += 1
    match choice:
        case "log":
            return [f"logger.{one_of(pick, ['warning', 'error', 'info', 'debug'])}('failed {site}')"]
        case "log error":
            return [one_of(pick, [f"logger.warning('failed {site}: %s', {e})", f"logger.error(f'failed: {{{e}}}')"])]
        case "exception":
            return [f"logger.exception('failed {site}')"]
        case "exc_info":
            return [f"logger.{one_of(pick, ['warning', 'error'])}('failed {site}', exc_info=True)"]
        case "exc_info name":
            return [f"logger.error('failed {site}', exc_info={e})"]
        case "format_exc":
            return [one_of(pick, ["print(traceback.format_exc())", f"v{site}t = traceback.format_exc()"])]
        case "print_exc":
            return ["traceback.print_exc()"]
        case "sys":
            return [f"mark('info {site}', sys.exc_info()[{pick.below(2)}])"]
        case "helper":
            return [one_of(pick, ["active()", "report()"])]
        case "mark":
            return [f"mark('caught {site}', {e})"]
        case "pass" | "break" | "continue":
            return [choice]
        case "ellipsis":
            return ["..."]
        case "text":
            return [f"{writer.name()} = str({e})"]
        case "note":
            return [f"{e}.add_note('note {site}')"]
        case "keep":
            return [f"kept.append(lambda: mark('kept {site}', {e}))"]
        case "closure":
            return [f"def tell{site}():", f"    return repr({e})", f"mark('told', tell{site}())"]
        case "save":
            return [f"saved{site} = {e}"]
        case "rebind":
            return [f"{e} = {one_of(pick, ['None', 'str(' + str(e) + ')', f'boom({site})'])}"]
        case "drop":
            return [f"del {e}"]
        case "test":
            return [
                f"if isinstance({e}, ValueError):",
                f"    mark('value {site}')",
                *(["else:", "    raise"] if chance(pick, 15) else []),
            ]
        case "return":
            value = "" if place.kind == "agen" else " " + one_of(pick, ["None", f"boom({site})", "'fallback'", "False"])
            return [f"return{value}"]
        case "return error":
            return [f"return {one_of(pick, [str(e), f'str({e})', f'(False, {e})'])}"]
        case "yield":
            return [f"yield {one_of(pick, [str(site), f'repr({e})' if e else '0'])}"]
        case "await":
            return [f"await pause({site})"]
        case "raise":
            return ["raise"]
        case "raise error":
            return [f"raise {e}"]
        case "raise from":
            return [f"raise Custom('from {site}') from {e}"]
        case "raise new":
            return [f"raise {one_of(pick, ['Custom', 'KeyError', 'Control'])}('new {site}')"]
        case "raise none":
            return [f"raise Custom('none {site}') from None"]
        case "assert":
            return [f"assert not boom({site}), 'in handler'"]
        case "try":
            return attempt(writer, place)
    return writer.statement(replace(place, depth=place.depth + 1))


def close(writer: Writer, lines: list[str], suite: list[str]) -> list[str]:
    """The suite below its header; now and then on the header's own line, which is then changed."""
    single = len(suite) == 1 and "#" not in lines[-1] and not _compound(suite[0])
    if single and chance(writer.pick, 15):
        writer.shapes["one line"] += 1
        lines[-1] += f" {suite[0]}"
        return []
    return indent(suite)


def _compound(line: str) -> bool:
    return line.endswith(":") or line.startswith("#")
