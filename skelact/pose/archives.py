"""The one file that is wanted out of a downloaded zip archive."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO

from skelact.errors import OutputError, WeightsError
from skelact.formats.writing import atomic_write

MAX_BYTES = 2 << 30  # of a member: the largest known is 0.4 GB
CHUNK = 1 << 20  # bytes


def unpacked(archive: Path, member: str, sha256: str | None = None) -> Path:
    """A file of an archive, unpacked beside it under the archive's name, once.

    Only that one is read, whatever folder of the archive it is in, and the archive has no say in where it goes.

    Args:
        archive: a zip file, checked already.
        member: the file's name, without folders; its ending becomes that of the unpacked file.
        sha256: the file's digest, where it is known.

    Raises:
        WeightsError: the archive is damaged, does not hold just one such file, or another than the wanted one, or
            there is no room for it.
    """
    target = archive.with_suffix(PurePosixPath(member).suffix)
    try:
        with zipfile.ZipFile(archive) as files:
            found = [info for info in files.infolist() if PurePosixPath(info.filename).name == member]
            if len(found) != 1:
                raise WeightsError(f"{archive} holds {len(found)} files {member} rather than one: {_anew(archive)}")
            if found[0].file_size > MAX_BYTES:
                size = f"{found[0].file_size / 1e9:.1f} GB"
                raise WeightsError(f"{member} in {archive} is of {size}, too large for weights: {_anew(archive)}")
            # It came here whole, by renaming, after zipfile had compared its checksum.
            if not (target.is_file() and target.stat().st_size == found[0].file_size):
                with files.open(found[0]) as source:
                    _copy(source, target, sha256)
    except OutputError as error:
        raise WeightsError(f"{archive.name} cannot be unpacked: {error}; SKELACT_HOME moves the cache") from None
    # Encrypted members are RuntimeErrors, unknown compressions NotImplementedErrors.
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError) as error:
        raise WeightsError(f"{archive} cannot be unpacked ({error}): {_anew(archive)}") from None
    return target


def _copy(source: IO[bytes], target: Path, sha256: str | None) -> None:
    with atomic_write(target, overwrite=True) as draft:
        hasher = hashlib.sha256()
        while chunk := source.read(CHUNK):
            draft.write(chunk)
            hasher.update(chunk)
        digest = hasher.hexdigest()
        if sha256 not in (None, digest):
            raise WeightsError(f"what {target.name} was to be has SHA-256 {digest} rather than {sha256}: do not use it")


def _anew(archive: Path) -> str:
    return f"delete {archive} and run the same command again"
