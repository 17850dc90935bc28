"""Numbers with their nouns, for the messages of every tool."""


def plural(number: int, one: str, many: str = "") -> str:
    """``number`` with its noun: ``many`` is ``one`` with an s unless given."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
