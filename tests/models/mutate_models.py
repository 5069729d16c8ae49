"""Change bytes of model files and read each in a process of its own; print what went wrong, as JSON; run as a script.

Arguments: a folder to write into, how many changes, the first seed, and the files.
"""

import io
import json
import os
import random
import resource
import sys
import time
import traceback
import zipfile
from pathlib import Path

MEMORY = 2_000_000_000
SECONDS = 60


def main(folder, changes, seed, *files):
    from retrain_core.models.rebuild import rebuild  # loaded once, before the first fork

    assert rebuild
    folder, wrong, slowest, largest, read = Path(folder), [], 0.0, 0, 0
    for number in range(int(seed), int(seed) + int(changes)):
        file = Path(files[number % len(files)])
        random_ = random.Random(number)
        changed = folder / f"changed{file.suffix}"
        changed.write_bytes(mutated(file.read_bytes(), random_))
        begin = time.monotonic()
        pid = os.fork()
        if pid == 0:
            os._exit(one(changed, folder / "out", folder / "error.txt"))
        code, usage = ended(pid, begin)
        slowest, largest = max(slowest, time.monotonic() - begin), max(largest, usage)
        read += code == 0
        if code not in (0, 1):
            text = (folder / "error.txt").read_text() if code == 2 else f"signal or time ({code})"
            wrong.append([file.name, number, text[-1500:]])
    print(json.dumps({"wrong": wrong, "slowest": slowest, "largest_kb": largest, "read": read}))


def ended(pid, begin):
    while True:
        done, status, usage = os.wait4(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status), usage.ru_maxrss
        if time.monotonic() - begin > SECONDS:
            os.kill(pid, 9)
        time.sleep(0.002)


def one(path, out, error):
    """Return 0 if the file was read, 1 if it was refused with an error of ours, 2 for any other."""
    from retrain_core.errors import RetrainError
    from retrain_core.models.card import open_checked, read_card
    from retrain_core.models.rebuild import rebuild

    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    out.mkdir(exist_ok=True)
    try:
        with open_checked(path) as checked:
            copy = rebuild(checked, out)
        if read_card(copy).layers != checked.card.layers:
            raise AssertionError("The copy is another model")
        return 0
    except RetrainError as known:
        assert known.what and known.why and known.next_step
        return 1
    except BaseException:
        error.write_text(traceback.format_exc())
        return 2


def mutated(data, random_):
    """Change the file, or a member of it with its checksum set right, so that the change is not found at once."""
    if data[:2] != b"PK" or random_.random() < 0.2:
        return scrambled(data, random_)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    chosen = random_.choice([*members, "model.weights.h5", "config.json"])
    members[chosen] = scrambled(members[chosen], random_)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", random_.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def scrambled(data, random_):
    data = bytearray(data)
    for _ in range(random_.choice([1, 1, 1, 2, 4, 16])):
        place = random_.randrange(max(1, len(data)))
        length = random_.choice([1, 1, 2, 4, 8, 64, 512])
        kind = random_.randrange(6)
        if kind == 0 and data:
            data[place] ^= 1 << random_.randrange(8)
        elif kind == 1:
            data[place : place + length] = random_.choice([b"\0", b"\xff", b"\x7f", b"9", b"["]) * length
        elif kind == 2:
            data[place : place + length] = random_.randbytes(length)
        elif kind == 3:
            del data[place : place + length]
        elif kind == 4:
            data[place:place] = data[random_.randrange(max(1, len(data))) :][:length]
        else:
            del data[max(1, place) :]
    return bytes(data)


if __name__ == "__main__":
    main(*sys.argv[1:])
