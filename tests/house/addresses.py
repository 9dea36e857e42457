"""What is committed names no machine of ours and no package registry: it builds wherever it is cloned."""

import re
from collections.abc import Iterator

_HOSTS = (
    "pypi" + ".org",
    "python" + "hosted.org",
    "registry." + "npmjs",
    "proxy." + "golang.org",
    "repo1." + "maven.org",
    "repo.maven." + "apache.org",
)
_FOLDERS = ("work", "tmp", "home", "root", "Users", "mnt")
_HOST = re.compile("|".join(map(re.escape, _HOSTS)), re.IGNORECASE)
_PATH = re.compile(rf"(?<![\w.$}}\])*-])/(?:{'|'.join(_FOLDERS)})/\w")


def violations(path: str, text: str) -> Iterator[str]:
    """Lines with the address of a registry or a path of one machine."""
    for number, line in enumerate(text.splitlines(), 1):
        if found := _HOST.search(line):
            yield f"{path}:{number}: names the registry `{found[0]}`: settings of the machine say where it is."
        if found := _PATH.search(line):
            yield f"{path}:{number}: names the path `{found[0]}...` of one machine: nobody else has it."
