"""`expand[]`: which properties of an answer may be expanded, checked before the endpoint runs."""

from collections.abc import Collection

from sandbox.stripe.errors import cannot_expand


def checked(
    paths: list[str], expandable: Collection[str], *, prefix: str = "", plain: Collection[str] = ()
) -> set[str]:
    """The properties to include in each object.

    On lists every path starts with `data.` (`prefix`="data"); `plain` are properties of the list itself.
    Raises ApiError (400) on anything else, naming the first step as Stripe does.
    """
    wanted = set()
    for path in paths:
        head, _, rest = path.partition(".")
        if path == prefix:
            continue
        if path in plain:
            wanted.add(path)
            continue
        if prefix and head != prefix:
            raise cannot_expand(head, hint=prefix)
        name = rest.partition(".")[0] if prefix else head
        if name not in expandable:
            raise cannot_expand(f"{prefix}.{name}" if prefix else name)
        wanted.add(name)
    return wanted
