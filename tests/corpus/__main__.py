"""Adds to the corpus; what is there is never touched.

python -m tests.corpus add                      the examples of the message models that are not kept yet
python -m tests.corpus add TYPE VARIANT BODY    one body, e.g. billing.profiles.patch.v1 nulls '{"vat":null}'
"""

import sys
from collections.abc import Sequence

from tests.corpus import entries


def main(arguments: Sequence[str]) -> int:
    """The command line; 1 when the entry is there already or can't be read, 2 when misused."""
    match arguments:
        case ["add"]:
            added = entries.add_examples()
        case ["add", message_type, variant, body]:
            try:
                added = [entries.add(message_type, variant, body)]
            except (FileExistsError, entries.UnreadableError) as refused:
                print(f"Not added: {refused}")
                return 1
        case _:
            print(__doc__)
            return 2
    for path in added:
        print(f"Added {path.relative_to(entries.FOLDER)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
