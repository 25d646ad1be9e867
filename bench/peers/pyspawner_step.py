"""
The host of pyspawner.ts: for each line on stdin, one child that sums a column; its times on stdout.

Arguments: the table as an Arrow IPC file, and its column as doubles, which is taken where there is no pyarrow.
"""

import importlib.util
import json
import os
import sys
import time

import pyspawner

COLUMN = "value"


def answer(reached, total):
    # As JavaScript writes a whole number.
    sys.stdout.write(json.dumps([str(reached), "%d" % total]))


def sum_of_table():
    """What a child does; the table is on stdin."""
    reached = time.monotonic_ns()
    import pyarrow

    # Without threads, which are started by a system call that pyspawner's filter forbids.
    options = pyarrow.ipc.IpcReadOptions(use_threads=False)
    reader = pyarrow.ipc.open_file(sys.stdin.buffer.read(), options=options)
    table = reader.read_all().to_pandas(use_threads=False)
    answer(reached, table[COLUMN].sum())


def sum_of_values():
    """The same without pyarrow; the doubles are on stdin."""
    reached = time.monotonic_ns()
    import numpy
    import pandas

    answer(reached, pandas.Series(numpy.frombuffer(sys.stdin.buffer.read())).sum())


def main():
    has_arrow = importlib.util.find_spec("pyarrow") is not None
    with open(sys.argv[1 if has_arrow else 2], "rb") as file:
        data = file.read()
    step = "sum_of_table" if has_arrow else "sum_of_values"
    modules = ["pyarrow", "pyarrow.ipc"] if has_arrow else ["numpy"]
    client = pyspawner.Client(
        child_main="pyspawner_step." + step,
        environment={**os.environ, "LC_ALL": "C.UTF-8"},
        preload_imports=["pandas", *modules, "pyspawner_step"],
    )
    with client:
        for _ in sys.stdin:
            start = time.monotonic_ns()
            child = client.spawn_child(sandbox_config=pyspawner.SandboxConfig())
            child.stdin.write(data)
            child.stdin.close()
            found = child.stdout.read()
            _, status = child.wait(0)
            end = time.monotonic_ns()
            if status != 0:
                errors = child.stderr.read().decode()
                sys.exit("the child ended with status %d: %s" % (status, errors))
            print(json.dumps([str(start), str(end), *json.loads(found)]), flush=True)


if __name__ == "__main__":
    main()
