"""Apache Kafka's jars: fetched once by `jgo`, checked against `kafka.lock`, kept in a folder of their own.

python -m sandbox.local.kafka_jars FOLDER      fetch what is locked into FOLDER
python -m sandbox.local.kafka_jars --lock      resolve anew and write kafka.lock
"""

import fcntl
import hashlib
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from .service import CannotStart, Say

WANTED = ("org.apache.kafka:kafka_2.13:4.3.1", "org.slf4j:slf4j-simple:1.7.36")
LOCK = Path(__file__).with_name("kafka.lock")
AT_ONCE = 8
TRIES = 3


class Jar(NamedTuple):
    """One locked file."""

    sha256: str
    group: str
    artifact: str
    version: str

    @property
    def file(self) -> str:
        """Its name on disk."""
        return f"{self.artifact}-{self.version}.jar"


def locked(lock: Path = LOCK) -> tuple[Jar, ...]:
    """The jars of the lock file, in its order."""
    lines = [line.split() for line in lock.read_text().splitlines() if line and not line.startswith("#")]
    return tuple(Jar(digest, *coordinate.split(":")) for digest, coordinate in lines)


def place(folder: Path, lock: Path = LOCK) -> Path:
    """Where the jars of this lock belong under the cache folder: another lock, another place."""
    return folder / hashlib.sha256(lock.read_bytes()).hexdigest()[:16]


def is_complete(folder: Path, lock: Path = LOCK) -> bool:
    """Whether everything that is locked is there; it was checked before it was put there."""
    return all((place(folder, lock) / jar.file).is_file() for jar in locked(lock))


def install(folder: Path, tell: Say, lock: Path = LOCK) -> None:
    """Fetch, check and put in place. Two stacks may do this at once: one fetches, the other finds it done.

    Raises CannotStart when a jar cannot be fetched or is not the one that was locked.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        if is_complete(folder, lock):
            return
        tell("fetching Apache Kafka (46 MB, the first time only)")
        new = folder / "new"
        shutil.rmtree(new, ignore_errors=True)
        (new / "jars").mkdir(parents=True)
        _fetch_all(locked(lock), new, tell)
        shutil.rmtree(place(folder, lock), ignore_errors=True)
        (new / "jars").rename(place(folder, lock))
        shutil.rmtree(new)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fetch_all(jars: tuple[Jar, ...], new: Path, tell: Say) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        fetched = [pool.submit(_fetch, jar, new) for jar in jars]
        try:
            for count, done in enumerate(as_completed(fetched), 1):
                done.result()
                if count % 15 == 0 or count == len(jars):
                    tell(f"{count} of {len(jars)} files fetched and checked")
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _fetch(jar: Jar, new: Path) -> None:
    for attempt in range(1, TRIES + 1):
        try:
            found = _download(jar, new / f"try-{attempt}")
        except Exception as error:  # jgo raises what its HTTP client and the disk raise
            if attempt == TRIES:
                raise CannotStart(
                    f"Apache Kafka could not be fetched: {jar.file} failed ({type(error).__name__}). The first "
                    "start needs access to Maven Central; try again when the network is there."
                ) from error
        else:
            check(jar, found)
            found.rename(new / "jars" / jar.file)
            return


def _download(jar: Jar, cache: Path) -> Path:
    from jgo.config import GlobalSettings
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.maven import MavenContext

    remotes = {"central": MAVEN_CENTRAL_URL, **GlobalSettings.load().repositories}
    context = MavenContext(repo_cache=cache, remote_repos=remotes, timeout=60)
    found: Path = context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
    return found


def check(jar: Jar, found: Path) -> None:
    """Raises CannotStart when the file is not the one that was locked."""
    digest = hashlib.sha256(found.read_bytes()).hexdigest()
    if digest != jar.sha256:
        raise CannotStart(
            f"{jar.file} is not the file this project trusts: its sha256 is {digest[:16]}... and "
            f"{LOCK.name} says {jar.sha256[:16]}.... It was not installed. Try again; if it stays so, the "
            "repository it comes from serves something else, and must not be used."
        )


def write_lock(lock: Path = LOCK) -> int:
    """Resolve the wanted coordinates anew and pin what comes; returns the number of jars."""
    import jgo

    jars = [
        f"{hashlib.sha256(found.resolve().read_bytes()).hexdigest()} "
        f"{found.groupId}:{found.artifactId}:{found.version}"
        for found in jgo.resolve("+".join(WANTED))
    ]
    jars.sort(key=lambda line: line.split()[1])
    lock.write_text(
        "\n".join([f"# sha256 group:artifact:version, resolved from {' + '.join(WANTED)}", *jars, ""])
    )
    return len(jars)


def main() -> None:
    """The command line of this module's first lines."""
    try:
        if sys.argv[1:] == ["--lock"]:
            print(f"{write_lock()} jars locked")
        else:
            install(Path(sys.argv[1]), lambda line: print(line, flush=True))
    except CannotStart as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
