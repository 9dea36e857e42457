"""Files that are either whole or not there, whatever instruction we are killed at."""

import os
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Replace the file's content; a reader sees the old or the new text, never a part."""
    new = path.with_name(f".{path.name}.new")
    new.write_text(text)
    os.replace(new, path)
